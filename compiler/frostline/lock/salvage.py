"""Recovering the content of a lock that does not parse, so that the guards still notice what vanishes.

Each line of a lock is complete in itself, so a merge, an editor or converted line ends leave the lines intact. If a
line may be missing, nothing is recovered: otherwise the guards would take the rest for everything that there was.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct, field

from frostline.files.conflicts import UTF_16_MARKS, both_sides
from frostline.lock.codec import HEADER, SegmentLine, lock_of
from frostline.lock.faults import SEGMENT_START
from frostline.model import Declared, Instance, Lock, Segment, Snapshot, Upstream

_DECODERS: tuple[msgspec.json.Decoder[Any], ...] = tuple(
    msgspec.json.Decoder(kind) for kind in (Instance, Upstream, Declared)
)


class _SegmentLines(Struct):
    """The lines of one segment, from both sides of a merge.

    announced: the number of lines that each of its first lines announces.
    values: (type of the line, its sort key) -> the decoded line.
    """

    first: SegmentLine
    announced: list[int] = field(default_factory=list)
    values: dict[tuple[type, Any], Any] = field(default_factory=dict)

    def snapshot(self) -> Snapshot:
        return Snapshot(
            source=self.first.source,
            datacenter=self.first.datacenter,
            namespace=self.first.namespace,
            settings=self.first.settings,
            shaped_by=self.first.shaped_by,
            instances=self._sorted(Instance),
            declared=self._sorted(Declared),
            upstreams=self._sorted(Upstream),
        )

    def _sorted(self, kind: type) -> tuple[Any, ...]:
        by_key = {key: value for (line_kind, key), value in self.values.items() if line_kind is kind}
        return tuple(by_key[key] for key in sorted(by_key))


def salvage(data: bytes) -> Lock | None:
    """Return the union of both sides of a merge; None if a line is missing or damaged."""
    segments: dict[Segment, _SegmentLines] = {}
    current: _SegmentLines | None = None
    try:
        for line in _lines(data):
            if line.startswith(SEGMENT_START):
                first = msgspec.json.decode(line, type=SegmentLine)
                current = segments.setdefault((first.source, first.datacenter, first.namespace), _SegmentLines(first))
                current.announced.append(first.instances + first.declared + first.upstreams)
            elif current is None:
                return None
            else:
                value = _decode_line(line)
                current.values[type(value), value.sort_key()] = value
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    # The smaller number counts if the sides announce different ones: git drops each line that either side removed.
    if not segments or any(len(lines.values) < min(lines.announced) for lines in segments.values()):
        return None
    return lock_of(lines.snapshot() for lines in segments.values())


def _lines(data: bytes) -> Iterator[bytes]:
    """Yield the lines after the header, without what git, editors and shells add.

    Raises ValueError if the header is missing or the last line is cut short.
    """
    text = data.decode("utf-16").encode() if data.startswith(UTF_16_MARKS) else data.removeprefix(codecs.BOM_UTF8)
    lines = both_sides(text.replace(b"\r\n", b"\n").split(b"\n"))
    if lines.pop():
        raise ValueError("the last line is cut short")
    if not lines or lines[0] != HEADER.strip():
        raise ValueError("this is not a lock")
    return (line for line in lines[1:] if line.strip())


def _decode_line(line: bytes) -> Instance | Declared | Upstream:
    for decoder in _DECODERS:
        with suppress(msgspec.MsgspecError):
            value: Instance | Declared | Upstream = decoder.decode(line)
            return value
    raise ValueError("this is not a line of a lock")
