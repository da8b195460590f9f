"""Rendered files: made once where there is room to keep them, and the same bytes whichever process makes them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.errors import FrostlineError, UsageError
from frostline.pipeline import spool
from frostline.pipeline.child import Child
from frostline.pipeline.spool import Kept, Room, Spool
from frostline.publish.ownership import DesiredFile


class Counted:
    """Chunks that count how often they were made."""

    def __init__(self) -> None:
        self.made = 0

    def __iter__(self) -> Iterator[bytes]:
        self.made += 1
        yield from (b"abc", b"", b"defg")


@pytest.mark.parametrize(("room", "made"), [(7, 1), (6, 3), (0, 3)])
def test_a_file_is_rendered_again_only_where_there_is_no_room_for_it(room: int, made: int) -> None:
    chunks, left = Counted(), Room(room)
    kept = Kept(chunks, left)
    assert [b"".join(kept) for _ in range(3)] == [b"abcdefg"] * 3
    assert chunks.made == made
    assert left.left == (0 if made == 1 else room)


def test_what_one_file_keeps_is_no_longer_there_for_another() -> None:
    room = Room(10)
    files = [Counted(), Counted()]
    for chunks in files:
        kept = Kept(chunks, room)
        assert [b"".join(kept) for _ in range(2)] == [b"abcdefg"] * 2
    assert [chunks.made for chunks in files] == [1, 2]


def test_a_reader_that_stops_midway_keeps_nothing() -> None:
    chunks = Counted()
    kept = Kept(chunks, Room(100))
    assert next(iter(kept)) == b"abc"
    assert b"".join(kept) == b"abcdefg"


# --- two processes ----------------------------------------------------------------------------------------------------

ENDPOINTS = spool.FEWEST_SHARED
PARENT = os.getpid()


@pytest.fixture(autouse=True, scope="module")
def two_cpus() -> Iterator[None]:
    with mock.patch.object(spool, "cpus", return_value=2):
        yield


def wanted(*contents: Iterable[bytes]) -> tuple[DesiredFile, ...]:
    return tuple(DesiredFile(path=str(at), chunks=chunks, output="o") for at, chunks in enumerate(contents))


def finished(*contents: Iterable[bytes], endpoints: int = ENDPOINTS) -> tuple[DesiredFile, ...]:
    with Spool(wanted(*contents), endpoints) as begun:
        return begun.finished()


class Signed:
    """Bytes that say which process made them."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"parent" if os.getpid() == PARENT else b"child"


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.binary(max_size=20), max_size=3), max_size=12), st.integers(1, 5))
def test_two_processes_give_what_one_gives(contents: list[list[bytes]], parts: int) -> None:
    with mock.patch.object(spool, "_MOST_PARTS", parts):
        files = finished(*contents)
    assert [b"".join(file.chunks) for file in files] == [b"".join(chunks) for chunks in contents]
    assert [b"".join(file.chunks) for file in files] == [b"".join(chunks) for chunks in contents]
    assert [(file.path, file.output) for file in files] == [(str(at), "o") for at in range(len(contents))]
    if len(contents) > 1:
        assert [file.sha256 for file in files] == [sha256(b"".join(chunks)).hexdigest() for chunks in contents]


@settings(deadline=None, max_examples=10)
@given(st.lists(st.lists(st.binary(max_size=20), max_size=3), min_size=2, max_size=12))
def test_digests_are_known_though_nothing_is_kept(contents: list[list[bytes]]) -> None:
    with Spool(wanted(*contents), ENDPOINTS, keep=False) as begun:
        files = begun.finished()
    assert [file.sha256 for file in files] == [sha256(b"".join(chunks)).hexdigest() for chunks in contents]
    assert [file.chunks for file in files] == contents


def test_a_full_disk_is_no_fault_of_the_files() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    with Path("/dev/full").open("r+b", buffering=0) as full, mock.patch("tempfile.TemporaryFile", return_value=full):
        files = finished(*[[b"x" * 100_000] for _ in range(4)])
    assert [len(b"".join(file.chunks)) for file in files] == [100_000] * 4


def test_both_processes_make_files_at_the_same_time() -> None:
    (waits_there, tells_here), (waits_here, tells_there) = os.pipe(), os.pipe()

    class Meeting:
        def __iter__(self) -> Iterator[bytes]:
            is_parent = os.getpid() == PARENT
            os.write(tells_here if is_parent else tells_there, b".")
            os.read(waits_here if is_parent else waits_there, 1)
            yield b"parent" if is_parent else b"child"

    files = wanted(Meeting(), Meeting())
    keeping = lambda work, keep: Child(work, [*keep, waits_there, tells_there])  # noqa: E731
    with mock.patch.object(spool, "Child", keeping), Spool(files, ENDPOINTS) as begun:
        made = [b"".join(file.chunks) for file in begun.finished()]
    assert made == [b"child", b"parent"]
    for each in (waits_there, tells_here, waits_here, tells_there):
        os.close(each)


@pytest.mark.parametrize("endpoints", [spool.FEWEST_SHARED - 1, spool.MOST_SHARED + 1])
def test_a_registry_that_is_too_small_or_too_large_is_rendered_by_one(endpoints: int) -> None:
    files = finished(Signed(), Signed(), endpoints=endpoints)
    assert [b"".join(file.chunks) for file in files] == [b"parent", b"parent"]
    assert [file.sha256 for file in files] == [None, None]


class Broken:
    """A file that cannot be rendered, here, in the other process, or by either."""

    def __init__(self, *, here: bool, there: bool, error: BaseException) -> None:
        self.here, self.there, self.error = here, there, error

    def __iter__(self) -> Iterator[bytes]:
        yield b"half"
        if self.here if os.getpid() == PARENT else self.there:
            raise self.error
        yield b"whole"


@pytest.mark.parametrize("error", [UsageError("no"), ValueError("a bug"), SystemExit(3), MemoryError()])
def test_what_the_second_process_cannot_make_the_first_one_does(error: BaseException) -> None:
    files = finished([b"1"], Broken(here=False, there=True, error=error), [b"2"], [b"3"])
    assert [b"".join(file.chunks) for file in files] == [b"1", b"halfwhole", b"2", b"3"]


def test_an_error_comes_when_the_bytes_are_asked_for_and_in_the_order_of_the_files() -> None:
    first = Broken(here=True, there=True, error=UsageError("first"))
    second = Broken(here=True, there=True, error=UsageError("second"))
    for _ in range(10):
        files = finished([b"1"], first, [b"2"], second)
        said = []
        for file in files:
            try:
                b"".join(file.chunks)
            except FrostlineError as error:
                said.append(error.message)
        assert said == ["first", "second"]


def test_a_second_process_that_is_killed_changes_nothing() -> None:
    class Killing:
        def __iter__(self) -> Iterator[bytes]:
            if os.getpid() != PARENT:
                os.kill(os.getpid(), 9)
            yield b"here"

    files = finished(*[Killing() for _ in range(20)])
    assert [b"".join(file.chunks) for file in files] == [b"here"] * 20


@pytest.mark.parametrize("missing", ["tempfile.TemporaryFile", "os.pipe", "os.fork"])
def test_where_no_second_process_can_be_had_one_does_it_all(missing: str) -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    with mock.patch(missing, side_effect=OSError(24, "Too many open files")):
        files = finished(Signed(), Signed())
    assert [b"".join(file.chunks) for file in files] == [b"parent", b"parent"]
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_nothing_is_left_open_where_a_run_ends_before_its_files_are_finished() -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    with suppress(KeyError), Spool(wanted([b"1"], [b"2"]), ENDPOINTS):
        raise KeyError
    assert len(list(Path("/dev/fd").iterdir())) == before
