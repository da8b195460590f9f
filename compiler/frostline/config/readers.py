"""Readers of common kinds of values: durations, globs, regular expressions, patterns.

A reader takes a cursor and returns the value. If the value is wrong, it refuses it and returns None.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from frostline.config.cursor import Cursor
from frostline.durations import parse_duration
from frostline.patterns import PatternError, Placeholder, parse
from frostline.text import closest, quote
from frostline.user_regexes import compiled as as_user_regex

LONGEST = 86_400.0
"""The longest duration, in seconds: sockets and threads cannot wait arbitrarily long."""

_REGEX_HELP = "the syntax is that of Python's module re"


def as_is(cursor: Cursor) -> Any:
    """Read a value that needs no conversion, such as a string or a boolean."""
    return cursor.value


def integer(cursor: Cursor) -> int:
    """Read an integer; 4.0 counts as one, as in JSON Schema."""
    return int(cursor.value)


def texts(cursor: Cursor) -> tuple[str, ...]:
    """Read a list of strings."""
    return tuple(item.value for item in cursor.items())


def text_map(cursor: Cursor) -> dict[str, str]:
    """Read a mapping of strings to strings."""
    return {entry.key: entry.value for entry in cursor.entries()}


def duration(cursor: Cursor) -> float | None:
    """Read a duration as seconds, at most LONGEST."""
    seconds = parse_duration(cursor.value) or 0.0
    if seconds > LONGEST:
        cursor.refuse(
            f"`{cursor.key}` must be at most one day, not {quote(cursor.value)}", "write a duration such as 5m"
        )
        return None
    return seconds


def positive_duration(cursor: Cursor) -> float | None:
    """Read a duration as seconds, more than 0 and at most LONGEST."""
    seconds = duration(cursor)
    if seconds == 0:
        cursor.refuse(f"`{cursor.key}` must be more than 0", "write a duration such as 5s")
        return None
    return seconds


def positive_age(cursor: Cursor) -> float | None:
    """Read an age as seconds, more than 0, without an upper limit."""
    seconds = parse_duration(cursor.value)
    if not seconds:
        cursor.refuse(f"`{cursor.key}` must be more than 0", "write an age such as 72h")
        return None
    return seconds


def day(cursor: Cursor) -> str | None:
    """Read a date; returns it in ISO format."""
    try:
        return date.fromisoformat(cursor.value).isoformat()
    except ValueError:
        cursor.refuse(
            f"`{cursor.key}` is not a day of the calendar: `{cursor.value}`", "write YEAR-MONTH-DAY, such as 2027-01-31"
        )
        return None


def share(cursor: Cursor) -> float:
    """Read a percentage as a fraction: `30%` gives 0.3."""
    return float(Fraction(cursor.value.removesuffix("%")) / 100)


def globs(cursor: Cursor) -> tuple[str, ...]:
    """Read a glob or a list of globs; refuses a list in which all of them exclude."""
    items = [cursor] if isinstance(cursor.value, str) else cursor.items()
    patterns = tuple(item.value for item in items if _is_glob(item))
    if patterns and all(pattern.startswith("!") for pattern in patterns):
        cursor.refuse(f"`{cursor.key}` only excludes, so it selects nothing", f'write ["*", "{patterns[0]}"]')
    return patterns


def conditions(cursor: Cursor) -> tuple[str, ...]:
    """Read a list of globs that all must fit; those with `!` must not fit."""
    return tuple(item.value for item in cursor.items() if _is_glob(item))


def condition_map(cursor: Cursor) -> tuple[tuple[str, str], ...]:
    """Read a mapping of names to such globs, sorted by name. An empty glob fits the empty text."""
    return tuple(sorted((entry.key, entry.value) for entry in cursor.entries() if not entry.value or _is_glob(entry)))


def glob(cursor: Cursor) -> str | None:
    """Read one glob; refuses one that excludes."""
    if cursor.value.startswith("!"):
        cursor.refuse("a glob that excludes (`!`) cannot stand alone", "name what to include, without `!`")
        return None
    return cursor.value if _is_glob(cursor) else None


def _is_glob(cursor: Cursor) -> bool:
    pattern = cursor.value.removeprefix("!")
    if not pattern:
        cursor.refuse("a `!` without a glob after it", 'write "!NAME"')
    elif _has_unclosed_set(pattern):
        cursor.refuse("the glob has a `[` without its `]`", "write `[[]` for the character itself")
    else:
        return True
    return False


def _has_unclosed_set(pattern: str) -> bool:
    """Whether a `[` has no `]`, by the rules of fnmatch: a `]` right after `[` or `[!` is a member of the set."""
    position = 0
    while (start := pattern.find("[", position)) >= 0:
        first = start + (2 if pattern[start + 1 : start + 2] == "!" else 1)
        position = pattern.find("]", first + 1) + 1
        if position == 0:
            return True
    return False


def regex(cursor: Cursor) -> str | None:
    """Read a regular expression; returns its text."""
    return cursor.value if compiled_regex(cursor, cursor.value) is not None else None


def compiled_regex(cursor: Cursor, pattern: str) -> re.Pattern[str] | None:
    """Compile `pattern`, which is the value itself or made from it; refuses an invalid one."""
    try:
        with warnings.catch_warnings(action="ignore"):
            compiled = re.compile(pattern)
        as_user_regex(pattern)  # refuses some patterns that `re` accepts
        return compiled
    except re.error as error:
        where = "" if error.pos is None or pattern != cursor.value else f" at character {error.pos + 1}"
        cursor.refuse(f"`{cursor.key}` is not a regular expression: {error.msg}{where}", _REGEX_HELP)
    except (OverflowError, RecursionError):
        cursor.refuse(f"`{cursor.key}` is not a regular expression: too large", _REGEX_HELP)
    return None


def pattern_parts(cursor: Cursor, known: Mapping[str, bool]) -> tuple[str | Placeholder, ...] | None:
    """Read a pattern; returns its parts.

    known: name of each allowed placeholder -> whether it needs a [KEY]; one with a [KEY] may also have `|` and `+`.
    """
    name = f"`{next(part for part in reversed(cursor.path) if isinstance(part, str))}`"
    try:
        parts = parse(cursor.value)
    except PatternError as error:
        cursor.refuse(f"{name} has {error} at character {error.position + 1}", "write {NAME}, and {{ or }} for a brace")
        return None
    wrong = [part for part in parts if isinstance(part, Placeholder) and known.get(part.name) != (part.key is not None)]
    for part in wrong:
        cursor.refuse(f"{name} has an unknown placeholder {part}", _placeholder_help(part, known))
    marked = [part for part in parts if isinstance(part, Placeholder) and part.key is None and not part.is_plain]
    for part in marked if not wrong else ():
        cursor.refuse(f"{name} has {part}, but only a placeholder with a [KEY] takes `+`", f"write {{{part.name}}}")
    return None if wrong or marked else parts


def _placeholder_help(part: Placeholder, known: Mapping[str, bool]) -> str:
    if part.name in known:
        return f"write {_written(part.name, known[part.name])}"
    near = closest(part.name, known)
    if near is not None:
        return f"did you mean {_written(near, known[near])}?"
    return f"the placeholders here are {' '.join(_written(name, keyed) for name, keyed in known.items())}"


def _written(name: str, keyed: bool) -> str:
    return f"{{{name}[KEY]}}" if keyed else f"{{{name}}}"
