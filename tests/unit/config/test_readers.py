from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from frostline.config import readers
from frostline.config.cursor import Cursor
from frostline.patterns import Placeholder

On = Callable[[str], Cursor]


@pytest.mark.parametrize(
    ("reader", "written", "value"),
    [
        ("as_is", "true", True),
        ("integer", "4.0", 4),
        ("texts", "[a, b]", ("a", "b")),
        ("text_map", "{a: x}", {"a": "x"}),
        ("duration", "1.5s", 1.5),
        ("duration", "0s", 0.0),
        ("positive_duration", "250ms", 0.25),
        ("share", "33.3%", 0.333),
        ("globs", '"a*"', ("a*",)),
        ("globs", '["*", "!a"]', ("*", "!a")),
        ("glob", '"a[!]]"', "a[!]]"),
        ("regex", "'a(b)'", "a(b)"),
    ],
)
def test_a_valid_value_is_read(cursor: On, reader: str, written: str, value: Any) -> None:
    place = cursor(written)
    assert getattr(readers, reader)(place) == value
    assert place.state.errors == []


@pytest.mark.parametrize(
    ("reader", "written", "said"),
    [
        ("duration", "25h", "`key` must be at most one day, not `25h`"),
        ("positive_duration", "0s", "`key` must be more than 0"),
        ("glob", '"!a"', "a glob that excludes (`!`) cannot stand alone"),
        ("globs", '"!"', "a `!` without a glob after it"),
        ("globs", '"!a*"', "`key` only excludes, so it selects nothing"),
        ("globs", '["!a", "!b"]', "`key` only excludes, so it selects nothing"),
        ("globs", '"[!]"', "the glob has a `[` without its `]`"),
        ("regex", '"("', "`key` is not a regular expression: missing ), unterminated subpattern at character 1"),
        ("regex", '"a{99999999999}"', "`key` is not a regular expression: too large"),
        ("regex", '"(a{1000}){100}"', "`key` is not a regular expression: the pattern is too large"),
    ],
)
def test_an_invalid_value_is_refused_at_its_origin(cursor: On, reader: str, written: str, said: str) -> None:
    place = cursor(written)
    getattr(readers, reader)(place)
    (error,) = place.state.errors
    assert (error.message, str(error.origin)) == (said, "f.yaml:1:6")
    assert error.help


KNOWN = {"service": False, "meta": True}


def test_a_pattern_is_read_as_its_parts(cursor: On) -> None:
    parts = readers.pattern_parts(cursor('"{service}-{meta[a]}"'), KNOWN)
    assert parts == (Placeholder("service"), "-", Placeholder("meta", "a"))


@pytest.mark.parametrize(
    ("written", "said", "help"),
    [
        ("{servce}", "`key` has an unknown placeholder {servce}", "did you mean {service}?"),
        ("{meta}", "`key` has an unknown placeholder {meta}", "write {meta[KEY]}"),
        ("{xyz}", "`key` has an unknown placeholder {xyz}", "the placeholders here are {service} {meta[KEY]}"),
        ("a{", "`key` has a `{` without a name after it at character 2", "write {NAME}, and {{ or }} for a brace"),
    ],
)
def test_an_invalid_pattern_is_refused_with_a_suggestion(cursor: On, written: str, said: str, help: str) -> None:
    place = cursor(f'"{written}"')
    assert readers.pattern_parts(place, KNOWN) is None
    assert [(error.message, error.help) for error in place.state.errors] == [(said, help)]
