"""Text for messages and files: escaping of hostile text, and the wording that all rooms share."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

MOST_QUOTED = 60
"""How many characters of a wrong value a message quotes."""

MOST_LISTED = 20
"""How many names a help line lists."""

# Everything that could mislead a terminal, a log or a reviewer: C0, DEL and C1 controls (ANSI sequences start with ESC
# or U+009B), line and paragraph separators, bidirectional controls ("Trojan Source", CVE-2021-42574), lone surrogates,
# characters that XML 1.0 cannot represent (U+FFFE, U+FFFF), and invisible characters: Unicode's property
# Default_Ignorable_Code_Point, which includes fillers, variation selectors, joiners and tags.
UNPRINTABLE = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unprintable characters, as ranges to put between the brackets of a regular expression."""

_UNPRINTABLE = re.compile(f"[{UNPRINTABLE}]")

CHANGE_SIGNS = {"add": "+", "change": "~", "remove": "-", "create": "+", "update": "~", "delete": "-", "adopt": "="}
"""The sign that a plan prints before a service, a file or a lock, by the action on it."""

UNKNOWN_ENDPOINTS = (
    "What was published came from another lock or configuration, so its endpoints are not known. If the lock was "
    "merged or replaced, `frostline diff COMMIT frostline.lock` shows them, where COMMIT is the one that was published."
)
"""A plan prints this once if it cannot tell which endpoints of a service change."""


def escape_control(text: str) -> str:
    """Put the text on one line, with every control and invisible character escaped, such as `\\x1b`."""
    return _UNPRINTABLE.sub(lambda match: ascii(match.group())[1:-1], text)


# Text in a log that CI systems execute as a command: GitHub runners `::name` at the start of a line and `##[name`
# anywhere in it, Azure Pipelines `##vso[` and TeamCity `##teamcity[` anywhere.
_COMMAND = re.compile(r"^(?=\s*::)|(?<=#)(?=#\w*\[)")


def escape_for_log(text: str) -> str:
    """Escape like `escape_control`, and also what a CI system would execute as a command."""
    return _COMMAND.sub(r"\\", escape_control(text))


def escape_json(text: str) -> str:
    """Escape, in JSON text, each character that a reviewer could not see with \\u; the value stays the same."""
    return _UNPRINTABLE.sub(lambda match: json.dumps(match.group())[1:-1], text)


def display_path(path: Path) -> str:
    """Return the path as users would type it: relative if it is below the current folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def pluralize(number: int, noun: str) -> str:
    """Format a number and its noun: `1 endpoint`, `2 endpoints`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shorten(text: str, most: int = 80) -> str:
    """Cut the text to at most `most` characters, the last one `…` if something was cut."""
    return text if len(text) <= most else text[: most - 1] + "…"


def quote(value: str) -> str:
    """Put a value in backticks for a message; a long one is cut."""
    return f"`{value}`" if len(value) <= MOST_QUOTED else f"`{value[:MOST_QUOTED]}…`"


def name_first(names: Sequence[str], most: int = 10) -> str:
    """List the first names in backticks, and say how many more there are."""
    first = ", ".join(f"`{shorten(name)}`" for name in names[:most])
    return first if len(names) <= most else f"{first} and {len(names) - most} more"


def list_names(names: Iterable[str], word: str = "and") -> str:
    """Format as `a`, `b` and `c`; of many names only the first MOST_LISTED."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > MOST_LISTED:
        return f"{', '.join(quoted[:MOST_LISTED])} and {len(quoted) - MOST_LISTED} more"
    return f" {word} ".join([", ".join(quoted[:-1]), quoted[-1]]) if len(quoted) > 1 else "".join(quoted)


class _ComparisonBudget:
    """How many characters a run may still compare to find close names: a server can send very many names."""

    MOST = 1_000_000
    left = MOST


def allow_comparisons() -> None:
    """Reset the budget of `closest`; each run does this at its start."""
    _ComparisonBudget.left = _ComparisonBudget.MOST


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` was probably meant to be; case is ignored.

    None if no name is close, or if the run has used up its budget of comparisons.
    """
    if len(name) > MOST_QUOTED or _ComparisonBudget.left <= 0:
        return None
    by_lower = {candidate.lower(): candidate for candidate in sorted(known)}
    lower = name.lower()
    # Names of a very different length cannot reach the ratio that get_close_matches requires (0.6).
    candidates = [other for other in by_lower if len(other) <= 3 * len(lower) and len(lower) <= 3 * len(other)]
    _ComparisonBudget.left -= sum(map(len, candidates)) + len(lower) * len(candidates) + len(by_lower)
    matches = get_close_matches(lower, candidates, n=1)
    return by_lower[matches[0]] if matches else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return a help line that suggests the closest known name, or `otherwise` if none is close."""
    near = closest(name, known)
    return f"did you mean `{near}`?" if near else otherwise
