"""Functions of numbers (cty, function/stdlib/number.go)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

from frostline.hcl.functions.base import Function, FunctionError, Parameter
from frostline.hcl.number import Number
from frostline.hcl.values import DYNAMIC, NUMBER, Value, number

_NUMBER = Parameter("num", NUMBER)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def whole(value: Value, name: str, argument: int | None = None) -> int:
    """Convert a number to an int. Raises FunctionError, about the argument, if it is not a whole number of 64 bits."""
    integer: int | None = value.data.whole()
    if integer is None or not -(2**63) <= integer < 2**63:
        raise FunctionError(f"`{name}` must be a whole number of 64 bits", argument)
    return integer


def _rounded(value: Value, up: bool) -> Value:
    exact: Number = value.data
    if exact.is_infinite:
        return value
    return number(Number(math.ceil(exact.value) if up else math.floor(exact.value), exact.precision))


def _log(value: Value, base: Value) -> Value:
    top, bottom = _logarithm(value.data.to_float()), _logarithm(base.data.to_float())
    try:
        return _of_float(top / bottom)
    except ZeroDivisionError:
        return _of_float(math.nan if top == 0 or math.isnan(top) else math.copysign(math.inf, top))


def _logarithm(value: float) -> float:
    if value == 0:
        return -math.inf
    return math.nan if value < 0 else math.log(value)


def _pow(value: Value, power: Value) -> Value:
    try:
        return _of_float(math.pow(value.data.to_float(), power.data.to_float()))
    except OverflowError:
        negative = value.data.is_negative and (power.data.whole() or 0) % 2
        return _of_float(-math.inf if negative else math.inf)
    except ValueError:
        zero = value.data.to_float() == 0
        return _of_float(math.inf if zero else math.nan)


def _of_float(value: float) -> Value:
    if math.isnan(value):
        raise FunctionError("the result is not a number")
    return number(Number.of_float(value))


def _extreme(values: tuple[Value, ...], *, largest: bool) -> Value:
    if not values:
        raise FunctionError("the function needs a number")
    best = values[0]
    for value in values[1:]:
        if value.data > best.data if largest else value.data < best.data:
            best = value
    return best


def _parseint(text: Value, base: Value) -> Value:
    if text.type.kind != "string":
        raise FunctionError(f"`number` must be a string, but is of type {text.type}", 0)
    radix = whole(base, "base", 1)
    if not 2 <= radix <= 62:
        raise FunctionError("`base` is between 2 and 62", 1)
    digits = text.data
    sign = -1 if digits.startswith("-") else 1
    digits = digits[1:] if digits[:1] in ("-", "+") else digits
    if radix <= 36:
        digits = digits.lower() if digits.isascii() else ""
    if not digits or any(digit not in _DIGITS[:radix] for digit in digits):
        raise FunctionError(f"`{text.data}` is not a number to the base {radix}", 0)
    if len(digits) > 10_000:
        raise FunctionError("the number is too long", 0)
    value = 0
    for digit in digits:
        value = value * radix + _DIGITS.index(digit)
    return number(Number.parse(str(Decimal(sign * value))))


def _signum(value: Value) -> Value:
    amount = whole(value, "num", None)
    return number(Number((amount > 0) - (amount < 0), 64))


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function((_NUMBER,), lambda value: number(abs(value.data))),
    "ceil": Function((_NUMBER,), lambda value: _rounded(value, up=True)),
    "floor": Function((_NUMBER,), lambda value: _rounded(value, up=False)),
    "log": Function((_NUMBER, Parameter("base", NUMBER)), _log),
    "max": Function((), lambda *values: _extreme(values, largest=True), Parameter("numbers", NUMBER)),
    "min": Function((), lambda *values: _extreme(values, largest=False), Parameter("numbers", NUMBER)),
    "parseint": Function((Parameter("number", DYNAMIC), Parameter("base", NUMBER)), _parseint),
    "pow": Function((_NUMBER, Parameter("power", NUMBER)), _pow),
    "signum": Function((_NUMBER,), _signum),
}
