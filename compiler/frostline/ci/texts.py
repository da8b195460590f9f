"""The texts of comments, pull requests and issues: a mark to find them by, our own words, then frostline's reports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

LABEL = "frostline"
"""The label of our issues, to find them among many."""

_CUT = "\n… The rest does not fit in here.\n"


def mark_of(what: str, config: Path | None) -> str:
    """Return the first line of a text, invisible to readers. Each configuration of a repository has its own mark."""
    name = re.sub(r"[^A-Za-z0-9_./-]|-(?=-|$)", "_", str(config or "frostline.yaml"))
    return f"<!-- frostline {what} {name} -->"


def has_mark(text: str | None, mark: str) -> bool:
    """Whether this text begins with the mark. Hosts may return the line ends of a browser (CRLF)."""
    return (text or "").partition("\n")[0].rstrip("\r") == mark


def join_parts(mark: str, parts: Iterable[str], longest: int) -> str:
    """Join the mark and the parts with empty lines, and cut the text after a line to at most `longest` UTF-16 units.

    It is not cut within folded details, where readers would not see the cut.
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
