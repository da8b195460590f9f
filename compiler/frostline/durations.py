"""Durations as the configuration and options write them, and as messages show them."""

from __future__ import annotations

import re
from fractions import Fraction

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_DESCRIBED = re.compile(r"\b[0-9]+ (?:second|minute|hour|day)s?\b")
_SECONDS = {"ms": Fraction(1, 1000), "s": Fraction(1), "m": Fraction(60), "h": Fraction(3600), "d": Fraction(86400)}


def parse_duration(text: str) -> float | None:
    """Convert `5s`, `250ms`, `72h` or `3d` to seconds; None if the text is not a duration."""
    match = _DURATION.fullmatch(text)
    return float(Fraction(match[1]) * _SECONDS[match[2]]) if match else None


def describe_duration(seconds: float) -> str:
    """Format as `40 seconds`, `5 minutes`, `30 hours` or `3 days`: in the largest unit that gives at least 2, rounded
    down."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}s"
    return f"{int(seconds)} seconds" if int(seconds) != 1 else "1 second"


def without_durations(text: str) -> str:
    """Remove what `describe_duration` wrote into the text, to see whether two texts differ in anything else."""
    return _DESCRIBED.sub("", text)
