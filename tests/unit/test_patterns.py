from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.patterns import PatternError, Placeholder, has_dot_segment, parse


def test_literals_and_placeholders_come_in_order() -> None:
    assert parse("{scheme}://{address}:80/x") == (Placeholder("scheme"), "://", Placeholder("address"), ":80/x")


def test_a_placeholder_may_have_a_key() -> None:
    assert parse("{meta[a.b c]}/{tag[x[0]]}") == (Placeholder("meta", "a.b c"), "/", Placeholder("tag", "x[0]"))


def test_a_key_may_have_a_default_and_a_plus() -> None:
    assert parse("{meta[a]|b}{+meta[a]}{+tag[a]|/b/}{meta[a]|}{meta[a|b]}{meta[a]|b|c]}{+service}") == (
        Placeholder("meta", "a", "b"),
        Placeholder("meta", "a", is_reserved=True),
        Placeholder("tag", "a", "/b/", is_reserved=True),
        Placeholder("meta", "a", ""),
        Placeholder("meta", "a|b"),
        Placeholder("meta", "a", "b|c]"),
        Placeholder("service", is_reserved=True),
    )


def test_doubled_braces_are_literal() -> None:
    assert parse("{{{service}}}") == ("{", Placeholder("service"), "}")


def test_an_empty_pattern_has_no_parts() -> None:
    assert parse("") == ()


@pytest.mark.parametrize(
    ("pattern", "position"),
    [
        ("a}", 1),
        ("{", 0),
        ("a{}", 1),
        ("{service", 0),
        ("{meta[x}", 5),
        ("{meta[]}", 5),
        ("{a b}", 0),
        ("{1}", 0),
        ("{+}", 0),
        ("{++a}", 0),
        ("{a|b}", 0),
        ("{a[b]|c", 0),
        ("{a[]|c}", 2),
        ("{a[b]c}", 2),
        ("x{+a[b", 4),
    ],
)
def test_an_invalid_pattern_is_refused_at_its_position(pattern: str, position: int) -> None:
    with pytest.raises(PatternError) as caught:
        parse(pattern)
    assert caught.value.position == position


PARTS = st.lists(
    st.one_of(
        st.text(st.sampled_from("ab{}[]:/ \n😀"), min_size=1),
        st.builds(
            Placeholder,
            st.sampled_from(["service", "meta"]),
            st.text("ab[ {|", min_size=1),
            st.none() | st.text("ab[]|{/"),
            st.booleans(),
        ),
        st.builds(Placeholder, st.sampled_from(["service", "meta"]), is_reserved=st.booleans()),
    )
)


@given(PARTS)
@settings(max_examples=60, deadline=None)
def test_every_parsed_pattern_can_be_written_again(parts: list[str | Placeholder]) -> None:
    written = "".join(
        part.replace("{", "{{").replace("}", "}}") if isinstance(part, str) else str(part) for part in parts
    )
    joined: list[str | Placeholder] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    assert parse(written) == tuple(joined)


@given(st.text("{}[]ab1 ", max_size=12))
@settings(max_examples=80, deadline=None)
def test_any_text_parses_or_is_refused_at_a_position_within_it(pattern: str) -> None:
    with suppress_pattern_error() as caught:
        parse(pattern)
    assert all(0 <= error.position < len(pattern) for error in caught)


@contextmanager
def suppress_pattern_error() -> Iterator[list[PatternError]]:
    errors: list[PatternError] = []
    try:
        yield errors
    except PatternError as error:
        errors.append(error)


@pytest.mark.parametrize(
    "url",
    [
        "http://x/.",
        "http://x/..",
        "http://x/a/../b",
        "http://x/./",
        "http://x/..?q",
        "http://x/..#f",
        "http://[::1]:8/..",
    ],
)
def test_a_dot_segment_of_a_path_is_found(url: str) -> None:
    assert has_dot_segment(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://x",
        "http://x/",
        "http://x/...",
        "http://x/a.b/.c",
        "http://x?q=/..",
        "http://x/a?q=/../b",
        "http://x#/..",
        "http://x/a#/./b",
        "http://x?u=http://y/..",
    ],
)
def test_dots_outside_the_path_are_not_dot_segments(url: str) -> None:
    assert not has_dot_segment(url)
