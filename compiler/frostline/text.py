"""How messages and files write text: escaping of what is hostile, and the wording that all rooms share."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

MOST_QUOTED = 60
"""Characters of a wrong value that a message quotes."""

MOST_LISTED = 20
"""Names that a help line lists."""

# Everything a terminal, a log or a reviewer's eye could take for something else: C0, DEL and C1 controls (ANSI starts
# with ESC or U+009B), line and paragraph separators, bidirectional controls ("Trojan Source", CVE-2021-42574), lone
# surrogates, what XML 1.0 has no form for (U+FFFE, U+FFFF), and all that is drawn as nothing: Unicode's property
# Default_Ignorable_Code_Point, with fillers, variation selectors, joiners and tags.
UNPRINTABLE = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""These characters as ranges, for the brackets of a regular expression."""

_UNPRINTABLE = re.compile(f"[{UNPRINTABLE}]")

CHANGE_SIGNS = {"add": "+", "change": "~", "remove": "-", "create": "+", "update": "~", "delete": "-", "adopt": "="}
"""What stands before a service, a file or a lock that changes, by its action, in plans."""

UNKNOWN_ENDPOINTS = (
    "What was published came from another lock or configuration, so its endpoints are not known. Where the lock was "
    "merged or replaced, `frostline diff COMMIT frostline.lock` shows them, if COMMIT is the one that was published."
)
"""Said once where a plan cannot say which endpoints of a service change."""


def escape_control(text: str) -> str:
    """`text` on one line, with every control and invisible character written as an escape such as `\\x1b`."""
    return _UNPRINTABLE.sub(lambda found: ascii(found.group())[1:-1], text)


# What a CI system that reads the log takes for a command of ours: GitHub runners `::name` at a line's start and
# `##[name` anywhere in it, Azure Pipelines `##vso[`, TeamCity `##teamcity[` anywhere.
_COMMAND = re.compile(r"^(?=\s*::)|(?<=#)(?=#\w*\[)")


def escape_for_log(text: str) -> str:
    """`text` as `escape_control` gives it, and nothing in it that a CI system takes for a command of ours."""
    return _COMMAND.sub(r"\\", escape_control(text))


def escape_json(text: str) -> str:
    """JSON text of the same value, with a \\u escape for each character that a reviewer could not see."""
    return _UNPRINTABLE.sub(lambda found: json.dumps(found.group())[1:-1], text)


def display_path(path: Path) -> str:
    """`path` as users would type it: relative where it lies below the current folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def pluralize(number: int, noun: str) -> str:
    """`1 endpoint`, `2 endpoints`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shorten(text: str, most: int = 80) -> str:
    """At most `most` characters of the text, the last one `…` where some are missing."""
    return text if len(text) <= most else text[: most - 1] + "…"


def quote(value: str) -> str:
    """A value in backticks for a message, cut where it is long."""
    return f"`{value}`" if len(value) <= MOST_QUOTED else f"`{value[:MOST_QUOTED]}…`"


def name_first(names: Sequence[str], most: int = 10) -> str:
    """The first names in backticks, and how many more there are."""
    first = ", ".join(f"`{shorten(name)}`" for name in names[:most])
    return first if len(names) <= most else f"{first} and {len(names) - most} more"


def list_names(names: Iterable[str], word: str = "and") -> str:
    """`a`, `b` and `c`; the first ones where there are many."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > MOST_LISTED:
        return f"{', '.join(quoted[:MOST_LISTED])} and {len(quoted) - MOST_LISTED} more"
    return f" {word} ".join([", ".join(quoted[:-1]), quoted[-1]]) if len(quoted) > 1 else "".join(quoted)


class _Comparing:
    """How many characters of names a run may still compare to find close ones: a server can bring many such names."""

    MOST = 1_000_000
    left = MOST


def allow_comparisons() -> None:
    """Begin to count anew what `closest` compares, as each run does."""
    _Comparing.left = _Comparing.MOST


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be; case counts for little. None too where a run has compared
    very many names already."""
    if len(name) > MOST_QUOTED or _Comparing.left <= 0:
        return None
    by_lower = {other.lower(): other for other in sorted(known)}
    lower = name.lower()
    # get_close_matches would not find others either: two thirds of their characters at most can agree.
    fit = [other for other in by_lower if len(other) <= 3 * len(lower) and len(lower) <= 3 * len(other)]
    _Comparing.left -= sum(map(len, fit)) + len(lower) * len(fit) + len(by_lower)
    close = get_close_matches(lower, fit, n=1)
    return by_lower[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """A help line: the closest known name, or `otherwise` where none is close."""
    near = closest(name, known)
    return f"did you mean `{near}`?" if near else otherwise
