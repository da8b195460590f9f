from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.hcl.nodes import (
    Binary,
    Body,
    Call,
    Conditional,
    Expression,
    For,
    GetAttr,
    GetIndex,
    InnerSplat,
    Literal,
    Parenthesized,
    Relative,
    Splat,
    Template,
    Traversal,
    TupleOf,
    Unary,
    Wrapped,
)
from frostline.hcl.source import HclError, Source
from frostline.hcl.syntax import parse, parse_expression
from frostline.hcl.values import number, string

RECORDED = json.loads((Path(__file__).parents[2] / "data" / "hcl" / "syntax.json").read_text())["cases"]


def body(text: str | bytes) -> Body:
    return parse(Source("f.hcl", text.encode() if isinstance(text, str) else text))


def expression(text: str) -> Expression:
    return body(f"x = {text}\n").attributes["x"].expression


def refusal(text: str | bytes) -> HclError:
    with pytest.raises(HclError) as caught:
        body(text)
    return caught.value


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: repr(case["text"])[:60])
def test_a_recorded_text_is_taken_or_refused_at_its_place(case: dict[str, object]) -> None:
    try:
        body(str(case["text"]))
        place = None
    except HclError as error:
        place = [error.place.line, error.place.column]
    assert place == case["place"]


def test_a_body_has_arguments_and_blocks_with_labels_in_the_order_written() -> None:
    read = body('a = 1\njob "x" y {\n  b = 2\n}\ngroup {}\n')
    assert list(read.attributes) == ["a"]
    assert [(block.kind, [label for label, _ in block.labels]) for block in read.blocks] == [
        ("job", ["x", "y"]),
        ("group", []),
    ]
    assert list(read.blocks[0].body.attributes) == ["b"]


def test_operators_bind_as_in_hcl() -> None:
    found = expression("1 + 2 * 3 == 7 && !a ? -b : c")
    assert isinstance(found, Conditional)
    assert isinstance(found.condition, Binary)
    assert found.condition.operator == "&&"
    assert isinstance(found.condition.left, Binary)
    assert found.condition.left.operator == "=="
    assert isinstance(found.condition.right, Unary)
    assert isinstance(found.yes, Unary)


def test_steps_belong_to_their_operand() -> None:
    found = expression('a.b[0]["c"].d')
    assert isinstance(found, Traversal)
    assert found.root == "a"
    kinds = [type(step) for step in found.steps]
    assert kinds == [GetAttr, GetIndex, GetIndex, GetAttr]
    assert found.steps[2] == GetIndex(10, Literal(11, string("c")))


def test_an_index_without_brackets_is_a_number() -> None:
    found = expression("a.0.b.5e3")
    assert isinstance(found, Traversal)
    assert [step.key.value for step in found.steps if isinstance(step, GetIndex) and isinstance(step.key, Literal)] == [
        number(0),
        number(5000),
    ]
    assert refusal("x = a.0.1\n").place.column == 7


def test_a_splat_with_brackets_takes_all_that_follows_one_with_a_dot_the_names_only() -> None:
    full = expression("a[*].b[0].c")
    assert isinstance(full, Splat)
    assert [type(step) for step in full.steps] == [GetAttr, GetIndex, GetAttr]
    dotted = expression("a.*.b[0]")
    assert isinstance(dotted, Relative)
    assert isinstance(dotted.subject, Splat)
    assert [type(step) for step in dotted.subject.steps] == [GetAttr]
    assert [type(step) for step in dotted.steps] == [GetIndex]
    twice = expression("a[*].b[*].c")
    assert isinstance(twice, Splat)
    assert isinstance(twice.steps[1], InnerSplat)


def test_for_expressions_have_their_parts() -> None:
    found = expression("{for k, v in m : k => v... if v != 1}")
    assert isinstance(found, For)
    assert (found.key, found.value, found.group) == ("k", "v", True)
    assert found.key_result is not None
    assert found.condition is not None
    plain = expression("[for v in l : v]")
    assert isinstance(plain, For)
    assert (plain.key, plain.key_result, plain.condition) == (None, None, None)


def test_calls_have_their_arguments_and_end() -> None:
    found = expression("f(1, [2]...)")
    assert isinstance(found, Call)
    assert (found.name, len(found.arguments), found.expand, found.end) == ("f", 2, True, 16)
    assert isinstance(found.arguments[1], TupleOf)


def test_parentheses_stay_in_the_tree() -> None:
    assert isinstance(expression("(1)"), Parenthesized)


def test_templates_join_parts_and_one_interpolation_alone_is_wrapped() -> None:
    found = expression('"a${b}c"')
    assert isinstance(found, Template)
    assert [type(part) for part in found.parts] == [Literal, Traversal, Literal]
    assert isinstance(expression('"${b}"'), Wrapped)
    assert expression('""') == Literal(4, string(""))


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


def test_numbers_of_any_size_are_exact() -> None:
    for text, digits in [("100000000000000000000", 10**20), ("1e5", 10**5), ("1E+2", 100), ("12.50", None)]:
        found = expression(text)
        assert isinstance(found, Literal)
        assert digits is None or found.value.data.value == digits
    assert str(expression("12.50").value.data) == "12.5"  # type: ignore[union-attr]


def test_an_exponent_within_text_stays_as_it_is() -> None:
    assert expression('"a 1e5 b"') == Literal(4, string("a 1e5 b"))


def test_a_text_is_one_expression() -> None:
    source = Source("v", b'["dc1",\n "dc2"]')
    found = parse_expression(source)
    assert isinstance(found, TupleOf)
    assert source.data[found.offset :].startswith(b'["dc1"')
    for text in (b"1 +", b"1\ny = 2", b"[1", b"", b"1) + (2"):
        with pytest.raises(HclError):
            parse_expression(Source("v", text))


def test_lines_may_end_as_on_windows() -> None:
    read = body('job "x" {\r\n  a = <<EOT\r\n  b\r\nEOT\r\n}\r\n')
    assert list(read.blocks[0].body.attributes) == ["a"]


def test_a_byte_order_mark_is_no_character() -> None:
    assert refusal(b"\xef\xbb\xbfa = \n").place.column == 5


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [(b"a = 1\nb = \xff\n", 2, 5), (b"a = 1\x00\n", 1, 6), (b"\xe9 = 1\n", 1, 1)],
)
def test_bytes_that_are_no_text_are_refused_at_their_place(data: bytes, line: int, column: int) -> None:
    place = refusal(data).place
    assert (place.line, place.column) == (line, column)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000 + "\n",
        "a = " + "[" * 100_000 + "]" * 100_000 + "\n",
        "a = " + "(" * 5_000 + "1" + ")" * 5_000 + "\n",
        "b {\n" * 20_000,
        "b {\n" * 2_000 + "}\n" * 2_000,
        'a = "' + "${" * 50_000 + '"\n',
        'a = "' + '${"' * 500 + '"}' * 500 + '"\n',
        "a = " + "!" * 20_000 + "true\n",
        "a = " + "-" * 300 + "1\n",
        "a = " + "1 + " * 20_000 + "1\n",
        "a = " + "x ? y : " * 5_000 + "z\n",
        "a = " + "f(" * 400 + ")" * 400 + "\n",
        'a = "' + "%{ if x }" * 5_000 + '"\n',
    ],
    ids=lambda text: text[:24].replace("\n", " "),
)
def test_what_is_nested_too_deeply_is_refused_at_once(text: str) -> None:
    began = time.monotonic()
    error = refusal(text)
    assert error.place.line >= 1
    assert time.monotonic() - began < 30  # a hang, not a measure


def test_long_flat_files_are_read() -> None:
    assert len(body("".join(f'a{n} = "x"\n' for n in range(20_000))).attributes) == 20_000
    steps = expression("a" + ".b" * 20_000)
    assert isinstance(steps, Traversal)
    assert len(steps.steps) == 20_000


def test_a_text_beyond_the_limit_is_refused() -> None:
    assert "larger" in refusal(b"#" * (2**20 + 1)).message


FRAGMENTS = st.sampled_from(
    [
        *(
            "a",
            " = ",
            "1",
            '"',
            "${",
            "}",
            "%{ if x }",
            "%{ endif }",
            "{",
            "[",
            "]",
            "(",
            ")",
            "\n",
            "<<EOT\n",
            "EOT\n",
        ),
        *(".", "*", ",", ":", "?", "for x in y", "=>", "...", "#", "/*", "*/", "\\", "~", "é", "job", " "),
    ]
)


@settings(max_examples=300)
@given(st.lists(FRAGMENTS, max_size=25).map("".join))
def test_any_text_is_read_or_refused_with_a_place_in_it(text: str) -> None:
    try:
        body(text)
    except HclError as error:
        assert 1 <= error.place.line <= text.count("\n") + 1
        assert error.message
