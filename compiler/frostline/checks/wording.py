"""How checks word values and counts in their sentences."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST = 80
"""Characters of a value that a message shows."""


def shortened(text: str, most: int = LONGEST) -> str:
    """At most `most` characters of the text, the last one `…` where some are missing."""
    return text if len(text) <= most else text[: most - 1] + "…"


def counted(number: int, word: str) -> str:
    """`1 endpoint`, `2 endpoints`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def first_names(names: Sequence[str], most: int = 10) -> str:
    """The first names in backticks, and how many more there are."""
    shown = ", ".join(f"`{shortened(name)}`" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
