"""Measuring the size and depth of values, for the budget of an evaluation."""

from __future__ import annotations

from frostline.hcl.number import Number
from frostline.hcl.values import Value

# A part that a value contains twice counts twice, because code that walks the value visits it twice.
_CHARACTERS = 16  # of a text that weigh as much as one value
_ORDINARY_BITS = 512
_LARGE = 1 << _ORDINARY_BITS
_BITS = 32  # of a large number that take one step


def text_weight(text: str) -> int:
    """Return the weight of a text: 1, plus 1 for every 16 characters."""
    return 1 + len(text) // _CHARACTERS


def number_weight(value: Value) -> int:
    """Return the additional steps of an operand: more than 0 only for numbers of more than 512 bits."""
    if not isinstance(value.data, Number):
        return 0
    exact = value.data.value
    if isinstance(exact, int):
        return exact.bit_length() // _BITS if exact.bit_length() > _ORDINARY_BITS else 0
    if isinstance(exact, float) or exact.denominator < _LARGE:
        return 0
    return exact.denominator.bit_length() // _BITS


def extent(value: Value) -> tuple[int, int]:
    """Return (weight, depth): the number of values within the value (texts count by length), and of its levels.

    The result is cached in the value. Raises RecursionError if thousands of levels are not in the cache yet.
    """
    data = value.data
    if isinstance(data, str):
        return 1 + len(data) // _CHARACTERS, 1
    if not isinstance(data, (tuple, dict)):
        return 1, 1
    try:
        return value.extent
    except AttributeError:
        pass
    weight, depth = 1, 0
    for item in data.values() if isinstance(data, dict) else data:
        item_weight, item_depth = extent(item)
        weight += item_weight
        depth = max(depth, item_depth)
    if isinstance(data, dict):
        weight += sum(len(name) for name in data) // _CHARACTERS
    value.extent = weight, depth + 1
    return value.extent
