"""Locks as values: frozen where each datacenter is, merged, kept a file a segment, kept where nobody answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
import yaml
from consul_wan import WanPair
from faulty_proxy import FaultyProxy
from project import Project, Run, consul_config

BROKEN = (500, "No path to datacenter")


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


@pytest.fixture
def wan(consul_wan: WanPair) -> WanPair:
    """A service in both datacenters, and one in each alone."""
    consul_wan.reset()
    for number, agent in enumerate(consul_wan.agents, 1):
        agent.catalog_register("n1", "payments-v1", address=f"10.{number}.0.1", port=8080)
        agent.catalog_register("n1", f"only-dc{number}", address=f"10.{number}.0.1", port=9000)
    return consul_wan


@pytest.fixture
def both(project: Project, wan: WanPair) -> Project:
    """A project that reads both datacenters; nothing is frozen yet."""
    return project.configure(consul_config(wan.primary.address, source={"datacenters": ["*"]}))


def urls(project: Project) -> list[str]:
    services = yaml.safe_load(project.read("services.yaml"))["services"]
    return [one["url"] for one in services["payments"]["v1"]["endpoints"]]


def freeze_each(project: Project) -> None:
    (project.folder / "locks").mkdir()
    for name in ("dc1", "dc2"):
        project.done("freeze", "--source", "mesh", "--datacenter", name, "--out", f"locks/{name}.lock")


def test_a_plan_of_merged_locks_is_what_compile_then_publishes(both: Project) -> None:
    freeze_each(both)
    said = both.refused(1, "plan", "--lock", "locks/*").stdout
    assert "payments v1" in said
    both.run("plan", "--lock", "locks/*", "--out", "plan.json")
    both.done("compile", "--plan", "plan.json")
    assert urls(both) == ["http://10.1.0.1:8080/v1", "http://10.2.0.1:8080/v1"]
    both.refused(0, "plan", "--lock", "locks/*")
    (both.folder / "locks" / "dc2.lock").unlink()
    assert "in none of the given locks" in both.refused(3, "plan", "--lock", "locks/*").stderr
    for other in (["--offline"], ["--wait", "1s"]):
        assert "exclude each other" in both.refused(2, "plan", "--lock", "locks/*", *other).stderr


def test_merged_locks_give_the_bytes_of_a_direct_compile(both: Project) -> None:
    both.done("compile")
    direct = both.contents()
    for name in direct:
        if name != "frostline.yaml":
            (both.folder / name).unlink()
    freeze_each(both)
    assert "frostline.lock" not in both.contents()
    both.done("compile", "--lock", "locks/*")
    assert {name: content for name, content in both.contents().items() if not name.startswith("locks")} == direct
    assert urls(both) == ["http://10.1.0.1:8080/v1", "http://10.2.0.1:8080/v1"]
    both.done("compile", "--lock", str(both.folder / "locks" / "dc?.lock"))
    both.done("compile", "--lock", "locks/dc1.lock", "--lock", "locks/dc2.lock")


def test_a_committed_lock_that_is_broken_is_said_and_written_anew_by_a_merge(both: Project) -> None:
    both.done("compile")
    whole = both.read("frostline.lock")
    freeze_each(both)
    (both.folder / "frostline.lock").write_bytes(whole + b"\n")
    said = both.done("compile", "--lock", "locks/*").stderr
    assert said.startswith("warning: frostline.lock:")
    assert "; it is written anew" in said
    assert both.read("frostline.lock") == whole
    (both.folder / "frostline.lock").write_bytes(whole + b"\n")
    said = both.refused(3, "compile", "--lock", "locks/dc1.lock").stderr
    assert "datacenter `dc2`, namespace `default` is in the committed lock, but in none of the given locks" in said


def test_a_lock_is_merged_whatever_its_name(both: Project) -> None:
    freeze_each(both)
    (both.folder / "locks" / "dc2.lock").rename(both.folder / "locks" / "dc2.confirmed")
    both.done("compile", "--lock", "locks/*")
    assert len(urls(both)) == 2


def test_a_segment_in_two_of_the_locks_is_refused(both: Project) -> None:
    freeze_each(both)
    both.done("freeze", "--datacenter", "dc2", "--out", "locks/again.lock")
    said = both.refused(2, "compile", "--lock", "locks/*").stderr
    assert "source `mesh`, datacenter `dc2`, namespace `default` is in two locks" in said
    assert "`locks/again.lock` and `locks/dc2.lock`" in said


def test_a_segment_that_the_committed_lock_had_is_missed(both: Project) -> None:
    both.done("compile")
    freeze_each(both)
    said = both.refused(3, "compile", "--lock", "locks/dc1.lock").stderr
    assert "datacenter `dc2`, namespace `default` is in the committed lock, but in none of the given locks" in said
    assert "help: freeze it as well; if it is gone for good, leave it out" in said
    config = json.loads(both.read("frostline.yaml"))
    config["sources"]["mesh"]["datacenters"] = ["*", "!dc2"]
    both.configure(config).done("freeze", "--datacenter", "dc1", "--out", "locks/dc1.lock")
    both.done("compile", "--lock", "locks/dc1.lock")
    assert urls(both) == ["http://10.1.0.1:8080/v1"]


def test_merged_locks_are_guarded_as_what_was_frozen_here(both: Project) -> None:
    both.done("compile")
    freeze_each(both)
    shrunk = both.folder / "locks" / "dc2.lock"
    lines = [line for line in shrunk.read_text().splitlines() if '"node":' not in line]
    lines = [re.sub('"instances":[0-9]+', '"instances":0', line) for line in lines]
    shrunk.write_text("".join(f"{line}\n" for line in lines))
    before = both.contents()
    said = both.refused(4, "compile", "--lock", "locks/*").stderr
    assert "error[guard-segment]" in said
    assert "`--allow empty=mesh/dc2`" in said
    assert both.contents() == before
    both.done("compile", "--lock", "locks/*", "--allow", "empty,deletes,updates")


def test_a_source_that_the_committed_lock_had_is_missed_as_its_segments_are(both: Project, wan: WanPair) -> None:
    config = consul_config(wan.primary.address, precedence=[["mesh", "near"]])
    config["sources"]["near"] = {**config["sources"]["mesh"], "address": wan.secondary.address}
    both.configure(config).done("compile")
    both.done("freeze", "--source", "mesh", "--out", "mesh.lock")
    assert "source `near`, datacenter `dc2`" in both.refused(3, "compile", "--lock", "mesh.lock").stderr


def test_a_lock_of_other_settings_is_refused(both: Project, wan: WanPair) -> None:
    freeze_each(both)
    other = {"datacenters": ["*"], "select": {"services": ["pay*"]}}
    both.configure(consul_config(wan.primary.address, source=other))
    both.done("freeze", "--datacenter", "dc1", "--out", "locks/dc1.lock")
    for lock in ("locks/*", "locks/dc2.lock"):
        said = both.refused(2, "compile", "--lock", lock).stderr
        assert said.startswith("locks/dc2.lock:1:1: error: ")
        assert "the settings of source `mesh` have changed since the lock was written" in said
        command = said.split("`")[-2]
        assert command == "frostline freeze --source mesh --datacenter dc2 --out locks/dc2.lock"
    both.done(*command.split()[1:])
    assert both.run("compile", "--lock", "locks/*").returncode == 0


@pytest.mark.parametrize("pattern", ["locks/*", ".", "", "**b", "x" * 300])
def test_a_pattern_that_no_lock_fits_is_refused(both: Project, pattern: str) -> None:
    said = both.refused(2, "compile", "--lock", pattern).stderr
    assert f"no file matches --lock `{pattern}`" in said
    assert "freeze with `--out FILE` first" in said


def test_a_pattern_whose_search_would_not_end_is_refused(both: Project) -> None:
    said = both.refused(2, "compile", "--lock", "**/" * 12 + "*").stderr
    assert "`: it has 12 `**`, at most 3 are searched" in said
    assert "help: name the folders, or give --lock several times" in said


def test_freezing_one_datacenter_leaves_the_other_in_the_lock(both: Project, wan: WanPair) -> None:
    both.done("compile")
    for agent in wan.agents:
        agent.catalog_register("n2", "payments-v1", address="10.9.0.1", port=8080)
    before = both.read("frostline.lock").splitlines()
    said = both.done("freeze", "--datacenter", "dc1").stderr
    assert said == "Froze 5 instances to frostline.lock.\n"
    new = [line for line in both.read("frostline.lock").splitlines() if line not in before]
    assert len([line for line in new if b"10.9.0.1" in line]) == 1
    assert "services.yaml is out of date with the lock" in both.refused(1, "check").stdout
    both.done("compile", "--offline")
    both.done("check")


def test_freezing_what_is_frozen_changes_nothing(both: Project) -> None:
    both.done("freeze")
    before = both.tree()
    assert both.done("freeze").stderr == "Up to date: 4 instances in frostline.lock.\n"
    assert both.tree() == before


def test_a_datacenter_that_the_source_does_not_read_is_refused(project: Project, wan: WanPair) -> None:
    project.configure(consul_config(wan.primary.address, source={"datacenters": ["dc1"]}))
    said = project.refused(2, "freeze", "--datacenter", "dc2").stderr
    assert "the source `mesh` does not read the datacenter `dc2`: `datacenters` is `dc1`" in said


def test_an_unknown_source_is_refused_with_the_nearest(both: Project) -> None:
    said = both.refused(2, "freeze", "--source", "mash").stderr
    assert "there is no live source `mash`" in said
    assert "did you mean `mesh`?" in said


# --- a lock folder ----------------------------------------------------------------------------------------------------


def test_a_lock_folder_holds_a_file_a_segment(project: Project, wan: WanPair) -> None:
    def configure(*datacenters: str) -> None:
        source = {"datacenters": list(datacenters)}
        project.configure(consul_config(wan.primary.address, source=source, lock="locks/"))

    configure("dc1", "dc2")
    project.done("compile")
    files = {"locks/mesh.dc1.default.lock", "locks/mesh.dc2.default.lock"}
    assert {name for name in project.contents() if name.startswith("locks/")} == files
    before = project.tree()
    project.done("compile", "--offline")
    project.done("check")
    assert project.tree() == before
    wan.secondary.catalog_register("n2", "payments-v1", address="10.9.0.1", port=8080)
    project.done("compile")
    assert project.tree()["locks/mesh.dc1.default.lock"] == before["locks/mesh.dc1.default.lock"]
    configure("dc1")
    project.done("compile", "--allow", "empty,deletes")
    assert {name for name in project.contents() if name.startswith("locks/")} == {"locks/mesh.dc1.default.lock"}
    project.done("check")


# --- partial ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def partial(project: Project, wan: WanPair, proxied: Callable[..., FaultyProxy]) -> tuple[Project, FaultyProxy]:
    proxy = proxied(wan.primary)
    source = {"datacenters": ["dc1", "dc2"], "partial": True}
    return project.configure(consul_config(proxy.address, source=source)), proxy


def test_a_datacenter_that_does_not_answer_keeps_what_the_lock_had(
    partial: tuple[Project, FaultyProxy], wan: WanPair
) -> None:
    project, proxy = partial
    project.done("compile")
    proxy.fault = lambda path, token: BROKEN if "dc=dc2" in path else None
    wan.primary.catalog_register("n2", "payments-v1", address="10.1.0.2", port=8080)
    said = project.done("compile").stderr
    assert "warning: source mesh: GET /v1/status/leader?dc=dc2 at http://127.0.0.1:" in said
    assert "`dc2` keeps what the lock has (`partial`)" in said
    assert urls(project) == ["http://10.1.0.1:8080/v1", "http://10.1.0.2:8080/v1", "http://10.2.0.1:8080/v1"]
    shown = project.refused(0, "sources")
    assert "mesh    consul  not reached, kept as locked  dc2: 2 services, 2 instances\n" in shown.stdout
    assert "`dc2` keeps what the lock has" in project.refused(0, "explain", "payments").stderr
    assert project.refused(0, "compile", "-q").stderr == ""


def test_a_datacenter_that_was_never_frozen_cannot_be_kept(partial: tuple[Project, FaultyProxy]) -> None:
    project, proxy = partial
    proxy.fault = lambda path, token: BROKEN if "dc=dc2" in path else None
    said = project.refused(3, "compile").stderr
    assert "source mesh: datacenter `dc2` cannot be reached, and the lock holds nothing of it" in said
    assert "help: run `frostline freeze` once while it can be reached" in said


def test_nothing_is_kept_from_a_lock_that_is_broken(partial: tuple[Project, FaultyProxy]) -> None:
    project, proxy = partial
    project.done("compile")
    (project.folder / "frostline.lock").write_bytes(project.read("frostline.lock") + b"\n")
    proxy.fault = lambda path, token: BROKEN if "dc=dc2" in path else None
    for command in ("compile", "freeze", "plan"):
        said = project.refused(3, command).stderr
        assert "datacenter `dc2` cannot be reached, and the lock is broken (frostline.lock:" in said
        assert (
            "this line is blank: a lock has no such line)\n  help: restore the lock from your repository, or " in said
        )


def test_where_no_datacenter_answers_partial_does_not_help(partial: tuple[Project, FaultyProxy]) -> None:
    project, proxy = partial
    project.done("compile")
    proxy.fault = lambda path, token: BROKEN if "dc=" in path else None
    assert "no answer from `dc1` and `dc2`" in project.refused(3, "compile").stderr
