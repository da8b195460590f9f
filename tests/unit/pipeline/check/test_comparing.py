from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from frostline.errors import UsageError
from frostline.lock.codec import lock_of
from frostline.lock.store import lock_files
from frostline.model import Lock, Snapshot
from frostline.pipeline.check.comparing import (
    NamedLock,
    diff_locks,
    other_settings,
    read_named_lock,
    registry_difference,
)
from frostline.pipeline.freeze.locks import pair_locks
from frostline.settings import Config

Configure = Callable[..., Config]

MESH = {"type": "consul", "address": "http://127.0.0.1:9", "partial": True}
PARTNERS = {"type": "static", "services": {"billing": "https://billing.example"}}
MakeSnapshot = Callable[..., Snapshot]


@pytest.fixture
def config(configure: Configure) -> Config:
    return configure(sources={"mesh": MESH, "partners": PARTNERS})


def write(lock: Lock, path: Path, *, is_folder: bool = False) -> None:
    for file in lock_files(lock, path, is_folder=is_folder):
        file.path.parent.mkdir(exist_ok=True)
        file.path.write_bytes(b"".join(file))


def actions(config: Config, before: Lock, after: Lock) -> list[tuple[Any, ...]]:
    plan = diff_locks(config, before, after)
    return [(change.action, change.service, change.added, change.removed) for change in plan.services]


def test_the_difference_lists_what_appears_changes_and_vanishes_endpoint_by_endpoint(
    config: Config, snapshot: MakeSnapshot
) -> None:
    before = Lock((snapshot(config, "gone", "stays"), snapshot(config, "moves", datacenter="dc2")))
    after = Lock((snapshot(config, "new", "stays"), snapshot(config, "moves", datacenter="dc2", port=81)))
    assert actions(config, before, after) == [
        ("remove", "gone", (), ("http://10.0.0.1:80",)),
        ("change", "moves", ("http://10.0.0.1:81",), ("http://10.0.0.1:80",)),
        ("add", "new", ("http://10.0.0.1:80",), ()),
    ]


def test_equal_locks_do_not_differ(config: Config, snapshot: MakeSnapshot) -> None:
    lock = Lock((snapshot(config, "a"),))
    assert not diff_locks(config, lock, Lock((snapshot(config, "a"),))).has_changes


def test_other_ids_change_the_lock_but_no_service(config: Config, snapshot: MakeSnapshot) -> None:
    before = snapshot(config, "a")
    after = replace(before, instances=(replace(before.instances[0], id="other"),))
    plan = diff_locks(config, Lock((before,)), Lock((after,)))
    assert (plan.services, plan.files, plan.lock) == ((), (), "update")


def test_a_lock_is_read_from_a_file_and_from_a_folder(config: Config, snapshot: MakeSnapshot, tmp_path: Path) -> None:
    lock = lock_of([snapshot(config, "a"), snapshot(config, "b", datacenter="dc2")])
    write(lock, tmp_path / "old.lock")
    write(lock, tmp_path / "locks", is_folder=True)
    assert read_named_lock(config, "old.lock") == NamedLock("old.lock", lock)
    assert read_named_lock(config, "locks/") == NamedLock("locks/", lock)


def test_a_branch_is_read_if_the_folder_of_its_name_has_no_lock(
    config: Config, snapshot: MakeSnapshot, tmp_path: Path
) -> None:
    lock = Lock((snapshot(config, "a"),))
    write(lock, config.lock)
    (tmp_path / "prod").mkdir()
    committed(tmp_path, "prod")
    assert read_named_lock(config, "prod").lock == lock


def test_a_branch_under_review_cannot_hide_a_revision_with_a_lock_of_its_name(
    config: Config, snapshot: MakeSnapshot, tmp_path: Path
) -> None:
    lock, forged = Lock((snapshot(config, "a"),)), Lock((snapshot(config, "b"),))
    write(lock, config.lock)
    commit = committed(tmp_path, "prod")
    for name in ("prod", commit, "other"):
        write(forged, tmp_path / name)
    assert read_named_lock(config, commit).lock == lock
    with pytest.raises(UsageError, match="`prod` is both a lock here and a git revision") as raised:
        read_named_lock(config, "prod")
    assert "write `./prod` for the lock" in str(raised.value.help)
    for name in ("./prod", f"./{commit}", "other"):
        assert read_named_lock(config, name).lock == forged


def committed(folder: Path, branch: str) -> str:
    """Commit everything in this folder to this branch of a new repository, and return the commit."""
    for words in (f"init -q -b {branch}", "add .", "-c user.name=a -c user.email=a@b.example commit -q -m x"):
        subprocess.run(["git", *words.split()], cwd=folder, check=True)
    words = ["git", "rev-parse", "HEAD"]
    return subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("name", ["", "no.lock", "a\0b", "x" * 5000])
def test_a_name_that_is_neither_a_path_nor_a_revision_is_an_error(config: Config, name: str) -> None:
    with pytest.raises(UsageError, match="revision"):
        read_named_lock(config, name)


def test_sources_that_were_frozen_with_other_settings_are_named_with_their_lock(
    config: Config, snapshot: MakeSnapshot
) -> None:
    today = snapshot(config, "a")
    other = replace(today, settings="sha256:" + "0" * 64)
    removed = replace(other, source="removed")  # is not configured any more: nothing of it is in either registry
    locks = [
        NamedLock("night", lock_of([other, replace(other, datacenter="dc2"), removed])),
        NamedLock("HEAD", Lock((today,))),
    ]
    warnings = list(other_settings(config, locks))
    assert len(warnings) == 1
    assert warnings[0].startswith("night: source `mesh` was frozen with other settings")


def test_segments_of_a_source_that_is_not_configured_change_no_registry(config: Config, snapshot: MakeSnapshot) -> None:
    gone = replace(snapshot(config, "c"), source="west", settings="other")
    locks = pair_locks(config, lock_of([snapshot(config, "a")]), lock_of([snapshot(config, "a"), gone]))
    assert locks.changed
    assert registry_difference(config, locks) == ()
    stale = replace(snapshot(config, "a"), settings="other")
    assert registry_difference(config, replace(locks, committed=lock_of([stale]))) == (
        "the lock was frozen with other settings than today's",
    )
