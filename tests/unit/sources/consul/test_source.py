from __future__ import annotations

import json

import msgspec
import pytest
from consul_replay import PLACE, Replay, Reply, Route, entry, read, refused, settings_of

from frostline.errors import UsageError
from frostline.model import FileOrigin, NamedPort
from frostline.settings import Keep, LiveLimits, Naming, Select, Tls, Token, VersionFrom
from frostline.sources.base import LiveSource
from frostline.sources.consul import source as consul
from frostline.sources.consul.settings import ConsulSettings
from frostline.sources.http.transport import StatusError


def test_the_module_is_a_live_source(replay: Replay):
    source: LiveSource = consul
    (answer,) = source.read(settings_of(replay)).answers
    assert [registration.service for registration in answer.registrations] == ["web"]
    assert (answer.source, answer.datacenter, answer.namespace) == ("mesh", "dc1", "default")


def test_a_peer_is_a_segment_of_its_own(replay: Replay):
    def entries(query: dict[str, str]) -> Reply:
        peer = query.get("peer", "")
        assert ("dc" in query) is not bool(peer)
        return Reply([entry(node=f"of-{peer or 'us'}", PeerName=peer)])

    for peer in ("east", "west"):
        replay.routes[f"/v1/peering/{peer}"] = Reply(
            {"Name": peer, "State": "ACTIVE", "StreamStatus": {"ImportedServices": ["web"]}}
        )
    replay.routes["/v1/health/service/web"] = entries
    answers = read(replay, peers=("west", "east")).answers
    assert [(answer.datacenter, answer.registrations[0].node) for answer in answers] == [
        ("dc1", "of-us"),
        ("peer:east", "of-east"),
        ("peer:west", "of-west"),
    ]
    only = consul.read(settings_of(replay, peers=("west", "east")), datacenters=("peer:west",)).answers
    assert [answer.datacenter for answer in only] == ["peer:west"]
    with pytest.raises(UsageError, match="it reads `peer:west`"):
        consul.read(settings_of(replay, peers=("west",)), datacenters=("peer:east",))


def test_a_namespace_and_a_partition_are_requested_and_checked_in_the_answer(replay: Replay):
    there = {"Namespace": "ops", "Partition": "team"}
    replay.routes["/v1/health/service/web"] = Reply([entry(**there, Node={"Partition": "team"})])
    (answer,) = read(replay, namespace="ops", partition="team").answers
    assert answer.namespace == "ops"
    assert all(
        (query["ns"], query["partition"]) == ("ops", "team")
        for path, query in replay.requests
        if path.startswith(("/v1/catalog/services", "/v1/health"))
    )
    replay.routes["/v1/health/service/web"] = Reply([entry(Partition="team")])
    said = refused(replay, namespace="ops", partition="team")
    assert "the server does not know namespaces: asked for `ops`, it answered with `default`" in said


def unreachable_in(datacenter: str, reply: Reply) -> Route:
    return lambda query: reply if query.get("dc") == datacenter else Reply({"web": []})


def test_a_datacenter_that_does_not_answer_keeps_what_the_lock_has_only_with_partial(replay: Replay):
    replay.routes["/v1/catalog/datacenters"] = Reply(["dc2", "dc1"])
    replay.routes["/v1/catalog/services"] = unreachable_in("dc2", Reply(b"No path to datacenter", status=500))
    assert "500 Internal Server Error: No path to datacenter" in refused(replay, datacenters=("*",))
    reading = read(replay, datacenters=("*",), partial=True)
    assert [answer.datacenter for answer in reading.answers] == ["dc1"]
    assert reading.unreachable == ("dc2",)
    (warning,) = reading.warnings
    assert "No path to datacenter" in warning
    assert "`dc2` keeps what the lock has" in warning
    replay.routes["/v1/catalog/services"] = Reply(b"No cluster leader", status=500)
    assert "no answer from `dc1` and `dc2`" in refused(replay, datacenters=("*",), partial=True)


@pytest.mark.parametrize("reply", [Reply(b"Permission denied", status=403), Reply(b"{")])
def test_a_refusal_is_not_taken_for_an_unreachable_datacenter(replay: Replay, reply: Reply):
    replay.routes["/v1/catalog/datacenters"] = Reply(["dc2", "dc1"])
    replay.routes["/v1/catalog/services"] = unreachable_in("dc2", reply)
    refused(replay, datacenters=("*",), partial=True)


def test_a_datacenter_without_a_leader_is_reported_before_it_is_read(replay: Replay):
    replay.routes["/v1/status/leader"] = Reply("")
    message = refused(replay, limits=LiveLimits(retries=1))
    assert message == f"source mesh: GET /v1/status/leader?dc=dc1 at {replay.address}: Consul has no leader"
    assert replay.asked("/v1/status/leader") == 2
    assert replay.asked("/v1/catalog/services") == 0
    replay.routes["/v1/catalog/datacenters"] = Reply(["dc2", "dc1"])
    replay.routes["/v1/status/leader"] = lambda query: Reply("" if query["dc"] == "dc2" else "127.0.0.1:8300")
    assert read(replay, datacenters=("*",), partial=True).unreachable == ("dc2",)


def test_a_leader_elected_meanwhile_is_accepted(replay: Replay):
    answers = iter([Reply(""), Reply("127.0.0.1:8300")])
    replay.routes["/v1/status/leader"] = lambda query: next(answers)
    assert read(replay, limits=LiveLimits(retries=1)).answers


@pytest.mark.parametrize("reply", [Reply(b"Permission denied", status=403), Reply(b"not found", status=404)])
def test_a_proxy_may_block_the_question_for_the_leader(replay: Replay, reply: Reply):
    replay.routes["/v1/status/leader"] = reply
    assert read(replay).answers


def test_without_agent_read_the_datacenter_comes_from_nodes_or_must_be_named(replay: Replay):
    replay.routes["/v1/agent/self"] = Reply(b"Permission denied", status=403)
    assert read(replay).answers[0].datacenter == "dc1"
    replay.routes["/v1/catalog/datacenters"] = Reply(["dc2", "dc1"])
    replay.routes["/v1/catalog/nodes"] = Reply([{"Node": "n", "Datacenter": "dc2"}])
    assert read(replay).answers[0].datacenter == "dc2"
    replay.routes["/v1/catalog/nodes"] = Reply([])
    assert "one of `dc1` and `dc2`" in refused(replay)
    assert read(replay, datacenters=("dc1",)).answers[0].datacenter == "dc1"


def test_a_server_that_is_not_consul_is_not_said_to_have_acls(replay: Replay):
    replay.routes["/v1/acl/token/self"] = Reply(b"<h1>Not Found</h1>", status=404)
    assert "ACLs" not in refused(replay)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(b"ACL not found", status=403), "403 Forbidden: ACL not found: ACLs are enabled"),
        (Reply(b"token does not exist", status=404), "ACLs are enabled, and there is no key `token`"),
        (Reply({"AccessorID": "00000000-0000-0000-0000-000000000002"}), "Consul takes it for the anonymous token"),
        (Reply(b"Unauthorized", status=401), "ACLs are enabled"),
        (Reply(b"[]"), "not the JSON"),
    ],
)
def test_a_token_that_consul_does_not_accept_is_refused(replay: Replay, reply: Reply, said: str):
    replay.routes["/v1/acl/token/self"] = reply
    assert said in refused(replay)


def test_a_proxy_that_wants_a_login_is_not_taken_for_acls(replay: Replay):
    login = Reply(b"<h1>401</h1>", status=401)
    login.headers["WWW-Authenticate"] = 'Basic realm="x"'
    replay.routes["/v1/acl/token/self"] = login
    with pytest.raises(StatusError) as caught:
        read(replay)
    assert "401 Unauthorized" in caught.value.message
    assert "ACLs" not in caught.value.message
    assert "a proxy before the server asks for a login" in (caught.value.help or "")


def test_an_accepted_token_is_enough(replay: Replay):
    replay.routes["/v1/acl/token/self"] = Reply({"AccessorID": "1d3"}, index=None)
    assert read(replay).answers


def test_scoped_reads_without_listing_and_lets_acls_hide_the_rest(replay: Replay):
    for path in ("/v1/catalog/services", "/v1/acl/token/self"):
        replay.routes[path] = Reply(b"Permission denied", status=403)
    replay.routes["/v1/health/service/web"] = Reply([entry()], Results_Filtered_By_ACLs="true")
    scoped = {"acl": "scoped", "select": Select(services=("web",))}
    assert len(read(replay, **scoped).answers[0].registrations) == 1
    replay.routes["/v1/health/service/web"] = Reply([])
    assert "no instance answers for `web`, which is selected by name" in refused(replay, **scoped)


def test_the_shape_is_of_what_shapes_the_answer_only(replay: Replay):
    base = ConsulSettings(name="mesh", origin=PLACE)
    same = [
        {"name": "other"},
        {"origin": FileOrigin("x", 9, 9)},
        {"token": Token(env="T")},
        {"tls": Tls(verify=False)},
        {"partial": True},
        {"acl": "scoped"},
        {"consistency": "eventual"},
        {"limits": LiveLimits(timeout=1)},
        {"naming": Naming(url="x", patterns=("{service}",))},
        {"select": Select(health=("passing",), meta={})},
        {"keep": Keep(ids=True, nodes=True)},
    ]
    other = [
        {"address": "http://x"},
        {"datacenters": ("*",)},
        {"namespace": "ops"},
        {"partition": "p"},
        {"peers": ("west",)},
        {"upstreams": False},
        {"select": Select(services=("a",))},
        {"select": Select(tags=("a",))},
        {"select": Select(meta={"a": "b"})},
        {"select": Select(health=("warning",))},
        {"select": Select(kinds=("connect-proxy",))},
        {"keep": Keep(tags=())},
        {"keep": Keep(meta=("a",))},
        {"keep": Keep(ids=False)},
        {"keep": Keep(nodes=False)},
        {"keep": Keep(endpoints=False)},
        {"address_from": "lan"},
        {"port_from": "http"},
        {"naming": Naming(version_from=VersionFrom(meta="v"))},
        {"naming": Naming(version_from=VersionFrom(tag="v"))},
    ]
    for more in same:
        assert consul.shape(msgspec.structs.replace(base, **more)) == consul.shape(base), more
    shapes = [json.dumps(consul.shape(msgspec.structs.replace(base, **more))) for more in [{}, *other]]
    assert len(set(shapes)) == len(shapes)


def test_named_ports_are_read_as_consul_1_22_writes_them(replay: Replay):
    ports = [{"Name": "http", "Port": 8080, "Default": True}, {"Name": "admin", "Port": 9090, "Default": False}]
    replay.routes["/v1/health/service/web"] = Reply([entry(Port=8080, Ports=ports)])
    (registration,) = read(replay).answers[0].registrations
    assert registration.ports == (NamedPort("http", 8080, True), NamedPort("admin", 9090, False))
    for none in (None, []):
        replay.routes["/v1/health/service/web"] = Reply([entry(Ports=none, SocketPath="/run/web.sock")])
        (registration,) = read(replay).answers[0].registrations
        assert (registration.ports, registration.socket) == ((), "/run/web.sock")
