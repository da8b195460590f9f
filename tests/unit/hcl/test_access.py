"""Attributes and elements of values."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from frostline.hcl.access import AccessError, attribute, element
from frostline.hcl.sets import set_value
from frostline.hcl.values import (
    NULL,
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

PAIR = tuple_value([string("a"), string("b")])
MAP = map_value(STRING, {"k": string("v")})


def refusal(read: Callable[[], Value]) -> str:
    with pytest.raises(AccessError) as caught:
        read()
    return str(caught.value)


def test_an_attribute_is_one_of_an_object_or_an_element_of_a_map() -> None:
    assert attribute(object_value({"k": number(1)}), "k") == number(1)
    assert attribute(MAP, "k") == string("v")
    assert refusal(lambda: attribute(object_value({}), "k")) == "there is no attribute `k`"
    assert refusal(lambda: attribute(MAP, "x")) == "there is no key `x`"
    assert refusal(lambda: attribute(NULL, "k")) == "null has no attribute `k`"
    assert refusal(lambda: attribute(PAIR, "k")) == "a value of type tuple has no attribute `k`"
    assert "only its elements" in refusal(lambda: attribute(list_value(object_value({}).type, []), "k"))


def test_an_index_is_converted_to_a_number_or_a_name() -> None:
    assert element(PAIR, number(1)) == element(PAIR, string("1")) == string("b")
    assert element(MAP, string("k")) == string("v")
    assert element(object_value({"1": TRUE}), number(1)) == TRUE


@pytest.mark.parametrize(
    ("value", "key", "message"),
    [
        (PAIR, number(2), "there are 2 elements, so the index 2 is too large"),
        (PAIR, number(-1), "an index must not be negative"),
        (PAIR, string("1.5"), "an index must be a whole number"),
        (PAIR, string("x"), "this is not an index: a number is required"),
        (PAIR, NULL, "null is not an index"),
        (NULL, number(0), "null has no elements"),
        (MAP, string("x"), "there is no key `x`"),
        (object_value({}), string("x"), "there is no attribute `x`"),
        (set_value(STRING, [string("a")]), number(0), "the elements of a set have no index"),
        (TRUE, number(0), "a value of type bool has no elements"),
    ],
)
def test_an_index_that_does_not_fit_is_refused(value: Value, key: Value, message: str) -> None:
    assert refusal(lambda: element(value, key)) == message


def test_a_missing_attribute_is_reported_with_the_known_ones() -> None:
    value = object_value({"region": string("r"), "other": string("o")})
    for read in (lambda: attribute(value, "regoin"), lambda: element(value, string("regoin"))):
        with pytest.raises(AccessError) as caught:
            read()
        assert (caught.value.name, sorted(caught.value.known)) == ("regoin", ["other", "region"])
