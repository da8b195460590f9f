from __future__ import annotations

import json

import pytest
from consul_replay import Replay, Reply, entry, moving, read, refused

from frostline.settings import Select
from frostline.sources.consul import reading as consul_reading


def test_only_a_service_that_changed_is_read_again(replay: Replay):
    replay.routes["/v1/catalog/services"] = Reply({"web": [], "pay": []})
    replay.routes["/v1/health/service/pay"] = Reply([entry("pay")], 7)
    replay.routes["/v1/health/service/web"] = moving([entry()], 10, 11, 11)
    assert len(read(replay).answers[0].registrations) == 2
    assert replay.asked("/v1/health/service/web") == 4
    assert replay.asked("/v1/health/service/pay") == 3
    assert replay.asked("/v1/internal/ui/nodes") == 0


def test_a_catalog_that_keeps_changing_is_read_by_one_request(replay: Replay):
    replay.routes["/v1/health/service/web"] = moving([entry()], *range(10, 100))
    assert len(read(replay).answers[0].registrations) == 1
    assert replay.asked("/v1/health/service/web") == 6
    assert replay.asked("/v1/internal/ui/nodes") == 1


def test_a_catalog_that_keeps_changing_and_has_no_dump_is_refused(replay: Replay):
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


def test_a_service_that_changed_without_its_index_is_read_again(replay: Replay):
    replies = iter([Reply([entry(), entry(node="n2")], 10), *[Reply([entry()], 10)] * 3])
    replay.routes["/v1/health/service/web"] = lambda _: next(replies)
    assert [registration.node for registration in read(replay).answers[0].registrations] == ["n1"]


def test_a_service_whose_index_goes_back_is_read_again(replay: Replay):
    replay.routes["/v1/health/service/web"] = moving([entry()], 10, 9, 9, 9)
    assert len(read(replay).answers[0].registrations) == 1
    assert replay.asked("/v1/internal/ui/nodes") == 0


def test_a_catalog_is_read_again_if_a_node_vanished_meanwhile(replay: Replay, monkeypatch):
    monkeypatch.setattr(consul_reading, "_FEW", 0)
    whole = replay.routes["/v1/catalog/node-services/n1"]
    assert isinstance(whole, Reply)
    answers = iter([Reply({"Node": None, "Services": None}, 1), whole])
    replay.routes["/v1/catalog/node-services/n1"] = lambda _: next(answers)
    assert len(read(replay).answers[0].registrations) == 1


def test_a_service_that_vanishes_from_an_eventual_read_is_left_out(replay: Replay, monkeypatch):
    monkeypatch.setattr(consul_reading, "_FEW", 0)
    answers = iter([Reply({"gone": None, "web": None}), Reply({"web": None})])
    replay.routes["/v1/catalog/services"] = lambda _: next(answers)
    (answer,) = read(replay, consistency="eventual").answers
    assert [registration.service for registration in answer.registrations] == ["web"]


def test_a_dump_that_may_have_other_addresses_is_refused(replay: Replay):
    node = {"Node": "n1", "Address": "10.0.0.1", "TaggedAddresses": {"wan": "203.0.113.1"}}
    replay.routes["/v1/health/service/web"] = Reply(b"", status=400)
    replay.routes["/v1/internal/ui/nodes"] = Reply([{**node, "Services": [entry()["Service"]]}])
    assert len(read(replay, datacenters=("dc1",)).answers[0].registrations) == 1
    replay.routes["/v1/agent/self"] = Reply(b"Permission denied", status=403)
    assert "the agent may translate addresses" in refused(replay, datacenters=("dc1",))
    replay.routes["/v1/internal/ui/nodes"] = Reply([{**node, "TaggedAddresses": {}, "Services": [entry()["Service"]]}])
    assert len(read(replay, datacenters=("dc1",)).answers[0].registrations) == 1


def test_a_consul_that_has_no_services_of_a_node_is_refused(replay: Replay, monkeypatch):
    monkeypatch.setattr(consul_reading, "_FEW", 0)
    del replay.routes["/v1/catalog/node-services/n1"]  # so it is before 1.7
    assert "GET /v1/catalog/node-services/n1?consistent=1&dc=dc1 at " in refused(replay)
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
    assert [registration.id for registration in read(replay).answers[0].registrations] == ["1"]


def test_a_name_that_is_not_valid_text_causes_no_traceback(replay: Replay):
    assert "no instance answers" in refused(replay, acl="scoped", select=Select(services=("\ud800",)))
    replay.routes["/v1/catalog/services"] = Reply(b"no such namespace", status=400)
    assert "no such namespace" in refused(replay, namespace="\ud800")
