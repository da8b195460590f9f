"""What git and editors leave in files: conflict markers (git-merge(1)), pointers of Git LFS, other encodings."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence

_OURS, _BASE, _THEIRS, _END = b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>"
_CONFLICT = re.compile(rb"^<{7} .*?^={7}\r?$.*?^>{7} ", re.MULTILINE | re.DOTALL)

UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""How UTF-16 begins, as some editors and shells write it."""
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""How a pointer begins that stands in place of a file, where Git LFS has not fetched it."""
_LFS_DIGEST = re.compile(rb"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)


def digest_in_pointer(data: bytes) -> str | None:
    """The SHA-256 (hex) of the file that this pointer of Git LFS stands for; None: it is no pointer."""
    found = _LFS_DIGEST.search(data) if data.startswith(LFS_POINTER) else None
    return found[1].decode() if found else None


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
