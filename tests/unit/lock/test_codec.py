"""The lock: what is written is read back, and what is not a lock is refused with its line."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from frostline.errors import SourceError, UsageError
from frostline.lock import codec as locks
from frostline.model import Declared, FileOrigin, Instance, Lock, Snapshot
from frostline.resources import schema_text
from frostline.text import escape_control

DIGEST = "sha256:" + "0" * 64

texts = st.text(max_size=8)
instances = st.builds(
    Instance,
    service=texts,
    node=texts,
    id=texts,
    address=texts,
    port=st.integers(0, 65535),
    tags=st.lists(texts, max_size=2, unique=True).map(tuple),
    meta=st.dictionaries(texts, texts, max_size=2),
    weight=st.integers(0, 2**31),
    health=st.sampled_from(["passing", "warning", "critical", "maintenance"]),
)
declared = st.builds(
    Declared,
    service=texts,
    tags=st.lists(texts, max_size=2, unique=True).map(tuple),
    meta=st.dictionaries(texts, texts, max_size=2),
)


def _sorted_unique(values: list) -> tuple:
    return tuple(value for _, value in sorted({value.sort_key(): value for value in values}.items()))


snapshots = st.builds(
    Snapshot,
    source=texts,
    datacenter=texts,
    namespace=texts,
    settings=st.just(DIGEST),
    instances=st.lists(instances, max_size=3).map(_sorted_unique),
    declared=st.lists(declared, max_size=2).map(_sorted_unique),
)
any_lock = st.lists(snapshots, max_size=3).map(
    lambda found: locks.lock_of({snapshot.segment: snapshot for snapshot in found}.values())
)


def written(lock: Lock) -> bytes:
    return b"".join(locks.lock_chunks(lock.snapshots))


def snapshot(source: str = "mesh", datacenter: str = "dc1", *names: str, settings: str = DIGEST) -> Snapshot:
    found = tuple(Instance(service=name, node="n", id=name, address="10.0.0.1", port=80) for name in sorted(names))
    return Snapshot(source=source, datacenter=datacenter, namespace="default", settings=settings, instances=found)


@settings(deadline=None, max_examples=60)
@given(any_lock)
def test_any_lock_reads_back_as_it_was_written(lock: Lock) -> None:
    assert locks.parse_lock(written(lock), "frostline.lock") == lock


@settings(deadline=None, max_examples=60)
@given(any_lock)
def test_every_line_fits_the_schema_and_is_safe_to_review(lock: Lock) -> None:
    validator = Draft202012Validator(json.loads(schema_text("lock")))
    text = written(lock).decode()
    for line in text.rstrip("\n").split("\n"):
        validator.validate(json.loads(line))
        assert escape_control(line) == line


@settings(deadline=None, max_examples=100)
@given(any_lock, st.data())
def test_a_damaged_lock_is_refused_or_reads_as_some_lock_never_crashes(lock: Lock, data: st.DataObject) -> None:
    raw = bytearray(written(lock))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    try:
        locks.parse_lock(bytes(raw), "frostline.lock")
    except UsageError as error:
        assert error.origin is not None
        assert error.help


def outcome(raw: bytes) -> object:
    try:
        return locks.parse_lock(raw, "frostline.lock")
    except UsageError as error:
        return error.message, error.origin, error.help


@settings(deadline=None, max_examples=200)
@given(any_lock, st.integers(1, 300), st.data())
def test_a_lock_reads_the_same_however_its_lines_are_counted(lock: Lock, block: int, data: st.DataObject) -> None:
    raw = bytearray(written(lock))
    at = data.draw(st.integers(0, len(raw)))
    raw[at:at] = data.draw(st.sampled_from([b"", b"\n", b"\n\n", b"{}\n", b"9"]))
    expected = outcome(bytes(raw))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(locks, "_BLOCK", block)
        assert outcome(bytes(raw)) == expected


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(b"%(a)s%(b)s%(c)s\n%(d)s\n\n", id="two values in a line"),
        pytest.param(b"%(a)s\n%(b)s%(c)s\n%(d)s\n", id="a value in two lines"),
    ],
)
def test_a_line_is_one_value_and_a_value_one_line(layout: bytes) -> None:
    head, segment, one, two, three, _ = written(Lock((snapshot("mesh", "dc1", "a", "b", "c"),))).split(b"\n")
    start, middle, end = one.partition(b'"address"')
    lines = layout % {b"a": start, b"b": middle + end, b"c": two, b"d": three}  # three values, three lines
    assert lines.count(b"\n") == 3
    with pytest.raises(UsageError, match="this is not a line of a lock"):
        locks.parse_lock(head + b"\n" + segment + b"\n" + lines, "frostline.lock")


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_lock_that_cannot_be_looked_at_is_refused(tmp_path: Path, is_folder: bool) -> None:
    path = tmp_path / ("x" * 300)  # no file system has such names; of a closed folder the system says as little
    with pytest.raises(UsageError, match="the lock cannot be read: File name too long"):
        locks.read_lock(path, is_folder=is_folder, shown="frostline.lock")


@settings(deadline=None, max_examples=100)
@given(st.lists(instances, min_size=2, max_size=5), st.integers(0, 2))
def test_the_first_line_that_is_not_after_the_one_before_it_is_named(found: list[Instance], others: int) -> None:
    names = [f"other-{number}" for number in range(others)]
    raw = written(Lock((snapshot("a", "dc1", *names), msgspec.structs.replace(snapshot("b"), instances=tuple(found)))))
    keys = [one.sort_key() for one in found]
    wrong = next((at for at in range(1, len(keys)) if keys[at - 1] >= keys[at]), None)
    if wrong is None:
        assert isinstance(outcome(raw), Lock)
    else:
        origin = FileOrigin("frostline.lock", others + 4 + wrong)
        assert outcome(raw) == ("this line stands twice or out of order", origin, locks._AGAIN)


@settings(deadline=None, max_examples=25)
@given(lock=any_lock)
def test_a_folder_of_segments_holds_the_same_lock(lock: Lock, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("locks")
    for file in locks.lock_files(lock, folder, is_folder=True):
        assert file.path.parent == folder
        file.path.write_bytes(b"".join(file))
    assert (locks.read_lock(folder, is_folder=True, shown="locks/") or Lock()) == lock


def test_a_segment_named_like_a_path_stays_in_the_folder() -> None:
    name = locks.segment_file_name(("mesh", "../../etc", "/root"))
    assert name == "mesh.%2E%2E%2F%2E%2E%2Fetc.%2Froot.lock"


def test_a_very_long_segment_name_fits_a_file_system_and_stays_distinct() -> None:
    one, other = (locks.segment_file_name(("mesh", "d" * 300 + end, "default")) for end in "ab")
    assert len(one) <= 255
    assert one != other


GOOD = written(Lock((snapshot("mesh", "dc1", "a", "b"),)))


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"", 1, "not a lock"),
        (b"hello\n", 1, "not a lock"),
        (GOOD.replace(b"lock/1", b"lock/2"), 1, "not a lock"),
        (GOOD[:-1], 4, "cut short"),
        (GOOD[: GOOD.rindex(b"\n", 0, -1) + 1], 2, "announces 2 instances"),
        (GOOD.replace(b'"port":80', b'"port":"80"', 1), 3, "Expected `int`"),
        (GOOD.replace(b'"port":80', b'"port":99999', 1), 3, "<= 65535"),
        (GOOD.replace(b'"port"', b'"ports"', 1), 3, "unknown field"),
        (GOOD.replace(b'"a"', b'"z"'), 4, "twice or out of order"),
        (written(Lock((snapshot("mesh", "dc1", "a", "a"),))), 4, "twice or out of order"),
        (GOOD + GOOD.split(b"\n", 1)[1], 5, "twice or out of order"),
        (GOOD.replace(b'{"service":"a"', b'<<<<<<< ours\n{"service":"a"'), 3, "merge conflict"),
        (GOOD.replace(b'"n"', b'"\xff"', 1), 3, "not a line of a lock"),
        (GOOD.replace(b'"n"', b"[" * 5000, 1), 3, "not a line of a lock"),
        (GOOD.replace(b'"instances":2', b'"instances":-1'), 2, "announces"),
    ],
)
def test_what_is_no_lock_is_refused_with_its_line(data: bytes, line: int, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        locks.parse_lock(data, "frostline.lock")
    assert str(caught.value.origin).startswith(f"frostline.lock:{line}:")
    assert "frostline freeze" in (caught.value.help or "")


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_lock_on_disk_is_a_lock_exactly_while_its_bytes_are(is_folder: bool, tmp_path: Path) -> None:
    lock = Lock((snapshot("mesh", "dc1", "a", "b"), snapshot("mesh", "dc2", "c")))
    path = tmp_path / ("locks" if is_folder else "frostline.lock")
    path.parent.mkdir(exist_ok=True)
    for file in locks.lock_files(lock, path, is_folder=is_folder):
        file.path.parent.mkdir(exist_ok=True)
        file.path.write_bytes(b"".join(file))
    text = locks.lock_text(path, is_folder=is_folder, shown="x")
    assert text.is_of(lock)
    assert text.parsed() == lock
    for other in (
        Lock((snapshot("mesh", "dc1", "a", "b"), snapshot("mesh", "dc2", "d"))),  # of the same length
        Lock((snapshot("mesh", "dc1", "a", "b"),)),
        Lock((snapshot("mesh", "dc1", "a", "b"), snapshot("mesh", "dc2", "c", "d"))),
        Lock(),
    ):
        assert not text.is_of(other)


def test_no_lock_yet_is_none(tmp_path: Path) -> None:
    assert locks.read_lock(tmp_path / "frostline.lock", is_folder=False, shown="frostline.lock") is None
    assert locks.read_lock(tmp_path / "locks", is_folder=True, shown="locks/") is None


def test_an_unreadable_lock_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        locks.read_lock(tmp_path, is_folder=False, shown="frostline.lock")


def test_two_locks_with_one_segment_are_refused() -> None:
    both = [("one.lock", Lock((snapshot(),))), ("two.lock", Lock((snapshot(),)))]
    with pytest.raises(UsageError, match="is in two locks: `one.lock` and `two.lock`"):
        locks.joined(both)


def test_a_segment_that_the_committed_lock_had_must_be_among_the_merged() -> None:
    with pytest.raises(SourceError, match="datacenter `dc2`"):
        locks.merged(Lock((snapshot("mesh", "dc1"),)), Lock((snapshot("mesh", "dc2"),)), ["mesh"])


def test_a_source_that_is_no_longer_configured_may_leave_the_merged_locks() -> None:
    new = Lock((snapshot("mesh", "dc1"),))
    assert locks.merged(new, Lock((snapshot("old", "dc2"),)), ["mesh"]) == new
    assert locks.merged(Lock((*new.snapshots, snapshot("old", "dc2"))), None, ["mesh"]) == new


def test_new_snapshots_replace_theirs_and_leave_the_others() -> None:
    committed = Lock((snapshot("gone"), snapshot("mesh", "dc1", "a"), snapshot("mesh", "dc2", "b")))
    new = locks.replaced(committed, [snapshot("mesh", "dc1", "c")], ["mesh"])
    assert new == Lock((snapshot("mesh", "dc1", "c"), snapshot("mesh", "dc2", "b")))


def test_settings_that_moved_since_the_lock_was_written_are_refused() -> None:
    digest = locks.settings_digest({"type": "consul"})
    with pytest.raises(UsageError, match="have changed since"):
        locks.check_settings(Lock((snapshot("mesh"),)), {"mesh": digest}, "frostline.lock")


def test_a_source_that_is_not_in_the_lock_is_refused() -> None:
    with pytest.raises(UsageError, match="does not hold source `mesh`"):
        locks.check_settings(Lock((snapshot("other"),)), {"mesh": DIGEST}, "frostline.lock")
    with pytest.raises(UsageError, match="not frozen yet"):
        locks.check_settings(None, {"mesh": DIGEST}, "frostline.lock")


def test_equal_settings_have_equal_digests_whatever_their_order() -> None:
    one = locks.settings_digest({"a": 1, "b": {"x": ("1",), "y": None}})
    assert one == locks.settings_digest({"b": {"y": None, "x": ["1"]}, "a": 1})
    assert one != locks.settings_digest({"a": 2, "b": {"x": ("1",), "y": None}})
