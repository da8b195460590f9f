"""The parser of templates."""

from __future__ import annotations

import pytest

from frostline.hcl.nodes import (
    Literal,
    Template,
    Traversal,
    Wrapped,
)
from frostline.hcl.values import string

from .conftest import expression, refusal


def test_templates_join_parts_and_one_interpolation_alone_is_wrapped() -> None:
    found = expression('"a${b}c"')
    assert isinstance(found, Template)
    assert [type(part) for part in found.parts] == [Literal, Traversal, Literal]
    assert isinstance(expression('"${b}"'), Wrapped)
    assert expression('""') == Literal(4, string(""))


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("<<A\n  x\n y\nA\n", "  x\n y\n"),
        ("<<-A\n  x\n y\n  A\n", " x\ny\n"),
        ("<<A\nA\n", ""),
        ("<<A\n\\q $${x} %%{y} $\nA\n", "\\q ${x} %{y} $\n"),
        ("<<A\r\nx\r\nA\r\n", "x\r\n"),
    ],
)
def test_a_heredoc_keeps_its_lines(text: str, joined: str) -> None:
    found = expression(text)
    assert isinstance(found, Template) if joined else isinstance(found, Literal)
    parts = found.parts if isinstance(found, Template) else (found,)
    assert parts == (Literal(parts[0].offset, string(joined)),)


def test_markers_strip_the_spaces_on_their_side() -> None:
    found = expression('" a ${~ b } c ${ d ~} e "')
    assert isinstance(found, Template)
    assert [part.value.data for part in found.parts if isinstance(part, Literal)] == [" a", " c ", "e "]


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ('"x ${a b}"', 12, "`}` is expected here, to close the interpolation"),
        ('"x ${a "b" }"', 6, "`}` is expected here, to close the interpolation"),
        ('"%{ while a }"', 9, "a directive must be if, else, endif, for or endfor"),
        ('"%{ if a b }%{ endif }"', 14, "`}` is expected here, to close the directive"),
        ('"%{ for a of b }%{ endfor }"', 15, "`in` is expected here"),
        ('"%{ for a, in b }%{ endfor }"', 19, "`in` is expected here"),
    ],
)
def test_a_syntax_error_in_a_template_is_refused_at_its_position(text: str, column: int, message: str) -> None:
    error = refusal(f"x = {text}\n")
    assert (error.place.column, error.message) == (column, message)
