"""How large and how deep a value is, so that a few lines of text can't make a file that takes hours to read."""

from __future__ import annotations

from frostline.hcl.values import Value

# Values may share parts: a list of two lists that are one and the same counts as both, since whoever walks it does.
_CHARACTERS = 16


def text_weight(text: str) -> int:
    """What a text counts as: one, and one more for each 16 characters."""
    return 1 + len(text) // _CHARACTERS


def extent(value: Value) -> tuple[int, int]:
    """(weight, depth): all values in it (texts by length), and how many of them lie in each other at most.

    Kept in the value, so that each is walked once. RecursionError where a value of thousands of levels comes at once.
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
