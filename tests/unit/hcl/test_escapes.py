"""Escapes in quoted strings."""

from __future__ import annotations

import pytest

from frostline.hcl.escapes import unescape
from frostline.hcl.nodes import (
    Literal,
)
from frostline.hcl.source import HclError, Source
from frostline.hcl.values import string

from .conftest import expression


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"a\n\r\t\"\\"', 'a\n\r\t"\\'),
        (r'"\u00e9\U0001F600"', "\u00e9\U0001f600"),
        ('"$${a} %%{b} $ % {"', "${a} %{b} $ % {"),
        ('"$$${a} $$$${a} %%%{a}"', "$${a} $$${a} %%{a}"),
        ('"é"', "é"),
    ],
)
def test_escapes_are_resolved(text: str, value: str) -> None:
    assert expression(text) == Literal(4, string(value))


def test_an_exponent_within_text_stays_as_it_is() -> None:
    assert expression('"a 1e5 b"') == Literal(4, string("a 1e5 b"))


@pytest.mark.parametrize("escape", ["\\q", "\\u12", "\\UFFFFFFFF", "\\ud800", "\\'"])
def test_an_unknown_escape_is_refused_at_its_place(escape: str) -> None:
    source = Source("f.hcl", f"é {escape} x".encode())
    with pytest.raises(HclError) as caught:
        unescape(source, 0, len(source.data))
    assert caught.value.place.column == 3
