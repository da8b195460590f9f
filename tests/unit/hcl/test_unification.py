"""The common type of several types, as in cty."""

from __future__ import annotations

import time

import pytest

from frostline.hcl.conversion import unify
from frostline.hcl.values import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    Type,
    list_of,
    map_of,
    set_of,
)


def tuple_of(*elements: Type) -> Type:
    return Type("tuple", elements=elements)


def object_of(optional: tuple[str, ...] = (), **attributes: Type) -> Type:
    return Type("object", attributes=attributes, optional=frozenset(optional))


@pytest.mark.parametrize(
    ("types", "common"),
    [
        ([], None),
        ([NUMBER], NUMBER),
        ([NUMBER, STRING, BOOL], STRING),
        ([NUMBER, BOOL], None),
        ([NUMBER, DYNAMIC], NUMBER),
        ([tuple_of(NUMBER), DYNAMIC], DYNAMIC),
        ([tuple_of(NUMBER), tuple_of(STRING)], tuple_of(STRING)),
        ([tuple_of(NUMBER), tuple_of(STRING, BOOL)], list_of(STRING)),
        ([tuple_of(NUMBER), list_of(STRING)], list_of(STRING)),
        ([tuple_of(NUMBER), set_of(NUMBER)], set_of(NUMBER)),
        ([object_of(a=NUMBER), object_of(a=STRING)], object_of(a=STRING)),
        ([object_of(a=NUMBER), object_of(b=STRING)], map_of(STRING)),
        ([object_of(a=NUMBER), map_of(STRING)], map_of(STRING)),
        ([object_of(a=NUMBER), object_of(b=tuple_of())], None),
        ([object_of(), tuple_of()], None),
        ([list_of(NUMBER), list_of(STRING)], list_of(STRING)),
        ([STRING, list_of(STRING)], None),
    ],
)
def test_types_have_a_common_type(types: list[Type], common: Type | None) -> None:
    assert unify(types) == common


def test_thousands_of_types_have_no_common_type() -> None:
    began = time.monotonic()
    kinds = [STRING, NUMBER, BOOL]
    types = [tuple_of(*(kinds[index // 3**digit % 3] for digit in range(8))) for index in range(3000)]
    assert unify([*types, set_of(STRING)]) is None
    assert unify(types) is not None
    assert time.monotonic() - began < 2
