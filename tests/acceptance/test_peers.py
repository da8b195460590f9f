"""What peers export to this cluster, on two real Consul clusters that are peered."""

from __future__ import annotations

from typing import Any

import pytest
from consul_peers import PeeredPair
from project import Project, consul_config

from frostline.errors import SourceError
from frostline.model import FileOrigin
from frostline.settings import LiveLimits, Select, Token
from frostline.sources.base import ReadResult
from frostline.sources.consul import source as consul
from frostline.sources.consul.settings import ConsulSettings

PLACE = FileOrigin("frostline.yaml", 3, 3)
READS_CATALOG = 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }'
READS_PEERS = f'{READS_CATALOG} peering = "read" agent_prefix "" {{ policy = "read" }}'

runner = pytest.fixture(name="runner")(lambda run_here: run_here)


@pytest.fixture(scope="module")
def reset_pair(peered_consuls: PeeredPair) -> PeeredPair:
    """East has `search` and `web`; west has `search` twice, `ledger` and `secret`, and exports all but `secret`."""
    pair = peered_consuls
    pair.reset()
    pair.east.register("search", address="10.0.0.1", port=9200)
    pair.east.register("web", address="10.0.0.2", port=80)
    pair.west.register("ledger", address="10.1.0.1", port=7000, tags=["api"], meta={"tier": "back"})
    pair.west.register("secret", address="10.1.0.2", port=1)
    pair.west.catalog_register("far", "search", node_address="10.1.0.9", port=9201)
    pair.west.catalog_register("ill", "search", node_address="10.1.0.8", port=9202, status="critical")
    pair.export("ledger", "search")
    return pair


@pytest.fixture
def pair(reset_pair: PeeredPair, monkeypatch: pytest.MonkeyPatch) -> PeeredPair:
    monkeypatch.setenv("T", reset_pair.east.create_token(READS_PEERS))
    return reset_pair


def read(pair: PeeredPair, services: tuple[str, ...] = ("*", "!consul"), **more: Any) -> ReadResult:
    given = {"peers": ("west",), "token": Token(env="T"), "limits": LiveLimits(retries=0)} | more
    select = Select(services=services)
    return consul.read(ConsulSettings(name="mesh", origin=PLACE, address=pair.east.address, select=select, **given))


def found(reading: ReadResult) -> list[tuple[str, str, str]]:
    return [
        (answer.datacenter, registration.service, registration.node)
        for answer in reading.answers
        for registration in answer.registrations
    ]


def refused(pair: PeeredPair, **more: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(pair, **more)
    assert caught.value.help
    assert caught.value.origin == PLACE
    return caught.value


EXPORTED = [("peer:west", "ledger", "node-b"), ("peer:west", "search", "far"), ("peer:west", "search", "ill")]
LOCAL = [("dc1", "search", "node-a"), ("dc1", "web", "node-a")]


def test_a_peer_is_read_with_what_it_exports_and_nothing_else(pair: PeeredPair) -> None:
    reading = read(pair)
    assert found(reading) == [*LOCAL, *EXPORTED]
    ledger = reading.answers[1].registrations[0]
    assert (ledger.address, ledger.port, ledger.tags, ledger.meta) == ("10.1.0.1", 7000, ("api",), {"tier": "back"})
    assert [one.health for one in reading.answers[1].registrations] == ["passing", "passing", "critical"]
    assert found(read(pair, ("ledger", "web"))) == [LOCAL[1], EXPORTED[0]]
    assert found(read(pair, consistency="eventual")) == [*LOCAL, *EXPORTED]


def test_a_token_without_peering_read_sees_the_same(pair: PeeredPair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T", pair.east.create_token(READS_CATALOG))
    assert found(read(pair)) == [*LOCAL, *EXPORTED]
    said = refused(pair, peers=("nope",))
    assert "the token may not read the peering with `nope`, and sees none of its services" in said.message


def test_a_token_that_may_not_read_everything_is_refused(pair: PeeredPair, monkeypatch: pytest.MonkeyPatch) -> None:
    some = 'service "search" { policy = "read" } node_prefix "" { policy = "read" } peering = "read"'
    for rules in (some, 'service_prefix "" { policy = "read" } peering = "read"', 'peering = "read"'):
        monkeypatch.setenv("T", pair.east.create_token(rules))
        assert "ACLs hide a part of the answer" in refused(pair).message


def test_a_scoped_token_reads_names_that_are_here_or_in_a_peer(pair: PeeredPair) -> None:
    assert found(read(pair, ("ledger", "web"), acl="scoped")) == [LOCAL[1], EXPORTED[0]]
    with pytest.raises(SourceError, match="no instance answers for `nope`, which is selected by name, here or in"):
        read(pair, ("nope", "web"), acl="scoped")


def test_the_dump_holds_the_same_of_a_peer(pair: PeeredPair, monkeypatch: pytest.MonkeyPatch) -> None:
    from frostline.sources.consul.reading import SegmentReader

    monkeypatch.setattr(SegmentReader, "by_service", lambda self, listing: None)
    assert found(read(pair)) == [*LOCAL, *EXPORTED]


def test_a_peer_that_is_not_known_is_named_with_those_that_are(pair: PeeredPair) -> None:
    said = refused(pair, peers=("nope", "west"))
    assert "Consul knows no peer `nope`, only `west`" in said.message
    reading = read(pair, peers=("nope", "west"), partial=True)
    assert (found(reading), reading.unreachable) == ([*LOCAL, *EXPORTED], ("peer:nope",))
    assert "`peer:nope` keeps what the lock has" in reading.warnings[0]


def test_a_peer_that_waits_for_the_other_cluster_is_unreachable(pair: PeeredPair) -> None:
    pair.east.request("POST", "/v1/peering/token", {"PeerName": "north"})
    said = refused(pair, peers=("north",))
    assert "the peering with `north` is PENDING: the other cluster has not established it yet" in said.message
    assert read(pair, peers=("north",), partial=True).unreachable == ("peer:north",)


def config_of(pair: PeeredPair, **source: Any) -> dict[str, Any]:
    source = {"peers": ["west"], "token": {"env": "T"}} | source
    return consul_config(pair.east.address, source=source, lock="frostline.lock")


def endpoints(project: Project, service: str) -> list[tuple[str, str]]:
    (line,) = project.document(0, "explain", service, "--offline")["explained"]
    return [(endpoint["url"], endpoint["origin"]["datacenter"]) for endpoint in line["endpoints"]]


def test_what_is_served_here_is_not_sent_to_a_peer(project: Project, pair: PeeredPair) -> None:
    project.configure(config_of(pair)).done("compile")
    assert endpoints(project, "search") == [("http://10.0.0.1:9200", "dc1")]
    assert endpoints(project, "ledger") == [("http://10.1.0.1:7000", "peer:west")]
    said = project.done("explain", "search", "--offline").stdout
    assert "http://10.1.0.9:9201" in said
    assert "`dc1` precedes `peer:west`" in said
    pair.east.maintenance("search")
    try:
        project.done("compile")
        assert endpoints(project, "search") == [("http://10.1.0.9:9201", "peer:west")]
    finally:
        pair.east.maintenance("search", enable=False)


def test_a_peer_that_exports_nothing_any_more_is_refused(project: Project, pair: PeeredPair) -> None:
    project.configure(config_of(pair)).done("compile")
    before = project.read("frostline.lock")
    pair.export()
    try:
        said = project.refused(4, "compile").stderr
        assert "error[guard-segment]" in said
        assert "peer:west" in said
        assert "the peer `west` exports no service that `select.services` takes" in said
        assert project.read("frostline.lock") == before
        project.done("compile", "--allow", "empty=mesh/peer:west", "--allow", "deletes")
    finally:
        pair.export("ledger", "search")


def test_a_service_that_is_exported_without_an_instance_is_none(project: Project, pair: PeeredPair) -> None:
    pair.west.request(
        "PUT",
        "/v1/config",
        {
            "Kind": "exported-services",
            "Name": "default",
            "Services": [{"Name": name, "Consumers": [{"Peer": "to-west"}]} for name in ("ghost", "ledger", "search")],
        },
    )
    pair.wait_for(lambda: "ghost" in pair.peering()["StreamStatus"]["ImportedServices"], "ghost")
    try:
        assert found(read(pair)) == [*LOCAL, *EXPORTED]
        assert found(read(pair, consistency="eventual")) == [*LOCAL, *EXPORTED]
    finally:
        pair.export("ledger", "search")


def test_a_peering_that_the_other_cluster_has_ended_is_refused(project: Project, pair: PeeredPair) -> None:
    pair.establish("south")  # west once more, so that its peering stays
    pair.export("ledger", to="south")
    try:
        project.configure(config_of(pair, peers=["south"])).done("compile")
        pair.west.request("DELETE", "/v1/peering/to-south")
        pair.wait_for(lambda: not pair.imported("south"), "the end of what is imported")
        # Consul 1.14.11 still calls it ACTIVE; what its servers knew of it is gone.
        done = project.run("compile")
        assert done.returncode == (4 if pair.peering("south")["State"] == "ACTIVE" else 3)
        assert "peer:south" in done.stderr
    finally:
        pair.export("ledger", "search")


def test_a_peer_whose_cluster_is_gone_keeps_what_the_lock_has(project: Project, pair: PeeredPair) -> None:
    project.configure(config_of(pair, partial=True)).done("compile")
    before = project.read("frostline.lock")
    pair.west.stop()
    try:
        pair.wait_for(lambda: pair.peering()["State"] == "FAILING", "the end of the connection")
        said = refused(pair)
        assert "the peering with `west` is FAILING: the connection to the other cluster is lost" in said.message
        done = project.done("compile")
        assert "`peer:west` keeps what the lock has" in done.stderr
        assert project.read("frostline.lock") == before
        pair.east.request("DELETE", "/v1/peering/west")
        pair.wait_for(lambda: not pair.peering(), "the end of the peering")
        assert "Consul knows no peer `west`" in refused(pair).message
        assert "`peer:west` keeps what the lock has" in project.done("compile").stderr
        assert project.read("frostline.lock") == before
    finally:
        pair.west.start()


def test_a_namespace_of_enterprise_is_refused_in_consuls_words(pair: PeeredPair) -> None:
    for key in ("namespace", "partition"):
        said = refused(pair, **{key: "ops"})
        assert "are a Consul Enterprise feature" in said.message
        assert said.help == f"leave out `{key}` unless the server is Consul Enterprise"
