"""`frostline watch`: it publishes what changed, once, and nothing else; how it ends, and what it says of itself."""

from __future__ import annotations

import json
import shlex
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from consul_agent import ConsulAgent
from nomad_reads import names, small_region
from nomad_replay import Reply, instance, state
from project import OUTPUTS, STATIC, Project, consul_config
from watching import Watch, assert_nothing_staged, until

from frostline.reporters.exposition import samples_in


def is_running(pid: int) -> bool:
    """Whether this process is there, and not only waits for its parent to notice its end."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def names_in(project: Project) -> set[str]:
    return {path.name for path in project.folder.iterdir()}


def test_a_watch_publishes_what_changed_once_and_keeps_what_it_refuses(
    shop: ConsulAgent, project: Project, watch: Callable[..., Watch]
) -> None:
    select = {"select": {"services": ["*", "!consul", "!other*"]}}
    project.configure(consul_config(shop.address, source=select))
    command = "sh -c 'echo ran:$CONSUL_HTTP_TOKEN: >>../ran'"
    watching = watch("--exec", command, env={"CONSUL_HTTP_TOKEN": "secret-token"})
    watching.until("Published 3 services")
    watching.settle()
    assert (project.folder.parent / "ran").read_text() == "ran::\n"

    # What is not selected: read, and not published.
    turns, before = watching.turns(), project.tree()
    shop.catalog_register("n1", "other-thing", address="10.0.0.1", port=1)
    watching.until("reading source mesh", turns + 1)
    watching.settle()
    assert project.tree() == before

    # A service that flaps: one publication.
    for port in (9201, 9202, 9203):
        shop.catalog_register("n1", "search", address="10.0.0.1", port=port, tags=["api"])
    watching.until("Published", 2)
    watching.settle()
    assert watching.count("Published") == 2
    assert "(0 added, 1 changed, 0 removed): 2 files written, 0 deleted. search changed." in watching.output()
    assert b":9203" in project.read("services.yaml")
    assert (project.folder.parent / "ran").read_text() == "ran::\n" * 2

    # A change of a local file.
    project.configure(consul_config(shop.address, source=select, checks={"policies": {"required": ["gone/v1"]}}))
    watching.until("error[required]: gone v1: it is required but unknown; what is published stays as it is.")
    before = project.contents()
    shop.catalog_register("n3", "extra", address="10.0.0.3", port=80)
    turns = watching.turns()
    watching.until("reading source mesh", turns + 1)
    watching.settle()
    assert project.contents() == before
    assert watching.count("Refused: ") == 1

    # A server that starts anew, with other services.
    shop.stop()
    watching.until("Not published: ")
    shop.start()
    for node, name in (("n1", "payments-v1"), ("n1", "search"), ("n2", "ledger"), ("n1", "fresh")):
        shop.catalog_register(node, name, address="10.0.0.9", port=8080)
    project.configure(consul_config(shop.address, source=select, guards={"instances": "100%", "update": "100%"}))
    watching.until("fresh added")
    assert watching.count("Not published: ") <= 2

    names = names_in(project)
    assert watching.end() == 130
    assert watching.output().endswith("error: interrupted\n1 error\n")
    assert (
        names_in(project)
        == names
        == {"frostline.yaml", "frostline.lock", "frostline.manifest", "registry.py", "registry.pyi", "services.yaml"}
    )


def test_a_configuration_that_is_wrong_at_the_start_ends_a_watch(project: Project) -> None:
    project.configure(STATIC | {"version": 7}).refused(2, "watch")
    project.configure(STATIC).refused(2, "watch", "--exec", "no-such-program-here x")
    for words in ("", "'unclosed", "'' x"):
        assert "--exec" in project.refused(2, "watch", "--exec", words).stderr
    assert "longer than 0" in project.refused(2, "watch", "--quiet-for", "0s").stderr


SLOW = "sh -c 'echo $$ >../pid; touch ../made; exec sleep 300'"
"""A program that says who it is, and does not end by itself."""
MANY = {f"service-{number}": "https://service.example" for number in range(600)}
MANY_FILES = {"type": "template", "template": "one.j2", "path": "many/{name}.txt", "split": "entry"}
PHASES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "waiting": (STATIC, ()),
    "reading": (consul_config("http://127.0.0.1:{port}", source={"timeout": "60s", "deadline": "5m"}), ()),
    "verifying": (STATIC | {"outputs": [OUTPUTS[1] | {"verify": shlex.split(SLOW)}]}, ()),
    "publishing": (
        STATIC | {"sources": {"many": {"type": "static", "services": MANY}}, "outputs": [MANY_FILES, *OUTPUTS]},
        (),
    ),
    "running the program": (STATIC, ("--exec", SLOW)),
}
BEGINS = {
    "waiting": "Published",
    "reading": "reading source mesh",
    "verifying": "verifying",
    "publishing": "publishing",
    "running the program": "Published",
}
"""What it has said when the phase begins, and maybe has ended."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("phase", PHASES)
def test_a_watch_that_is_ended_in_any_phase_leaves_nothing_behind(
    project: Project, watch: Callable[..., Watch], tmp_path: Path, phase: str, number: int
) -> None:
    config, options = PHASES[phase]
    private = tmp_path / "private"
    private.mkdir()
    pid_file = project.folder.parent / "pid"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        text = json.dumps(config).replace("{port}", str(silent.getsockname()[1]))
        project.write("one.j2", "{{ entries | length }}\n")
        project.configure(text)
        watching = watch("--metrics", str(tmp_path / "w.prom"), *options, env={"TMPDIR": str(private)})
        watching.until(BEGINS[phase])
        started = phase in ("verifying", "running the program")
        if started:
            until(lambda: pid_file.exists() and pid_file.read_text().endswith("\n"), "the program has started")
        assert watching.end(number) == (130 if number == signal.SIGTERM else -number)
    if started:
        until(lambda: not is_running(int(pid_file.read_text())), "the program has ended")
    until(lambda: not any(private.iterdir()), "the private folder is gone")
    assert "Traceback" not in watching.output()
    if number == signal.SIGTERM or phase != "publishing":  # else the next run finishes or undoes it
        assert_nothing_staged(project)
    if phase != "reading":
        project.configure(config | {"outputs": [{**output, "verify": ["true"]} for output in config["outputs"]]})
        project.done("compile")
        project.done("check")
    assert_nothing_staged(project)


def test_an_hour_without_a_change_confirms_the_lock_and_says_nothing(
    shop: ConsulAgent, project: Project, watch: Callable[..., Watch]
) -> None:
    project.configure(consul_config(shop.address, confirmed="frostline.confirmed"))
    watching = watch(hour=0.5)
    watching.until("Published 3 services")
    before, first = project.contents(), watching.count("publishing\n")
    watching.until("publishing\n", first + 4)
    assert watching.end() == 130
    after = project.contents()
    assert {name for name in after if after[name] != before[name]} <= {"frostline.confirmed"}
    assert watching.count("Published") == 1
    assert "Up to date" not in watching.output()


def test_services_of_nomad_are_published_at_once_and_states_of_checks_when_it_is_polled(
    project: Project, watch: Callable[..., Watch]
) -> None:
    with small_region() as nomad:
        live = {"type": "nomad", "address": nomad.address, "retries": 0}
        project.configure({"version": 1, "sources": {"live": live}, "outputs": OUTPUTS})
        nomad.fix("/v1/service/web", state([instance("web", Address="10.0.0.1")]))
        watching = watch("--poll", "1h")
        watching.until("Watching 1 source; read every 3600 s: live.")
        watching.until("Published 1 service")
        nomad.fix("/v1/service/web", state([instance("web", Address="10.0.0.1", Port=81)], 71))
        nomad.fix("/v1/services", names("web", index=71))
        watching.until("web changed.")
        assert watching.end() == 130

        nomad.fix(
            "/v1/service/web",
            state(
                [
                    instance("web", Address="10.0.0.1", Port=81),
                    instance("web", ID="2", Address="10.0.0.2", AllocID="a2"),
                ],
                72,
            ),
        )
        nomad.fix("/v1/services", names("web", index=72))
        nomad.fix("/v1/client/allocation/a2/checks", Reply(None))
        watching = watch("--poll", "0.3s")
        watching.until("web changed.")
        failing = {"c": {"Service": "web", "Status": "failure", "Check": "alive"}}
        nomad.fix("/v1/client/allocation/a2/checks", Reply(failing))
        watching.until("web changed.", 2)


def test_metrics_tell_of_each_turn_and_stay_when_a_watch_ends(
    shop: ConsulAgent, project: Project, watch: Callable[..., Watch], tmp_path: Path
) -> None:
    path = tmp_path / "watch.prom"

    def told(name: str) -> list[float]:
        text = path.read_text() if path.is_file() else ""
        return [one.value for one in samples_in(text) if one.name == f"frostline_{name}"]

    project.configure(consul_config(shop.address))
    watching = watch("--metrics", str(path), "--exec", "false")
    watching.until("--exec: `false` ended with status 1")
    until(lambda: told("run_exit_status") == [0] and told("exec_failed") == [1], "the first turn is told")
    (confirmed,) = told("segment_confirmed_timestamp_seconds")

    project.configure(consul_config(shop.address, checks={"policies": {"required": ["gone/v1"]}}))
    watching.until("Refused: ")
    until(lambda: told("run_exit_status") == [4] and told("refusals") == [1], "the refusal is told")
    assert told("segment_confirmed_timestamp_seconds") == [confirmed]

    path.unlink()
    path.mkdir()
    shop.catalog_register("n1", "extra", address="10.0.0.3", port=80)
    watching.until("No metrics: --metrics: ")
    path.rmdir()
    project.configure(consul_config(shop.address))
    watching.until("extra added")
    until(lambda: path.is_file() and told("run_exit_status") == [0], "the next turn is told")
    last = path.read_bytes()
    assert watching.end() == 130
    assert path.read_bytes() == last
    assert watching.count("No metrics: ") == 1
