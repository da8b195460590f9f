"""Values of a configuration with their places, and what many keys are made of: durations, globs, patterns."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeVar

from frostline.config.schema_errors import place_of
from frostline.config.yaml_reader import Document, Path
from frostline.errors import FrostlineError, UsageError
from frostline.model import FileOrigin
from frostline.patterns import PatternError, Placeholder, parse
from frostline.text import closest

T = TypeVar("T")

LONGEST = 86_400.0
"""Seconds of the longest duration: what sockets and threads wait for has a limit, and nobody waits so long."""

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_SECONDS = {"ms": Fraction(1, 1000), "s": Fraction(1), "m": Fraction(60), "h": Fraction(3600)}


class Reading:
    """One read of a configuration: the document, what of it cannot be used, and what is wrong so far."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.unusable: set[Path] = set()
        self.errors: list[FrostlineError] = list(document.errors)

    def top(self) -> Cursor:
        return Cursor(self, (), self.document.value)


class Cursor:
    """A value that fits the schema. Parts of it that don't are as if they were not there."""

    def __init__(self, reading: Reading, path: Path, value: Any) -> None:
        self.reading, self.path, self.value = reading, path, value

    @property
    def origin(self) -> FileOrigin:
        return place_of(self.path, self.reading.document)

    @property
    def key_origin(self) -> FileOrigin:
        return place_of(self.path, self.reading.document, at_key=True)

    @property
    def key(self) -> str:
        return str(self.path[-1])

    def get(self, key: str) -> Cursor | None:
        """The value of a key of this mapping."""
        path = (*self.path, key)
        if key not in self.value or path in self.reading.unusable:
            return None
        return Cursor(self.reading, path, self.value[key])

    def entries(self) -> list[Cursor]:
        """The values of this mapping, in the order written; each knows its key."""
        return [child for key in self.value if (child := self.get(key)) is not None]

    def items(self) -> list[Cursor]:
        """The items of this list."""
        paths = [(*self.path, index) for index in range(len(self.value))]
        return [
            Cursor(self.reading, path, value)
            for path, value in zip(paths, self.value, strict=True)
            if path not in self.reading.unusable
        ]

    def present(self, **readers: Callable[[Cursor], Any]) -> dict[str, Any]:
        """What each reader makes of the key of its name, for the keys that are there and right."""
        found = {key: reader(value) for key, reader in readers.items() if (value := self.get(key)) is not None}
        return {key: value for key, value in found.items() if value is not None}

    def refuse(self, message: str, help_line: str | None = None, *, at_key: bool = False) -> None:
        """Note that this value is wrong."""
        place = self.key_origin if at_key else self.origin
        self.reading.errors.append(UsageError(message, origin=place, help=help_line))


def as_is(at: Cursor) -> Any:
    """The plain value: a string, a boolean."""
    return at.value


def integer(at: Cursor) -> int:
    """An integer; 4.0 is one, as in JSON Schema."""
    return int(at.value)


def texts(at: Cursor) -> tuple[str, ...]:
    """A list of strings."""
    return tuple(item.value for item in at.items())


def text_map(at: Cursor) -> dict[str, str]:
    """A mapping of strings."""
    return {entry.key: entry.value for entry in at.entries()}


def duration(at: Cursor) -> float | None:
    """Seconds."""
    written = _DURATION.fullmatch(at.value)
    seconds = float(Fraction(written[1]) * _SECONDS[written[2]]) if written else 0.0
    if seconds > LONGEST:
        at.refuse(f"`{at.key}` must be a day at most", "write a duration such as 5m")
        return None
    return seconds


def positive_duration(at: Cursor) -> float | None:
    """Seconds, more than none."""
    seconds = duration(at)
    if seconds == 0:
        at.refuse(f"`{at.key}` must be longer than nothing", "write a duration such as 5s")
        return None
    return seconds


def share(at: Cursor) -> float:
    """`30%` as 0.3."""
    return float(Fraction(at.value.removesuffix("%")) / 100)


def globs(at: Cursor) -> tuple[str, ...]:
    """A glob or a list of them."""
    if isinstance(at.value, str):
        return (at.value,) if _is_glob(at) else ()
    return tuple(item.value for item in at.items() if _is_glob(item))


def glob(at: Cursor) -> str | None:
    """One glob that excludes nothing."""
    if at.value.startswith("!"):
        at.refuse("a glob that excludes stands alone here", "name what it is about, without `!`")
        return None
    return at.value if _is_glob(at) else None


def _is_glob(at: Cursor) -> bool:
    pattern = at.value.removeprefix("!")
    if not pattern:
        at.refuse("a `!` that excludes nothing", 'write "!NAME"')
        return False
    unclosed = _unclosed_set(pattern)
    if unclosed is not None:
        at.refuse("a `[` that nothing closes in a glob", "write `[[]` for the character itself")
        return False
    return True


def _unclosed_set(pattern: str) -> int | None:
    """Where a `[` stands that no `]` closes, by the rules of fnmatch: a `]` right after `[` or `[!` is a member."""
    at = 0
    while (start := pattern.find("[", at)) >= 0:
        first = start + (2 if pattern[start + 1 : start + 2] == "!" else 1)
        close = pattern.find("]", first + 1)
        if close < 0:
            return start
        at = close + 1
    return None


def regex(at: Cursor) -> str | None:
    """A regular expression."""
    return at.value if _compiled(at, at.value) is not None else None


def version_pattern(at: Cursor) -> str | None:
    """A regular expression that fits no empty version, and still is one as a part of a larger one."""
    compiled = _compiled(at, at.value)
    if compiled is None or _compiled(at, f"(?P<service>.+)(?P<version>{at.value})") is None:
        return None
    if compiled.fullmatch(""):
        at.refuse(f"`{at.key}` fits the empty text too", "a version has at least one character")
        return None
    return str(at.value)


def tag_regex(at: Cursor) -> str | None:
    """A regular expression with a group."""
    compiled = _compiled(at, at.value)
    if compiled is None:
        return None
    if not compiled.groups:
        at.refuse(f"`{at.key}` has no group", "put ( ) around the version, such as version=(.+)")
        return None
    return str(at.value)


def _compiled(at: Cursor, pattern: str) -> re.Pattern[str] | None:
    try:
        with warnings.catch_warnings(action="ignore"):
            return re.compile(pattern)
    except re.error as error:
        where = "" if error.pos is None or pattern != at.value else f" at character {error.pos + 1}"
        at.refuse(f"`{at.key}` is no regular expression: {error.msg}{where}", _REGEX_HELP)
    except (OverflowError, RecursionError):
        at.refuse(f"`{at.key}` is no regular expression: too large", _REGEX_HELP)
    return None


_REGEX_HELP = "the syntax is that of Python's module re"


def pattern_parts(at: Cursor, known: Mapping[str, bool]) -> tuple[str | Placeholder, ...] | None:
    """The parts of a pattern. known: the placeholders that it may have -> whether they have a [KEY]."""
    try:
        parts = parse(at.value)
    except PatternError as error:
        at.refuse(
            f"{_named(at)} has {error} at character {error.position + 1}", "write {NAME}, and {{ or }} for a brace"
        )
        return None
    wrong = [part for part in parts if isinstance(part, Placeholder) and known.get(part.name) != (part.key is not None)]
    for part in wrong:
        at.refuse(f"{_named(at)} has an unknown placeholder {part}", _placeholder_help(part, known))
    return None if wrong else parts


def _named(at: Cursor) -> str:
    return f"`{next(part for part in reversed(at.path) if isinstance(part, str))}`"


def _placeholder_help(part: Placeholder, known: Mapping[str, bool]) -> str:
    if part.name in known:
        return f"write {_written(part.name, known[part.name])}"
    near = closest(part.name, known)
    if near is not None:
        return f"did you mean {_written(near, known[near])}?"
    return f"the placeholders here are {' '.join(_written(name, keyed) for name, keyed in known.items())}"


def _written(name: str, keyed: bool) -> str:
    return f"{{{name}[KEY]}}" if keyed else f"{{{name}}}"
