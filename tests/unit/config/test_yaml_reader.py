from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from frostline.config.yaml_reader import Document, read_yaml
from frostline.errors import ErrorGroup, FrostlineError, UsageError
from frostline.model import FileOrigin


def read(text: str) -> Document:
    document = read_yaml(text.encode(), "f.yaml")
    assert document.errors == ()
    return document


@pytest.mark.parametrize(
    "text",
    ["no", "yes", "on", "off", "y", "2027-01-31", "12:30:00", "1_000", "0b1", "1,000", "=", "True1", "nul", "+-1", "."],
)
def test_a_value_that_only_yaml_1_1_converts_stays_a_string(text: str) -> None:
    assert read(f"a: {text}").value == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("NULL", None),
        ("-7", -7),
        ("0o17", 15),
        ("0xfF", 255),
        ("0777", 777),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("!!int 1", 1),
    ],
)
def test_values_are_those_of_the_core_schema(text: str, value: Any) -> None:
    found = read(f"a: {text}").value["a"]
    assert found == value
    assert type(found) is type(value)


def test_keys_are_strings_as_written() -> None:
    text = "1: a\nno: b\n~: c\ntrue: d\n0x1: e\n1e3: f\n'<<': g\n"
    assert list(read(text).value) == ["1", "no", "~", "true", "0x1", "1e3", "<<"]


def test_each_value_and_key_has_its_position() -> None:
    document = read("a:\n  - b: c\n    é: [1, x]\n")
    assert document.values["a", 0, "b"] == FileOrigin("f.yaml", 2, 8)
    assert document.keys["a", 0, "b"] == FileOrigin("f.yaml", 2, 5)
    assert document.values["a", 0, "é", 1] == FileOrigin("f.yaml", 3, 12)
    assert document.values[()] == FileOrigin("f.yaml", 1, 1)


@pytest.mark.parametrize("text", ["\ufeffa: 1\nb: x", "a: 1\r\nb: x", "a: 1\rb: x", "\ufeffa: 1\r\nb: x\r\n"])
def test_a_bom_and_other_line_ends_do_not_change_positions(text: str) -> None:
    document = read(text)
    assert document.value == {"a": 1, "b": "x"}
    assert document.keys[("b",)] == FileOrigin("f.yaml", 2, 1)


@pytest.mark.parametrize(("text", "line", "column"), [("\ufeffa: 1\r\nb: \x07", 2, 4), ("a: 1\rb: \x07", 2, 4)])
def test_a_control_character_is_refused_at_its_position(text: str, line: int, column: int) -> None:
    with pytest.raises(UsageError) as caught:
        read_yaml(text.encode(), "f")
    assert caught.value.origin == FileOrigin("f", line, column)


def test_aliases_repeat_values() -> None:
    assert read("a: &x [1, {b: c}]\nd: *x\n").value == {"a": [1, {"b": "c"}], "d": [1, {"b": "c"}]}


def test_an_alias_beside_its_value_is_not_a_cycle() -> None:
    assert read("a: [&x [1], *x, *x]").value == {"a": [[1], [1], [1]]}


def test_aliases_of_a_long_text_are_counted_by_its_characters() -> None:
    text = "a: &x " + "b" * 2**20 + "\nc: [" + ", ".join(["*x"] * 20) + "]\n"
    with pytest.raises(ErrorGroup) as caught:
        read(text)
    assert "aliases repeat more than 16 Mi characters" in caught.value.message
    assert str(caught.value.errors[0].origin).endswith(":1:4")


def test_json_is_yaml() -> None:
    value = {"a": ["\U0001f600", "\u2028", "\\", '"', "\x7f", "\x01", "no"], "b": [1, -1.5, True, None]}
    assert read(json.dumps(value)).value == value
    assert read('{"a": "\\ud83d\\ude00"}').value == {"a": "\U0001f600"}


def test_several_errors_are_reported_at_once() -> None:
    document = read_yaml(b"a: 1\na: 2\nb: !x 3\n<<: {}\nc: .nan\nd: [!!int x]\n", "f")
    assert [str(error.origin) for error in document.errors] == ["f:2:1", "f:3:4", "f:4:1", "f:5:4", "f:6:5"]
    assert document.value == {"a": 1, "b": None, "c": None, "d": [None]}


@pytest.mark.parametrize("text", ['a: ["*", !consul]', "a: [x, [!consul]]"])
def test_an_exclusion_without_quotes_is_refused_at_its_position(text: str) -> None:
    with pytest.raises(UsageError, match="a value that starts with `!` is a YAML tag") as caught:
        read_yaml(text.encode(), "f")
    assert str(caught.value.origin) == f"f:1:{text.index('!') + 1}"


@pytest.mark.parametrize("depth", [70, 5000])
def test_a_document_that_is_nested_too_deeply_is_refused(depth: int) -> None:
    for text in ("[" * depth, "{a: " * depth, "- " * depth, "? " * depth):
        with pytest.raises(UsageError, match="nested too deeply"):
            read_yaml(text.encode(), "f")


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab é:#-~", min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(PLAIN)
@settings(max_examples=60, deadline=None)
def test_json_text_reads_back_as_the_same_value(value: Any) -> None:
    assert read(json.dumps({"a": value})).value == {"a": value}


@given(
    st.lists(
        st.sampled_from(["a", "1", ":", " ", "\n", "-", "no", "0", "e", ".", "x", "'", "+", "~", "true", "é"])
    ).map("".join)
)
@settings(max_examples=80, deadline=None)
def test_text_means_what_yaml_1_2_says(text: str) -> None:
    try:
        document = read_yaml(text.encode(), "f")
        theirs = YAML(typ="safe", pure=True).load(text)
    except (FrostlineError, YAMLError):
        return
    if not document.errors and not any(isinstance(part, float) for part in leaves(document.value)):
        assert [part for part in leaves(document.value) if isinstance(part, str)] == [
            part for part in leaves(theirs) if isinstance(part, str)
        ]


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [part for item in value.values() for part in leaves(item)]
    return [part for item in value for part in leaves(item)] if isinstance(value, list) else [value]


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ('a: 1\n"b" c\nd: 2\n', 3, 1, "a key without its `:`"),
        ('a: "x', 1, 4, "a quoted value that never ends"),
        ('a: "x\\', 1, 4, "a quoted value that never ends"),
        (r'a: "\q"', 1, 6, "an unknown escape in double quotes"),
        ("a: &x 1\nb: &x 2\n", 2, 4, "a duplicate anchor (`&`)"),
        ("a: &\n", 1, 5, "a value that starts with `&` needs quotes"),
        ("a: `b`\n", 1, 4, "a value cannot start with this character"),
        ("a: b: c\n", 1, 5, "a `:` where no key can be"),
        ("a: - b\n", 1, 4, "a `-` where no list can be"),
        ("a: [1,\nb: 2\n", 1, 4, "a list in [ ] that is broken or never ends"),
        ("a: 1\n---\nb: 2\n", 2, 1, "a second YAML document"),
    ],
)
def test_a_syntax_error_is_described_by_the_text_at_its_position(text: str, line: int, column: int, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_yaml(text.encode(), "a.yaml")
    assert caught.value.message == f"not valid YAML: {said}"
    assert caught.value.origin == FileOrigin("a.yaml", line, column)


def test_a_long_list_that_never_ends_is_refused_in_linear_time() -> None:
    with pytest.raises(UsageError) as caught:  # with the square of its length in steps, this would take minutes
        read_yaml(("a: [x\n" + ":!" * 200_000 + "\n: {").encode(), "f.yaml")
    assert str(caught.value.origin) == "f.yaml:1:4"
    assert "a list in [ ] that is broken or never ends" in caught.value.message
