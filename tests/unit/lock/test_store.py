"""The lock on disk: one file, or a folder with one file for each segment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.errors import UsageError
from frostline.lock import codec as lock_codec
from frostline.lock import store as lock_store
from frostline.model import Declared, Instance, Lock, Snapshot

DIGEST = "sha256:" + "0" * 64

texts = st.text(max_size=8)
names = st.text("\0./\\%~:é-_aA1", max_size=40) | st.text(max_size=40)
any_lock = st.lists(
    st.builds(
        Snapshot,
        source=texts,
        datacenter=texts,
        namespace=texts,
        settings=st.just(DIGEST),
        declared=st.builds(Declared, service=texts).map(lambda declared: (declared,)),
    ),
    max_size=3,
    unique_by=lambda snapshot: snapshot.segment,
).map(lock_codec.lock_of)


def snapshot(source: str = "mesh", datacenter: str = "dc1", *names: str, settings: str = DIGEST) -> Snapshot:
    found = tuple(Instance(service=name, node="n", id=name, address="10.0.0.1", port=80) for name in sorted(names))
    return Snapshot(source=source, datacenter=datacenter, namespace="default", settings=settings, instances=found)


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_lock_in_an_unreadable_folder_is_refused(tmp_path: Path, is_folder: bool) -> None:
    path = tmp_path / ("x" * 300)  # no file system has such names; of a closed folder the system says as little
    with pytest.raises(UsageError, match="the lock cannot be read: File name too long"):
        lock_store.read_lock(path, is_folder=is_folder, shown="frostline.lock")


@settings(deadline=None, max_examples=25)
@given(lock=any_lock)
def test_a_folder_of_segments_holds_the_same_lock(lock: Lock, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("locks")
    for file in lock_store.lock_files(lock, folder, is_folder=True):
        assert file.path.parent == folder
        file.path.write_bytes(b"".join(file))
    assert (lock_store.read_lock(folder, is_folder=True, shown="locks/") or Lock()) == lock


def test_a_segment_named_like_a_path_stays_in_the_folder() -> None:
    name = lock_store.segment_file_name(("mesh", "../../etc", "/root"))
    assert name == "mesh.%2E%2E%2F%2E%2E%2Fetc.%2Froot.lock"


def test_a_very_long_segment_name_fits_a_file_system_and_stays_distinct() -> None:
    one, other = (lock_store.segment_file_name(("mesh", "d" * 300 + end, "default")) for end in "ab")
    assert len(one) <= 255
    assert one != other


@pytest.mark.parametrize("is_folder", [False, True])
def test_files_hold_a_lock_only_if_their_bytes_are_the_same(is_folder: bool, tmp_path: Path) -> None:
    lock = Lock((snapshot("mesh", "dc1", "a", "b"), snapshot("mesh", "dc2", "c")))
    path = tmp_path / ("locks" if is_folder else "frostline.lock")
    path.parent.mkdir(exist_ok=True)
    for file in lock_store.lock_files(lock, path, is_folder=is_folder):
        file.path.parent.mkdir(exist_ok=True)
        file.path.write_bytes(b"".join(file))
    text = lock_store.read_lock_text(path, is_folder=is_folder, shown="x")
    assert text.holds(lock)
    assert text.parse() == lock
    for other in (
        Lock((snapshot("mesh", "dc1", "a", "b"), snapshot("mesh", "dc2", "d"))),  # of the same length
        Lock((snapshot("mesh", "dc1", "a", "b"),)),
        Lock((snapshot("mesh", "dc1", "a", "b"), snapshot("mesh", "dc2", "c", "d"))),
        Lock(),
    ):
        assert not text.holds(other)


def test_a_missing_lock_is_none(tmp_path: Path) -> None:
    assert lock_store.read_lock(tmp_path / "frostline.lock", is_folder=False, shown="frostline.lock") is None
    assert lock_store.read_lock(tmp_path / "locks", is_folder=True, shown="locks/") is None


def test_an_unreadable_lock_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        lock_store.read_lock(tmp_path, is_folder=False, shown="frostline.lock")


@settings(max_examples=80, deadline=None)
@given(st.tuples(names, names, names), st.tuples(names, names, names))
def test_different_segments_have_different_files(segment: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    name = lock_store.segment_file_name(segment)
    assert re.fullmatch(r"[A-Za-z0-9_.%-]{1,255}", name)
    assert (name == lock_store.segment_file_name(other)) == (segment == other)
    source, datacenter, namespace = segment
    assert name != lock_store.segment_file_name((f"{source}.{datacenter}", namespace, ""))
    assert name != lock_store.segment_file_name((source, "", f"{datacenter}.{namespace}"))
