"""What a lock that does not parse says all the same, for the guards: what was there must not vanish unseen.

The lines of a lock each say one thing, so a merge, an editor or another line end harms none of them. Where a line may
be missing, nothing is said: then the guards must not take what is left for all that was there.
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


class _Found(Struct):
    """A segment's lines by kind and key. announced: how many lines each of its first lines announces."""

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
        found = {key: value for (of, key), value in self.values.items() if of is kind}
        return tuple(found[key] for key in sorted(found))


def salvage(data: bytes) -> Lock | None:
    """The segments of both sides of a merge, united; None where a line is missing or damaged."""
    segments: dict[Segment, _Found] = {}
    current: _Found | None = None
    try:
        for line in _lines(data):
            if line.startswith(SEGMENT_START):
                first = msgspec.json.decode(line, type=SegmentLine)
                current = segments.setdefault((first.source, first.datacenter, first.namespace), _Found(first))
                current.announced.append(first.instances + first.declared + first.upstreams)
            elif current is None:
                return None
            else:
                value = _value(line)
                current.values[type(value), value.sort_key()] = value
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    # Of two sides that announce different numbers, git keeps what either of them removed out of the file.
    if not segments or any(len(found.values) < min(found.announced) for found in segments.values()):
        return None
    return lock_of(found.snapshot() for found in segments.values())


def _lines(data: bytes) -> Iterator[bytes]:
    """The lines behind the header, without what git, editors and shells add. ValueError: there is no whole lock."""
    text = data.decode("utf-16").encode() if data.startswith(UTF_16_MARKS) else data.removeprefix(codecs.BOM_UTF8)
    lines = both_sides(text.replace(b"\r\n", b"\n").split(b"\n"))
    if lines.pop():
        raise ValueError("the last line is cut short")
    if not lines or lines[0] != HEADER.strip():
        raise ValueError("this is not a lock")
    return (line for line in lines[1:] if line.strip())


def _value(line: bytes) -> Instance | Declared | Upstream:
    for decoder in _DECODERS:
        with suppress(msgspec.MsgspecError):
            value: Instance | Declared | Upstream = decoder.decode(line)
            return value
    raise ValueError("this is not a line of a lock")
