"""The source `consul` on real agents: namespaces, peers, datacenters, TLS and ACLs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from consul_agent import AclAgent, ConsulAgent
from consul_reads import names_of, read, refused, settings_of
from consul_wan import WanPair
from processes import start_on_free_ports

from frostline.errors import SourceError, UsageError
from frostline.settings import LiveLimits, Tls, Token
from frostline.sources.consul import reading as consul_reading
from frostline.sources.consul import source as consul
from frostline.sources.consul.settings import ConsulSettings


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


def test_with_partial_an_unknown_datacenter_keeps_what_the_lock_has(empty_consul: ConsulAgent):
    empty_consul.register("web", port=80)
    reading = consul.read(settings_of(empty_consul.address, datacenters=("dc1", "nope"), partial=True))
    assert [answer.datacenter for answer in reading.answers] == ["dc1"]
    assert reading.unreachable == ("nope",)
    (warning,) = reading.warnings
    assert "`nope` keeps what the lock has" in warning
    assert "no answer from `nope`" in refused(settings_of(empty_consul.address, datacenters=("nope",), partial=True))


def test_a_dump_is_refused_if_its_addresses_differ_from_all_other_answers(
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
        # The refusal is permanent, so frostline does not retry.
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
    # python-consul2 would take this token; frostline does not send it.
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", acl_agent.create_token(READS_ALL))
    assert "403 Forbidden: ACL not found: ACLs are enabled" in refused(settings_of(acl_agent.address))
    monkeypatch.setenv("WRONG", "d3adb33f")
    said = refused(settings_of(acl_agent.address, token=Token(env="WRONG")))
    assert "Consul does not accept $WRONG" in said
    assert "d3adb33f" not in said


def test_a_token_without_agent_read_reads_the_only_datacenter(acl_agent: AclAgent, monkeypatch):
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


def test_scoped_reads_the_sidecars_that_the_token_may_see(acl_agent: AclAgent, monkeypatch):
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
