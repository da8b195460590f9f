from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.pipeline.check.edited_lines import MOST_SHOWN, first_differences


def numbered(count: int) -> list[str]:
    return [f"line {number}" for number in range(1, count + 1)]


def joined(lines: list[str]) -> bytes:
    return "\n".join(lines).encode()


def test_a_changed_line_is_shown_as_it_would_be_written_and_as_it_is() -> None:
    assert first_differences(b"a\nb\nc\n", b"a\nB\nc\n") == ("2 - b", "2 + B")


def test_lines_that_were_added_or_removed_are_shown_with_their_number_in_the_file_that_has_them() -> None:
    lines = numbered(30)
    assert first_differences(joined(lines), joined([*lines[:4], "new", *lines[4:]])) == ("5 + new",)
    assert first_differences(joined(lines), joined([*lines[:4], *lines[5:], "end"])) == ("5 - line 5", "30 + end")


def test_one_more_line_in_a_long_file_is_the_only_difference() -> None:
    lines = numbered(5_000)
    assert first_differences(joined(lines), joined(["new", *lines])) == ("1 + new",)
    assert first_differences(joined(lines), joined(lines[1:])) == ("1 - line 1",)


def test_at_most_ten_lines_are_shown_the_first_ones() -> None:
    lines = numbered(500)
    assert first_differences(joined(["first", *lines]), b"first") == tuple(
        f"{number + 1} - line {number}" for number in range(1, MOST_SHOWN + 1)
    )


def test_if_many_lines_were_replaced_half_of_the_shown_ones_are_from_the_edited_file() -> None:
    shown = first_differences(joined(numbered(50)), joined([f"edited {number}" for number in range(1, 51)]))
    assert [line.split()[1] for line in shown] == ["-"] * 5 + ["+"] * 5
    assert shown[0] == "1 - line 1"
    assert shown[5] == "1 + edited 1"


def test_equal_files_have_no_differing_lines() -> None:
    assert first_differences(b"a\n", b"a\n") == ()


def test_a_missing_end_of_line_is_a_difference() -> None:
    assert first_differences(b"a\n", b"a") == ("2 - ",)


@pytest.mark.parametrize(
    ("text", "shown"), [(b"\xff\xfe", "\\xff\\xfe"), ("é".encode(), "é"), (b"x" * 999, "x" * 159 + "…")]
)
def test_binary_and_long_lines_can_be_shown(text: bytes, shown: str) -> None:
    assert first_differences(b"a", text) == ("1 - a", f"1 + {shown}")


LINES = st.lists(st.sampled_from([b"a", b"b", b"", b"\xff"]), max_size=12).map(b"\n".join)


@settings(max_examples=50, deadline=None)
@given(LINES, LINES)
def test_files_show_a_difference_exactly_where_they_differ(wanted: bytes, found: bytes) -> None:
    shown = first_differences(wanted, found)
    assert bool(shown) == (wanted != found)
    assert len(shown) <= MOST_SHOWN
