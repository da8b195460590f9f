"""Wait for a real Consul: what wakes a blocking query, and what does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from consul_agent import ConsulAgent
from consul_voter import Voter
from consul_wan import WanPair
from faulty_proxy import FaultyProxy
from msgspec.structs import replace

from frostline.errors import SourceError
from frostline.model import FileOrigin
from frostline.settings import LiveLimits
from frostline.sources.base import watch_of
from frostline.sources.consul.settings import ConsulSettings
from frostline.sources.consul.watching import wait_for_change

LONG = 30.0
TABLES = ("services", "nodes", "checks")


def settings_for(agent: ConsulAgent, **more: Any) -> ConsulSettings:
    return ConsulSettings(name="mesh", origin=FileOrigin("frostline.yaml"), address=agent.address, **more)


def change_check(agent: ConsulAgent) -> None:
    check = {"Node": "n1", "CheckID": "service:a", "Name": "test", "ServiceID": "a", "Status": "critical"}
    agent.request("PUT", "/v1/catalog/register", {"Node": "n1", "SkipNodeUpdate": True, "Check": check})


CHANGES: dict[str, tuple[str, Callable[[ConsulAgent], None]]] = {
    "an instance on a known node": ("services", lambda agent: agent.catalog_register("n1", "b", port=81)),
    "an instance that leaves": ("services", lambda agent: agent.catalog_deregister("n1", "c")),
    "a check": ("checks", change_check),
    "the address of a node": ("nodes", lambda agent: agent.catalog_register("n1", node_address="10.255.0.2")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_ends_the_wait_at_once(empty_consul: ConsulAgent, change: str) -> None:
    empty_consul.catalog_register("n1", "a", port=80, status="passing")
    empty_consul.catalog_register("n1", "c", port=82)
    settings = settings_for(empty_consul)
    seen = wait_for_change(settings, None, LONG)
    table, make = CHANGES[change]
    with ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        waiting = pool.submit(wait_for_change, settings, seen, LONG)
        time.sleep(0.05)
        make(empty_consul)
        now = waiting.result(LONG)
    assert time.monotonic() - began < LONG / 2
    place = f"dc1/{table}"
    assert {key for key in now if now[key] != seen[key]} == {place}
    assert now.keys() == {f"dc1/{name}" for name in TABLES}


def test_a_wait_without_a_change_gives_the_same_indexes(empty_consul: ConsulAgent) -> None:
    settings = settings_for(empty_consul)
    seen = wait_for_change(settings, None, LONG)
    assert wait_for_change(settings, seen, 0.1) == seen
    assert seen == wait_for_change(settings, {"elsewhere/services": 1}, LONG)


def test_an_index_that_went_back_is_a_change(empty_consul: ConsulAgent) -> None:
    settings = settings_for(empty_consul)
    seen = wait_for_change(settings, None, LONG)
    assert wait_for_change(settings, {place: index + 1000 for place, index in seen.items()}, 0.1) != seen


def test_a_server_that_has_lost_its_leader_is_not_waited_for(consul_binary: str, tmp_path: Path) -> None:
    voters = [Voter(consul_binary, tmp_path / str(number), number) for number in range(2)]
    try:
        voters[0].join(voters[1])
        voters[0].server.wait_until(lambda: not voters[0].has_no_leader(), "a leader")
        address = voters[0].address
        settings = ConsulSettings(name="mesh", origin=FileOrigin("frostline.yaml"), address=address)
        seen = wait_for_change(settings, None, LONG)
        voters[1].server.stop(politely=False)
        voters[0].server.wait_until(voters[0].has_no_leader, "the loss of the leader")
        began = time.monotonic()
        with pytest.raises(SourceError, match="Consul has no leader"):
            wait_for_change(settings, seen, LONG)
        assert time.monotonic() - began < LONG / 2
    finally:
        for voter in voters:
            voter.server.stop(politely=False)


def test_a_snapshot_that_is_restored_is_a_change_when_the_wait_is_over(empty_consul: ConsulAgent) -> None:
    empty_consul.catalog_register("n1", "a", port=80)
    saved = empty_consul.request_bytes("GET", "/v1/snapshot")
    for number in range(5):
        empty_consul.catalog_register("n1", f"later-{number}", port=81)
    settings = settings_for(empty_consul)
    seen = wait_for_change(settings, None, LONG)
    empty_consul.request_bytes("PUT", "/v1/snapshot", saved)
    now = wait_for_change(settings, seen, 0.1)
    assert any(now[place] < seen[place] for place in seen)


def test_a_snapshot_that_is_restored_during_a_wait_ends_it_at_once(empty_consul: ConsulAgent) -> None:
    empty_consul.catalog_register("n1", "a", port=80)
    saved = empty_consul.request_bytes("GET", "/v1/snapshot")
    empty_consul.catalog_register("n1", "later", port=81)
    settings = settings_for(empty_consul)
    seen = wait_for_change(settings, None, LONG)
    with ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        waiting = pool.submit(wait_for_change, settings, seen, LONG)
        time.sleep(0.5)
        empty_consul.request_bytes("PUT", "/v1/snapshot", saved)
        now = waiting.result(2 * LONG)
    assert time.monotonic() - began < LONG / 2
    assert any(now[place] < seen[place] for place in seen)


@pytest.mark.oldest_consul("the server is not the one that answers")
def test_an_unreachable_datacenter_ends_a_wait_without_partial(empty_consul: ConsulAgent) -> None:
    limits = LiveLimits(connect_timeout=1.0, retries=0)
    with_unknown = settings_for(empty_consul, limits=limits, datacenters=("dc1", "west"))
    with pytest.raises(SourceError, match="knows no datacenter `west`"):
        wait_for_change(with_unknown, None, LONG)
    partial = settings_for(empty_consul, limits=limits, datacenters=("dc1", "west"), partial=True)
    assert {place.partition("/")[0] for place in wait_for_change(partial, None, LONG)} == {"dc1"}


def test_an_unreachable_datacenter_ends_no_wait_with_partial(consul_wan: WanPair) -> None:
    consul_wan.reset()
    proxy = FaultyProxy(
        consul_wan.primary.port, lambda path, token: (500, "No path to datacenter") if "dc=dc2" in path else None
    )
    try:
        settings = ConsulSettings(
            name="mesh",
            origin=FileOrigin("frostline.yaml"),
            address=proxy.address,
            datacenters=("*",),
            limits=LiveLimits(retries=0),
        )
        with pytest.raises(SourceError, match="No path to datacenter"):
            wait_for_change(settings, None, LONG)
        seen = wait_for_change(replace(settings, partial=True), None, LONG)
        assert {place for place, index in seen.items() if index == 0} == {f"dc2/{table}" for table in TABLES}
        assert wait_for_change(replace(settings, partial=True), seen, 0.1) == seen
    finally:
        proxy.stop()


@pytest.mark.oldest_consul("no server is asked")
def test_a_source_with_peers_is_polled(empty_consul: ConsulAgent) -> None:
    assert watch_of(settings_for(empty_consul)) is not None
    assert watch_of(settings_for(empty_consul, peers=("west",))) is None
