"""JSON as cty writes and reads it."""

from __future__ import annotations

import pytest

from frostline.hcl.functions.base import FunctionError
from frostline.hcl.functions.json_text import json_text, json_value
from frostline.hcl.number import Number
from frostline.hcl.values import NULL, TRUE, Value, number, object_value, string, tuple_value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (object_value({"b": NULL, "a": tuple_value([TRUE, number(1)])}), '{"a":[true,1],"b":null}'),
        (string('<é"&>\u2028'), '"\\u003cé\\"\\u0026\\u003e\\u2028"'),
        (number(Number.parse("1e30")), "1" + "0" * 30),
        (tuple_value([]), "[]"),
    ],
)
def test_a_value_is_encoded_and_decoded(value: Value, text: str) -> None:
    assert json_text(value) == text
    assert json_value(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "this is not JSON: .* at 1:2"), ("[" * 100_000, "nested too deeply"), ("NaN", "JSON has no NaN")],
    ids=["open", "deep", "NaN"],
)
def test_invalid_json_is_refused(text: str, message: str) -> None:
    with pytest.raises(FunctionError, match=message):
        json_value(text)


def test_json_has_no_infinity() -> None:
    with pytest.raises(FunctionError, match="no infinity"):
        json_text(number(Number.parse("Inf")))
