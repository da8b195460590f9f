"""Named ports and sockets, as the answers of Consul 1.22 have them, from the catalog to the registry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from consul_replay import Replay, Reply, entry, serving
from project import Project, consul_config

runner = pytest.fixture(name="runner")(lambda run_here: run_here)

HTTP, ADMIN = {"Name": "http", "Port": 8080}, {"Name": "admin", "Port": 9090}


@pytest.fixture
def replay() -> Iterator[Replay]:
    with serving() as (now, address):
        now.append(Replay())
        now[0].address = address
        yield now[0]


def answer(replay: Replay, **fields: Any) -> None:
    replay.routes["/v1/health/service/web"] = Reply([entry(**fields)])


def test_the_default_port_is_taken_and_any_other_by_its_name(project: Project, replay: Replay) -> None:
    answer(replay, Port=8080, Ports=[HTTP | {"Default": True}, ADMIN | {"Default": False}])
    project.configure(consul_config(replay.address)).done("compile")
    assert "http://10.0.0.1:8080" in project.read("services.yaml").decode()
    project.configure(consul_config(replay.address, source={"port_from": "admin"}))
    said = project.refused(2, "check").stderr
    assert "`port_from` differs from what the lock was frozen with" in said
    project.done("compile")
    assert "http://10.0.0.1:9090" in project.read("services.yaml").decode()


def test_a_port_is_never_guessed(project: Project, replay: Replay) -> None:
    answer(replay, Port=8080, Ports=[HTTP, ADMIN])
    project.configure(consul_config(replay.address))
    said = project.refused(4, "compile").stderr
    assert "error[port-unchosen]: web: none of its ports `admin 9090` and `http 8080` is the default" in said
    waiver = {"rule": "port-unchosen", "service": "web", "until": "2999-12-31", "why": "moves"}
    project.configure(consul_config(replay.address, checks={"waivers": [waiver]})).done("compile")
    assert b"10.0.0.1" not in project.read("services.yaml")
    project.configure(consul_config(replay.address, source={"port_from": "http"})).done("compile")
    answer(replay, Port=8080, Ports=[ADMIN | {"Default": True}])
    assert "error[port-unchosen]: web: none of its ports `admin 9090` is" in project.refused(4, "compile").stderr


def test_a_service_on_a_socket_is_declared(project: Project, replay: Replay) -> None:
    answer(replay, Port=0, SocketPath="/run/web.sock")
    project.configure(consul_config(replay.address)).done("compile")
    (listed,) = project.document(0, "list")["services"]
    assert (listed["service"], listed["declared"]) == ("web", True)
    assert "it listens on the socket `/run/web.sock` and has no port" in project.done("explain", "web").stdout
