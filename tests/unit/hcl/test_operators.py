"""Equality, and sets, whose order follows it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.hcl.number import Number
from frostline.hcl.operators import BINARY, UNARY, equal
from frostline.hcl.sets import set_value
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


@pytest.mark.parametrize(
    ("one", "other"),
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
def test_values_of_two_types_or_contents_are_not_equal(one: Value, other: Value) -> None:
    assert not equal(one, other)
    assert not equal(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (NULL, Value(STRING, None)),
        (number(1), Value(NUMBER, Number(1, 64))),
        (Value(NUMBER, Number.of_float(0.1)), Value(NUMBER, Number.parse("0.1"))),
        (tuple_value([NULL, string("a")]), tuple_value([NULL, string("a")])),
        (object_value({"b": TRUE, "a": TRUE}), object_value({"a": TRUE, "b": TRUE})),
    ],
)
def test_equal_values_and_nulls_of_any_type_are_equal(one: Value, other: Value) -> None:
    assert equal(one, other)
    assert BINARY["=="][1](one, other) is TRUE
    assert BINARY["!="][1](one, other) is FALSE


def test_logic_and_comparison() -> None:
    def result(operator: str, one: Value, other: Value) -> object:
        return BINARY[operator][1](one, other).data

    assert [result("&&", TRUE, FALSE), result("&&", TRUE, TRUE)] == [False, True]
    assert [result("||", FALSE, FALSE), result("||", FALSE, TRUE)] == [False, True]
    assert [result(operator, number(1), number(1)) for operator in ("<", "<=", ">", ">=")] == [False, True, False, True]
    assert UNARY["!"][1](TRUE) is FALSE
    assert UNARY["-"][1](number(2)).data == Number(-2)


def test_sets_hold_each_value_once_in_order() -> None:
    assert [item.data for item in set_value(STRING, map(string, ["b", "a", "B", "a", "é"])).data] == [
        "B",
        "a",
        "b",
        "é",
    ]
    assert [item.data.value for item in set_value(NUMBER, map(number, [10, 9, -1, 10])).data] == [-1, 9, 10]
    assert [item.data for item in set_value(BOOL, [TRUE, FALSE, TRUE, Value(BOOL, None)]).data] == [False, True, None]
    tuples = [tuple_value([number(each)]) for each in (3, 1, 20, 100)]
    assert [item.data[0].data.value for item in set_value(tuples[0].type, tuples).data] == [100, 1, 20, 3]


def test_numbers_that_agree_in_ten_digits_are_two_in_a_set() -> None:
    assert len(set_value(NUMBER, [number(10**15), number(10**15 + 1)]).data) == 2


@given(st.lists(st.text(max_size=5)))
def test_a_set_of_strings_is_sorted_by_code_point(texts: list[str]) -> None:
    items = [string(text) for text in texts]
    assert [item.data for item in set_value(STRING, items).data] == sorted({item.data for item in items})
