"""Which port of an instance with named ports is taken; that nothing is guessed."""

from __future__ import annotations

from typing import Any

import pytest

from frostline.model import FileOrigin, NamedPort, Registration, SegmentAnswer, Snapshot
from frostline.registry.assembling import contribution_of
from frostline.registry.exclusions import excluded_instances
from frostline.registry.selection.selecting import count_unhealthy, snapshot_of
from frostline.settings import Naming
from frostline.sources.consul.settings import ConsulSettings

ONE, TWO = NamedPort("http", 8080), NamedPort("admin", 9090)
DEFAULT = NamedPort("http", 8080, True)


def registration(*ports: NamedPort, **fields: Any) -> Registration:
    values = {"address": "10.0.0.1", "port": 8080, **fields}
    return Registration(service="shop-v1", id="shop-v1-1", node="n1", ports=ports, **values)


def settings(**fields: Any) -> ConsulSettings:
    return ConsulSettings(name="mesh", origin=FileOrigin("frostline.yaml"), **fields)


def answer(*registrations: Registration) -> SegmentAnswer:
    return SegmentAnswer(source="mesh", datacenter="dc1", namespace="default", registrations=registrations)


def frozen(*registrations: Registration, **fields: Any) -> Snapshot:
    return snapshot_of(answer(*registrations), settings(**fields), "sha256:x")


@pytest.mark.parametrize(
    ("ports", "port_from", "port"),
    [
        ((DEFAULT, TWO), "", 8080),
        ((TWO, DEFAULT), "admin", 9090),
        ((ONE,), "", 8080),
        ((NamedPort("http", 9000, True), TWO), "", 9000),  # beside `Port`, which is another one
        ((ONE, NamedPort("https", 8080)), "", 8080),  # both names mean it
        ((), "http", 8080),  # no named ports: `Port`
        ((NamedPort("http", 0, True),), "", 0),
        ((NamedPort("http", 70000, True),), "", 70000),
    ],
)
def test_the_port_is_the_one_that_is_meant(ports: tuple[NamedPort, ...], port_from: str, port: int) -> None:
    (instance,) = frozen(registration(*ports), port_from=port_from).instances
    assert (instance.port, instance.ports) == (port, None)


@pytest.mark.parametrize(
    ("ports", "port_from"),
    [
        ((ONE, TWO), ""),
        ((DEFAULT, TWO._replace(is_default=True)), ""),
        ((DEFAULT, TWO), "grpc"),
        ((ONE,), "grpc"),
        ((ONE, NamedPort("http", 9090)), "http"),
    ],
)
def test_what_would_be_a_guess_is_a_finding(ports: tuple[NamedPort, ...], port_from: str) -> None:
    snapshot = frozen(registration(*ports), port_from=port_from)
    assert [instance.port for instance in snapshot.instances] == [0]
    brought = contribution_of("mesh", [snapshot], Naming())
    assert [finding.rule for finding in brought.findings] == ["port-unchosen"]
    assert list(brought.endpoints.values()) == [()]
    portless = Naming(url="http://{address}/x", unversioned_url="http://{address}")
    assert contribution_of("mesh", [snapshot], portless).findings == ()


def test_the_finding_reads_as_recorded(matches_golden: Any) -> None:
    matches_golden("port-unchosen", contribution_of("mesh", [frozen(registration(ONE, TWO))], Naming()).findings)


def test_a_tagged_address_keeps_a_port_of_its_own() -> None:
    tagged = {"wan": ("203.0.113.1", 443), "lan": ("10.0.0.1", 8080)}
    one = registration(DEFAULT._replace(port=9000), TWO, tagged_addresses=tagged)
    assert [frozen(one, address_from=name).instances[0].port for name in ("wan", "lan")] == [443, 9000]
    assert frozen(one, address_from="wan", port_from="admin").instances[0].port == 9090


def test_a_socket_has_nothing_to_call_and_is_declared() -> None:
    on_socket = registration(port=0, socket="/run/shop.sock")
    snapshot = frozen(on_socket)
    assert snapshot.instances == ()
    assert [known.service for known in snapshot.declared] == ["shop-v1"]
    (left_out,) = excluded_instances([answer(on_socket)], {"mesh": settings()})
    assert left_out.reason == "it listens on the socket `/run/shop.sock` and has no port"
    counts: dict[Any, Any] = {}
    count_unhealthy(answer(on_socket), settings(), counts)
    assert list(counts.values()) == [{"on a socket": 1}]


def test_a_socket_beside_a_port_changes_nothing() -> None:
    assert [one.port for one in frozen(registration(socket="/run/shop.sock")).instances] == [8080]
    assert [one.port for one in frozen(registration(DEFAULT, port=0, socket="/s")).instances] == [8080]
