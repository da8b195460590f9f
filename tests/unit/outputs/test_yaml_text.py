"""YAML as it is written here: every reader takes any text for the same text, and a reviewer sees what is there."""

from __future__ import annotations

import json
import string
import subprocess
import unicodedata
from functools import partial
from io import StringIO
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from frostline.outputs.yaml_text import flow, quote, yaml_pieces

HOSTILE = [
    *string.punctuation,
    *map(chr, range(0x20)),
    string.punctuation,
    "",
    " ",
    " blank at both ends ",
    *("\x7f", "\x85", "\x9b31m", "\xa0", "\xad", "\u200b", "\u2028", "\u2029", "\u202eevil\u202c", "\u2066x\u2069"),
    *("\ufeff", "\ufdd0", "\ufffd", "\ufffe", "\uffff", "\ud7ff", "\ue000", "\U000e0041", "\U0001fffe", "\U0010ffff"),
    *("naïve", "e\u0301", "\u0301", "\U0001f600", "\U0001f469\u200d\U0001f4bb", "\u2764\ufe0f", "\u05e9\u05dc"),
    *("a\nb", "a\r\nb", "a\n\n  b\n", "\n", "a\tb", "a\0001", "\\", "\\\\", '\\"', "\\n", "\\x41", "\\u0041", "\\N"),
    *("%{x}", "%%{x}", "%{literal('%')}{", "${HOME}", "{{ x }}", "{% raw %}", "%YAML 1.1", "%TAG"),
    *("y", "Y", "n", "yes", "Yes", "no", "NO", "on", "off", "true", "False", "null", "Null", "~", "None", "nil"),
    *(
        "0777",
        "0o17",
        "0x1F",
        "0b1",
        "1,000",
        "1_000",
        "_1",
        "__",
        "1e3",
        "1.",
        ".5",
        "-.inf",
        ".nan",
        "1:30",
        "12:30:45",
    ),
    *("2026-01-31", "2026-01-31T00:00:00Z", "=", "<<", "---", "--- x", "...", "- x", "-", "? x", "?", ": x", ":"),
    *(
        "a: b",
        "a:b",
        "a #b",
        "#b",
        "&a",
        "*a",
        "!a",
        "!!int 1",
        "|",
        ">",
        "@a",
        "`a",
        "'a'",
        "'",
        '"a"',
        "[a]",
        "{a: b}",
    ),
    *(":sym", ":'sym'", ':"sym"', "../..", "/etc/passwd", "a-", "-a", "_a", "A", "a.b", "a/b", "unversioned"),
    *("x" * 1021, "x" * 1022, "x" * 1023, "x" * 1024, "x" * 1025, "-" * 1022, "-" * 1023, "\x01" * 300, "é" * 1023),
    *("x" * 10_000, "x y " * 2_500, "\U0001f600" * 3_000, "\\" * 5_000, '"' * 5_000),
]

texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text("'\"\\\n\r\t :#-?{}[],&*!|>%@`xNu01\x85\u2028\ufeff"),
)
scalars = st.one_of(texts, st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1))
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))
mappings = st.dictionaries(texts, values, min_size=1, max_size=5)

READERS = {
    "PyYAML": partial(yaml.load, Loader=yaml.SafeLoader),
    "libyaml": partial(yaml.load, Loader=yaml.CSafeLoader),
    "ruamel.yaml 1.2": lambda text: YAML(typ="safe", pure=True).load(StringIO(text)),
}


def written(value: dict[str, Any]) -> str:
    return "".join(yaml_pieces(value.items()))


def of_every_text() -> dict[str, Any]:
    """Each hostile text as key and value, in block and in flow style."""
    return {
        "block": {text: text for text in HOSTILE},
        "nested": {text: {text: {"n": 1}} for text in HOSTILE},
        "flow": [{text: text, "list": [text], "inner": {text: {text: []}}} for text in HOSTILE],
        "list": list(HOSTILE),
        **{text: {"in": text} for text in HOSTILE},
    }


@pytest.mark.parametrize("reader", READERS)
def test_hostile_texts_read_back_as_keys_and_values_in_any_place(reader: str) -> None:
    assert READERS[reader](written(of_every_text())) == of_every_text()


def test_psych_takes_every_hostile_text_for_the_same_string(puppet: str) -> None:
    script = "require 'psych'; require 'json'; print JSON.generate(Psych.safe_load(STDIN.read, permitted_classes: []))"
    run = subprocess.run(
        ["ruby", "-Ku", "-e", script], input=written(of_every_text()).encode(), capture_output=True, check=True
    )
    assert json.loads(run.stdout) == of_every_text()


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=50, deadline=None)
@given(value=mappings)
@example(value={"<<": {"a": 1}, "a": {"<<": {"b": 2}}, "b": [{"<<": {"c": 3}}]})
def test_any_value_reads_back(reader: str, value: dict[str, Any]) -> None:
    assert READERS[reader](written(value)) == value


def test_a_reader_that_keeps_comments_and_order_takes_them_for_strings_too() -> None:
    """ruamel.yaml's default; to it the tag that Psych needs is part of the key `<<`."""
    known = {text: {text: [text, {text: text}]} for text in HOSTILE if text != "<<"}
    assert YAML().load(StringIO(written(known))) == known


def test_nothing_in_the_text_is_invisible_or_a_line_break_to_other_readers() -> None:
    text = written(of_every_text())
    assert text.splitlines() == text.split("\n")[:-1]
    seen = {character for character in text if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs")}
    assert seen == {"\n"}


@pytest.mark.parametrize("reader", READERS)
def test_a_name_longer_than_a_key_may_be_in_one_line_reads_back(reader: str) -> None:
    longest = "-" + "x" * 600_000
    value = {longest: {"v1": longest}, "in a line": [{longest: longest, "b": 1}], "after": 1}
    assert READERS[reader](written(value)) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("payments", '"payments"'),
        ("http://10.0.0.1:8080/v1", '"http://10.0.0.1:8080/v1"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("a\nb\tc", '"a\\nb\\tc"'),
        ("\0\x1b\x7f\x9b", '"\\u0000\\u001b\\x7F\\x9B"'),
        ("\x85\xa0\u2028\u2029\ufeff", '"\\N\\_\\L\\P\\uFEFF"'),
        ("\u202ex\u202c\u200b", '"\\u202Ex\\u202C\\u200B"'),
        ("\U0001f600é\u0301", '"\U0001f600é\u0301"'),
        ("\U000e0041", '"\\U000E0041"'),
    ],
)
def test_a_text_is_written_so(text: str, expected: str) -> None:
    assert quote(text) == expected


@pytest.mark.parametrize("key", ["payments", "count-api", "v1", "_x", "A1", "node_id"])
def test_a_key_that_nobody_could_take_for_anything_else_is_plain(key: str) -> None:
    assert flow({key: 1}) == f"{{{key}: 1}}"


@pytest.mark.parametrize(
    "key",
    ["y", "No", "ON", "true", "Null", "1", "0x1", "1e3", "~", "", "a b", "a.b", "-a", "_", "_1", "é", "=", ":sym"],
)
def test_any_other_key_is_quoted(key: str) -> None:
    assert flow({key: 1}) == f'{{"{key}": 1}}'


def test_a_key_that_psych_would_merge_is_tagged() -> None:
    assert "".join(yaml_pieces({"<<": 1}.items())) == '!!str "<<": 1\n'


def test_a_key_too_long_for_one_line_is_written_with_a_question_mark() -> None:
    longest, longer = "." * 1022, "." * 1023
    lines = "".join(yaml_pieces({longest: 1, longer: 2}.items(), "  ")).split("\n")
    assert lines == [f'  "{longest}": 1', f'  ? "{longer}"', "  : 2", ""]
    assert flow({longer: 1}) == f'{{? "{longer}" : 1}}'


def test_mappings_are_blocks_and_their_lists_a_line_an_item() -> None:
    value = {"a": {"b": [{"c": 1, "d": ["x"]}, {"c": 2}], "e": {}, "f": [], "g": {"h": None}}, "i": [True, 2]}
    assert written(value) == (
        'a:\n  b:\n    - {c: 1, d: ["x"]}\n    - {c: 2}\n  e: {}\n  f: []\n  g:\n    h: null\ni: [true, 2]\n'
    )
