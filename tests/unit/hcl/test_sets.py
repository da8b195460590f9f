"""Sets: each element occurs once, in cty's order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.hcl.sets import set_value
from frostline.hcl.values import (
    BOOL,
    FALSE,
    NULL,
    NUMBER,
    STRING,
    TRUE,
    Value,
    map_value,
    number,
    object_value,
    string,
    tuple_value,
)


def test_sets_hold_each_value_once_in_order() -> None:
    assert [item.data for item in set_value(STRING, map(string, ["b", "a", "B", "a", "é"])).data] == [
        "B",
        "a",
        "b",
        "é",
    ]
    assert [item.data.value for item in set_value(NUMBER, map(number, [10, 9, -1, 10])).data] == [-1, 9, 10]
    assert [item.data for item in set_value(BOOL, [TRUE, FALSE, TRUE, Value(BOOL, None)]).data] == [False, True, None]
    tuples = [tuple_value([number(amount)]) for amount in (3, 1, 20, 100)]
    assert [item.data[0].data.value for item in set_value(tuples[0].type, tuples).data] == [100, 1, 20, 3]


def test_numbers_that_agree_in_ten_digits_are_different_elements() -> None:
    assert len(set_value(NUMBER, [number(10**15), number(10**15 + 1)]).data) == 2


@settings(deadline=None)
@given(st.lists(st.text(max_size=5)))
def test_a_set_of_strings_is_sorted_by_code_point(texts: list[str]) -> None:
    items = [string(text) for text in texts]
    assert [item.data for item in set_value(STRING, items).data] == sorted({item.data for item in items})


def test_elements_without_an_order_of_their_own_are_sorted_by_their_hash_text() -> None:
    items = [
        object_value({"a": TRUE}),
        object_value({"a": NULL}),
        object_value({"a": FALSE}),
        object_value({"a": TRUE}),
    ]
    assert set_value(items[0].type, items).data == (items[2], items[0], items[1])
    maps = [map_value(STRING, {name: string("x")}) for name in "ba"]
    assert set_value(maps[0].type, maps).data == (maps[1], maps[0])
