from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from frostline.errors import ErrorGroup, SourceError, UsageError
from frostline.lock.codec import lock_chunks
from frostline.model import (
    Lock,
    Registration,
    SegmentAnswer,
    Snapshot,
)
from frostline.pipeline.freeze.freezing import freeze
from frostline.pipeline.freeze.live import live_sources, settings_digests
from frostline.pipeline.freeze.locks import CommittedLock, pair_locks
from frostline.pipeline.freeze.narrowing import shaped_by
from frostline.settings import Allow, Config
from frostline.sources.base import ReadResult
from frostline.sources.consul import source as consul

STATIC = {"type": "static", "services": {"billing": "https://billing.example", "payments": {"v1": "https://p.example"}}}

Configure = Callable[..., Config]
MakeSnapshot = Callable[..., Snapshot]


def mesh(**keys: Any) -> dict[str, Any]:
    return {"type": "consul", "address": "http://127.0.0.1:9", **keys}


def test_without_live_sources_the_lock_never_moves(configure: Configure) -> None:
    config = configure(sources={"partners": STATIC})
    assert not pair_locks(config, Lock(), None).changed
    config = configure(sources={"mesh": mesh()})
    assert pair_locks(config, Lock(), None).changed
    assert not pair_locks(config, Lock(), Lock()).changed


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Source -> what it answers: a ReadResult or an exception."""
    answers: dict[str, Any] = {}

    def read(settings: Any, **_: Any) -> ReadResult:
        answer = answers[settings.name]
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    monkeypatch.setattr(consul, "read", read)
    return answers


def reading(*names: str, unreachable: tuple[str, ...] = ()) -> ReadResult:
    registrations = tuple(Registration(service=name, id=name, node="n", address="10.0.0.1", port=80) for name in names)
    answer = SegmentAnswer(source="mesh", datacenter="dc1", namespace="default", registrations=registrations)
    return ReadResult(answers=(answer,), unreachable=unreachable)


def test_every_source_that_fails_is_reported(configure: Configure, answering: dict[str, Any]) -> None:
    config = configure(sources={"mesh": mesh(), "other": mesh()})
    answering.update(mesh=UsageError("no token"), other=SourceError("no answer"))
    with pytest.raises(ErrorGroup) as caught:
        freeze(config, None)
    assert [error.message for error in caught.value.errors] == ["no token", "no answer"]
    assert caught.value.status == 3
    answering["mesh"] = reading("a")
    with pytest.raises(SourceError, match="no answer"):
        freeze(config, None)
    assert len(freeze(config, None, sources=["mesh"]).snapshots) == 1


def test_allow_partial_reads_every_source_as_if_it_said_so(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure(sources={"mesh": mesh(), "other": mesh(partial=True)})
    asked: dict[str, bool] = {}

    def read(settings: Any, **_: Any) -> ReadResult:
        asked[settings.name] = settings.partial
        return reading("a")

    monkeypatch.setattr(consul, "read", read)
    for allow, expected in (
        (Allow(), {"mesh": False, "other": True}),
        (Allow(deletes=("*",), empty=("*",)), {"mesh": False, "other": True}),
        (Allow(partial=True), {"mesh": True, "other": True}),
    ):
        freeze(config, None, allow=allow)
        assert asked == expected


def held(config: Config, lock: Lock | None) -> CommittedLock:
    """Write the lock, and return it as the committed one."""
    if lock is None:
        config.lock.unlink(missing_ok=True)
    else:
        config.lock.write_bytes(b"".join(lock_chunks(lock.snapshots)))
    return CommittedLock(config)


def test_an_unreachable_datacenter_keeps_what_was_frozen_with_the_same_settings(
    configure: Configure, answering: dict[str, Any], snapshot: MakeSnapshot
) -> None:
    config = configure(sources={"mesh": mesh(partial=True)})
    answering["mesh"] = reading("a", unreachable=("dc2",))
    kept = snapshot(config, "b", datacenter="dc2")
    assert freeze(config, held(config, Lock((kept,)))).snapshots[0] == kept
    for committed in (None, Lock(), Lock((snapshot(config, "b", datacenter="dc3"),))):
        with pytest.raises(SourceError, match="datacenter `dc2` cannot be reached"):
            freeze(config, held(config, committed))
    strict = configure(sources={"mesh": mesh()})
    assert freeze(strict, held(strict, Lock((kept,))), allow=Allow(partial=True)).snapshots[0] == kept
    other = configure(sources={"mesh": mesh(partial=True, select={"tags": ["x"]})})
    with pytest.raises(SourceError, match="frozen with these settings"):
        freeze(other, held(other, Lock((kept,))))
    fewer = configure(sources={"mesh": mesh(partial=True, select={"services": ["a*", "c"]})})
    two = replace(snapshot(config, "b", "c", datacenter="dc2"), shaped_by=shaped_by(live_sources(config)["mesh"]))
    (left,) = freeze(fewer, held(fewer, Lock((two,)))).snapshots[:1]
    assert [instance.service for instance in left.instances] == ["c"]
    assert left.settings == settings_digests(fewer)["mesh"]
