"""Lists of globs, as in the configuration: `*`, `?`, `[...]`; `!` excludes, the last match wins."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from fnmatch import translate
from functools import lru_cache


def matches(patterns: Sequence[str], name: str) -> bool:
    """Whether the last pattern that fits `name` includes it. A name that fits no pattern is excluded.

    Case-sensitive on every platform. A glob must fit the whole name; `*` also matches newlines and slashes. `[!...]`
    negates a set; only a `!` at the start of the pattern excludes.
    """
    return next((not pattern.startswith("!") for pattern in reversed(patterns) if _fits(pattern, name)), False)


def names_matching(glob: str, names: Iterable[str]) -> list[str]:
    """Return the names that the glob fits, in their order. A `!` at the start of the glob is ignored."""
    fits = _compiled(glob.removeprefix("!")).match
    return [name for name in names if fits(name)]


def fits_all(conditions: Iterable[str], names: Collection[str]) -> bool:
    """Whether each glob fits at least one of the names; a glob with `!` at its start must fit none of them."""
    return all(bool(names_matching(glob, names)) is not glob.startswith("!") for glob in conditions)


def is_literal(pattern: str) -> bool:
    """Whether the pattern names exactly one name: no wildcard, no exclusion."""
    return not pattern.startswith("!") and not any(sign in pattern for sign in "*?[")


def _fits(pattern: str, name: str) -> bool:
    return _compiled(pattern.removeprefix("!")).match(name) is not None


@lru_cache(maxsize=4096)
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile(translate(glob))
