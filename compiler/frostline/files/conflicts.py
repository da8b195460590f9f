"""What git and editors leave in files: conflict markers (git-merge(1)), Git LFS pointers, other encodings."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence

_OURS, _BASE, _THEIRS, _END = b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>"
# One after the other: a single expression would try each start with each middle and each end.
_IN_ORDER = tuple(re.compile(line, re.MULTILINE) for line in (rb"^<{7} ", rb"^={7}\r?$", rb"^>{7} "))

UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""The byte order marks that a UTF-16 file begins with. Some editors and shells write UTF-16."""
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""The start of the pointer that Git LFS leaves in place of a file that it has not fetched."""
_LFS_DIGEST = re.compile(rb"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)


def digest_in_pointer(data: bytes) -> str | None:
    """Return the SHA-256 (hex) of the file that a Git LFS pointer stands for; None if `data` is not a pointer."""
    match = _LFS_DIGEST.search(data) if data.startswith(LFS_POINTER) else None
    return match[1].decode() if match else None


def conflict_line(lines: Iterable[bytes]) -> int | None:
    """Return the number (from 1) of the first line that is a conflict marker; None if there is none."""
    return next((number for number, line in enumerate(lines, 1) if _marker(line)), None)


def has_conflict(data: bytes) -> bool:
    """Whether these bytes have a merge conflict: the three markers of git, in their order."""
    position = 0
    for marker in _IN_ORDER:
        found = marker.search(data, position)
        if found is None:
            return False
        position = found.end()
    return True


def both_sides(lines: Sequence[bytes]) -> list[bytes]:
    """Return the lines of both sides of each conflict, without the markers and without the common ancestor (diff3)."""
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
    """Return the conflict marker that this line consists of; None if it is another line.

    git writes seven characters, then nothing or a space and a name.
    """
    start, rest = line[:7], line[7:].rstrip(b"\r")
    if start not in (_OURS, _BASE, _THEIRS, _END):
        return None
    return start if not rest or (rest.startswith(b" ") and start != _THEIRS) else None
