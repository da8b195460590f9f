"""Answers about peers that a real Consul does not give on demand."""

from __future__ import annotations

from typing import Any

import pytest
from consul_replay import Replay, Reply, entry, read, refused


def peering(state: str = "ACTIVE", imported: list[str] | None = None) -> Reply:
    return Reply({"Name": "west", "State": state, "StreamStatus": {"ImportedServices": imported}})


def instances(replay: Replay, **more: Any) -> list[tuple[str, str]]:
    answer = read(replay, peers=("west",), **more).answers[-1]
    assert answer.datacenter == "peer:west"
    return [(registration.service, registration.node) for registration in answer.registrations]


@pytest.fixture
def west(replay: Replay) -> Replay:
    """A peer that exports `search`, beside the local `web`."""

    def web(query: dict[str, str]) -> Reply:
        return Reply([] if "peer" in query else [entry()])

    replay.routes["/v1/health/service/web"] = web
    replay.routes["/v1/health/service/search"] = Reply([entry("search", "far", PeerName="west")])
    replay.routes["/v1/peering/west"] = peering(imported=["search"])
    replay.routes["/v1/internal/ui/services"] = Reply([{"Name": "search"}])
    return replay


def test_the_names_come_from_the_peering_and_from_the_list_of_the_ui(west: Replay) -> None:
    assert instances(west) == [("search", "far")]
    west.routes["/v1/peering/west"] = peering()  # a new leader has not heard yet what is imported
    assert instances(west) == [("search", "far")]
    west.routes["/v1/peering/west"] = peering(imported=["search"])
    west.routes["/v1/internal/ui/services"] = Reply(b"", status=404)
    assert instances(west) == [("search", "far")]
    west.routes["/v1/peering/west"] = Reply(b"Permission denied", status=403)
    assert "GET /v1/internal/ui/services" in refused(west, peers=("west",))


@pytest.mark.parametrize("state", ["PENDING", "ESTABLISHING", "FAILING", "TERMINATED", "DELETING", "UNDEFINED"])
def test_only_an_active_peering_is_read(west: Replay, state: str) -> None:
    west.routes["/v1/peering/west"] = peering(state, ["search"])
    assert f"the peering with `west` is {state}: " in refused(west, peers=("west",))
    assert west.asked("/v1/health/service/search") == 0
    assert read(west, peers=("west",), partial=True).unreachable == ("peer:west",)


def test_a_peering_that_fails_while_it_is_read_is_refused(west: Replay) -> None:
    states = ["ACTIVE", "FAILING"]
    west.routes["/v1/peering/west"] = lambda _: peering(states.pop(0), ["search"])
    assert "is FAILING" in refused(west, peers=("west",))


def test_what_changes_while_it_is_read_is_read_again(west: Replay) -> None:
    nodes = ["old", "new"]

    def search(_: dict[str, str]) -> Reply:
        return Reply([entry("search", nodes.pop(0) if len(nodes) > 1 else nodes[0], PeerName="west")])

    west.routes["/v1/health/service/search"] = search
    assert instances(west) == [("search", "new")]
    assert west.asked("/v1/health/service/search") == 4  # read twice, each time twice


def test_a_peers_service_without_instances_is_left_out(west: Replay) -> None:
    west.routes["/v1/peering/west"] = peering(imported=["ghost", "search"])
    west.routes["/v1/health/service/ghost"] = Reply([])
    assert instances(west) == [("search", "far")]
    west.requests.clear()
    assert instances(west, consistency="eventual") == [("search", "far")]
    assert west.asked("/v1/health/service/ghost") == 1


def test_a_peer_with_nothing_is_a_warning(west: Replay) -> None:
    west.routes["/v1/peering/west"] = peering()
    west.routes["/v1/internal/ui/services"] = Reply([])
    reading = read(west, peers=("west",))
    assert reading.warnings == ("source mesh: the peer `west` exports no service that `select.services` takes",)


def test_a_consul_without_peers_says_so(west: Replay) -> None:
    west.routes["/v1/peering/west"] = Reply(b"", status=404)
    assert "this Consul knows no peers" in refused(west, peers=("west",), partial=True)
    west.routes["/v1/peering/west"] = Reply(b"rpc error: peering must be enabled to use this endpoint", status=500)
    assert "peering is disabled in this Consul" in refused(west, peers=("west",), partial=True)
    west.routes["/v1/peering/west"] = Reply(b"rpc error: the servers are busy", status=500)
    assert "the servers are busy" in refused(west, peers=("west",))
    assert read(west, peers=("west",), partial=True).unreachable == ("peer:west",)
