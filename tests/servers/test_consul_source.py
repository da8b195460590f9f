"""The source `consul` on real agents."""

from __future__ import annotations

import string
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from consul_agent import AclAgent, ConsulAgent, WanPair
from processes import start_on_free_ports

from frostline.errors import SourceError, UsageError
from frostline.model import FileOrigin, Registration
from frostline.settings import LiveLimits, Select, Tls, Token
from frostline.sources.consul import reading as consul_reading
from frostline.sources.consul import source as consul
from frostline.sources.consul.client import CONSUL
from frostline.sources.consul.reading import SegmentQuery, SegmentReader
from frostline.sources.consul.settings import ConsulSettings
from frostline.sources.consul.wire import RegistrationMaker
from frostline.sources.http.address import parse_address
from frostline.sources.http.session import Session
from frostline.sources.http.transport import Transport

PLACE = FileOrigin("frostline.yaml", 3, 3)
LIMITS = LiveLimits(retries=0)
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


def settings_of(address: str, services: tuple[str, ...] = ("*", "!consul"), **more: Any) -> ConsulSettings:
    more = {"limits": LIMITS, "origin": PLACE, "name": "mesh"} | more
    return ConsulSettings(address=address, select=Select(services=services), **more)


def read(agent: ConsulAgent, *services: str, **more: Any) -> tuple[Registration, ...]:
    """The registrations of the agent's own datacenter."""
    (answer,) = consul.read(settings_of(agent.address, services or ("*", "!consul"), **more)).answers
    assert (answer.source, answer.datacenter) == ("mesh", agent.datacenter)
    return answer.registrations


def names_of(registrations: tuple[Registration, ...]) -> list[str]:
    return [registration.service for registration in registrations]


def refused(settings: ConsulSettings, kind: type[Exception] = SourceError, **more: Any) -> str:
    with pytest.raises(kind) as caught:
        consul.read(settings, **more)
    error: Any = caught.value
    assert error.help
    assert error.origin == PLACE
    return str(error.message)


def all_ways(agent: ConsulAgent, node_meta: tuple[str, ...] = (), **more: Any) -> list[tuple[Registration, ...]]:
    """The whole catalog by service, by node and by the dump."""
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
    """A catalog with everything that one of the ways could see in its own way."""
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


def test_all_ways_give_the_same(empty_consul: ConsulAgent):
    fill(empty_consul)
    by_service, by_node, by_dump = all_ways(empty_consul)
    assert by_service == by_node == by_dump
    assert len(by_service) == 10  # with consul's own
    health = {each.id: each.health for each in by_service}
    assert health["web-1"] == "passing"
    assert health["web-2"] == "warning"
    assert health["spelled"] == "critical"
    assert health["down/1"] == "maintenance"
    assert health["far"] == "warning"
    assert health["abc"] == "critical"
    by_service, by_node, by_dump = all_ways(empty_consul, services=("w*", "f*", "consul"))
    assert by_service == by_node == by_dump
    assert names_of(by_dump) == ["consul", "far", "web", "web", "web"]


def test_all_ways_give_the_same_of_odd_registrations_and_of_nodes_metadata(empty_consul: ConsulAgent):
    service = {"ID": "s", "Service": "odd", "Port": -1, "TaggedAddresses": {"lan": {"Address": "x", "Port": 70000}}}
    for node, meta, status in (("n1", {"rack": "r1", "os": "x"}, "unknown"), ("n2", {"Rack": "r1"}, "Passing")):
        check = {"CheckID": "c", "Name": "c", "ServiceID": "s" if node == "n1" else "", "Status": status}
        body = {"Node": node, "Address": " h", "NodeMeta": meta, "Service": service, "Check": check}
        empty_consul.request("PUT", "/v1/catalog/register", body)
    bare = {"Node": "n3", "Address": "h", "Service": {"Service": "odd", "Port": 2**40}}
    empty_consul.request("PUT", "/v1/catalog/register", bare)
    by_service, by_node, by_dump = all_ways(empty_consul, node_meta=("rack",), services=("odd",))
    assert by_service == by_node == by_dump
    assert [(one.node_meta, one.unknown_status, one.port) for one in by_dump] == [
        ({"rack": "r1"}, "unknown", -1),
        ({}, "Passing", -1),
        ({}, "", 2**40),
    ]


def test_registrations_are_sorted_whatever_order_they_came_in(empty_consul: ConsulAgent):
    fill(empty_consul)
    found = read(empty_consul, "*")
    keys = [(each.service, each.node, each.id) for each in found]
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
    assert [(each.service, each.port) for each in read(empty_consul)] == [
        ("PAY-v1", 82),
        ("Pay-v1", 81),
        ("pay-v1", 80),
    ]
    assert [each.port for each in read(empty_consul, "pay-v1")] == [80]
    assert [each.port for each in read(empty_consul, "Pay-v1")] == [81]


def test_every_hostile_name_is_read_back_unchanged(empty_consul: ConsulAgent):
    for name in HOSTILE:
        empty_consul.catalog_register("ext", name, id=f"id {name}", port=80, tags=[name], meta={"k": name[:500]})
    assert names_of(read(empty_consul)) == sorted(HOSTILE)
    assert {each.tags[0] for each in read(empty_consul)} == set(HOSTILE)


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
def test_stale_reads_give_the_same(empty_consul: ConsulAgent, few: int, monkeypatch):
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
    health = {each.service: each.health for each in read(empty_consul)}
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
    assert {each.service: each.health for each in read(empty_consul)} == {"web": "maintenance", "far": "passing"}


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


def test_a_socket_is_read_where_an_instance_listens_on_one(empty_consul: ConsulAgent):
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
    kinds = {each.service: each.kind for each in read(empty_consul)}
    assert kinds == {"web": "service", "side": "connect-proxy", "gate": "mesh-gateway"}


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_a_port_that_none_can_be_is_read_as_registered(empty_consul: ConsulAgent, port: int):
    empty_consul.catalog_register("ext", "odd", port=port)
    empty_consul.catalog_register("ext", "web", port=80)
    for found in (read(empty_consul), *all_ways(empty_consul, services=("odd", "web"))):
        assert [(one.service, one.port) for one in found] == [("odd", port), ("web", 80)]


def test_progress_is_told_as_answers_come_in(empty_consul: ConsulAgent):
    fill(empty_consul)
    told: list[tuple[str, int, int]] = []
    consul.read(settings_of(empty_consul.address), progress=lambda *each: told.append(each))
    assert told == sorted(told)
    assert {(datacenter, expected) for datacenter, _, expected in told} == {("dc1", 7)}
    assert told[-1] == ("dc1", 7, 7)


def test_a_unix_socket_gives_the_same(empty_consul: ConsulAgent):
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


@pytest.mark.parametrize("keys", [{"namespace": "ops"}, {"partition": "team"}])
def test_a_namespace_or_partition_is_refused_by_a_server_without_enterprise(
    empty_consul: ConsulAgent, keys: dict[str, str]
):
    empty_consul.register("web", port=80)
    with pytest.raises(SourceError) as caught:
        consul.read(settings_of(empty_consul.address, **keys))
    if "partition" in keys and empty_consul.version < (1, 11):  # it ignores the parameter
        assert "the server does not know partitions: asked for `team`" in caught.value.message
        assert caught.value.help.startswith("remove `partition`")
    else:
        assert ": 400 Bad Request: " in caught.value.message
        assert caught.value.help == f"leave out `{next(iter(keys))}` unless the server is Consul Enterprise"


def test_a_peer_that_the_server_does_not_know_is_refused(empty_consul: ConsulAgent):
    empty_consul.register("web", port=80)
    said = refused(settings_of(empty_consul.address, peers=("west",)))
    if empty_consul.version < (1, 13):
        assert ": this Consul knows no peers" in said
    else:
        assert "Consul knows no peer `west`, and no other" in said


def test_a_datacenter_that_consul_does_not_know_is_refused(empty_consul: ConsulAgent):
    empty_consul.register("web", port=80)
    said = refused(settings_of(empty_consul.address, datacenters=("dc1", "nope")))
    assert "Consul knows no datacenter `nope`, only `dc1`" in said
    assert "no datacenter `west*`, only `dc1`" in refused(settings_of(empty_consul.address, datacenters=("west*",)))


def test_with_partial_an_unknown_datacenter_is_left_as_it_was(empty_consul: ConsulAgent):
    empty_consul.register("web", port=80)
    reading = consul.read(settings_of(empty_consul.address, datacenters=("dc1", "nope"), partial=True))
    assert [answer.datacenter for answer in reading.answers] == ["dc1"]
    assert reading.unreachable == ("nope",)
    (warning,) = reading.warnings
    assert "`nope` keeps what the lock has" in warning
    assert "no answer from `nope`" in refused(settings_of(empty_consul.address, datacenters=("nope",), partial=True))


def test_a_dump_is_refused_where_it_has_other_addresses_than_all_other_answers(
    consul_binary: str, tmp_path_factory: pytest.TempPathFactory
):
    translating = {"translate_wan_addrs": True}
    pair = start_on_free_ports(lambda: WanPair(consul_binary, tmp_path_factory.mktemp("wan"), config=translating))
    try:
        for agent in pair.agents:
            tagged = {"lan": "10.0.0.1", "wan": "203.0.113.1"}
            agent.catalog_register("n1", "web", port=80, node_address="10.0.0.1", node_tagged_addresses=tagged)
        address = pair.primary.address

        def node_address(datacenter: str, *services: str) -> str:
            chosen = settings_of(address, services or ("*", "!consul"), datacenters=(datacenter,))
            (answer,) = consul.read(chosen).answers
            return next(
                registration.node_address for registration in answer.registrations if registration.service == "web"
            )

        assert (node_address("dc1"), node_address("dc2")) == ("10.0.0.1", "203.0.113.1")
        for agent in pair.agents:
            agent.catalog_register("n2", "a//b", port=1)  # no path can name it
        assert node_address("dc1") == "10.0.0.1"
        said = refused(settings_of(address, datacenters=("dc2",)))
        assert "the agent translates addresses of other datacenters" in said
        assert node_address("dc2", "*", "!consul", "!a//b") == "203.0.113.1"
        pair.secondary.catalog_deregister("n1", "web")
        pair.secondary.catalog_register("n3", "web", port=80, node_address="10.0.0.3")
        assert node_address("dc2") == "10.0.0.3"
    finally:
        pair.stop()


def test_all_datacenters_are_read(consul_wan: WanPair):
    consul_wan.reset()
    consul_wan.primary.register("near", port=80)
    consul_wan.secondary.register("far", port=81)
    address = consul_wan.primary.address
    for datacenters, expected in [
        (("*",), {"dc1": ["near"], "dc2": ["far"]}),
        (("*", "!dc1"), {"dc2": ["far"]}),
        (("dc2",), {"dc2": ["far"]}),
        (("dc2", "dc1"), {"dc1": ["near"], "dc2": ["far"]}),
        ((), {"dc1": ["near"]}),
    ]:
        reading = consul.read(settings_of(address, datacenters=datacenters))
        assert {answer.datacenter: names_of(answer.registrations) for answer in reading.answers} == expected
        assert [answer.datacenter for answer in reading.answers] == sorted(expected)
        assert {answer.namespace for answer in reading.answers} == {"default"}


def test_a_read_is_narrowed_to_some_datacenters(consul_wan: WanPair):
    consul_wan.reset()
    address = consul_wan.primary.address
    reading = consul.read(settings_of(address, datacenters=("*",)), datacenters=("dc2",))
    assert [answer.datacenter for answer in reading.answers] == ["dc2"]
    reading = consul.read(settings_of(address, datacenters=("dc2", "elsewhere")), datacenters=("dc2",))
    assert [answer.datacenter for answer in reading.answers] == ["dc2"]
    assert [answer.datacenter for answer in consul.read(settings_of(address), datacenters=("dc1",)).answers] == ["dc1"]
    assert "reads the agent's own, `dc1`" in refused(settings_of(address), UsageError, datacenters=("dc2",))
    assert "`datacenters` is `dc1`" in refused(
        settings_of(address, datacenters=("dc1",)), UsageError, datacenters=("dc2",)
    )
    assert "no peers" in refused(settings_of(address), UsageError, datacenters=("peer:x",))
    assert "no datacenter `dc9`" in refused(settings_of(address, datacenters=("*",)), datacenters=("dc9",))


def test_an_agent_over_tls_is_read_with_a_clients_certificate(consul_tls: ConsulAgent):
    consul_tls.reset()
    consul_tls.register("web", port=80)
    files = consul_tls.tls
    assert files is not None
    pair = {"cert_file": files.cert_file, "key_file": files.key_file}
    good = Tls(ca_file=files.ca_file, server_name=files.server_name, **pair)
    assert names_of(read(consul_tls, tls=good)) == ["web"]
    unverified = consul.read(settings_of(consul_tls.address, ("web",), tls=Tls(verify=False, **pair)))
    assert names_of(unverified.answers[0].registrations) == ["web"]
    assert "is not verified (`tls.verify`)" in unverified.warnings[0]

    for tls, said in [
        (Tls(ca_file=files.ca_file, server_name=files.server_name), "certificate"),
        (
            Tls(ca_file=files.ca_file, server_name="elsewhere", **pair),
            "the server's certificate is not valid for `elsewhere`",
        ),
        (Tls(server_name=files.server_name, **pair), "from an authority that is not trusted here"),
    ]:
        # Refused for good: it is not asked again and again.
        assert said in refused(settings_of(consul_tls.address, tls=tls, limits=LiveLimits(retries=100)))
    plain = consul_tls.address.replace("https", "http")
    assert "an HTTP request to an HTTPS server" in refused(settings_of(plain))
    assert "the address does not use TLS" in refused(settings_of(plain, tls=good), UsageError)


READS_CATALOG = 'node_prefix "" { policy = "read" } service_prefix "" { policy = "read" } '
READS_ALL = READS_CATALOG + 'agent_prefix "" { policy = "read" }'


@pytest.fixture
def acl_agent(consul_acl: AclAgent) -> AclAgent:
    consul_acl.reset()
    consul_acl.register("web", port=80)
    consul_acl.register("pay", port=81)
    return consul_acl


def test_a_token_comes_from_the_environment_or_a_file(acl_agent: AclAgent, tmp_path: Path, monkeypatch):
    token = acl_agent.create_token(READS_ALL)
    monkeypatch.setenv("FROM_HERE", token)
    assert names_of(read(acl_agent, token=Token(env="FROM_HERE"))) == ["pay", "web"]
    (tmp_path / "token").write_text(f"{token}\n")
    assert names_of(read(acl_agent, token=Token(file=tmp_path / "token"))) == ["pay", "web"]
    assert "is not set" in refused(settings_of(acl_agent.address, token=Token(env="NOT_SET")), UsageError)


def test_a_missing_or_wrong_token_is_refused_where_acls_are_on(acl_agent: AclAgent, monkeypatch):
    # python-consul2 would take this one; nothing of it is sent.
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", acl_agent.create_token(READS_ALL))
    assert "403 Forbidden: ACL not found: ACLs are enabled" in refused(settings_of(acl_agent.address))
    monkeypatch.setenv("WRONG", "d3adb33f")
    said = refused(settings_of(acl_agent.address, token=Token(env="WRONG")))
    assert "Consul does not accept $WRONG" in said
    assert "d3adb33f" not in said


def test_a_token_that_may_not_ask_the_agent_reads_the_only_datacenter(acl_agent: AclAgent, monkeypatch):
    monkeypatch.setenv("T", acl_agent.create_token(READS_CATALOG))
    assert names_of(read(acl_agent, token=Token(env="T"))) == ["pay", "web"]


@pytest.mark.parametrize("few", [0, 50])
def test_a_token_that_may_not_read_nodes_is_refused(acl_agent: AclAgent, monkeypatch, few: int):
    monkeypatch.setattr(consul_reading, "_FEW", few)
    monkeypatch.setenv("T", acl_agent.create_token('service_prefix "" { policy = "read" }'))
    said = refused(settings_of(acl_agent.address, token=Token(env="T")))
    filtered = acl_agent.version >= (1, 11)  # X-Consul-Results-Filtered-By-ACLs
    assert ("ACLs hide a part of the answer" if filtered else "no instance answers for `pay`, which is listed") in said


def test_scoped_reads_literal_names_that_the_token_may_see(acl_agent: AclAgent, monkeypatch):
    monkeypatch.setenv(
        "T", acl_agent.create_token('service "web" { policy = "read" } node_prefix "" { policy = "read" }')
    )
    scoped: Callable[..., ConsulSettings] = lambda *services: settings_of(  # noqa: E731
        acl_agent.address, services, token=Token(env="T"), acl="scoped"
    )
    (answer,) = consul.read(scoped("web")).answers
    assert names_of(answer.registrations) == ["web"]
    assert "no instance answers for `pay`, which is selected by name" in refused(scoped("web", "pay"))
    for services in [("*",), ("w?b",), ("web", "!pay"), ()]:
        assert "literal service names only" in refused(scoped(*services), UsageError)


def test_scoped_reads_of_sidecars_what_the_token_may_see(acl_agent: AclAgent, monkeypatch):
    proxy = {"DestinationServiceName": "web", "Upstreams": [{"DestinationName": "pay", "LocalBindPort": 9101}]}
    acl_agent.register("web-sidecar-proxy", port=21000, kind="connect-proxy", proxy=proxy)
    nodes = 'node_prefix "" { policy = "read" } service "web" { policy = "read" }'
    scoped = settings_of(acl_agent.address, ("web",), token=Token(env="T"), acl="scoped")
    for rules, destinations in ((nodes, []), (f'{nodes} service "web-sidecar-proxy" {{ policy = "read" }}', ["pay"])):
        monkeypatch.setenv("T", acl_agent.create_token(rules))
        (answer,) = consul.read(scoped).answers
        assert names_of(answer.registrations) == ["web"]
        assert [upstream.destination for upstream in answer.upstreams] == destinations


def test_the_token_is_in_no_message(acl_agent: AclAgent, monkeypatch):
    token = acl_agent.create_token("")
    monkeypatch.setenv("T", token)
    assert token not in refused(settings_of(acl_agent.address, ("web",), token=Token(env="T"), acl="scoped"))


def test_the_proof_holds_while_other_services_come_and_go(empty_consul: ConsulAgent, monkeypatch):
    empty_consul.catalog_register("ext", "web", port=80)
    count = iter(range(sys.maxsize))
    own = SegmentReader._read_service

    def disturbed(*arguments: Any) -> Any:
        empty_consul.catalog_register("busy", "other", port=next(count) + 1)
        return own(*arguments)

    monkeypatch.setattr(SegmentReader, "_read_service", disturbed)
    monkeypatch.setattr(SegmentReader, "by_dump", None)
    assert names_of(read(empty_consul, "web")) == ["web"]


@pytest.mark.parametrize(
    "change",
    [
        lambda agent, count: agent.catalog_register("ext", "web", port=100 + count),
        lambda agent, count: agent.catalog_register("ext", "web", port=80, status=["passing", "critical"][count % 2]),
        lambda agent, count: agent.catalog_register("ext", "web", port=80, node_address=f"10.0.0.{count}"),
        lambda agent, count: agent.catalog_register("ext", "web", node_status=["passing", "warning"][count % 2]),
        lambda agent, count: agent.catalog_register(f"ext{count}", "web", port=80),
        lambda agent, count: agent.catalog_register("ext", f"web{count}", port=80),
    ],
    ids=["instance", "check", "node", "node check", "new instance", "new name"],
)
@pytest.mark.parametrize(("few", "way"), [(50, "_read_service"), (0, "_read_nodes")])
def test_a_change_while_it_is_read_is_seen_and_read_again(
    empty_consul: ConsulAgent, monkeypatch, few: int, way: str, change: Callable[[ConsulAgent, int], None]
):
    empty_consul.catalog_register("ext", "web", port=80)
    monkeypatch.setattr(consul_reading, "_FEW", few)
    own = getattr(SegmentReader, way)
    dump = SegmentReader.by_dump
    calls: list[str] = []
    changes = iter(range(sys.maxsize))
    lock = Lock()

    def moving(times: int) -> Callable[..., Any]:
        def changed(*arguments: Any) -> Any:
            answer = own(*arguments)
            calls.append("read")
            if len(calls) <= times:
                with lock:
                    change(empty_consul, next(changes))
            return answer

        return changed

    def dumped(*arguments: Any) -> Any:
        calls.append("dump")
        return dump(*arguments)

    monkeypatch.setattr(SegmentReader, "by_dump", dumped)
    monkeypatch.setattr(SegmentReader, way, moving(1))
    found = read(empty_consul)
    assert "dump" not in calls
    assert len(calls) >= 2
    monkeypatch.setattr(SegmentReader, way, own)
    assert found == read(empty_consul)
    calls.clear()
    monkeypatch.setattr(SegmentReader, way, moving(1000))
    found = read(empty_consul)
    assert calls[-1] == "dump"
    monkeypatch.setattr(SegmentReader, way, own)
    assert found == read(empty_consul)


@pytest.mark.parametrize("services", [("*", "!consul"), ("web",)])
def test_an_instance_that_takes_another_name_while_it_is_read_is_of_one_name(
    empty_consul: ConsulAgent, monkeypatch, services: tuple[str, ...]
):
    """The index of the name that it had stays as it was (Consul 1.8)."""
    empty_consul.catalog_register("ext", "web", id="one", port=80)
    empty_consul.catalog_register("ext2", "web", id="two", port=80)
    own = SegmentReader._read_service
    calls: list[str] = []

    def renamed(*arguments: Any) -> Any:
        answer = own(*arguments)
        calls.append("read")
        if len(calls) == 1:
            empty_consul.catalog_register("ext", "pay", id="one", port=80)
        return answer

    monkeypatch.setattr(SegmentReader, "_read_service", renamed)
    found = read(empty_consul, *services)
    monkeypatch.setattr(SegmentReader, "_read_service", own)
    assert found == read(empty_consul, *services)
    assert [each.id for each in found if each.service == "web"] == ["two"]
