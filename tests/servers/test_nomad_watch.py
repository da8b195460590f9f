"""Wait for a Nomad: what wakes a blocking query, and what does not, with answers recorded from a real Nomad."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from nomad_reads import jobs, names, read_default, settings_of, small_region
from nomad_replay import NomadReplay, Reply, instance, state, stub

from frostline.errors import SourceError
from frostline.events import listening
from frostline.sources.base import watch_of
from frostline.sources.nomad import watching
from frostline.sources.nomad.settings import NomadSettings
from frostline.sources.nomad.watching import wait_for_change

LONG = 30.0
SHORT = 0.2


@pytest.fixture
def region(monkeypatch: pytest.MonkeyPatch) -> Iterator[NomadReplay]:
    monkeypatch.setattr(watching, "_LIST_INTERVAL", 0.02)
    with small_region() as server:
        yield server


def settings_for(server: NomadReplay, **more: object) -> NomadSettings:
    return settings_of(server, namespaces=("default",), **more)


def after(server: NomadReplay, change: Callable[[], None], wait: float) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Make the change during a wait. Returns the numbers seen before, and those that the wait returns."""
    settings = settings_for(server)
    seen = wait_for_change(settings, None, wait)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait_for_change, settings, seen, wait)
        time.sleep(0.05)
        change()
        return seen, waiting.result(LONG)


def differing(seen: Mapping[str, int], now: Mapping[str, int]) -> set[str]:
    assert seen.keys() == now.keys()
    return {place for place in seen if seen[place] != now[place]}


CHANGES: dict[str, tuple[str, str, Reply]] = {
    "a registration": ("services", "/v1/services", names("web", index=71)),
    "a job that is submitted": ("jobs", "/v1/jobs", jobs(stub("shop"), stub("other"), index=71)),
    "a job that is submitted anew": ("jobs", "/v1/jobs", jobs(stub("shop", 71), index=71)),
    "a job that is stopped": ("jobs", "/v1/jobs", jobs(stub("shop", Stop=True), index=71)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_ends_the_wait_at_once(region: NomadReplay, change: str) -> None:
    place, path, reply = CHANGES[change]
    began = time.monotonic()
    assert differing(*after(region, lambda: region.fix(path, reply), LONG)) == {f"global/{place}"}
    assert time.monotonic() - began < LONG / 2


def test_an_allocation_that_starts_changes_the_index_of_jobs_but_is_not_a_change(region: NomadReplay) -> None:
    seen, now = after(region, lambda: region.fix("/v1/jobs", jobs(stub("shop"), index=71)), SHORT)
    assert seen == now
    assert {path for path, query in region.asked if "index" in query} == {"/v1/services", "/v1/jobs"}


def test_a_job_of_a_namespace_that_is_not_read_is_not_a_change(region: NomadReplay) -> None:
    theirs = stub("theirs", Namespace="ops")
    seen, now = after(region, lambda: region.fix("/v1/jobs", jobs(stub("shop"), theirs, index=71)), SHORT)
    assert seen == now


def test_an_index_that_went_back_is_a_change_when_the_wait_is_over(region: NomadReplay) -> None:
    assert differing(*after(region, lambda: region.fix("/v1/services", names("web", index=3)), SHORT)) == {
        "global/services"
    }


def test_a_namespace_that_comes_is_a_change(region: NomadReplay) -> None:
    settings = settings_of(region)
    seen = wait_for_change(settings, None, LONG)
    region.fix("/v1/namespaces", state([{"Name": "default"}, {"Name": "ops"}]))
    assert "global/namespaces" in differing(seen, wait_for_change(settings, seen, LONG))


def test_only_what_is_read_is_waited_for(region: NomadReplay) -> None:
    services = wait_for_change(settings_for(region, upstreams=False), None, LONG)
    assert services.keys() == {"global/namespaces", "global/services"}
    upstreams = settings_for(region, services=False)
    assert wait_for_change(upstreams, None, LONG).keys() == {"global/namespaces", "global/jobs"}


def test_without_a_leader_a_wait_ends_with_an_error(region: NomadReplay) -> None:
    settings = settings_for(region)
    seen = wait_for_change(settings, None, LONG)
    region.fix("/v1/namespaces", Reply(b"No cluster leader", 500))
    with pytest.raises(SourceError, match="No cluster leader"):
        wait_for_change(settings, seen, LONG)
    assert wait_for_change(settings_for(region, partial=True), None, LONG) == {"global/namespaces": 0}


def test_states_of_checks_are_polled_and_upstreams_alone_are_not() -> None:
    with small_region() as server:
        for services in (True, False):
            watch = watch_of(settings_for(server, services=services))
            assert watch is not None
            assert watch.tells_all is not services


def test_a_read_reports_each_try(region: NomadReplay) -> None:
    tries: list[tuple[str, str]] = []

    class Tries:
        def started(self, stage: str) -> None: ...
        def finished(self, stage: str) -> None: ...
        def progressed(self, what: str, done: int, expected: int) -> None: ...
        def tried(self, source: str, datacenter: str) -> None:
            tries.append((source, datacenter))

    with listening([Tries()]):
        read_default(region)
        assert tries == [("live", "global")]
        moved = state([instance("web", ModifyIndex=71)], 71)
        region.fix("/v1/service/web", moved)
        region.fix("/v1/services", names("web"), names("web", index=71))
        read_default(region)
        assert tries == [("live", "global")] * 3
