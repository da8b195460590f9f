"""Merging locks, and checking whether a lock fits the configuration."""

from __future__ import annotations

import pytest

from frostline.errors import SourceError, UsageError
from frostline.lock import merge as lock_merge
from frostline.model import Instance, Lock, Snapshot

DIGEST = "sha256:" + "0" * 64


def snapshot(source: str = "mesh", datacenter: str = "dc1", *names: str, settings: str = DIGEST) -> Snapshot:
    found = tuple(Instance(service=name, node="n", id=name, address="10.0.0.1", port=80) for name in sorted(names))
    return Snapshot(source=source, datacenter=datacenter, namespace="default", settings=settings, instances=found)


def test_two_locks_with_one_segment_are_refused() -> None:
    both = [("one.lock", Lock((snapshot(),))), ("two.lock", Lock((snapshot(),)))]
    with pytest.raises(UsageError, match="is in two locks: `one.lock` and `two.lock`"):
        lock_merge.join_locks(both)


def test_the_merged_locks_must_have_every_segment_of_the_committed_lock() -> None:
    with pytest.raises(SourceError, match="datacenter `dc2`"):
        lock_merge.merge_locks(Lock((snapshot("mesh", "dc1"),)), [snapshot("mesh", "dc2").segment], ["mesh"])


def test_the_merged_locks_may_lack_a_source_that_is_no_longer_configured() -> None:
    new = Lock((snapshot("mesh", "dc1"),))
    assert lock_merge.merge_locks(new, [snapshot("old", "dc2").segment], ["mesh"]) == new
    assert lock_merge.merge_locks(Lock((*new.snapshots, snapshot("old", "dc2"))), [], ["mesh"]) == new


def test_new_snapshots_replace_only_their_own_segments() -> None:
    committed = Lock((snapshot("gone"), snapshot("mesh", "dc1", "a"), snapshot("mesh", "dc2", "b")))
    new = lock_merge.replace_segments(committed, [snapshot("mesh", "dc1", "c")], ["mesh"])
    assert new == Lock((snapshot("mesh", "dc1", "c"), snapshot("mesh", "dc2", "b")))


def test_settings_that_changed_since_the_lock_was_written_are_refused() -> None:
    digest = "sha256:" + "1" * 64
    with pytest.raises(UsageError, match="have changed since"):
        lock_merge.check_settings(Lock((snapshot("mesh"),)), {"mesh": digest}, "frostline.lock")


def test_a_source_that_is_not_in_the_lock_is_refused() -> None:
    with pytest.raises(UsageError, match="does not hold source `mesh`"):
        lock_merge.check_settings(Lock((snapshot("other"),)), {"mesh": DIGEST}, "frostline.lock")
    with pytest.raises(UsageError, match="there is no "):
        lock_merge.check_settings(None, {"mesh": DIGEST}, "frostline.lock")
