"""Messages about values of a wrong type."""

from __future__ import annotations

import pytest

from frostline.hcl.mismatches import mismatch
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
    ("got", "want", "message"),
    [
        (tuple_of(), STRING, "string required, but have tuple"),
        (tuple_of(STRING, BOOL), list_of(DYNAMIC), "all list elements must have the same type"),
        (tuple_of(tuple_of()), set_of(STRING), "element `0`: string required, but have tuple"),
        (object_of(a=tuple_of()), map_of(STRING), "element `a`: string required, but have tuple"),
        (list_of(BOOL), set_of(NUMBER), "incorrect set element type: number required, but have bool"),
        (map_of(BOOL), list_of(BOOL), "list of bool required, but have map of bool"),
        (object_of(), object_of(a=STRING), "attribute `a` is required"),
        (object_of(), object_of(a=STRING, b=STRING, c=STRING), "attributes `a`, `b` and `c` are required"),
        (object_of(a=tuple_of()), object_of(a=STRING), "attribute `a`: string required, but have tuple"),
    ],
)
def test_a_mismatch_names_the_part_that_is_wrong(got: Type, want: Type, message: str) -> None:
    assert mismatch(got, want, lambda source, target: source == target) == message
