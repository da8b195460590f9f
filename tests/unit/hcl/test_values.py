"""Values and types."""

from __future__ import annotations

from frostline.hcl.values import (
    BOOL,
    NULL,
    NUMBER,
    STRING,
    TRUE,
    Type,
    Value,
    boolean,
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


def test_types_are_equal_by_content() -> None:
    pair = Type("object", attributes={"a": STRING, "b": NUMBER})
    assert pair == Type("object", attributes={"b": NUMBER, "a": STRING})
    assert pair != Type("object", attributes={"a": STRING, "b": NUMBER}, optional=frozenset("a"))
    assert list_of(STRING) != set_of(STRING)
    assert str(map_of(list_of(STRING))) == "map of list of string"


def test_a_string_is_normalized() -> None:
    assert string("e\u0301").data == "\u00e9"


def test_maps_and_objects_are_sorted_by_key() -> None:
    assert list(map_value(NUMBER, {"b": number(1), "a": number(2)}).data) == ["a", "b"]
    assert list(object_value({"b": TRUE, "a": TRUE}).type.attributes) == ["a", "b"]


def test_values_of_different_types_differ_and_equal_values_have_equal_hashes() -> None:
    assert tuple_value([TRUE]) != list_value(BOOL, [TRUE])
    assert Value(STRING, None) != NULL
    assert hash(object_value({"a": TRUE})) == hash(object_value({"a": boolean(True)}))
