"""What sidecars declare: each kind of upstream, and invalid ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from consul_replay import Replay, Reply, entry, read

from frostline.errors import SourceError
from frostline.model import Bind, Upstream
from frostline.sources.consul.sidecars import collect_upstreams, sidecar_upstreams
from frostline.sources.consul.wire import Service
from frostline.sources.http.session import decode_json


def service(name: str = "web-sidecar-proxy", kind: str = "connect-proxy", **proxy: Any) -> Service:
    body = {"ID": name, "Service": name, "Kind": kind, "Proxy": {"DestinationServiceName": "web", **proxy}}
    made: Service = decode_json(json.dumps(body).encode(), Service)
    return made


def declared(*upstreams: dict[str, Any], **more: Any) -> tuple[list[Upstream], list[str]]:
    sidecar = service(Upstreams=list(upstreams), **more)
    found = collect_upstreams(sidecar_upstreams([sidecar], ("web",)), "dc1", "default")
    return list(found.upstreams), list(found.warnings)


def upstream(destination: str, **more: Any) -> Upstream:
    given = {"bind": Bind(address="127.0.0.1", port=9101)} | more
    return Upstream(region="dc1", namespace="default", service="web", destination=destination, **given)


def test_an_upstream_has_all_that_its_sidecar_says() -> None:
    assert declared({"DestinationName": "db", "LocalBindPort": 9101}) == ([upstream("db")], [])
    full = {
        "DestinationType": "prepared_query",
        "DestinationName": "db",
        "DestinationNamespace": "ops",
        "DestinationPartition": "default",
        "DestinationPeer": "west",
        "DestinationPort": "http",
        "Datacenter": "dc2",
        "LocalBindAddress": "::1",
        "LocalBindPort": 1,
        "LocalBindSocketMode": "",
        "Config": None,
        "MeshGateway": {},
    }
    expected = upstream(
        "db",
        kind="prepared_query",
        destination_namespace="ops",
        peer="west",
        destination_port="http",
        datacenter="dc2",
        bind=Bind(address="::1", port=1),
    )
    assert declared(full) == ([expected], [])


def test_an_upstream_may_have_a_socket_or_no_bind() -> None:
    socket = {"DestinationName": "db", "LocalBindSocketPath": "/run/db.sock"}
    assert declared(socket, {"DestinationName": "a"}) == (
        [upstream("a", bind=Bind()), upstream("db", bind=Bind(socket="/run/db.sock"))],
        [],
    )


def test_a_transparent_proxy_without_upstreams_declares_nothing() -> None:
    for upstreams in (None, []):
        assert list(sidecar_upstreams([service(Mode="transparent", Upstreams=upstreams)], ("web",))) == []


def test_only_sidecars_of_the_services_that_are_asked_for_count() -> None:
    upstreams = [{"DestinationName": "db", "LocalBindPort": 1}]
    gateway = service("gateway", kind="ingress-gateway", Upstreams=upstreams)
    other = service("other", DestinationServiceName="other", Upstreams=upstreams)
    assert list(sidecar_upstreams([gateway, other], ("web",))) == []


def test_an_invalid_upstream_is_left_out_with_a_warning() -> None:
    good = {"DestinationName": "db", "LocalBindPort": 9101}
    found, warnings = declared(good, {"DestinationName": "a", "LocalBindPort": 70000}, {"LocalBindPort": 1})
    assert found == [upstream("db")]
    assert warnings == [
        "the sidecar `web-sidecar-proxy` in `dc1` has an upstream `a` with the port 70000: this upstream is left out",
        "the sidecar `web-sidecar-proxy` in `dc1` has an upstream without a destination: this upstream is left out",
    ]


def with_sidecar(replay: Replay, *upstreams: dict[str, Any]) -> None:
    proxy = {"DestinationServiceName": "web", "Upstreams": list(upstreams)}
    replay.routes["/v1/health/connect/web"] = Reply([entry("web-proxy", Kind="connect-proxy", Proxy=proxy)])


def test_a_sidecar_that_changes_while_it_is_read_is_read_again(replay: Replay) -> None:
    bodies = [
        [
            entry(
                "p",
                Kind="connect-proxy",
                Proxy={"DestinationServiceName": "web", "Upstreams": [{"DestinationName": n}]},
            )
        ]
        for n in ("old", "new")
    ]
    replay.routes["/v1/health/connect/web"] = lambda _: Reply(bodies.pop(0) if len(bodies) > 1 else bodies[0])
    (answer,) = read(replay).answers
    assert [upstream.destination for upstream in answer.upstreams] == ["new"]
    assert replay.asked("/v1/health/connect/web") == 4  # read twice, each time twice


def test_upstreams_are_read_unless_the_settings_say_no(replay: Replay) -> None:
    with_sidecar(replay, {"DestinationName": "db", "LocalBindPort": 9101}, {"DestinationName": ""})
    reading = read(replay)
    assert reading.answers[0].upstreams == (upstream("db"),)
    assert reading.warnings == (
        "source mesh: "
        "the sidecar `web-proxy` in `dc1` has an upstream without a destination: this upstream is left out",
    )
    replay.requests.clear()
    assert read(replay, upstreams=False).answers[0].upstreams == ()
    assert replay.asked("/v1/health/connect/web") == 0


@pytest.mark.parametrize("status", [403, 404])
def test_sidecars_that_cannot_be_read_are_never_taken_for_absent(replay: Replay, status: int) -> None:
    replay.routes["/v1/health/connect/web"] = Reply(b"", status=status)
    with pytest.raises(SourceError) as caught:
        read(replay)
    assert "GET /v1/health/connect/web" in caught.value.message
    assert caught.value.help == "let this path through, or leave out what sidecars declare with `upstreams: false`"
    assert read(replay, upstreams=False).answers[0].upstreams == ()
