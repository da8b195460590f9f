"""Durations, as the configuration and options write them, and ages, as messages say them."""

from __future__ import annotations

import re
from fractions import Fraction

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_DESCRIBED = re.compile(r"\b[0-9]+ (?:second|minute|hour|day)s?\b")
_SECONDS = {"ms": Fraction(1, 1000), "s": Fraction(1), "m": Fraction(60), "h": Fraction(3600), "d": Fraction(86400)}


def parse_duration(text: str) -> float | None:
    """`5s`, `250ms`, `72h` or `3d` as seconds; None: it is not a duration."""
    written = _DURATION.fullmatch(text)
    return float(Fraction(written[1]) * _SECONDS[written[2]]) if written else None


def describe_duration(seconds: float) -> str:
    """`40 seconds`, `5 minutes`, `30 hours`, `3 days`: rounded down, the largest unit of which there are two."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}s"
    return f"{int(seconds)} seconds" if int(seconds) != 1 else "1 second"


def without_durations(text: str) -> str:
    """The text without what `describe_duration` says in it: whether two texts differ in more than that."""
    return _DESCRIBED.sub("", text)
