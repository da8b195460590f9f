"""Diagnosing a lock that does not parse: what git, an editor, a shell or an interrupted download did to it."""

from __future__ import annotations

import codecs
import json
from itertools import pairwise
from pathlib import PurePath
from typing import Any

import msgspec
from msgspec import Struct

from frostline.files.conflicts import LFS_POINTER, UTF_16_MARKS, conflict_line
from frostline.text import pluralize, quote

FREEZE_AGAIN = "run `frostline freeze` to write it anew"
_COMPILE_AGAIN = (
    "run `frostline compile`, which writes lock, manifest and outputs anew from the sources "
    "(`frostline freeze`: the lock alone)"
)
MERGED = "did git merge two branches?"
_FORMAT = b'{"format":"frostline.lock/'
SEGMENT_START = b'{"source":'
"""The start of a segment's first line. Lines of instances, declared services and upstreams start differently."""


class Fault(Struct, frozen=True):
    """What is wrong with a lock. line: counted from 1. help: what to do about it."""

    line: int
    reason: str
    help: str = FREEZE_AGAIN


def find_fault(data: bytes, shown: str) -> Fault | None:
    """Find what happened to the whole file; None if only the line that does not parse is known.

    shown: the path as users would type it, for the help about .gitattributes.
    """
    if not data:
        return Fault(1, "the lock is empty")
    if data.startswith(LFS_POINTER):
        reason = "this is a pointer of Git LFS in place of the lock"
        return Fault(1, reason, f"run `git lfs pull` to get the lock, or {FREEZE_AGAIN}")
    if data.startswith(UTF_16_MARKS) or b"\0" in data[:64]:
        return Fault(1, "the lock is UTF-16, not UTF-8: an editor or a shell has rewritten it")
    if data.startswith(codecs.BOM_UTF8):
        return Fault(1, "the lock begins with a byte order mark (BOM): an editor has rewritten it")
    if line := conflict_line(data.split(b"\n")):
        return Fault(line, "the lock has merge conflicts", _COMPILE_AGAIN)
    if b"\r\n" in data:
        return Fault(1, "the lines end in CRLF: git or an editor has converted them", crlf_help(shown, FREEZE_AGAIN))
    if data.startswith(b"\n") or b"\n\n" in data:
        return Fault(_line_of(data, max(0, data.find(b"\n\n") + 1)), "this line is blank: a lock has no such line")
    return _find_wrong_count(data) if data.endswith(b"\n") else None


def describe_difference(line: str, canonical: str) -> str:
    """Say how a line of JSON differs from what frostline writes for the same value. Both are without their newlines."""
    try:
        json.loads(line, object_pairs_hook=_refuse_repeated_key)
    except _RepeatedKeyError as repeated:
        return f"it has the key {quote(str(repeated))} twice"
    characters = enumerate(zip(line, canonical, strict=False))
    index = next((index for index, (found, expected) in characters if found != expected), len(canonical))
    if line[index : index + 1] == "\\" or line[index - 1 : index] == "\\":
        return f"column {index + 1} has an escape that frostline writes in another way, or not at all"
    if line[index : index + 1].isspace():
        return f"column {index + 1} has a space"
    if canonical[index : index + 1] == "\\":
        return f"column {index + 1} has the character U+{ord(line[index]):04X} without an escape"
    return (
        f"column {index + 1} has {quote(line[index : index + 20])} in place of {quote(canonical[index : index + 20])}"
    )


class _RepeatedKeyError(Exception):
    pass


def _refuse_repeated_key(pairs: list[tuple[str, Any]]) -> None:
    keys: set[str] = set()
    for key, _ in pairs:
        if key in keys:
            raise _RepeatedKeyError(key)
        keys.add(key)


def is_foreign(data: bytes) -> bool:
    """Whether nothing in these bytes ever was a lock: then it is somebody else's file and must not be overwritten."""
    if data.startswith((_FORMAT, LFS_POINTER)) or not data.strip():
        return False
    text = data.replace(b"\0", b"")  # UTF-16
    return not any(start in text for start in (_FORMAT, SEGMENT_START, b'{"service":'))


def crlf_help(shown: str, mend: str) -> str:
    """Say how to keep git from converting the line ends of a file (gitattributes(5)). mend: how to restore the file."""
    return f"prevent that with the line `{PurePath(shown).name} -text` in .gitattributes, then {mend}"


def _line_of(data: bytes, byte: int) -> int:
    return data.count(b"\n", 0, byte) + 1


def _find_wrong_count(data: bytes) -> Fault | None:
    """Find the first segment that announces another number of lines than follow it.

    A merge by git causes this without any conflict: two branches that both add an instance write the same first line.
    """
    lines = data.split(b"\n")[:-1]
    starts = [number for number, line in enumerate(lines) if line.startswith(SEGMENT_START)]
    for start, end in pairwise([*starts, len(lines)]):
        announced = announced_lines(lines[start])
        following = lines[start + 1 : end]
        if announced is None or not all(line.startswith(b"{") and line.endswith(b"}") for line in following):
            return None  # an error about that line explains more
        if announced != len(following):
            verb = "follows" if len(following) == 1 else "follow"
            is_cut = end == len(lines) and announced > len(following)
            why = f"the file was cut short, or {MERGED}" if is_cut else MERGED
            reason = f"the segment announces {pluralize(announced, 'line')}, {len(following)} {verb}: {why}"
            return Fault(start + 1, reason, FREEZE_AGAIN if is_cut else _COMPILE_AGAIN)
    return None


def announced_lines(line: bytes) -> int | None:
    """Return how many lines the first line of a segment announces; None if it is another line."""
    try:
        counts = msgspec.json.decode(line, type=_Counts)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return counts.instances + counts.declared + counts.upstreams


class _Counts(Struct, frozen=True):
    instances: int
    declared: int
    upstreams: int = 0
