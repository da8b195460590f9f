"""How old the lock is: what compile and freeze confirm, and who asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from consul_agent import ConsulAgent
from consul_wan import WanPair
from jsonschema import Draft202012Validator
from project import Project, Run, consul_config

from frostline.resources import schema_text

pytestmark = pytest.mark.oldest_consul(why="nothing depends on what Consul answers")

NAME = "frostline.confirmed"


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


@pytest.fixture
def aged(project: Project, shop: ConsulAgent) -> Project:
    """A published project whose segments are confirmed."""
    project.configure(consul_config(shop.address, confirmed=NAME))
    project.done("compile")
    return project


def confirmations(project: Project, name: str = NAME) -> list[dict[str, Any]]:
    header, *lines = [json.loads(line) for line in project.read(name).splitlines()]
    schema = Draft202012Validator(json.loads(schema_text("confirmed")))
    for value in (header, *lines):
        schema.validate(value)
    return lines


def make_older(project: Project, hours: float, name: str = NAME, **changes: str) -> None:
    """As if all in this file was confirmed that many hours ago."""
    at = (datetime.now(UTC) - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = [{**line, "at": at, **changes} for line in confirmations(project, name)]
    values = [{"format": "frostline.confirmed/1"}, *lines]
    project.write(name, "".join(json.dumps(value, separators=(",", ":")) + "\n" for value in values))


def test_each_run_that_reads_the_sources_confirms_the_lock_even_if_nothing_changes(aged: Project) -> None:
    (line,) = confirmations(aged)
    assert [line["source"], line["datacenter"], line["namespace"]] == ["mesh", "dc1", "default"]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(line["at"])) < timedelta(minutes=1)
    published = {name: text for name, text in aged.contents().items() if name != NAME}
    for command in ("compile", "freeze"):
        make_older(aged, 30)
        assert "Up to date" in aged.done(command).stderr
        assert confirmations(aged)[0]["at"] >= line["at"]
        assert {name: text for name, text in aged.contents().items() if name != NAME} == published
    assert NAME.encode() not in aged.read("frostline.manifest")


def test_a_run_that_reads_no_source_or_is_refused_confirms_nothing(aged: Project, shop: ConsulAgent) -> None:
    make_older(aged, 30)
    before = aged.read(NAME)
    aged.done("compile", "--offline")
    aged.run("plan")
    aged.done("check", "--live")
    aged.done("freeze", "--out", "elsewhere.lock")
    shop.catalog_deregister("n1")
    shop.catalog_deregister("n2")
    aged.refused(4, "compile")
    aged.refused(4, "freeze")
    assert aged.read(NAME) == before


@pytest.mark.parametrize("narrower", [{"select": {"services": ["payments-*"]}}, {"keep": {"ids": False}}])
def test_what_less_is_taken_of_the_lock_offline_stays_confirmed(
    aged: Project, shop: ConsulAgent, narrower: dict[str, Any]
) -> None:
    make_older(aged, 30)
    (before,) = confirmations(aged)
    aged.configure(consul_config(shop.address, source=narrower, confirmed=NAME))
    aged.done("compile", "--offline", "--allow", "deletes,updates")
    (after,) = confirmations(aged)
    assert (after["at"], after["digest"] != before["digest"]) == (before["at"], True)
    aged.done("check", "--max-age", "31h")
    aged.refused(1, "check", "--max-age", "29h")


def test_age_is_no_drift_and_no_part_of_what_is_published(aged: Project) -> None:
    published = {name: text for name, text in aged.contents().items() if name != NAME}
    make_older(aged, 1000)
    assert "agree" in aged.done("check").stderr
    (aged.folder / NAME).unlink()
    assert "agree" in aged.done("check").stderr
    aged.done("compile", "--offline")
    assert aged.contents() == published


def test_a_segment_that_was_not_confirmed_within_max_age_fails_the_check(aged: Project, shop: ConsulAgent) -> None:
    assert "agree" in aged.done("check", "--max-age", "24h").stderr
    make_older(aged, 30)
    said = aged.refused(1, "check", "--max-age", "24h")
    assert "source `mesh`, datacenter `dc1`, namespace `default` was confirmed 30 hours ago (at 2" in said.stdout
    assert "run `frostline freeze`" in said.stderr
    aged.done("check", "--max-age", "2d")
    for form in ("github", "markdown", "sarif", "junit"):
        assert "confirmed 30 hours ago" in aged.refused(1, "check", "--max-age", "24h", "--format", form).stdout
    (drift,) = aged.document(1, "check", "--max-age", "24h")["drift"]
    assert drift["why"].startswith("was confirmed 30 hours ago")

    make_older(aged, 1, digest=f"sha256:{'0' * 64}")
    assert "was not confirmed as it is in the lock now" in aged.refused(1, "check", "--max-age", "24h").stdout
    aged.done("freeze")
    make_older(aged, -48)
    assert "was confirmed in the future" in aged.refused(1, "check", "--max-age", "24h").stdout
    (aged.folder / NAME).unlink()
    assert "was never confirmed" in aged.refused(1, "check", "--max-age", "24h").stdout


def test_max_age_needs_confirmed(project: Project, shop: ConsulAgent) -> None:
    project.configure(consul_config(shop.address))
    project.done("compile")
    said = project.refused(2, "check", "--max-age", "24h").stderr
    assert "--max-age needs `confirmed`" in said
    assert "write `confirmed: frostline.confirmed`" in said


def test_list_shows_the_age_of_each_segment_where_it_is_known(aged: Project, shop: ConsulAgent) -> None:
    make_older(aged, 30)
    at = confirmations(aged)[0]["at"]
    assert f"mesh    dc1         default    confirmed 30 hours ago, at {at}\n" in aged.done("list").stdout
    (age,) = aged.document(0, "list")["lock_age"]
    assert age.pop("age") in range(108_000, 108_100)
    assert age == {"source": "mesh", "datacenter": "dc1", "namespace": "default", "confirmed": at}
    (aged.folder / NAME).unlink()
    assert "never confirmed" in aged.done("list").stdout
    assert aged.document(0, "list")["lock_age"][0]["age"] is None
    aged.configure(consul_config(shop.address))
    assert "lock_age" not in aged.document(0, "list")


def test_a_saved_plan_confirms_what_was_read_when_it_was_made(aged: Project, shop: ConsulAgent) -> None:
    make_older(aged, 30)
    shop.catalog_register("n2", "search", address="10.0.0.2", port=9200, tags=["api"])
    assert aged.run("plan", "--out", "p.json").returncode == 1
    (reading,) = json.loads(aged.read("p.json"))["saved"]["readings"]
    assert reading["segments"] == [["mesh", "dc1", "default"]]
    Draft202012Validator(json.loads(schema_text("plan"))).validate(json.loads(aged.read("p.json")))
    aged.done("compile", "--plan", "p.json")
    assert confirmations(aged)[0]["at"] == reading["at"]
    aged.done("check", "--max-age", "1h")

    make_older(aged, 30)
    before = aged.read(NAME)
    assert aged.run("plan", "--offline", "--out", "p.json").returncode == 0
    aged.done("compile", "--plan", "p.json")
    assert aged.read(NAME) == before


@pytest.mark.parametrize(
    ("time", "said"), [("2026-02-30T00:00:00Z", "was changed since it was made"), ("yesterday", "not a saved plan")]
)
def test_a_plan_whose_time_was_changed_is_not_published(aged: Project, time: str, said: str) -> None:
    assert aged.run("plan", "--out", "p.json").returncode == 0
    text = aged.read("p.json").decode()
    aged.write("p.json", text.replace(json.loads(text)["saved"]["readings"][0]["at"], time))
    assert said in aged.run("compile", "--plan", "p.json").stderr


@pytest.mark.parametrize("content", ["not ours\n", "<<<<<<< a\n", "\x1b[31m{}\n", '{"format":"frostline.lock/1"}\n'])
def test_a_file_of_somebody_else_is_not_overwritten(aged: Project, content: str) -> None:
    aged.write(NAME, content)
    for words in (["compile"], ["freeze"], ["check", "--max-age", "1h"], ["list"]):
        said = aged.refused(2, *words).stderr
        assert said.startswith("frostline.confirmed:")
        assert "\x1b" not in said
    aged.done("check")


def test_a_broken_file_is_written_anew_by_who_reads_the_sources(aged: Project) -> None:
    aged.write(NAME, '{"format":"frostline.confirmed/1"}\n\x1b[31m{}\n')
    for words in (["check", "--max-age", "1h"], ["list"]):
        said = aged.refused(2, *words).stderr
        assert said.startswith("frostline.confirmed:2:1: error: this is not a confirmation")
        assert "\x1b" not in said
    aged.done("compile")
    aged.done("check", "--max-age", "1h")


def test_it_may_be_outside_of_root_and_a_link_is_not_followed(project: Project, shop: ConsulAgent) -> None:
    outputs = [{"type": "yaml", "path": "out/services.yaml"}]
    config = consul_config(shop.address, confirmed="state/confirmed", root="out", lock="state/lock") | {
        "outputs": outputs
    }
    project.configure(config)
    project.done("compile")
    assert project.read("state/confirmed").startswith(b'{"format":"frostline.confirmed/1"}\n')
    kept = project.folder / "kept"
    (project.folder / "state/confirmed").rename(kept)
    (project.folder / "state/confirmed").symlink_to(kept)
    project.refused(5, "compile")


def test_what_a_narrowed_freeze_leaves_out_stays_as_it_was_confirmed(project: Project, shop: ConsulAgent) -> None:
    config = consul_config(shop.address, confirmed=NAME)
    config["sources"]["other"] = {**config["sources"]["mesh"], "select": {"services": ["search"]}}
    config["precedence"] = ["mesh", "other"]
    project.configure(config)
    project.done("compile")
    make_older(project, 30)
    project.done("freeze", "--source", "other")
    mesh, other = confirmations(project)
    assert (mesh["source"], other["source"]) == ("mesh", "other")
    assert mesh["at"] < other["at"]
    del config["sources"]["other"], config["precedence"]
    project.configure(config)
    project.done("compile")
    assert [line["source"] for line in confirmations(project)] == ["mesh"]


# --- locks from several places ----------------------------------------------------------------------------------------

PARTS = ("parts/dc1.lock", "parts/dc2.lock")


@pytest.fixture
def frozen_apart(project: Project, consul_wan: WanPair) -> Project:
    """Nothing is published yet; each datacenter is frozen to a file of its own."""
    consul_wan.reset()
    for number, agent in enumerate(consul_wan.agents, 1):
        agent.catalog_register("n1", "payments-v1", address=f"10.{number}.0.1", port=8080)
    project.configure(consul_config(consul_wan.primary.address, source={"datacenters": ["*"]}, confirmed=NAME))
    for part in PARTS:
        project.done("freeze", "--datacenter", part[6:9], "--out", part)
    return project


@pytest.mark.parametrize("pattern", ["parts/*", "parts/*.lock"])
def test_merged_locks_are_confirmed_when_each_was_frozen(frozen_apart: Project, pattern: str) -> None:
    make_older(frozen_apart, 30, "parts/dc2.lock.confirmed")
    frozen = [confirmations(frozen_apart, f"{part}.confirmed")[0] for part in PARTS]
    frozen_apart.done("compile", "--lock", pattern)
    assert confirmations(frozen_apart) == frozen
    frozen_apart.done("check", "--max-age", "31h")
    said = frozen_apart.refused(1, "check", "--max-age", "24h").stdout
    assert ("datacenter `dc1`" in said, "datacenter `dc2`, namespace `default` was confirmed 30 h" in said) == (
        False,
        True,
    )
    before = frozen_apart.contents()
    frozen_apart.done("compile", "--lock", pattern, "--locked")
    assert frozen_apart.contents() == before


def test_a_saved_plan_of_merged_locks_confirms_each_when_it_was_frozen(frozen_apart: Project) -> None:
    make_older(frozen_apart, 30, "parts/dc2.lock.confirmed")
    frozen = [confirmations(frozen_apart, f"{part}.confirmed")[0] for part in PARTS]
    assert frozen_apart.run("plan", "--lock", "parts/*", "--out", "p.json").returncode == 1
    Draft202012Validator(json.loads(schema_text("plan"))).validate(json.loads(frozen_apart.read("p.json")))
    frozen_apart.done("compile", "--plan", "p.json")
    assert confirmations(frozen_apart) == frozen


@pytest.mark.parametrize("way", ["compile", "plan"])
def test_a_merged_lock_takes_no_confirmation_from_the_committed_one(
    frozen_apart: Project, consul_wan: WanPair, way: str
) -> None:
    frozen_apart.done("compile", "--lock", "parts/*")
    consul_wan.agents[1].catalog_register("n2", "search", address="10.2.0.2", port=9200)
    frozen_apart.done("freeze", "--datacenter", "dc2", "--out", "parts/dc2.lock")
    (frozen_apart.folder / "parts/dc2.lock.confirmed").unlink()
    if way == "plan":
        assert frozen_apart.run("plan", "--lock", "parts/*", "--out", "p.json").returncode == 1
        frozen_apart.done("compile", "--plan", "p.json")
    else:
        frozen_apart.done("compile", "--lock", "parts/*")
    said = frozen_apart.refused(1, "check", "--max-age", "24h").stdout
    assert "datacenter `dc2`, namespace `default` was not confirmed as it is in the lock now" in said


def test_a_lock_for_another_place_has_no_time_and_confirms_nothing_here(frozen_apart: Project) -> None:
    first = [frozen_apart.read(part) for part in PARTS]
    for part in PARTS:
        make_older(frozen_apart, 30, f"{part}.confirmed")
        frozen_apart.done("freeze", "--datacenter", part[6:9], "--out", part)
        assert datetime.now(UTC) - datetime.fromisoformat(
            confirmations(frozen_apart, f"{part}.confirmed")[0]["at"]
        ) < timedelta(minutes=1)
    assert [frozen_apart.read(part) for part in PARTS] == first
    assert not (frozen_apart.folder / NAME).exists()


def test_a_time_that_another_machine_cannot_know_confirms_nothing(frozen_apart: Project) -> None:
    frozen_apart.done("compile", "--lock", "parts/*")
    make_older(frozen_apart, 30)
    before = confirmations(frozen_apart)
    make_older(frozen_apart, -48, "parts/dc1.lock.confirmed")
    make_older(frozen_apart, 0, "parts/dc2.lock.confirmed", digest=f"sha256:{'0' * 64}")
    said = frozen_apart.done("compile", "--lock", "parts/*").stderr
    assert "warning: parts/dc1.lock.confirmed: source `mesh`, datacenter `dc1`, namespace `default` was" in said
    assert "was confirmed in the future (2" in said
    assert "warning: parts/dc2.lock.confirmed: source `mesh`, datacenter `dc2`, namespace `default` was not" in said
    assert confirmations(frozen_apart) == before


def test_without_the_file_beside_it_a_merged_lock_is_not_confirmed(frozen_apart: Project) -> None:
    (frozen_apart.folder / "parts/dc2.lock.confirmed").unlink()
    (frozen_apart.folder / "parts/dc2.lock").rename(frozen_apart.folder / "parts" / ("x" * 250))
    assert "warning" not in frozen_apart.done("compile", "--lock", "parts/*").stderr
    assert [line["datacenter"] for line in confirmations(frozen_apart)] == ["dc1"]
    said = frozen_apart.refused(1, "check", "--max-age", "24h").stdout
    assert "datacenter `dc2`, namespace `default` was never confirmed" in said


@pytest.mark.parametrize(
    "content", ['{"format":"frostline.confirmed/1"}\n\x1b[31m{}\n', '{"format":"frostline.confirmed/1"}\r\n', "ours\n"]
)
def test_what_is_no_confirmation_beside_a_lock_stops_the_merge(frozen_apart: Project, content: str) -> None:
    frozen_apart.write("parts/dc2.lock.confirmed", content)
    said = frozen_apart.refused(2, "compile", "--lock", "parts/*.lock").stderr
    assert said.startswith("parts/dc2.lock.confirmed:")
    assert "help: freeze it again with `frostline freeze --out FILE`; without this file the lock is not" in said
    assert "\x1b" not in said
    config = json.loads(frozen_apart.read("frostline.yaml"))
    frozen_apart.configure({name: value for name, value in config.items() if name != "confirmed"})
    frozen_apart.done("compile", "--lock", "parts/*.lock")


def test_neither_file_of_a_freeze_for_another_place_replaces_one_of_somebody_else(frozen_apart: Project) -> None:
    for name in ("parts/dc2.lock", "parts/dc2.lock.confirmed"):
        kept = frozen_apart.read(name)
        frozen_apart.write(name, "ours\n")
        before = frozen_apart.contents()
        said = frozen_apart.refused(2, "freeze", "--datacenter", "dc2", "--out", "parts/dc2.lock").stderr
        assert f"`{name}` exists and is n" in said
        assert frozen_apart.contents() == before
        frozen_apart.write(name, kept.decode())


def test_without_confirmed_a_freeze_for_another_place_writes_its_lock_alone(
    project: Project, shop: ConsulAgent
) -> None:
    project.configure(consul_config(shop.address)).done("freeze", "--out", "part.lock")
    assert "part.lock.confirmed" not in project.contents()
