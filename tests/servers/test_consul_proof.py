"""The source `consul` on real agents: the proof that a read is the state of one moment, while the catalog changes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from threading import Lock
from typing import Any

import pytest
from consul_agent import ConsulAgent
from consul_reads import names_of, read

from frostline.sources.consul import reading as consul_reading
from frostline.sources.consul.reading import SegmentReader


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
def test_a_change_during_a_read_is_noticed_and_read_again(
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
def test_an_instance_that_is_renamed_during_a_read_has_one_name(
    empty_consul: ConsulAgent, monkeypatch, services: tuple[str, ...]
):
    """The index of its old name does not change (Consul 1.8)."""
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
    assert [instance.id for instance in found if instance.service == "web"] == ["two"]
