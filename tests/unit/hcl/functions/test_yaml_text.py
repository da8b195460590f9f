"""YAML as go-cty-yaml writes and reads it."""

from __future__ import annotations

import pytest

from frostline.hcl.functions.base import FunctionError
from frostline.hcl.functions.yaml_text import yaml_text, yaml_value
from frostline.hcl.values import FALSE, NULL, Value, number, object_value, string, tuple_value


def free(_steps: int) -> None:
    """Nothing counts here."""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: off", object_value({"a": FALSE})),
        ("[1, 0x10, ~, '1']", tuple_value([number(1), number(16), NULL, string("1")])),
        ("2024-1-2", string("2024-01-02T00:00:00Z")),
        ("a: &x {b: 1}\nc: {<<: *x, d: 2}", None),
        ("!!str 1", string("1")),
    ],
)
def test_a_document_is_decoded(text: str, value: Value | None) -> None:
    merged = object_value({"a": object_value({"b": number(1)}), "c": object_value({"b": number(1), "d": number(2)})})
    assert yaml_value(text, free) == (value or merged)


@pytest.mark.parametrize(
    "value", [object_value({"a": tuple_value([string("x\ny\n"), number(1)]), "b": NULL}), string("on"), tuple_value([])]
)
def test_a_value_is_encoded_and_decoded(value: Value) -> None:
    assert yaml_value(yaml_text(value), free) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "this is not YAML"),
        (r'a: "\UFFFFFFFF"', "an escape of a character that does not exist"),
        ("", "there is no document"),
        ("&a [*a]", "an alias refers to a value that it is part of"),
        ("[1]: 2", "keys must be strings"),
        ("<<: 1", "`<<` must merge a mapping"),
        (".nan", "NaN is not supported"),
        ("!x 1", "there is no tag `!x`"),
        ("!!int x", "`x` is not a number"),
        ("!!binary '*'", "not base64"),
    ],
)
def test_a_document_without_a_value_is_refused(text: str, message: str) -> None:
    with pytest.raises(FunctionError, match=message.replace("*", r"\*")):
        yaml_value(text, free)
