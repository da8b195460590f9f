"""Building the tree of a template from its parts."""

from __future__ import annotations

import pytest

from frostline.hcl.nodes import Literal, Template, TemplateFor, TemplateIf, Traversal, Wrapped
from frostline.hcl.source import HclError, Source
from frostline.hcl.templates import Directive, Interpolation, Part, Text, remove_indentation, strip_spaces, template_of
from frostline.hcl.values import TRUE, string


def line(text: str) -> Text:
    return Text(0, text)


def value(strips_before: bool = False, strips_after: bool = False) -> Interpolation:
    return Interpolation(0, strips_before, strips_after, Traversal(0, "v"))


def directive(word: str, offset: int = 0) -> Directive:
    return Directive(offset, False, False, word, Literal(0, TRUE), None, "v")


def texts(parts: list[Part]) -> list[str]:
    return [part.text if isinstance(part, Text) else "…" for part in parts]


def test_strip_markers_remove_the_spaces_next_to_them() -> None:
    parts: list[Part] = [
        line(" a\n"),
        line(" b \u00a0"),
        value(strips_before=True, strips_after=True),
        line("\n "),
        value(),
    ]
    strip_spaces(parts)
    assert texts(parts) == [" a\n", " b", "…", "", "…"]


@pytest.mark.parametrize(
    ("parts", "flushed"),
    [
        ([line("    a\n"), line("  b\n")], ["  a\n", "b\n"]),
        ([line("  a\n"), line("\n"), line(" \n"), line("  b\n")], ["a\n", "\n", " \n", "b\n"]),
        ([line("  a\n"), value(), line("  b\n")], ["  a\n", "…", "  b\n"]),
        ([line("  a"), value(), line("  b\n"), line("   c\n")], ["a", "…", "  b\n", " c\n"]),
        ([], []),
    ],
)
def test_the_common_indentation_is_removed(parts: list[Part], flushed: list[str]) -> None:
    remove_indentation(parts)
    assert texts(parts) == flushed


def test_directives_nest_and_consecutive_texts_are_joined() -> None:
    parts = [
        line("a"),
        line("b"),
        directive("for"),
        directive("if"),
        line("y"),
        directive("else"),
        directive("endif"),
        directive("endfor"),
    ]
    source = Source("f.hcl", b"x")
    inner = TemplateIf(0, Literal(0, TRUE), Template(0, (Literal(0, string("y")),)), Literal(0, string("")))
    loop = TemplateFor(0, None, "v", Literal(0, TRUE), Template(0, (inner,)))
    assert template_of(parts, 3, 9, source) == Template(3, (Literal(0, string("ab")), loop))
    assert template_of([value()], 3, 9, source) == Wrapped(3, Traversal(0, "v"))
    assert template_of([], 3, 9, source) == Literal(3, string(""))


@pytest.mark.parametrize(
    ("words", "column"),
    [
        (("else",), 1),
        (("endif",), 1),
        (("if", "endfor"), 2),
        (("for", "else"), 2),
        (("if", "else", "else"), 3),
        (("if",), 10),
        (("if", "for", "endfor"), 10),
    ],
)
def test_directives_that_do_not_match_are_refused(words: tuple[str, ...], column: int) -> None:
    parts: list[Part] = [directive(word, offset) for offset, word in enumerate(words)]
    with pytest.raises(HclError) as caught:
        template_of(parts, 0, 9, Source("f.hcl", b"x" * 20))
    assert caught.value.place.column == column
