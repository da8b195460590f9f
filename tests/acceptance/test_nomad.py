"""The command with a source of type nomad, on answers recorded of a real one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from nomad_replay import NomadReplay, Reply
from project import OUTPUTS, Project


@pytest.fixture
def nomad() -> Iterator[NomadReplay]:
    server = NomadReplay()
    yield server
    server.stop()
    assert server.unknown == []


def config_of(nomad: NomadReplay, **source: Any) -> dict[str, Any]:
    live = {"type": "nomad", "address": nomad.address, "namespaces": ["*"], "retries": 0, **source}
    return {"version": 1, "sources": {"live": live}, "outputs": OUTPUTS}


def test_compile_freezes_services_and_upstreams_of_nomad(nomad: NomadReplay, project: Project) -> None:
    compiled = project.configure(config_of(nomad)).done("compile")
    assert "warning[port-dynamic]: " in compiled.stderr
    lock = project.read("frostline.lock").decode()
    assert lock.count('"service":"live-native"') == 2
    registry = yaml.safe_load(project.read("services.yaml"))
    native = registry["services"]["live-native"]["unversioned"]
    assert [each["url"] for each in native["endpoints"]] == ["http://127.0.0.1:23799", "http://127.0.0.1:30730"]
    assert {each["datacenter"] for each in native["endpoints"]} == {"dc1"}
    assert registry["services"]["live-db-native"]["unversioned"]["declared"] is True
    (basket, payments, stock) = registry["upstreams"]
    consumer = {"region": "global", "namespace": "retail", "job": "shop", "group": "web"}
    assert basket["consumer"] == payments["consumer"] == consumer
    assert stock["bind"] == {"address": "127.0.0.2", "port": 9003}
    scope: dict[str, Any] = {}
    exec(project.read("registry.py"), scope)
    assert scope["url"]("modes-nomad") == "http://127.0.0.1:7001"


def test_what_is_frozen_again_is_the_same_and_needs_no_server_then(nomad: NomadReplay, project: Project) -> None:
    project.configure(config_of(nomad)).done("compile")
    before = project.contents()
    project.done("compile", "--locked")
    nomad.bends["/v1/regions"] = lambda *_: Reply(b"gone", 500)
    project.done("check")
    project.done("compile", "--offline")
    assert project.contents() == before


def test_one_region_is_frozen_apart(nomad: NomadReplay, project: Project) -> None:
    project.configure(config_of(nomad, regions=["global"])).done("freeze", "--datacenter", "global")
    project.refused(2, "freeze", "--datacenter", "west")


def test_sources_says_what_nomad_has(nomad: NomadReplay, project: Project) -> None:
    shown = project.configure(config_of(nomad)).done("sources").stdout
    assert "global" in shown


@pytest.mark.parametrize(("path", "status"), [("/v1/services", 403), ("/v1/jobs", 500)])
def test_a_nomad_that_can_not_be_read_whole_changes_nothing(
    nomad: NomadReplay, project: Project, path: str, status: int
) -> None:
    project.configure(config_of(nomad)).done("compile")
    nomad.fix(path, Reply(b"\x1b[31mno\x1b[0m", status))
    done = project.refused(3, "compile")
    assert str(status) in done.stderr
    assert "\x1b" not in done.stderr


def test_a_client_that_does_not_answer_is_a_warning(nomad: NomadReplay, project: Project) -> None:
    path = "/v1/client/allocation/e19a04e0-559b-1f53-77bb-e6abc43757e0/checks"
    nomad.fix(path, Reply(b"No path to node", 404))
    done = project.configure(config_of(nomad)).done("compile")
    assert "does not report its checks (404); these services count as critical there: `live-db-native`" in done.stderr
