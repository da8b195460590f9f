"""Equality, logic and comparison."""

from __future__ import annotations

import pytest

from frostline.hcl.nodes import (
    Binary,
    For,
    Literal,
    Traversal,
)
from frostline.hcl.number import Number
from frostline.hcl.operators import BINARY, UNARY, equal
from frostline.hcl.values import (
    BOOL,
    FALSE,
    NULL,
    NUMBER,
    STRING,
    TRUE,
    Value,
    list_value,
    map_value,
    number,
    object_value,
    string,
    tuple_value,
)

from .conftest import refused, scope


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (number(1), string("1")),
        (TRUE, string("true")),
        (TRUE, number(1)),
        (NULL, number(0)),
        (tuple_value([number(1)]), tuple_value([string("1")])),
        (tuple_value([number(1)]), list_value(NUMBER, [number(1)])),
        (object_value({"a": TRUE}), map_value(BOOL, {"a": TRUE})),
        (object_value({"a": TRUE}), object_value({"b": TRUE})),
        (list_value(NUMBER, [number(1)]), list_value(NUMBER, [number(1), number(2)])),
        (map_value(BOOL, {"a": TRUE}), map_value(BOOL, {"a": FALSE})),
    ],
)
def test_values_of_two_types_or_contents_are_not_equal(left: Value, right: Value) -> None:
    assert not equal(left, right)
    assert not equal(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (NULL, Value(STRING, None)),
        (number(1), Value(NUMBER, Number(1, 64))),
        (Value(NUMBER, Number.of_float(0.1)), Value(NUMBER, Number.parse("0.1"))),
        (tuple_value([NULL, string("a")]), tuple_value([NULL, string("a")])),
        (object_value({"b": TRUE, "a": TRUE}), object_value({"a": TRUE, "b": TRUE})),
    ],
)
def test_equal_values_and_nulls_of_any_type_are_equal(left: Value, right: Value) -> None:
    assert equal(left, right)
    assert BINARY["=="][1](left, right) is TRUE
    assert BINARY["!="][1](left, right) is FALSE


def test_logic_and_comparison() -> None:
    def result(operator: str, left: Value, right: Value) -> object:
        return BINARY[operator][1](left, right).data

    assert [result("&&", TRUE, FALSE), result("&&", TRUE, TRUE)] == [False, True]
    assert [result("||", FALSE, FALSE), result("||", FALSE, TRUE)] == [False, True]
    assert [result(operator, number(1), number(1)) for operator in ("<", "<=", ">", ">=")] == [False, True, False, True]
    assert UNARY["!"][1](TRUE) is FALSE
    assert UNARY["-"][1](number(2)).data == Number(-2)


def test_comparing_large_values_takes_steps() -> None:
    large = tuple_value([tuple_value([number(index) for index in range(100)]) for _ in range(100)])
    right = tuple_value([tuple_value([number(index) for index in range(100)]) for _ in range(100)])
    where = scope(a=large, b=right)
    node = For(0, None, "x", HUNDRED, Binary(0, "==", Traversal(0, "a"), Traversal(0, "b")))
    refused(node, where)


HUNDRED = Literal(0, tuple_value([number(index) for index in range(100)]))
