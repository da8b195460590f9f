"""`guards.refused: hold`: which services are held, which are not, and what the mark changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from frostline.lock.codec import lock_chunks, parse_lock
from frostline.lock.store import LockFile
from frostline.model import Bind, Declared, Instance, Key, Lock, Registration, SegmentAnswer, Snapshot, Upstream
from frostline.pipeline.check.checking import check
from frostline.pipeline.compile.assembling import state_of_lock
from frostline.pipeline.compile.compiling import CompileOptions, compile_registry
from frostline.pipeline.compile.holding import held_keys, held_services, hold_refused
from frostline.pipeline.freeze.live import settings_digests
from frostline.pipeline.freeze.locks import LockPair, pair_locks
from frostline.pipeline.freeze.merging import merge_files
from frostline.pipeline.publish.lock_update import update_lock
from frostline.pipeline.publish.session import publish_compilation, publish_lock, publish_session
from frostline.publish.single_file import replace_file
from frostline.settings import Allow, Config
from frostline.sources.base import ReadResult

TODAY = date(2026, 1, 1)
MESH = {"type": "consul", "address": "http://127.0.0.1:9", "datacenters": ["*"], "partial": True}
Segments = Callable[..., Lock]


def config_of(configure: Callable[..., Config], **source: Any) -> Config:
    return configure(sources={"mesh": {**MESH, **source}}, guards={"refused": "hold"})


@pytest.fixture
def config(configure: Callable[..., Config]) -> Config:
    return config_of(configure)


def lock_of(config: Config, **numbers: dict[str, int]) -> Lock:
    """Return a lock. numbers: dc1={"shop-v1": 3} for three instances in dc1; 0 for a declared service."""
    return Lock(tuple(segment(config, datacenter, names) for datacenter, names in sorted(numbers.items())))


def segment(config: Config, datacenter: str, numbers: dict[str, int], *, port: int = 80) -> Snapshot:
    instances = [
        Instance(service=name, node="n", id=f"{name}-{place}", address=f"10.0.0.{place}", port=port)
        for name, number in sorted(numbers.items())
        for place in range(number)
    ]
    return Snapshot(
        source="mesh",
        datacenter=datacenter,
        namespace="default",
        settings=settings_digests(config)["mesh"],
        instances=tuple(sorted(instances, key=Instance.sort_key)),
        declared=tuple(Declared(service=name) for name, number in sorted(numbers.items()) if not number),
    )


def held(config: Config, new: Lock, committed: Lock | None, **allow: Any) -> LockPair:
    return hold_refused(config, pair_locks(config, new, committed), Allow(**allow), TODAY)


def lines(locks: LockPair) -> dict[tuple[str, str], int]:
    """Count the held instances by datacenter and name."""
    found: dict[tuple[str, str], int] = {}
    for snapshot in locks.new.snapshots:
        for instance in snapshot.instances:
            if instance.held:
                key = (snapshot.datacenter, instance.service)
                found[key] = found.get(key, 0) + 1
    return found


def test_a_refused_service_is_held_whole_where_it_shrank(config: Config) -> None:
    committed = lock_of(config, dc1={"shop-v1": 4, "shop-v2": 4, "pay": 3}, dc2={"shop-v1": 1, "pay": 3})
    came = lock_of(config, dc1={"shop-v1": 1, "shop-v2": 0, "pay": 2}, dc2={"shop-v1": 1, "pay": 1})
    locks = held(config, came, committed)
    assert lines(locks) == {("dc1", "shop-v1"): 4, ("dc1", "shop-v2"): 4}
    assert locks.new.snapshots[0].declared == ()
    assert locks.new.snapshots[1] == came.snapshots[1]
    (service,) = held_services(config, locks)
    assert (service.service, service.instances, service.datacenters) == ("shop", 8, ("dc1",))
    assert held_keys(config, locks.new) == {Key("shop", "v1"), Key("shop", "v2")}


def test_the_mark_changes_neither_registry_nor_digests(config: Config) -> None:
    committed = lock_of(config, dc1={"shop-v1": 3})
    locks = held(config, lock_of(config, dc1={"shop-v1": 0, "pay": 0}), committed)
    (entry, *_), (was,) = (
        [entry for entry in state_of_lock(config, lock, ()).entries if entry.service == "shop"]
        for lock in (locks.new, committed)
    )
    assert entry == was
    compilation = compile_registry(config, locks, CompileOptions(today=TODAY))
    assert [(found.rule, found.severity) for found in compilation.findings] == [("guard-held", "warning")]
    assert compilation.plan.held == ("shop",)
    assert [change.service for change in compilation.plan.services] == ["pay", "shop"]  # nothing is published yet


def test_the_next_run_compares_with_what_is_held(config: Config) -> None:
    first = held(config, lock_of(config, dc1={"shop": 0}), lock_of(config, dc1={"shop": 6}))
    again = held(config, lock_of(config, dc1={"shop": 0}), first.new)
    assert not again.changed
    assert held(config, lock_of(config, dc1={"shop": 1}), first.new).new == first.new
    better = held(config, lock_of(config, dc1={"shop": 3}), first.new)
    assert (lines(better), better.changed) == ({}, True)


def test_a_held_service_does_not_vanish_for_those_who_call_it(config: Config) -> None:
    bind = Bind(address="127.0.0.1", port=9101)
    calls = Upstream(namespace="default", job="web", group="web", destination="shop", bind=bind, region="dc1")
    committed, came = (
        Lock((replace(lock_of(config, dc1={"shop": number}).snapshots[0], upstreams=(calls,)),)) for number in (6, 0)
    )
    unheld = compile_registry(config, pair_locks(config, came, committed), CompileOptions(today=TODAY))
    assert {found.rule for found in unheld.findings} == {"guard-instances", "guard-upstream"}
    locks = held(config, came, committed)
    assert refused(config, locks) == []
    assert locks.new.snapshots[0].upstreams == (calls,)


def test_by_default_nothing_is_held(configure: Callable[..., Config]) -> None:
    config = configure(sources={"mesh": MESH})
    locks = pair_locks(config, lock_of(config, dc1={"shop": 0}), lock_of(config, dc1={"shop": 6}))
    assert hold_refused(config, locks, Allow(), TODAY) is locks


@pytest.mark.parametrize(
    ("numbers", "allow"),
    [
        ({"shop": 3, "pay": 1}, {}),  # half of it may go
        ({"pay": 1}, {}),  # it is not registered: that is for `delete`
        ({"shop": 0, "pay": 1}, {"deletes": ("shop",)}),
    ],
)
def test_a_service_that_the_guard_lets_pass_is_not_held(config: Config, numbers: dict[str, int], allow: Any) -> None:
    committed = lock_of(config, dc1={"shop": 6, "pay": 1})
    came = lock_of(config, dc1=numbers)
    assert held(config, came, committed, **allow).new == came


def test_a_first_run_holds_nothing(config: Config) -> None:
    came = lock_of(config, dc1={"shop": 0})
    assert held(config, came, None).new == came


def refused(config: Config, locks: LockPair) -> list[str]:
    findings = compile_registry(config, locks, CompileOptions(today=TODAY)).findings
    assert all("it cannot be held" in found.message for found in findings if found.rule == "guard-instances")
    return [found.rule for found in findings if found.severity == "error"]


def test_a_service_that_was_frozen_with_other_settings_is_refused(config: Config) -> None:
    committed = lock_of(config, dc1={"shop": 6})
    other = Lock((replace(committed.snapshots[0], settings=f"sha256:{'0' * 64}"),))
    locks = held(config, lock_of(config, dc1={"shop": 0}), other)
    assert lines(locks) == {}
    assert refused(config, locks) == ["guard-instances"]


def test_an_empty_segment_is_refused_as_a_segment(config: Config) -> None:
    committed = lock_of(config, dc1={"shop": 6, "pay": 1}, dc2={"shop": 1})
    locks = held(config, lock_of(config, dc1={}, dc2={"shop": 1}), committed)
    assert lines(locks) == {}
    assert "guard-segment" in refused(config, locks)


def test_a_service_that_the_committed_lock_does_not_have_is_refused(config: Config, tmp_path: Path) -> None:
    committed = lock_of(config, dc1={"shop": 6})
    published = compile_registry(config, pair_locks(config, committed, None), CompileOptions(today=TODAY))
    with publish_session(config) as root:
        publish_compilation(config, root, published, ())
    locks = held(config, lock_of(config, dc1={"shop": 0, "pay": 1}), lock_of(config, dc1={"shop": 0}))
    assert lines(locks) == {}
    assert refused(config, locks) == ["guard-instances"]


def test_merged_locks_are_held_too(config: Config, tmp_path: Path) -> None:
    with publish_session(config) as root:
        publish_lock(config, root, lock_of(config, dc1={"shop": 6}), None)
    replace_file(tmp_path / "part", LockFile(tmp_path / "part", lock_of(config, dc1={"shop": 0}).snapshots))
    locks = hold_refused(config, merge_files(config, [str(tmp_path / "part")], datetime.now(UTC))[0], Allow(), TODAY)
    assert lines(locks) == {("dc1", "shop"): 6}
    (service,) = held_services(config, locks)
    assert service.why.startswith("0 endpoints (the reason is unknown offline")


def answer(datacenter: str, *healths: str) -> SegmentAnswer:
    registrations = tuple(
        Registration(service="shop", node="n", id=str(place), address=f"10.0.0.{place}", port=80, health=health)  # type: ignore[arg-type]
        for place, health in enumerate(healths)
    )
    return SegmentAnswer(source="mesh", datacenter=datacenter, namespace="default", registrations=registrations)


def test_a_partial_freeze_holds_what_it_reads_and_leaves_the_rest(config: Config, answers: Any, tmp_path: Path) -> None:
    fine = ("passing",) * 4
    answers.of["mesh"] = ReadResult(answers=(answer("dc1", *fine), answer("dc2", *fine)))
    update_lock(config, Allow(), TODAY)
    answers.of["mesh"] = ReadResult(answers=(answer("dc1", *["critical"] * 4), answer("dc2", *fine)))
    out = update_lock(config, Allow(), TODAY, out=tmp_path / "out.lock")
    assert [finding.rule for finding in out.findings] == []  # half of it may go

    answers.of["mesh"] = ReadResult(answers=(answer("dc1", *["critical"] * 4), answer("dc2", "passing")))
    out = update_lock(config, Allow(), TODAY, out=tmp_path / "out.lock")
    (finding,) = out.findings
    assert finding.message.startswith(
        "1 passing, 4 critical, 3 not registered; held as in the lock: 8 instances in `dc1` and"
    )
    assert (tmp_path / "out.lock").read_text().count('"held":true') == 8
    assert "held" not in config.lock.read_text()

    update_lock(config, Allow(), TODAY)
    assert config.lock.read_text().count('"held":true') == 8
    answers.of["mesh"] = ReadResult(answers=(answer("dc1", *fine),), unreachable=("dc2",))
    (finding,) = update_lock(config, Allow(), TODAY).findings
    unknown = "(the reason is unknown: the source was not asked)"
    assert finding.message == f"held as in the lock: 4 instances in `dc2` {unknown}"
    answers.of["mesh"] = ReadResult(answers=(answer("dc1", *fine), answer("dc2", *fine)))
    assert update_lock(config, Allow(), TODAY).findings == ()
    assert "held" not in config.lock.read_text()


def test_a_hold_does_not_end_because_another_datacenter_of_the_service_goes_down(config: Config, answers: Any) -> None:
    answers.of["mesh"] = ReadResult(answers=(answer("dc1", *["passing"] * 4), answer("dc2", *["passing"] * 4)))
    update_lock(config, Allow(), TODAY)
    answers.of["mesh"] = ReadResult(answers=(answer("dc1", *["critical"] * 4), answer("dc2", *["critical"] * 4)))
    update_lock(config, Allow(), TODAY)
    assert config.lock.read_text().count('"held":true') == 8
    answers.of["mesh"] = ReadResult(answers=(answer("dc1", *["critical"] * 4),), unreachable=("dc2",))
    (finding,) = update_lock(config, Allow(), TODAY).findings
    assert config.lock.read_text().count('"held":true') == 8
    assert finding.message == "0 passing, 4 critical, 4 held; held as in the lock: 8 instances in `dc1` and `dc2`"


def test_a_freeze_of_one_datacenter_holds_there_alone(config: Config, answers: Any, tmp_path: Path) -> None:
    answers.of["mesh"] = ReadResult(answers=(answer("dc1", *["passing"] * 6), answer("dc2", "passing")))
    update_lock(config, Allow(), TODAY)
    committed = parse_lock(config.lock.read_bytes(), "frostline.lock")
    answers.of["mesh"] = ReadResult(answers=(answer("dc1", *["critical"] * 6),))
    (finding,) = update_lock(config, Allow(), TODAY, datacenters=["dc1"]).findings
    assert finding.message == "1 passing, 6 critical; held as in the lock: 6 instances in `dc1`"
    locked = parse_lock(config.lock.read_bytes(), "frostline.lock")
    assert locked.snapshots[1] == committed.snapshots[1]
    assert [instance.held for instance in locked.snapshots[0].instances] == [True] * 6
    update = update_lock(config, Allow(), TODAY, sources=["mesh"], datacenters=["dc1"], out=tmp_path / "dc1.lock")
    (only,) = update.snapshots
    assert only == locked.snapshots[0]


def test_offline_commands_say_what_is_held(config: Config, answers: Any) -> None:
    answers.of["mesh"] = ReadResult(answers=(answer("dc1", "passing", "passing"),))
    update_lock(config, Allow(), TODAY)
    answers.of["mesh"] = ReadResult(answers=(answer("dc1", "critical", "critical"),))
    offline, live = (check(config, TODAY, live=live) for live in (False, True))
    assert offline.findings == ()
    assert ([finding.rule for finding in live.findings], live.only_lock) == (["guard-held"], True)
    update_lock(config, Allow(), TODAY)
    offline, live = (check(config, TODAY, live=live) for live in (False, True))
    assert [finding.rule for finding in offline.findings] == ["guard-held"]
    (finding,) = live.findings
    assert finding.message == "0 passing, 2 critical; held as in the lock: 2 instances in `dc1`"
    assert [drift.subject for drift in live.drift] == [drift.subject for drift in offline.drift]


def test_an_override_neither_holds_a_service_nor_hides_that_it_fails(configure: Callable[..., Config]) -> None:
    drop = [{"service": "shop", "drop": {"address": f"10.0.0.{place}"}} for place in range(5)]
    ends = {"until": "2027-01-31", "why": "disk"}
    config = configure(
        sources={"mesh": MESH}, guards={"refused": "hold"}, overrides=[{**entry, **ends} for entry in drop]
    )
    committed = lock_of(config, dc1={"shop": 6, "pay": 1})
    fine = lock_of(config, dc1={"shop": 6, "pay": 2})
    assert held(config, fine, committed).new == fine
    assert lines(held(config, lock_of(config, dc1={"shop": 5, "pay": 1}), committed)) == {}
    assert lines(held(config, lock_of(config, dc1={"shop": 1, "pay": 1}), committed)) == {("dc1", "shop"): 6}


def test_held_services_are_reported_even_if_the_committed_lock_stays(config: Config) -> None:
    committed = lock_of(config, dc1={"shop": 6})
    locks = replace(held(config, lock_of(config, dc1={"shop": 0}), committed), new=committed, changed=False)
    (service,) = held_services(config, locks)
    assert (service.service, service.instances, service.datacenters) == ("shop", 6, ("dc1",))
    assert service.why.startswith("0 endpoints")


numbers = st.fixed_dictionaries({}, optional={name: st.integers(0, 5) for name in ("shop-v1", "shop-v2", "pay", "ops")})
segments = st.fixed_dictionaries({"dc1": numbers, "dc2": numbers})


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=segments, after=segments)
def test_whatever_comes_only_an_empty_segment_is_refused(
    config: Config, before: dict[str, dict[str, int]], after: dict[str, dict[str, int]]
) -> None:
    committed, came = lock_of(config, **before), lock_of(config, **after)
    locks = held(config, came, committed)
    if all(snapshot.instances or snapshot.declared for snapshot in came.snapshots):
        assert "guard-instances" not in refused(config, locks)
        assert held(config, came, locks.new).new == locks.new
    shrunk = {service.service for service in held_services(config, locks)}
    for snapshot, read, old in zip(locks.new.snapshots, came.snapshots, committed.snapshots, strict=True):
        for name in ("shop-v1", "shop-v2", "pay", "ops"):
            of_name, of_read, of_old = (
                [replace(instance, held=False) for instance in found.instances if instance.service == name]
                for found in (snapshot, read, old)
            )
            is_held = any(instance.held for instance in snapshot.instances if instance.service == name)
            assert of_name == (of_old if is_held else of_read)
            assert not is_held or (name.partition("-")[0] in shrunk and len(of_read) < len(of_old))
    assert parse_lock(b"".join(lock_chunks(locks.new.snapshots)), "frostline.lock") == locks.new
