"""The scanner."""

from __future__ import annotations

import pytest

from frostline.hcl.source import HclError, Source
from frostline.hcl.tokens import scan


def kinds(text: str) -> list[str]:
    return scan(Source("f.hcl", text.encode())).kinds[:-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a-b = 1.5e3", ["name", "=", "number"]),
        ("a.0.1", ["name", ".", "number"]),
        ("é1 ü", ["name", "name"]),
        ('"a b"', ["string"]),
        ('"a\\n"', ["quote", "text", "unquote"]),
        ('"$${a}"', ["quote", "text", "unquote"]),
        ('"${ {}~}b"', ["quote", "${", "{", "}", "end", "text", "unquote"]),
        ('"%{~ if a }"', ["quote", "%{", "name", "name", "end", "unquote"]),
        ('"${"${a}"}"', ["quote", "${", "quote", "${", "name", "end", "unquote", "end", "unquote"]),
        ("<<A\nb\n A\n", ["heredoc", "text", "unheredoc", "newline"]),
        ("<<A\nA x\nA", ["heredoc", "text", "text"]),
        ("<<-A\n${b}c\nA\n", ["heredoc", "${", "name", "end", "text", "unheredoc", "newline"]),
        ("<< A", ["<", "<", "name"]),
        ("a # b\nc // d", ["name", "newline", "name"]),
        ("a /* b\n */ c", ["name", "name"]),
        ("a /* b", ["name", "/", "*", "name"]),
        ("\n \n\r\n", ["newline"]),
        ("{~}", ["{", "end"]),
        ("a::b...=>", ["name", "::", "name", "...", "=>"]),
    ],
)
def test_a_text_is_split_into_tokens(text: str, expected: list[str]) -> None:
    assert kinds(text) == expected


def test_tokens_have_their_offsets() -> None:
    found = scan(Source("f.hcl", b'a = "b${c~}"'))
    assert list(zip(found.starts, found.ends, strict=True)) == [
        (0, 1),
        (2, 3),
        (4, 5),
        (5, 6),
        (6, 8),
        (8, 9),
        (9, 11),
        (11, 12),
        (12, 12),
    ]


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("a = (((\n ;", 2, "the character `;` has no meaning here"),
        ("a = 'b'", 5, "quotes must be double quotes"),
        ("a & b", 3, "there are no bitwise operators"),
        ('a = "b\n"', 7, "a quoted text must end on its line"),
        ("€ = 1", 1, "the character `€` has no meaning here"),
        ('a = "$', 6, "the character `$` has no meaning here"),
    ],
)
def test_the_first_text_that_is_not_a_token_is_refused_before_any_syntax_error(
    text: str, column: int, message: str
) -> None:
    with pytest.raises(HclError) as caught:
        kinds(text)
    assert (caught.value.place.column, caught.value.message) == (column, message)
