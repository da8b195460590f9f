"""Functions of sets (cty, function/stdlib/set.go and collection.go)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod

from frostline.hcl.conversion import convert, unify
from frostline.hcl.functions.base import Function, FunctionError, Parameter, Spend
from frostline.hcl.sets import set_value
from frostline.hcl.values import DYNAMIC, Type, Value, list_value, set_of

_SET = Parameter("sets", set_of(DYNAMIC))


def _with_common_type(values: Sequence[Value]) -> list[Value]:
    """Convert the sets to their common type."""
    common = unify([value.type for value in values])
    if common is None:
        raise FunctionError("the sets' elements have no type in common")
    return [convert(value, common) for value in values]


def _union(*values: Value) -> Value:
    sets = _with_common_type(values)
    return _set(sets[0].type, [item for operand in sets for item in operand.data])


def _intersection(*values: Value) -> Value:
    first, *others = _with_common_type(values)
    members = [set(other.data) for other in others]
    return _set(first.type, [item for item in first.data if all(item in member for member in members)])


def _set(type: Type, items: list[Value]) -> Value:
    assert type.element is not None
    return set_value(type.element, items)


def _product(spend: Spend, *values: Value) -> Value:
    if len(values) < 2:
        raise FunctionError("the function needs two arguments")
    types = [_element_type(value, argument) for argument, value in enumerate(values)]
    spend(prod(len(value.data) for value in values) * len(values))
    columns = [[convert(item, kind) for item in value.data] for value, kind in zip(values, types, strict=True)]
    row = Type("tuple", elements=tuple(types))
    rows = [Value(row, items) for items in product(*columns)]
    if any(value.type.kind == "set" for value in values):
        return set_value(row, rows)
    return list_value(row, rows)


def _element_type(value: Value, argument: int) -> Type:
    if value.type.kind in ("set", "list"):
        assert value.type.element is not None
        return value.type.element
    if value.type.kind != "tuple":
        raise FunctionError(f"a set or a list is needed, but this is of type {value.type}", argument)
    if not value.data:
        return DYNAMIC
    common = unify(value.type.elements)
    if common is None:
        raise FunctionError("all elements must have one type", argument)
    return common


FUNCTIONS: Mapping[str, Function] = {
    "setintersection": Function((Parameter("first_set", set_of(DYNAMIC)),), _intersection, _SET),
    "setproduct": Function((), _product, Parameter("sets", DYNAMIC), counted=True),
    "setunion": Function((Parameter("first_set", set_of(DYNAMIC)),), _union, _SET),
}
