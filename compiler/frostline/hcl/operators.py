"""The operators: equality of any two values, logic of bools, arithmetic and comparison of numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import add, ge, gt, le, lt, mod, mul, sub, truediv
from typing import Any

from frostline.hcl.values import BOOL, DYNAMIC, FALSE, NUMBER, TRUE, Type, Value


def equal(one: Value, other: Value) -> bool:
    """HCL's `==`: nulls are equal whatever their types; other values only where types and contents are.

    1 == "1" is false: nothing is converted.
    """
    mine, others = one.data, other.data
    if mine is None or others is None:
        return mine is others
    kind = one.type.kind
    if kind != other.type.kind:
        return False
    if kind == "number":
        return bool(mine.equals(others))
    if one.type.is_primitive:
        return bool(mine == others)
    if mine is others and one.type == other.type:
        return True
    if one.type != other.type or len(mine) != len(others):
        return False
    if isinstance(mine, dict):
        return mine.keys() == others.keys() and all(equal(mine[name], others[name]) for name in mine)
    return all(map(equal, mine, others))


def _truth(value: bool) -> Value:
    return TRUE if value else FALSE


def _arithmetic(operation: Callable[[Any, Any], Any]) -> Callable[[Value, Value], Value]:
    return lambda one, other: Value(NUMBER, operation(one.data, other.data))


def _comparison(operation: Callable[[Any, Any], bool]) -> Callable[[Value, Value], Value]:
    return lambda one, other: _truth(operation(one.data, other.data))


# Operator -> (the type that both operands are converted to, what is done with them, the type of the result).
# Arithmetic raises NumberError.
BINARY: Mapping[str, tuple[Type, Callable[[Value, Value], Value], Type]] = {
    "==": (DYNAMIC, lambda one, other: _truth(equal(one, other)), BOOL),
    "!=": (DYNAMIC, lambda one, other: _truth(not equal(one, other)), BOOL),
    "&&": (BOOL, lambda one, other: _truth(one.data and other.data), BOOL),
    "||": (BOOL, lambda one, other: _truth(one.data or other.data), BOOL),
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
UNARY: Mapping[str, tuple[Type, Callable[[Value], Value]]] = {
    "-": (NUMBER, lambda value: Value(NUMBER, -value.data)),
    "!": (BOOL, lambda value: _truth(not value.data)),
}
