"""Names that servers chose, as parts of file names and Hiera keys."""

from __future__ import annotations

import re
from hashlib import sha256

from frostline.rules import Rule

PATH_COLLISION = Rule(
    name="path-collision",
    summary="two files of an output have paths that differ only in case",
    why="Where file names ignore case, as on macOS and Windows, one of the files would overwrite the other.",
    example="frostline.yaml:12:7: error[path-collision]: shop: "
    "the files of `Shop` and `shop` have the same path where file names ignore case: shop.yaml\n"
    "  help: rename one of them, leave one out with `select`, or write this output without `split`",
    mend="rename one of them, or leave one out of this output",
)
RULES = (PATH_COLLISION,)

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
