"""Positions in the text of a file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from frostline.hcl.source import Source

from .conftest import refusal


def test_a_byte_order_mark_is_not_a_character() -> None:
    assert refusal(b"\xef\xbb\xbfa = \n").place.column == 5


def test_a_place_counts_lines_and_characters() -> None:
    source = Source("f.hcl", "é = 1\r\n\n  ü".encode())
    places = [source.place(offset) for offset in (0, 2, 7, 8, 9, 11)]
    assert [(place.line, place.column) for place in places] == [(1, 1), (1, 2), (1, 7), (2, 1), (3, 1), (3, 3)]


@given(st.text("aé€😀\n", max_size=40), st.integers(0, 40), st.integers(1, 9))
def test_a_place_in_a_long_line_counts_all_before_it(text: str, at: int, times: int) -> None:
    data = (text * times * 60).encode()
    before = data[: min(at * times * 30, len(data))].decode(errors="ignore")
    place = Source("f.json", data).place(len(before.encode()))
    assert (place.line, place.column) == (before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)
