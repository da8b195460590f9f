"""Names that servers chose, as parts of file names and Hiera keys."""

from __future__ import annotations

import re
from hashlib import sha256

LONGEST = 200
"""Bytes of a file's stem: file systems take 255, and whoever stages a file beside it adds to its name."""

_BEYOND_WORDS = re.compile(rb"[^A-Za-z0-9_-]")
_BEYOND_WORDS_AND_DOTS = re.compile(rb"\A\.|[^A-Za-z0-9_.-]")


def percent_encode(name: str) -> str:
    """`name` with every byte of its UTF-8 that is no letter, digit, `_` or `-` as `%XX`."""
    return _BEYOND_WORDS.sub(_percent, name.encode()).decode()


def file_stem(name: str) -> str:
    """`name` as the stem of a file name: percent-encoded but for dots within it, at most LONGEST bytes.

    Of a longer one the end is a digest after `~`, which no encoded name has, so that two names never share a stem.
    """
    stem = _BEYOND_WORDS_AND_DOTS.sub(_percent, name.encode()).decode()
    if len(stem) <= LONGEST:
        return stem
    end = "~" + sha256(name.encode()).hexdigest()[:32]
    return stem[: LONGEST - len(end)] + end


def _percent(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found.group()[0]
