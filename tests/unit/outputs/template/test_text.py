"""Trusted text: what keeps the mark, what loses it, and where quotes have no effect."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import StrictUndefined, Undefined
from jinja2.exceptions import UndefinedError

from frostline.outputs.template import filters
from frostline.outputs.template.text import (
    TemplateFault,
    Trusted,
    concat,
    finalize,
    join_texts,
    quoted_parts,
    show_value,
    to_text,
    trusted,
)

texts = st.text(st.characters(exclude_categories=["Cs"])) | st.text("a;\"'$`{}<%\\ \n", max_size=6)


@given(texts, texts)
@settings(max_examples=80, deadline=None)
def test_nothing_made_of_trusted_text_is_trusted_with_anything_strange_beside_it(own: str, strange: str) -> None:
    constant = trusted(own)
    made = [
        constant + strange,
        strange + constant,
        constant % () if "%" not in own else "",
        constant.replace("", strange),
        constant.join([strange, strange]),
        constant.upper(),
        constant[1:],
        constant.strip('"'),
        "".join([constant, strange]),
        type(constant)(strange),
        join_texts([constant, strange]),
        join_texts([strange, constant]),
        filters.trim(constant, '"'),
    ]
    for text in made:
        if isinstance(text, Trusted):
            assert re.fullmatch(r"[A-Za-z0-9.:/_@\[\]-]*", strange) or text in (own, "")
        elif not re.fullmatch(r"[A-Za-z0-9.:/_@\[\]-]*", text):
            with pytest.raises(TemplateFault):
                finalize(text)


@given(st.lists(texts), st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_trusted_text_stays_trusted_where_nothing_is_added(pieces: list[str], times: int) -> None:
    parts = [trusted(piece) for piece in pieces]
    for made, same in (
        (join_texts(parts), "".join(pieces)),
        (concat(parts), "".join(pieces)),
        (trusted("a;") * times, "a;" * times),
        (times * trusted("a;"), "a;" * times),
        (filters.trim(trusted(" a; \n")), "a;"),
        (filters.string(trusted("a;")), "a;"),
    ):
        assert isinstance(made, Trusted)
        assert made == same


@pytest.mark.parametrize("text", ["", "az.AZ:09/_-@[]", "http://10.0.0.1:8080/v1"])
def test_plain_text_is_written_as_it_is(text: str) -> None:
    assert finalize(text) == text


@pytest.mark.parametrize("text", ["a b", "a;", "é", "a\n", "$x", '"'])
def test_other_text_is_refused_unless_it_is_trusted(text: str) -> None:
    with pytest.raises(TemplateFault, match="is written unquoted and contains") as caught:
        finalize(text)
    assert "| raw" in (caught.value.help or "")
    assert finalize(trusted(text)) == text


@pytest.mark.parametrize(("value", "text"), [("a;", "a;"), (8080, "8080"), (1.5, "1.5"), (-2, "-2")])
def test_strings_and_numbers_have_a_text(value: object, text: str) -> None:
    assert to_text(value, "written") == text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "none cannot be joined as text"),
        (True, "true cannot be joined as text"),
        ({}, "a mapping cannot be joined as text"),
        ([], "a list cannot be joined as text"),
        (object(), "a object cannot be joined as text"),
    ],
)
def test_other_values_have_no_text(value: object, message: str) -> None:
    with pytest.raises(TemplateFault) as caught:
        to_text(value, "joined")
    assert caught.value.message == message
    assert caught.value.help


def test_an_inline_if_without_else_writes_nothing_and_a_missing_value_is_an_error() -> None:
    assert finalize(Undefined()) == ""
    for value in (StrictUndefined(name="x"), StrictUndefined()):
        with pytest.raises(UndefinedError):
            finalize(value)
    with pytest.raises(UndefinedError):
        to_text(Undefined(name="x"), "joined")


def test_a_text_knows_which_parts_of_it_are_quoted() -> None:
    quoted = filters.nginx("x")
    assert quoted_parts(quoted) == ((0, 3, "nginx"),)
    assert quoted_parts(concat([trusted("a "), quoted, trusted(";\n"), filters.shell("y")])) == (
        (2, 5, "nginx"),
        (7, 10, "shell"),
    )
    assert quoted_parts(quoted * 2) == ((0, 3, "nginx"), (3, 6, "nginx"))
    assert quoted_parts(trusted("x")) == quoted_parts('"x"') == ()


def test_indented_and_trimmed_text_still_knows_its_quoted_parts() -> None:
    text = concat([trusted(" a\n\n"), filters.yaml("x"), trusted(" \n")])
    indented = filters.indent(text, 2)
    assert (indented, quoted_parts(indented)) == (' a\n\n  "x" \n', ((6, 9, "yaml"),))
    assert filters.indent(text, 2, first=True, blank=True) == '   a\n  \n  "x" \n  '
    trimmed = filters.trim(text)
    assert (trimmed, quoted_parts(trimmed)) == ('a\n\n"x"', ((3, 6, "yaml"),))


def test_a_message_shows_the_start_of_a_long_value() -> None:
    assert show_value("a'b") == repr("a'b")
    assert show_value("x" * 61) == repr("x" * 60 + "…")


@pytest.mark.parametrize("before", ["=", "a", '"', "\\", "$"])
def test_what_nginx_would_not_see_as_quoted_is_refused(before: str) -> None:
    with pytest.raises(TemplateFault, match="text quoted by `| nginx`"):
        concat([trusted(before), filters.nginx("x")])
    with pytest.raises(TemplateFault):
        concat([trusted(before), concat([trusted(""), filters.nginx("x"), trusted(";")])])
    assert concat([trusted("a "), filters.nginx("x"), trusted("{")]) == 'a "x"{'


@pytest.mark.parametrize("name", ["json", "yaml", "py", "shell", "toml", "nginx"])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotes_around_quotes_are_refused(name: str, quote: str) -> None:
    for before in (f"x = {quote}", f"x = {quote}owner "):
        with pytest.raises(TemplateFault, match=r"directly follows|inside a quote"):
            concat([trusted(before), filters.QUOTING[name]("x"), trusted(quote)])


def test_the_place_of_quoted_text_counts_where_it_is_written_and_not_where_it_is_made() -> None:
    made = concat([filters.shell("x"), trusted(" y")])
    assert concat([trusted("echo "), made]) == "echo 'x' y"
    with pytest.raises(TemplateFault, match="inside a quote"):
        concat([trusted('echo "'), made])
    with pytest.raises(TemplateFault, match="inside a quote"):
        concat([trusted('echo "'), concat([trusted("for "), made])])


def test_a_new_line_starts_anew() -> None:
    text = concat([trusted("it's a word\n"), filters.shell("a\nb'"), trusted(" "), filters.shell("c")])
    assert concat([trusted("# comment\n"), text]).endswith("'c'")


@pytest.mark.parametrize("name", ["json", "yaml", "toml", "py"])
@pytest.mark.parametrize("value", [5, 1.5, True, []])
def test_a_value_without_quotes_may_follow_a_word(name: str, value: object) -> None:
    assert concat([trusted("x"), filters.QUOTING[name](value)])
