"""The source `consul` on real agents: what it reads, by each way of reading."""

from __future__ import annotations

import string
from typing import Any

import pytest
from consul_agent import ConsulAgent
from consul_reads import LIMITS, PLACE, names_of, read, settings_of

from frostline.model import Registration
from frostline.sources.consul import reading as consul_reading
from frostline.sources.consul import source as consul
from frostline.sources.consul.client import CONSUL
from frostline.sources.consul.reading import SegmentQuery, SegmentReader
from frostline.sources.consul.settings import ConsulSettings
from frostline.sources.consul.wire import RegistrationMaker
from frostline.sources.http.address import parse_address
from frostline.sources.http.session import Session
from frostline.sources.http.transport import Transport

HOSTILE = [
    *string.punctuation.replace(".", ""),
    f"a{string.punctuation}z",
    "..",
    ".",
    "../..",
    "a/../b",
    "a/./b",
    "a//b",
    "/a",
    "a/",
    "%2e%2e",
    "%2F",
    "100%",
    "two words",
    " ",
    "new\nline",
    "nul\0",
    "del\x7f",
    "\u0085\u2028\ufeff",
    "😀 e\u0301 \u202eright to left",
    "\U0001fae0 newer than this Consul",
    "%{facts.x} ${x} {{x}}",
    ":sym",
    "x" * 4000,
]


def all_ways(agent: ConsulAgent, node_meta: tuple[str, ...] = (), **more: Any) -> list[tuple[Registration, ...]]:
    """Read the whole catalog by service, by node and by the dump."""
    found = []
    transport = Transport(
        "mesh", PLACE, parse_address(agent.address, "address", PLACE), LIMITS, token_header="X-Consul-Token"
    )
    with Session(transport, CONSUL) as session:
        query = SegmentQuery(datacenter="dc1", dc="dc1", describes_nodes=bool(node_meta), **more)
        reader = SegmentReader(session, query, registrations=RegistrationMaker(node_meta))
        for way in (reader.by_service, reader.by_node, reader.by_dump):
            outcome = way(reader.list_names())
            assert outcome is not None
            found.append(reader._sort_registrations(outcome))
    return found


def fill(agent: ConsulAgent) -> None:
    """Fill a catalog with everything that one way of reading could see differently from another."""
    agent.register("web", id="web-1", address="10.0.0.1", port=80, tags=["b", "a"], meta={"k": "v"}, weights=(3, 2))
    agent.register("web", id="web-2", port=81, status="warning", tagged_addresses={"wan": ("1.2.3.4", 90)})
    agent.register("Web", id="spelled", port=82, status="critical")
    agent.register("side", port=83, kind="connect-proxy", status=None)
    agent.register("down", id="down/1", port=84)
    agent.maintenance("down/1")
    agent.catalog_register("ext", "far", port=85, node_address="10.9.9.9", node_status="warning", status="passing")
    agent.catalog_register(
        "tagged",
        "web",
        id="web-3",
        port=86,
        node_address="::1",
        node_tagged_addresses={"lan": "::1", "wan": "2001:db8::1"},
    )
    agent.catalog_register("empty-node")
    # Consul finds a check's node without regard to case, and its service too until 1.14, which refuses unknown ids.
    agent.catalog_register("case", "lower", id="abc", port=87)
    service_id = "ABC" if agent.version < (1, 14) else "abc"
    check = {"CheckID": "c", "Name": "c", "Status": "critical", "ServiceID": service_id}
    agent.catalog_register("CASE", checks=[check])
    agent.request(
        "PUT", "/v1/catalog/register", {"Node": "bare", "Address": "h", "Service": {"Service": "bare", "Meta": None}}
    )


def test_an_instance_comes_with_all_that_it_was_registered_with(empty_consul: ConsulAgent):
    empty_consul.register(
        "web",
        id="web-1",
        address="10.0.0.1",
        port=80,
        tags=["b", "a"],
        meta={"k": "v", "a": ""},
        weights=(3, 2),
        tagged_addresses={"wan": ("1.2.3.4", 90), "virtual": ("240.0.0.1", 1)},
    )
    (found,) = read(empty_consul)
    assert found == Registration(
        service="web",
        id="web-1",
        node=empty_consul.node,
        address="10.0.0.1",
        node_address="127.0.0.1",
        tagged_addresses={
            "lan": ("127.0.0.1", 80),  # the node's
            "lan_ipv4": ("10.0.0.1", 80),  # the agent adds these two, of the service's address
            "wan_ipv4": ("10.0.0.1", 80),
            "wan": ("1.2.3.4", 90),
            "virtual": ("240.0.0.1", 1),
        },
        port=80,
        tags=("b", "a"),
        meta={"a": "", "k": "v"},
        weights=(3, 2),
        health="passing",
    )


def test_what_consul_leaves_out_or_writes_as_null_is_empty(empty_consul: ConsulAgent):
    service = {"Service": "bare", "Meta": None, "Tags": None}
    empty_consul.request("PUT", "/v1/catalog/register", {"Node": "bare", "Address": "h", "Service": service})
    assert read(empty_consul) == (Registration(service="bare", id="bare", node="bare", node_address="h"),)


def test_every_way_of_reading_gives_the_same_registrations(empty_consul: ConsulAgent):
    fill(empty_consul)
    by_service, by_node, by_dump = all_ways(empty_consul)
    assert by_service == by_node == by_dump
    assert len(by_service) == 10  # with consul's own
    health = {instance.id: instance.health for instance in by_service}
    assert health["web-1"] == "passing"
    assert health["web-2"] == "warning"
    assert health["spelled"] == "critical"
    assert health["down/1"] == "maintenance"
    assert health["far"] == "warning"
    assert health["abc"] == "critical"
    by_service, by_node, by_dump = all_ways(empty_consul, services=("w*", "f*", "consul"))
    assert by_service == by_node == by_dump
    assert names_of(by_dump) == ["consul", "far", "web", "web", "web"]


def test_every_way_of_reading_gives_the_same_odd_registrations_and_node_metadata(empty_consul: ConsulAgent):
    service = {"ID": "s", "Service": "odd", "Port": -1, "TaggedAddresses": {"lan": {"Address": "x", "Port": 70000}}}
    for node, meta, status in (("n1", {"rack": "r1", "os": "x"}, "unknown"), ("n2", {"Rack": "r1"}, "Passing")):
        check = {"CheckID": "c", "Name": "c", "ServiceID": "s" if node == "n1" else "", "Status": status}
        body = {"Node": node, "Address": " h", "NodeMeta": meta, "Service": service, "Check": check}
        empty_consul.request("PUT", "/v1/catalog/register", body)
    bare = {"Node": "n3", "Address": "h", "Service": {"Service": "odd", "Port": 2**40}}
    empty_consul.request("PUT", "/v1/catalog/register", bare)
    by_service, by_node, by_dump = all_ways(empty_consul, node_meta=("rack",), services=("odd",))
    assert by_service == by_node == by_dump
    assert [(instance.node_meta, instance.unknown_status, instance.port) for instance in by_dump] == [
        ({"rack": "r1"}, "unknown", -1),
        ({}, "Passing", -1),
        ({}, "", 2**40),
    ]


def test_registrations_are_sorted_whatever_order_they_came_in(empty_consul: ConsulAgent):
    fill(empty_consul)
    found = read(empty_consul, "*")
    keys = [(instance.service, instance.node, instance.id) for instance in found]
    assert keys == sorted(keys)


def test_only_selected_names_are_read(empty_consul: ConsulAgent):
    fill(empty_consul)
    assert names_of(read(empty_consul, "*", "!consul", "!w*", "!?ide")) == ["Web", "bare", "down", "far", "lower"]
    assert names_of(read(empty_consul, "far")) == ["far"]
    assert read(empty_consul, "nobody") == ()


def test_an_empty_catalog_is_an_empty_answer(empty_consul: ConsulAgent):
    assert read(empty_consul) == ()


def test_two_spellings_of_a_name_are_two_services(empty_consul: ConsulAgent):
    empty_consul.register("pay-v1", port=80)
    empty_consul.register("Pay-v1", id="second", port=81)
    empty_consul.catalog_register("ext", "PAY-v1", port=82)
    assert [(instance.service, instance.port) for instance in read(empty_consul)] == [
        ("PAY-v1", 82),
        ("Pay-v1", 81),
        ("pay-v1", 80),
    ]
    assert [instance.port for instance in read(empty_consul, "pay-v1")] == [80]
    assert [instance.port for instance in read(empty_consul, "Pay-v1")] == [81]


def test_every_hostile_name_is_read_back_unchanged(empty_consul: ConsulAgent):
    for name in HOSTILE:
        empty_consul.catalog_register("ext", name, id=f"id {name}", port=80, tags=[name], meta={"k": name[:500]})
    assert names_of(read(empty_consul)) == sorted(HOSTILE)
    assert {instance.tags[0] for instance in read(empty_consul)} == set(HOSTILE)


@pytest.mark.parametrize("name", [name for name in HOSTILE if not set(name) & set("*?[") and name != "!"])
def test_a_hostile_name_is_read_alone(empty_consul: ConsulAgent, name: str):
    empty_consul.catalog_register("ext", name, port=80)
    empty_consul.catalog_register("ext", "bystander", port=81)
    empty_consul.catalog_register("ext", "health", port=81)
    assert names_of(read(empty_consul, name)) == [name]


@pytest.mark.parametrize("node", ["..", "a/../b", "a//b", "100% of?it", "new\nline", "😀"])
def test_a_hostile_node_name_is_read_back_in_the_whole_catalog(empty_consul: ConsulAgent, node: str, monkeypatch):
    monkeypatch.setattr(consul_reading, "_FEW", 0)
    empty_consul.catalog_register(node, "web", port=80, node_status="warning")
    (found,) = read(empty_consul)
    assert (found.node, found.health) == (node, "warning")


def test_a_whole_catalog_is_read_by_node(empty_consul: ConsulAgent, monkeypatch):
    fill(empty_consul)
    expected = read(empty_consul)
    monkeypatch.setattr(consul_reading, "_FEW", 0)
    monkeypatch.setattr(SegmentReader, "by_service", None)
    monkeypatch.setattr(SegmentReader, "by_dump", None)
    assert read(empty_consul) == expected


@pytest.mark.parametrize("few", [0, 50])
def test_stale_reads_give_the_same_registrations(empty_consul: ConsulAgent, few: int, monkeypatch):
    fill(empty_consul)
    expected = read(empty_consul)
    monkeypatch.setattr(consul_reading, "_FEW", few)
    assert read(empty_consul, consistency="eventual") == expected


def test_health_is_the_worst_of_node_and_service(empty_consul: ConsulAgent):
    empty_consul.register("ok", port=1)
    empty_consul.register("none", port=1, status=None)
    empty_consul.register("warned", port=1, status="warning", checks=[{"TTL": "9h", "Status": "passing"}])
    empty_consul.register("broken", port=1, status="warning", checks=[{"TTL": "9h", "Status": "critical"}])
    empty_consul.register("mended", port=1, status="critical")
    empty_consul.maintenance("mended")
    empty_consul.catalog_register("sick", "guest", port=1, status="passing", node_status="critical")
    health = {instance.service: instance.health for instance in read(empty_consul)}
    assert health == {
        "ok": "passing",
        "none": "passing",
        "warned": "warning",
        "broken": "critical",
        "mended": "maintenance",
        "guest": "critical",
    }


def test_maintenance_of_the_node_is_maintenance_of_all_on_it(empty_consul: ConsulAgent):
    empty_consul.register("web", port=1)
    empty_consul.catalog_register("ext", "far", port=1)
    empty_consul.maintenance()
    assert {instance.service: instance.health for instance in read(empty_consul)} == {
        "web": "maintenance",
        "far": "passing",
    }


def test_ipv6_addresses_come_as_they_are(empty_consul: ConsulAgent):
    empty_consul.catalog_register("six", "web", port=80, address="2001:db8::5", node_address="2001:db8::1")
    (found,) = read(empty_consul)
    assert (found.address, found.node_address) == ("2001:db8::5", "2001:db8::1")


def test_tagged_addresses_of_the_service_come_before_those_of_the_node(empty_consul: ConsulAgent):
    empty_consul.catalog_register(
        "ext",
        "web",
        port=80,
        node_tagged_addresses={"lan": "10.0.0.1", "wan": "8.8.8.8"},
        tagged_addresses={"wan": ("9.9.9.9", 99)},
    )
    (found,) = read(empty_consul)
    assert found.tagged_addresses == {"lan": ("10.0.0.1", 80), "wan": ("9.9.9.9", 99)}


def test_the_socket_of_an_instance_is_read(empty_consul: ConsulAgent):
    if empty_consul.version < (1, 10):
        pytest.skip("this Consul knows no sockets")
    service = {"Service": "web", "ID": "web", "SocketPath": "/run/web.sock"}
    empty_consul.request("PUT", "/v1/catalog/register", {"Node": "n1", "Address": "10.0.0.1", "Service": service})
    for (registration,) in (read(empty_consul, "web"), *(way[1:] for way in all_ways(empty_consul))):
        assert (registration.socket, registration.port) == ("/run/web.sock", 0)


def test_a_kind_is_as_consul_says(empty_consul: ConsulAgent):
    empty_consul.register("web", port=1)
    empty_consul.register("side", port=2, kind="connect-proxy")
    empty_consul.catalog_register("ext", "gate", port=3, kind="mesh-gateway")
    kinds = {instance.service: instance.kind for instance in read(empty_consul)}
    assert kinds == {"web": "service", "side": "connect-proxy", "gate": "mesh-gateway"}


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_an_invalid_port_is_read_as_registered(empty_consul: ConsulAgent, port: int):
    empty_consul.catalog_register("ext", "odd", port=port)
    empty_consul.catalog_register("ext", "web", port=80)
    for found in (read(empty_consul), *all_ways(empty_consul, services=("odd", "web"))):
        assert [(instance.service, instance.port) for instance in found] == [("odd", port), ("web", 80)]


def test_progress_is_reported_as_answers_come_in(empty_consul: ConsulAgent):
    fill(empty_consul)
    told: list[tuple[str, int, int]] = []
    consul.read(settings_of(empty_consul.address), progress=lambda *report: told.append(report))
    assert told == sorted(told)
    assert {(datacenter, expected) for datacenter, _, expected in told} == {("dc1", 7)}
    assert told[-1] == ("dc1", 7, 7)


def test_a_read_over_a_unix_socket_gives_the_same_registrations(empty_consul: ConsulAgent):
    fill(empty_consul)
    expected = read(empty_consul)
    (answer,) = consul.read(settings_of(f"unix://{empty_consul.socket}")).answers
    assert answer.registrations == expected


def test_the_environment_names_the_agent_only_where_the_settings_do_not(empty_consul: ConsulAgent, monkeypatch):
    empty_consul.register("web", port=80)
    monkeypatch.setenv("CONSUL_HTTP_ADDR", "http://[::1]:1")
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "not-used")
    monkeypatch.setenv("CONSUL_HTTP_SSL", "true")
    assert names_of(read(empty_consul)) == ["web"]
    monkeypatch.delenv("CONSUL_HTTP_SSL")
    monkeypatch.setenv("CONSUL_HTTP_ADDR", empty_consul.address.removeprefix("http://"))
    (answer,) = consul.read(ConsulSettings(name="mesh", origin=PLACE, limits=LIMITS)).answers
    assert names_of(answer.registrations) == ["web"]
