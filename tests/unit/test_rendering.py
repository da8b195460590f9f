"""What is kept of rendered files: as much as there is room for, and the same bytes in any case."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from frostline.rendering import Kept, Room


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
