"""What a real Consul can't be made to answer: a replay of its answers, each of which a test may bend."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from frostline.errors import SourceError, UsageError
from frostline.model import FileOrigin, Registration
from frostline.settings import Keep, LiveLimits, Naming, Select, Tls, Token, VersionFrom
from frostline.sources.base import LiveSource, ReadResult
from frostline.sources.consul import reading as consul_reading
from frostline.sources.consul import source as consul
from frostline.sources.consul.settings import ConsulSettings
from frostline.sources.consul.wire import Node, RegistrationMaker, Service, ServiceWithChecks, Weights
from frostline.sources.http.session import is_addressable, segment_path

PLACE = FileOrigin("frostline.yaml", 3, 3)


class Reply:
    def __init__(self, body: Any, index: int | None = 10, status: int = 200, **headers: str | None) -> None:
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        known = {"X-Consul-KnownLeader": "true", "X-Consul-LastContact": "0", "X-Consul-Index": str(index)}
        given = {f"X-Consul-{name.replace('_', '-')}": value for name, value in headers.items()}
        self.headers = {name: value for name, value in (known | given).items() if value is not None}


def entry(service: str = "web", node: str = "n1", **fields: Any) -> dict[str, Any]:
    node_fields = fields.pop("Node", {})
    checks = fields.pop("Checks", None)
    return {
        "Node": {"Node": node, "Address": "10.0.0.1", **node_fields},
        "Service": {"ID": service, "Service": service, "Port": 80, **fields},
        "Checks": checks,
    }


Route = Reply | Callable[[dict[str, str]], Reply]


class Replay:
    """A catalog of one service, `web`, on one node. routes: path -> its answer, which tests replace."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {
            "/v1/acl/token/self": Reply(b"ACL support disabled", status=401),
            "/v1/agent/self": Reply({"Config": {"Datacenter": "dc1"}}),
            "/v1/catalog/datacenters": Reply(["dc1"]),
            "/v1/catalog/services": Reply({"web": None}),
            "/v1/catalog/nodes": Reply([{"Node": "n1", "Address": "10.0.0.1"}]),
            "/v1/catalog/node-services/n1": Reply(
                {"Node": {"Node": "n1", "Address": "10.0.0.1"}, "Services": [entry()["Service"]]}
            ),
            "/v1/health/state/any": Reply([]),
            "/v1/health/service/web": Reply([entry()]),
            "/v1/internal/ui/nodes": Reply([{"Node": "n1", "Address": "10.0.0.1", "Services": [entry()["Service"]]}]),
        }
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.address = ""
        self.lock = Lock()

    def answer(self, target: str) -> Reply:
        parts = urlsplit(target)
        path = unquote(parts.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with self.lock:
            self.requests.append((path, query))
            route = self.routes.get(path, Reply(b"not found", status=404))
            return route if isinstance(route, Reply) else route(query)

    def asked(self, path: str) -> int:
        return sum(each == path for each, _ in self.requests)


@pytest.fixture(scope="module")
def listening() -> Iterator[tuple[list[Replay], str]]:
    now: list[Replay] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            reply = now[0].answer(self.path)
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield now, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def replay(listening: tuple[list[Replay], str]) -> Replay:
    now, address = listening
    now[:] = [Replay()]
    now[0].address = address
    return now[0]


def settings_of(replay: Replay, **more: Any) -> ConsulSettings:
    default = {"name": "mesh", "origin": PLACE, "address": replay.address, "limits": LiveLimits(retries=0)}
    return ConsulSettings(**(default | more))


def read(replay: Replay, **more: Any) -> ReadResult:
    return consul.read(settings_of(replay, **more))


def refused(replay: Replay, **more: Any) -> str:
    with pytest.raises(SourceError) as caught:
        read(replay, **more)
    error = caught.value
    assert error.status == 3
    assert error.origin == PLACE
    assert error.help
    assert error.message.startswith("source mesh: ")
    return error.message


def moving(body: Any, *indexes: int) -> Route:
    """Each answer with the next of these indexes, the last again and again."""
    left = list(indexes)
    return lambda _: Reply(body, left.pop(0) if len(left) > 1 else left[0])


def test_the_module_is_a_live_source(replay: Replay):
    source: LiveSource = consul
    (answer,) = source.read(settings_of(replay)).answers
    assert [each.service for each in answer.registrations] == ["web"]
    assert (answer.source, answer.datacenter, answer.namespace) == ("mesh", "dc1", "default")


def test_importing_the_source_does_not_import_the_slow_client():
    program = "import frostline.sources.consul.source, sys; print({'consul', 'requests'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"set()\n"


@pytest.mark.parametrize("path", ["/v1/catalog/services", "/v1/health/service/web"])
@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"KnownLeader": "false"}, "Consul has no leader"),
        ({"KnownLeader": None}, "Consul has no leader"),
        ({"LastContact": "1"}, "the answer is 1 ms old, and the leader itself should answer"),
        ({"LastContact": None}, "the header X-Consul-LastContact is missing"),
        ({"LastContact": "-1"}, "the header X-Consul-LastContact is not a number: '-1'"),
        ({"Index": None}, "the header X-Consul-Index is missing"),
        ({"Index": ""}, "the header X-Consul-Index is not a number: ''"),
        ({"Index": "12x"}, "the header X-Consul-Index is not a number: '12x'"),
        ({"Index": "1" * 5000}, "the header X-Consul-Index is not a number: '1111"),
        ({"Index": "0"}, "the header X-Consul-Index is 0"),
        ({"Results_Filtered_By_ACLs": "true"}, "ACLs hide a part of the answer"),
    ],
)
def test_headers_that_prove_nothing_are_refused(replay: Replay, path: str, headers: dict[str, Any], said: str):
    body = {"web": []} if path.endswith("services") else [entry()]
    replay.routes[path] = Reply(body, **headers)
    message = refused(replay)
    assert said in message
    assert f"GET {path}" in message


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("/v1/catalog/services", b"", "it is not JSON"),
        ("/v1/catalog/services", b"<html>", "it is not JSON"),
        ("/v1/catalog/services", b"null", ""),
        ("/v1/catalog/services", b'{"web": [], "x', "it is not JSON"),
        ("/v1/catalog/services", b'{"w\xff": []}', "byte 4 is not UTF-8"),
        ("/v1/catalog/services", {"web": [1]}, "[0]"),
        ("/v1/health/service/web", b"null", ""),
        ("/v1/health/service/web", {}, ""),
        ("/v1/health/service/web", [{}], "`Node`"),
        ("/v1/health/service/web", [entry(Port="80")], "Service.Port"),
        ("/v1/health/service/web", [entry(Port=None)], "Service.Port"),
        ("/v1/health/service/web", [entry(Tags=[None])], "Service.Tags"),
        ("/v1/health/service/web", [entry(Meta={"a": 1})], "Service.Meta"),
        ("/v1/health/service/web", b"[" * 100_000, ""),
        ("/v1/health/service/web", b'[{"X":' + b"[" * 100_000, "nested too deeply"),
        ("/v1/agent/self", {"Config": {}}, "`Datacenter`"),
        ("/v1/agent/self", b"null", ""),
    ],
)
def test_an_answer_of_another_shape_is_refused_with_its_place(replay: Replay, path: str, body: Any, place: str):
    replay.routes[path] = Reply(body)
    message = refused(replay)
    assert f"GET {path}" in message
    assert "not the JSON expected from Consul: " in message
    assert place in message
    assert len(message) < 600


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"Port": -1}, "has the port -1"),
        ({"Port": 65536}, "has the port 65536"),
        ({"TaggedAddresses": {"wan": {"Address": "x", "Port": 70000}}}, "has the port 70000"),
        ({"Weights": {"Passing": -1, "Warning": 1}}, "has a negative weight"),
        ({"Checks": [{"CheckID": "c", "Status": "odd"}]}, "check 'c' has the unknown status 'odd'"),
        ({"Checks": [{"CheckID": "c", "Status": ""}]}, "check 'c' has the unknown status ''"),
    ],
)
def test_an_impossible_value_is_refused_with_its_instance(replay: Replay, fields: dict[str, Any], said: str):
    replay.routes["/v1/health/service/web"] = Reply([entry(**fields)])
    message = refused(replay)
    assert "service 'web', id 'web', on node 'n1'" in message
    assert said in message


def test_missing_weights_are_one_and_unknown_fields_are_ignored(replay: Replay):
    replay.routes["/v1/health/service/web"] = Reply([entry(Weights=None, Novelty={"a": [1]})])
    (found,) = read(replay).answers[0].registrations
    assert found.weights == (1, 1)


def test_a_missing_endpoint_is_an_error_and_not_nothing(replay: Replay):
    # python-consul2's own callbacks would make None of it.
    del replay.routes["/v1/catalog/services"]
    assert "404" in refused(replay)


@pytest.mark.parametrize("address", ["a:b:c:d", "http://[::1]:1", "unix:///x", "ftp://nobody"])
def test_the_environment_neither_moves_nor_breaks_a_configured_source(replay: Replay, monkeypatch, address: str):
    monkeypatch.setenv("CONSUL_HTTP_ADDR", address)
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "not-ours")
    monkeypatch.setenv("CONSUL_HTTP_SSL", "true")
    monkeypatch.setenv("CONSUL_HTTP_SSL_VERIFY", "false")
    assert len(read(replay).answers[0].registrations) == 1


def test_proved_reads_ask_the_leader_consistently_and_stale_ones_do_not(replay: Replay):
    read(replay)
    catalog = [query for path, query in replay.requests if path.startswith(("/v1/catalog/serv", "/v1/health"))]
    assert catalog
    assert all("consistent" in query and "stale" not in query and query["dc"] == "dc1" for query in catalog)
    replay.requests.clear()
    read(replay, consistency="eventual")
    catalog = [query for path, query in replay.requests if path.startswith(("/v1/catalog/serv", "/v1/health"))]
    assert all("stale" in query and "consistent" not in query for query in catalog)


def test_an_eventual_answer_may_be_as_old_as_max_stale(replay: Replay):
    replay.routes["/v1/health/service/web"] = Reply([entry()], LastContact="1500")
    assert read(replay, consistency="eventual").answers[0].registrations
    assert "1500 ms old, and max_stale is 1 s" in refused(replay, consistency="eventual", max_stale=1.0)


def test_a_service_that_moved_is_read_again_alone(replay: Replay):
    replay.routes["/v1/catalog/services"] = Reply({"web": [], "pay": []})
    replay.routes["/v1/health/service/pay"] = Reply([entry("pay")], 7)
    replay.routes["/v1/health/service/web"] = moving([entry()], 10, 11, 11)
    assert len(read(replay).answers[0].registrations) == 2
    assert replay.asked("/v1/health/service/web") == 4
    assert replay.asked("/v1/health/service/pay") == 3
    assert replay.asked("/v1/internal/ui/nodes") == 0


def test_a_catalog_that_never_rests_is_read_by_one_request(replay: Replay):
    replay.routes["/v1/health/service/web"] = moving([entry()], *range(10, 100))
    assert len(read(replay).answers[0].registrations) == 1
    assert replay.asked("/v1/health/service/web") == 6
    assert replay.asked("/v1/internal/ui/nodes") == 1


def test_a_catalog_that_never_rests_and_has_no_dump_is_refused(replay: Replay):
    replay.routes["/v1/health/service/web"] = moving([entry()], *range(10, 100))
    replay.routes["/v1/internal/ui/nodes"] = Reply(b"Permission denied", status=403)
    assert "GET /v1/internal/ui/nodes" in refused(replay)


@pytest.mark.parametrize("path", ["/v1/catalog/services", "/v1/catalog/nodes", "/v1/health/state/any"])
def test_a_whole_catalog_whose_index_moves_is_read_again_and_then_dumped(replay: Replay, monkeypatch, path: str):
    monkeypatch.setattr(consul_reading, "_FEW", 0)
    route = replay.routes[path]
    assert isinstance(route, Reply)
    body = json.loads(route.body)
    at_rest = read(replay).answers
    assert replay.asked("/v1/internal/ui/nodes") == 0
    assert replay.asked("/v1/health/service/web") == 0

    replay.requests.clear()
    replay.routes[path] = moving(body, 10, 11, 12, 12)
    assert read(replay).answers == at_rest
    assert replay.asked("/v1/catalog/node-services/n1") == 2
    assert replay.asked("/v1/internal/ui/nodes") == 0

    replay.requests.clear()
    replay.routes[path] = moving(body, *range(10, 100))
    assert read(replay).answers == at_rest
    assert replay.asked("/v1/catalog/node-services/n1") == 3
    assert replay.asked("/v1/internal/ui/nodes") == 1


def test_an_index_of_the_catalog_that_goes_back_is_refused(replay: Replay, monkeypatch):
    monkeypatch.setattr(consul_reading, "_FEW", 0)
    replay.routes["/v1/health/state/any"] = moving([], 10, 9)
    assert "X-Consul-Index went back from 10 to 9" in refused(replay)


def test_a_service_that_moved_and_kept_its_index_is_read_again(replay: Replay):
    replies = iter([Reply([entry(), entry(node="n2")], 10), *[Reply([entry()], 10)] * 3])
    replay.routes["/v1/health/service/web"] = lambda _: next(replies)
    assert [each.node for each in read(replay).answers[0].registrations] == ["n1"]


def test_a_service_whose_index_goes_back_is_read_again(replay: Replay):
    replay.routes["/v1/health/service/web"] = moving([entry()], 10, 9, 9, 9)
    assert len(read(replay).answers[0].registrations) == 1
    assert replay.asked("/v1/internal/ui/nodes") == 0


def test_a_node_that_vanished_while_it_was_read_is_looked_for_again(replay: Replay, monkeypatch):
    monkeypatch.setattr(consul_reading, "_FEW", 0)
    whole = replay.routes["/v1/catalog/node-services/n1"]
    assert isinstance(whole, Reply)
    answers = iter([Reply({"Node": None, "Services": None}, 1), whole])
    replay.routes["/v1/catalog/node-services/n1"] = lambda _: next(answers)
    assert len(read(replay).answers[0].registrations) == 1


def test_a_service_that_vanishes_from_an_unproved_reading_is_left_out(replay: Replay, monkeypatch):
    monkeypatch.setattr(consul_reading, "_FEW", 0)
    answers = iter([Reply({"gone": None, "web": None}), Reply({"web": None})])
    replay.routes["/v1/catalog/services"] = lambda _: next(answers)
    (answer,) = read(replay, consistency="eventual").answers
    assert [each.service for each in answer.registrations] == ["web"]


def test_a_dump_that_may_have_other_addresses_is_refused(replay: Replay):
    node = {"Node": "n1", "Address": "10.0.0.1", "TaggedAddresses": {"wan": "203.0.113.1"}}
    replay.routes["/v1/health/service/web"] = Reply(b"", status=400)
    replay.routes["/v1/internal/ui/nodes"] = Reply([{**node, "Services": [entry()["Service"]]}])
    assert len(read(replay, datacenters=("dc1",)).answers[0].registrations) == 1
    replay.routes["/v1/agent/self"] = Reply(b"Permission denied", status=403)
    assert "the agent may translate addresses" in refused(replay, datacenters=("dc1",))
    replay.routes["/v1/internal/ui/nodes"] = Reply([{**node, "TaggedAddresses": {}, "Services": [entry()["Service"]]}])
    assert len(read(replay, datacenters=("dc1",)).answers[0].registrations) == 1


@pytest.mark.parametrize("status", [400, 404])
def test_an_agent_that_does_not_tell_of_itself_is_refused(replay: Replay, status: int):
    replay.routes["/v1/agent/self"] = Reply(b"no", status=status)
    assert f"GET /v1/agent/self: {status}" in refused(replay)


def test_a_consul_that_has_no_services_of_a_node_is_refused(replay: Replay, monkeypatch):
    monkeypatch.setattr(consul_reading, "_FEW", 0)
    del replay.routes["/v1/catalog/node-services/n1"]  # so it is before 1.7
    assert "GET /v1/catalog/node-services/n1?consistent=1&dc=dc1: 404" in refused(replay)
    assert replay.asked("/v1/internal/ui/nodes") == 0


@pytest.mark.parametrize("status", [301, 400])
def test_a_name_that_this_consul_refuses_in_a_path_is_read_from_the_dump(replay: Replay, status: int):
    replay.routes["/v1/health/service/web"] = Reply(b"", status=status)
    assert len(read(replay).answers[0].registrations) == 1
    assert replay.asked("/v1/internal/ui/nodes") == 1


def test_the_nodes_of_peers_in_a_dump_are_not_ours(replay: Replay):
    replay.routes["/v1/catalog/services"] = Reply({"..": []})
    ours, theirs = {"ID": "1", "Service": ".."}, {"ID": "2", "Service": "..", "PeerName": "west"}
    replay.routes["/v1/internal/ui/nodes"] = Reply(
        [{"Node": "n1", "Services": [ours]}, {"Node": "n1", "Services": [theirs], "PeerName": "west"}]
    )
    assert [each.id for each in read(replay).answers[0].registrations] == ["1"]


def test_a_peer_is_a_segment_of_its_own(replay: Replay):
    def entries(query: dict[str, str]) -> Reply:
        peer = query.get("peer", "")
        assert ("dc" in query) is not bool(peer)
        return Reply([entry(node=f"of-{peer or 'us'}", PeerName=peer)])

    replay.routes["/v1/health/service/web"] = entries
    answers = read(replay, peers=("west", "east")).answers
    assert [(each.datacenter, each.registrations[0].node) for each in answers] == [
        ("dc1", "of-us"),
        ("peer:east", "of-east"),
        ("peer:west", "of-west"),
    ]
    only = consul.read(settings_of(replay, peers=("west", "east")), datacenters=("peer:west",)).answers
    assert [each.datacenter for each in only] == ["peer:west"]
    with pytest.raises(UsageError, match="it reads peer:west"):
        consul.read(settings_of(replay, peers=("west",)), datacenters=("peer:east",))


def test_a_namespace_and_a_partition_are_asked_for_and_looked_for(replay: Replay):
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
    assert "the server does not know namespaces: asked for 'ops', it answered with 'default'" in said


def unreachable_in(datacenter: str, reply: Reply) -> Route:
    return lambda query: reply if query.get("dc") == datacenter else Reply({"web": []})


def test_a_datacenter_that_does_not_answer_is_left_as_it_was_only_where_that_is_allowed(replay: Replay):
    replay.routes["/v1/catalog/datacenters"] = Reply(["dc2", "dc1"])
    replay.routes["/v1/catalog/services"] = unreachable_in("dc2", Reply(b"No path to datacenter", status=500))
    assert "500 Internal Server Error: No path to datacenter" in refused(replay, datacenters=("*",))
    reading = read(replay, datacenters=("*",), partial=True)
    assert [each.datacenter for each in reading.answers] == ["dc1"]
    assert reading.unreachable == ("dc2",)
    (warning,) = reading.warnings
    assert "No path to datacenter" in warning
    assert "dc2 keeps what the lock has" in warning
    replay.routes["/v1/catalog/services"] = Reply(b"No cluster leader", status=500)
    assert "no answer from dc1, dc2" in refused(replay, datacenters=("*",), partial=True)


@pytest.mark.parametrize(
    "reply", [Reply(b"Permission denied", status=403), Reply(b"{"), Reply({"web": []}, KnownLeader="false")]
)
def test_a_refusal_is_not_taken_for_an_unreachable_datacenter(replay: Replay, reply: Reply):
    replay.routes["/v1/catalog/datacenters"] = Reply(["dc2", "dc1"])
    replay.routes["/v1/catalog/services"] = unreachable_in("dc2", reply)
    refused(replay, datacenters=("*",), partial=True)


def test_a_token_that_may_not_ask_the_agent_needs_the_datacenters_name(replay: Replay):
    replay.routes["/v1/agent/self"] = Reply(b"Permission denied", status=403)
    assert read(replay).answers[0].datacenter == "dc1"
    replay.routes["/v1/catalog/datacenters"] = Reply(["dc2", "dc1"])
    assert "one of dc1, dc2" in refused(replay)
    assert read(replay, datacenters=("dc1",)).answers[0].datacenter == "dc1"


def test_a_server_that_is_no_consul_is_not_said_to_have_acls(replay: Replay):
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
    assert "no instance answers for 'web', which is selected by name" in refused(replay, **scoped)


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
    ]
    other = [
        {"address": "http://x"},
        {"datacenters": ("*",)},
        {"namespace": "ops"},
        {"partition": "p"},
        {"peers": ("west",)},
        {"select": Select(services=("a",))},
        {"select": Select(tags=("a",))},
        {"select": Select(meta={"a": "b"})},
        {"select": Select(health=("warning",))},
        {"select": Select(kinds=("connect-proxy",))},
        {"keep": Keep(tags=())},
        {"keep": Keep(meta=("a",))},
        {"address_from": "lan"},
        {"naming": Naming(version_from=VersionFrom(meta="v"))},
        {"naming": Naming(version_from=VersionFrom(tag="v"))},
    ]
    for more in same:
        assert consul.shape(msgspec.structs.replace(base, **more)) == consul.shape(base), more
    shapes = [json.dumps(consul.shape(msgspec.structs.replace(base, **more))) for more in [{}, *other]]
    assert len(set(shapes)) == len(shapes)


@limits(max_examples=150, deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_name_in_a_path_reads_back_unchanged_and_leads_nowhere_else(name: str):
    path = segment_path("/v1/health/service", name)
    assert path.isascii()
    assert path.count("/") == 4
    assert not set("?# \r\n") & set(path)
    assert unquote(path).removeprefix("/v1/health/service/") == name


def test_a_name_that_is_no_text_is_no_traceback(replay: Replay):
    assert "no instance answers" in refused(replay, acl="scoped", select=Select(services=("\ud800",)))
    replay.routes["/v1/catalog/services"] = Reply(b"no such namespace", status=400)
    assert "no such namespace" in refused(replay, namespace="\ud800")


@pytest.mark.parametrize("name", ["web", "a.b", "...", "a b", "%2e%2e", "é", "a/b", "😀"])
def test_a_plain_name_is_addressable(name: str):
    assert is_addressable(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a/../b", "./a", "a/.", "a//b", "/a", "a/", "a\nb", "\x00", "\u200b"])
def test_a_name_that_go_would_clean_or_refuse_is_not_addressable(name: str):
    assert not is_addressable(name)


few_services = st.builds(
    Service,
    id=st.just("i"),
    name=st.sampled_from(["shop", "pay"]),
    address=st.sampled_from(["", "10.0.0.1", "10.0.0.2"]),
    port=st.just(80),
    tags=st.none() | st.lists(st.sampled_from(["a", "b"]), max_size=2),
    meta=st.none() | st.dictionaries(st.sampled_from(["y", "x"]), st.sampled_from(["1", "2"]), max_size=2),
    weights=st.none() | st.builds(Weights, st.integers(0, 2), st.integers(0, 2)),
)


@limits(max_examples=200, deadline=None)
@given(st.lists(few_services, max_size=6))
def test_a_registration_does_not_depend_on_those_that_were_read_before(services: list[Service]):
    registrations = RegistrationMaker()
    for service in services:
        made = registrations.make(ServiceWithChecks(Node(name="n1", address="10.0.0.1"), service))
        weights = service.weights or Weights()
        assert (made.service, made.address, made.tags) == (service.name, service.address, tuple(service.tags or ()))
        assert list(made.meta.items()) == sorted((service.meta or {}).items())
        assert made.weights == (weights.passing, weights.warning)
        assert made.tagged_addresses == {}


def test_registrations_of_a_service_share_what_is_equal():
    registrations = RegistrationMaker()

    def make(node: str) -> Registration:
        service = Service(id="i", name="shop", address="10.0.0.1", tags=["a"], meta={"x": str(1)})
        return registrations.make(ServiceWithChecks(Node(name=node, address="10.0.0.1"), service))

    first, second = make("n1"), make("n2")
    assert first.tags is second.tags
    assert first.meta is second.meta
