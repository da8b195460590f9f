"""The operators: equality of any two values, logic of bools, arithmetic and comparison of numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import add, ge, gt, le, lt, mod, mul, sub, truediv
from typing import Any

from frostline.hcl.values import BOOL, DYNAMIC, FALSE, NUMBER, TRUE, Type, Value


def equal(left: Value, right: Value) -> bool:
    """Compare like HCL's `==`: nulls of any types are equal; other values are if their types and contents are.

    Nothing is converted: 1 == "1" is false.
    """
    left_data, right_data = left.data, right.data
    if left_data is None or right_data is None:
        return left_data is right_data
    kind = left.type.kind
    if kind != right.type.kind:
        return False
    if kind == "number":
        return bool(left_data.equals(right_data))
    if left.type.is_primitive:
        return bool(left_data == right_data)
    if left_data is right_data and left.type == right.type:
        return True
    if left.type != right.type or len(left_data) != len(right_data):
        return False
    if isinstance(left_data, dict):
        return left_data.keys() == right_data.keys() and all(
            equal(left_data[name], right_data[name]) for name in left_data
        )
    return all(map(equal, left_data, right_data))


def _truth(value: bool) -> Value:
    return TRUE if value else FALSE


def _arithmetic(operation: Callable[[Any, Any], Any]) -> Callable[[Value, Value], Value]:
    return lambda left, right: Value(NUMBER, operation(left.data, right.data))


def _comparison(operation: Callable[[Any, Any], bool]) -> Callable[[Value, Value], Value]:
    return lambda left, right: _truth(operation(left.data, right.data))


# Operator -> (type to convert both operands to, operation, type of the result). Arithmetic raises NumberError.
BINARY: Mapping[str, tuple[Type, Callable[[Value, Value], Value], Type]] = {
    "==": (DYNAMIC, lambda left, right: _truth(equal(left, right)), BOOL),
    "!=": (DYNAMIC, lambda left, right: _truth(not equal(left, right)), BOOL),
    "&&": (BOOL, lambda left, right: _truth(left.data and right.data), BOOL),
    "||": (BOOL, lambda left, right: _truth(left.data or right.data), BOOL),
    "<": (NUMBER, _comparison(lt), BOOL),
    "<=": (NUMBER, _comparison(le), BOOL),
    ">": (NUMBER, _comparison(gt), BOOL),
    ">=": (NUMBER, _comparison(ge), BOOL),
    "+": (NUMBER, _arithmetic(add), NUMBER),
    "-": (NUMBER, _arithmetic(sub), NUMBER),
    "*": (NUMBER, _arithmetic(mul), NUMBER),
    "/": (NUMBER, _arithmetic(truediv), NUMBER),
    "%": (NUMBER, _arithmetic(mod), NUMBER),
}
DECIDES: Mapping[str, bool] = {"&&": False, "||": True}
"""Operator -> the operand that decides the result even if the other operand is unknown."""
# Operator -> (type to convert the operand to, operation).
UNARY: Mapping[str, tuple[Type, Callable[[Value], Value]]] = {
    "-": (NUMBER, lambda value: Value(NUMBER, -value.data)),
    "!": (BOOL, lambda value: _truth(not value.data)),
}
