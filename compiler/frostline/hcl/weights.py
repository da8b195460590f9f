"""The size and depth of values, for the budget of an evaluation."""

from __future__ import annotations

from frostline.hcl.number import Number
from frostline.hcl.values import Value

# A part that a value contains twice counts twice, because whoever walks the value meets it twice.
_CHARACTERS = 16
_ORDINARY = 512
_LARGE = 1 << _ORDINARY
_BITS = 32


def text_weight(text: str) -> int:
    """The weight of a text: one, and one more for every 16 characters."""
    return 1 + len(text) // _CHARACTERS


def number_weight(value: Value) -> int:
    """The weight of an operand beyond its one step: for a number of more bits than most have."""
    if not isinstance(value.data, Number):
        return 0
    exact = value.data.value
    if isinstance(exact, int):
        return exact.bit_length() // _BITS if exact.bit_length() > _ORDINARY else 0
    if isinstance(exact, float) or exact.denominator < _LARGE:
        return 0
    return exact.denominator.bit_length() // _BITS


def extent(value: Value) -> tuple[int, int]:
    """(weight, depth): the number of values in the value (texts by length), and of its levels.

    The result is kept in the value. RecursionError: the value has thousands of levels that were not weighed before.
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
        added, level = extent(item)
        weight += added
        depth = max(depth, level)
    if isinstance(data, dict):
        weight += sum(len(name) for name in data) // _CHARACTERS
    value.extent = weight, depth + 1
    return value.extent
