"""The parser of files: arguments and blocks, positions of errors, and limits."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.hcl.evaluation import evaluate
from frostline.hcl.nodes import (
    Traversal,
    TupleOf,
)
from frostline.hcl.scope import Scope
from frostline.hcl.source import HclError, Source
from frostline.hcl.syntax import parse_embedded, parse_expression, parse_template
from frostline.hcl.values import number, string, tuple_value

from .conftest import body, expression, refusal

RECORDED = json.loads((Path(__file__).parents[2] / "data" / "hcl" / "syntax.json").read_text())["cases"]


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: repr(case["text"])[:60])
def test_a_recorded_text_is_accepted_or_refused_at_the_recorded_position(case: dict[str, object]) -> None:
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


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [(b"a = 1\nb = \xff\n", 2, 5), (b"a = 1\x00\n", 1, 6), (b"\xe9 = 1\n", 1, 1)],
)
def test_bytes_that_are_not_text_are_refused_at_their_position(data: bytes, line: int, column: int) -> None:
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
        'a = "' + "%{ if x }" * 150 + "%{ endif }" * 150 + '"\n',
        "a = x" + ".*[0]" * 150 + "\n",
        "a = x" + "[*]" * 150 + "\n",
    ],
    ids=lambda text: text[:24].replace("\n", " "),
)
def test_a_too_deeply_nested_text_is_refused(text: str) -> None:
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


@settings(deadline=None, max_examples=120)
@given(st.lists(FRAGMENTS, max_size=25).map("".join))
def test_any_text_is_parsed_or_refused_at_a_position_within_it(text: str) -> None:
    try:
        body(text)
    except HclError as error:
        assert 1 <= error.place.line <= text.count("\n") + 1
        assert error.message


LENGTH = 2**17


def filled(before: str, unit: str, after: str = "") -> str:
    """A text of this length: before, as many units as fit, after."""
    return before + unit * ((LENGTH - len(before) - len(after)) // len(unit)) + after


@pytest.mark.parametrize(
    "text",
    [
        filled("", "a = "),
        filled("x = ", "["),
        filled("x = ", '"${'),
        filled("x = ", "{"),
        filled("", "b {\n"),
        filled("x = ", "("),
        filled("x = ", "!"),
        filled("x = ", "a."),
        filled("x = ", "a["),
        filled("x = a", ".b"),
        filled("x = a", "[*]"),
        filled("x = a", ".*[0]"),
        filled("x = ", "1||"),
        filled("x = ", "a?"),
        filled("x = f(", "1,", ")"),
        filled("x = {", "a=1\n", "}"),
        filled("x = ", "1", "\n"),
        filled("x = 1", "."),
        filled("x = ", "<<A\n"),
        filled("x = ", "<<A\n${"),
        filled("x = <<-A\n", "  y\n", "A\n"),
        filled("", "#\n"),
        filled("", "/*"),
        filled('x = "', "$", '"\n'),
        filled('x = "', " ", 'y${~ 1 }"\n'),
        filled('x = "', "%{if a}", '"\n'),
        filled('x = "', "${a}", '"\n'),
        "é" * (LENGTH // 2),
    ],
    ids=lambda text: repr(text[:16]),
)
def test_long_texts_are_parsed_or_refused_in_linear_time(text: str) -> None:
    began = time.process_time()
    try:
        body(text)
    except HclError as error:
        assert error.place.line >= 1
    assert time.process_time() - began < 10  # a hang, not a measure


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${n}", 7),
        ("a-${n}", "a-7"),
        ('say "${n}" \\n', 'say "7" \\n'),
        ("$${n} %%{", "${n} %{"),
        ("EOT\n${n}\nEOT\nEOTT\n", "EOT\n7\nEOT\nEOTT\n"),
        ("${n}\n", "7\n"),
        ("x ${~ n ~} y", "x7y"),
        ("%{ if n > 1 }${n}%{ else }no%{ endif }", "7"),
        ("%{ for x in [1, 2] }${x},%{ endfor }", "1,2,"),
        ("<<EOT", "<<EOT"),
        ("", ""),
    ],
)
def test_a_string_of_another_format_is_a_template_without_escapes(text: str, value: str | int) -> None:
    template = parse_template(text, Source("a.json", b'{"x": "' + text.encode() + b'"}'), 7)
    found = evaluate(template, Scope(Source("a.json", b""), {"n": number(7)}, {}))
    assert found == (string(value) if isinstance(value, str) else number(value))


def test_an_error_in_a_string_of_another_format_has_its_position_in_the_file() -> None:
    file = Source("a.json", b'{\n"x": "a-${n.b}", "y": "[1,"}')
    with pytest.raises(HclError) as caught:
        evaluate(parse_template("a-${n.b}", file, 8), Scope(file, {"n": number(7)}, {}))
    assert str(caught.value.place) == "a.json:2:12"
    with pytest.raises(HclError) as caught:
        parse_embedded("[1,", file, 26)
    assert str(caught.value.place) == "a.json:2:28"


def test_a_string_of_another_format_may_be_an_expression() -> None:
    file = Source("a.json", b'"[n, 1]"')
    assert evaluate(parse_embedded("[n, 1]", file, 1), Scope(file, {"n": number(7)}, {})) == tuple_value(
        [number(7), number(1)]
    )
