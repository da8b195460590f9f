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
    """The parts with empty lines between them, cut at the end of a line to at most `longest` UTF-16 units."""
    text = "\n\n".join([mark, *(part.strip("\n") for part in parts if part.strip())]) + "\n"
    if _size(text) <= longest:
        return text
    room = longest - _size(_CUT)
    kept: list[str] = []
    for line in text.splitlines(keepends=True):
        room -= _size(line)
        if room < 0:
            break
        kept.append(line)
    return "".join(kept) + _CUT


def _size(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
