"""Conversion, as in cty."""

from __future__ import annotations

import pytest

from frostline.hcl.conversion import ConversionError, convert
from frostline.hcl.values import (
    BOOL,
    DYNAMIC,
    FALSE,
    NULL,
    NUMBER,
    STRING,
    TRUE,
    Type,
    Value,
    list_of,
    list_value,
    map_of,
    map_value,
    number,
    object_value,
    set_of,
    string,
    tuple_value,
)


def tuple_of(*elements: Type) -> Type:
    return Type("tuple", elements=elements)


def object_of(optional: tuple[str, ...] = (), **attributes: Type) -> Type:
    return Type("object", attributes=attributes, optional=frozenset(optional))


@pytest.mark.parametrize(
    ("value", "target", "expected"),
    [
        (number(5), STRING, string("5")),
        (TRUE, STRING, string("true")),
        (string("1.50"), NUMBER, None),
        (string("true"), BOOL, TRUE),
        (string("0"), BOOL, FALSE),
        (NULL, STRING, Value(STRING, None)),
        (NULL, list_of(DYNAMIC), Value(list_of(DYNAMIC), None)),
        (tuple_value([number(1), string("a")]), list_of(STRING), list_value(STRING, [string("1"), string("a")])),
        (tuple_value([number(1), string("a")]), list_of(DYNAMIC), list_value(STRING, [string("1"), string("a")])),
        (tuple_value([]), list_of(DYNAMIC), list_value(DYNAMIC, [])),
        (
            object_value({"a": number(1), "b": string("x")}),
            map_of(STRING),
            map_value(STRING, {"a": string("1"), "b": string("x")}),
        ),
        (object_value({}), map_of(NUMBER), map_value(NUMBER, {})),
        (object_value({"a": number(1), "b": TRUE}), object_of(a=STRING), object_value({"a": string("1")})),
        (object_value({}), object_of(("a",), a=STRING), object_value({"a": Value(STRING, None)})),
        (map_value(STRING, {"a": string("1")}), object_of(a=NUMBER), object_value({"a": number(1)})),
        (tuple_value([string("1"), TRUE]), tuple_of(NUMBER, STRING), tuple_value([number(1), string("true")])),
        (number(5), DYNAMIC, number(5)),
    ],
)
def test_values_convert(value: Value, target: Type, expected: Value | None) -> None:
    result = convert(value, target)
    if expected is None:
        assert result.data.equals(convert(string("1.5"), NUMBER).data)
    else:
        assert result == expected


@pytest.mark.parametrize(
    ("value", "target", "message"),
    [
        (string("x"), NUMBER, "a number is required"),
        (string("TRUE"), BOOL, 'a bool is required; write it in lower case, "true"'),
        (number(1), BOOL, "bool required, but have number"),
        (tuple_value([]), STRING, "string required, but have tuple"),
        (
            tuple_value([number(1), tuple_value([string("x")])]),
            tuple_of(NUMBER, list_of(NUMBER)),
            "[1][0]: a number is required",
        ),
        (
            object_value({"a": object_value({"b": string("x")})}),
            object_of(a=object_of(b=NUMBER)),
            ".a.b: a number is required",
        ),
        (object_value({"a": string("x")}), map_of(NUMBER), '["a"]: a number is required'),
        (object_value({"a": TRUE}), object_of(b=NUMBER), "attribute `b` is required"),
        (object_value({}), object_of(b=NUMBER, c=BOOL), "attributes `b` and `c` are required"),
        (object_value({"a": number(1), "b": TRUE}), map_of(DYNAMIC), "all map elements must have the same type"),
        (tuple_value([tuple_value([])]), list_of(STRING), "element `0`: string required, but have tuple"),
        (list_value(BOOL, []), list_of(NUMBER), "incorrect list element type: number required, but have bool"),
        (map_value(STRING, {}), object_of(a=STRING), "the map has no element for the required attribute `a`"),
    ],
)
def test_a_failed_conversion_says_why_and_where(value: Value, target: Type, message: str) -> None:
    with pytest.raises(ConversionError) as caught:
        convert(value, target)
    assert str(caught.value) == message


def test_elements_without_a_common_type_have_no_conversion_to_any() -> None:
    value = object_value({"a": tuple_value([object_value({"x": TRUE})]), "b": tuple_value([])})
    with pytest.raises(ConversionError, match="no type in common"):
        convert(value, map_of(set_of(DYNAMIC)))


def test_a_null_without_a_type_takes_the_type_of_its_neighbours() -> None:
    result = convert(object_value({"a": NULL, "b": object_value({})}), map_of(DYNAMIC))
    assert result.data["a"] == Value(object_value({}).type, None)


def test_a_tuple_converts_to_a_set_with_each_value_once() -> None:
    result = convert(tuple_value([string("b"), number(1), string("b")]), set_of(STRING))
    assert [item.data for item in result.data] == ["1", "b"]
    assert convert(result, list_of(STRING)) == list_value(STRING, [string("1"), string("b")])
