"""The texts of comments, pull requests and issues: a mark to find them by, words of ours, then frostline's reports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

LABEL = "frostline"
"""Of issues, so that they are found among many."""

_CUT = "\n… The rest does not fit in here.\n"


def mark_of(what: str, config: Path | None) -> str:
    """The first line of a text, which its readers do not see. Each configuration of a repository has its own."""
    named = re.sub(r"[^A-Za-z0-9_./-]|-(?=-|$)", "_", str(config or "frostline.yaml"))
    return f"<!-- frostline {what} {named} -->"


def has_mark(text: str | None, mark: str) -> bool:
    """Whether this text begins with the mark; hosts may answer with the line ends of a browser."""
    return (text or "").partition("\n")[0].rstrip("\r") == mark


def joined(mark: str, parts: Iterable[str], longest: int) -> str:
    """The parts with empty lines between them, cut at the end of a line to at most `longest` UTF-16 units.

    Not within details that are folded: who reads the text would not see that it was cut.
    """
    text = "\n\n".join([mark, *(part.strip("\n") for part in parts if part.strip())]) + "\n"
    if _size(text) <= longest:
        return text
    room = longest - _size(_CUT)
    lines = text.splitlines(keepends=True)
    kept, is_folded = 0, False
    for number, line in enumerate(lines, 1):
        room -= _size(line)
        if room < 0:
            break
        is_folded = (is_folded or line.lstrip().startswith("<details>")) and line.strip() != "</details>"
        kept = kept if is_folded else number
    return "".join(lines[:kept]) + _CUT


def _size(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
