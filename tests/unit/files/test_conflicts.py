"""git's conflict markers are distinguished from text that only resembles them."""

from __future__ import annotations

import pytest

from frostline.files.conflicts import both_sides, conflict_line, has_conflict

PLAIN = b"a\n<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> topic/x\nz\n"
WITH_BASE = b"a\n<<<<<<< HEAD\nours\n||||||| 123abc\nbase\n=======\ntheirs\n>>>>>>> topic/x\nz\n"


@pytest.mark.parametrize("data", [PLAIN, WITH_BASE, PLAIN.replace(b"\n", b"\r\n"), PLAIN[2:]])
def test_a_merge_conflict_is_found(data: bytes) -> None:
    assert has_conflict(data)


@pytest.mark.parametrize("data", [PLAIN, WITH_BASE])
def test_both_sides_are_kept_without_the_common_ancestor(data: bytes) -> None:
    assert conflict_line(data.split(b"\n")) == 2
    assert both_sides(data.split(b"\n")) == [b"a", b"ours", b"theirs", b"z", b""]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Title\n=======\ntext\n",
        b"<<<<<<< HEAD\nours\n",
        b">>>>>>> a\n=======\n<<<<<<< b\n",
        b"a <<<<<<< HEAD\n=======\n>>>>>>> b\n",
        b"<<<<<<<<< HEAD\n=======\n>>>>>>> b\n",
    ],
)
def test_text_that_resembles_a_marker_is_not_a_conflict(data: bytes) -> None:
    assert not has_conflict(data)


def test_many_markers_without_an_end_are_read_once() -> None:
    assert not has_conflict(b"<<<<<<< a\n" * 100_000 + b"=======\n" * 100_000)


def test_lines_that_are_not_markers_stay() -> None:
    lines = [b"<<<<<<<<", b"=======x", b">>>>>>>x", b"|||||||x"]
    assert conflict_line(lines) is None
    assert both_sides(lines) == lines
