"""A datacenter that the lock has and that the server no longer lists is neither empty nor gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from frostline.errors import ErrorGroup, SourceError
from frostline.lock.codec import lock_chunks, lock_of
from frostline.model import SegmentAnswer, Snapshot
from frostline.pipeline.freeze.freezing import freeze
from frostline.pipeline.freeze.locks import CommittedLock
from frostline.settings import Allow, Config
from frostline.sources.base import ReadResult
from frostline.sources.consul import source as consul
from frostline.sources.nomad import source as nomad

Configure = Callable[..., Config]
MakeSnapshot = Callable[..., Snapshot]


@pytest.fixture(autouse=True)
def answering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each source answers only for dc1."""

    def read(settings: Any, *, datacenters: tuple[str, ...] = (), **_: Any) -> ReadResult:
        answer = SegmentAnswer(source=settings.name, datacenter="dc1", namespace="default", registrations=())
        return ReadResult(answers=(answer,))

    monkeypatch.setattr(consul, "read", read)
    monkeypatch.setattr(nomad, "read", read)


def source(**keys: Any) -> dict[str, Any]:
    return {"type": "consul", "address": "http://127.0.0.1:9", **keys}


def committed(config: Config, *snapshots: Snapshot) -> CommittedLock:
    config.lock.write_bytes(b"".join(lock_chunks(lock_of(snapshots).snapshots)))
    return CommittedLock(config)


@pytest.mark.parametrize(
    ("keys", "said", "key"),
    [
        ({"datacenters": ["*"]}, "datacenter `dc2` is in the lock, and Consul no longer knows it", "datacenters"),
        ({"datacenters": ["dc*", "!dc3"]}, "datacenter `dc2` is in the lock", "datacenters"),
        ({"type": "nomad", "regions": ["*"]}, "region `dc2` is in the lock, and Nomad no longer knows it", "regions"),
        ({"type": "nomad", "regions": ["*"], "namespaces": ["*"]}, "region `dc2` is in the lock", "regions"),
    ],
)
def test_a_vanished_datacenter_is_unreachable_and_the_error_names_the_key_to_change(
    configure: Configure, snapshot: MakeSnapshot, keys: dict[str, Any], said: str, key: str
) -> None:
    config = configure(sources={"mesh": source(**keys)})
    lock = committed(config, snapshot(config, "a"), snapshot(config, "b", datacenter="dc2"))
    with pytest.raises(SourceError, match="no longer knows it") as caught:
        freeze(config, lock)
    assert said in caught.value.message
    assert '"!dc2"]`, or rerun with `--allow empty=mesh/dc2`' in str(caught.value.help)
    assert f"`{key}: [" in str(caught.value.help)
    assert "`frostline check`" in str(caught.value.ending)
    narrowed = freeze(config, lock, datacenters=["dc1"])
    assert [found.datacenter for found in narrowed.snapshots] == ["dc1"]


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"datacenters": ["*", "!dc2"]},
        {"datacenters": ["dc1"]},
        {"type": "nomad"},
        {"type": "nomad", "namespaces": ["*"]},
        {"type": "nomad", "regions": ["dc1"]},
    ],
)
def test_a_datacenter_that_the_settings_name_literally_has_not_vanished(
    configure: Configure, snapshot: MakeSnapshot, keys: dict[str, Any]
) -> None:
    config = configure(sources={"mesh": source(**keys)})
    lock = committed(config, snapshot(config, "a"), snapshot(config, "b", datacenter="dc2"))
    assert [found.datacenter for found in freeze(config, lock).snapshots] == ["dc1"]


def test_a_peer_does_not_count_as_a_datacenter(configure: Configure, snapshot: MakeSnapshot) -> None:
    config = configure(sources={"mesh": source(datacenters=["*"])})
    lock = committed(config, snapshot(config, "a"), snapshot(config, "b", datacenter="peer:west"))
    assert [found.datacenter for found in freeze(config, lock).snapshots] == ["dc1"]


def test_partial_keeps_a_vanished_datacenter_until_consent_ends_it(
    configure: Configure, snapshot: MakeSnapshot
) -> None:
    config = configure(sources={"mesh": source(datacenters=["*"])})
    lock = committed(config, *(snapshot(config, "a", datacenter=name) for name in ("dc1", "dc2", "dc3")))
    with pytest.raises(ErrorGroup) as caught:
        freeze(config, lock)
    assert [error.message.split()[3] for error in caught.value.errors] == ["`dc2`", "`dc3`"]
    words = "`--allow empty=mesh/dc2,empty=mesh/dc3`"
    assert [words in str(error.help) for error in caught.value.errors] == [True, False]
    kept = freeze(config, lock, allow=Allow(partial=True))
    assert sorted(found.datacenter for found in kept.snapshots) == ["dc1", "dc2", "dc3"]
    assert [age.snapshot.datacenter for age in kept.kept] == ["dc2", "dc3"]
    assert [warning.count("keeps what the lock has (`partial`)") for warning in kept.warnings] == [1, 1]
    gone = freeze(config, lock, allow=Allow(partial=True, empty=("mesh/dc2",)))
    assert sorted(found.datacenter for found in gone.snapshots) == ["dc1", "dc3"]
    with pytest.raises(SourceError, match="dc3"):
        freeze(config, lock, allow=Allow(empty=("mesh/dc2",)))


def test_without_a_lock_nothing_has_vanished(configure: Configure) -> None:
    config = configure(sources={"mesh": source(datacenters=["*"])})
    assert len(freeze(config, CommittedLock(config)).snapshots) == 1
