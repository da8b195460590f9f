"""Files in which git left the markers of a conflict (git-merge(1), "How conflicts are presented")."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_OURS, _BASE, _THEIRS, _END = b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>"
_CONFLICT = re.compile(rb"^<{7} .*?^={7}\r?$.*?^>{7} ", re.MULTILINE | re.DOTALL)


def conflict_line(lines: Iterable[bytes]) -> int | None:
    """The number of the first line, from 1, that is a marker; None if no line is."""
    return next((number for number, line in enumerate(lines, 1) if _marker(line)), None)


def has_conflict(data: bytes) -> bool:
    """Whether git left a conflict in these bytes: the markers of both sides, in their order."""
    return _CONFLICT.search(data) is not None


def both_sides(lines: Sequence[bytes]) -> list[bytes]:
    """The lines of both sides, without the markers and without what stood there before both of them (diff3)."""
    kept: list[bytes] = []
    in_base = False
    for line in lines:
        marker = _marker(line)
        if marker is None:
            kept += [] if in_base else [line]
        else:
            in_base = marker == _BASE
    return kept


def _marker(line: bytes) -> bytes | None:
    """The marker that this line is. git writes seven characters, then a space and a name or nothing."""
    start, rest = line[:7], line[7:].rstrip(b"\r")
    if start not in (_OURS, _BASE, _THEIRS, _END):
        return None
    return start if not rest or (rest.startswith(b" ") and start != _THEIRS) else None
