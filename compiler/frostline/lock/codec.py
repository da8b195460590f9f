"""The lock's text: the snapshots of the live sources as JSON Lines, canonical and sorted, one instance a line.

The first line names the format. Each segment then has a line that counts what follows, and the lines themselves:
instances, declared services, upstreams. In a folder each segment has a file of its own, of the same form. A lock may
have been merged by git, edited, or written by somebody else: it is read as hostile, and nothing in it becomes a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from frostline.canonical import canonical_line, canonical_lines, json_fault
from frostline.errors import UsageError
from frostline.lock.faults import MERGED, Fault, find_fault, misspelling
from frostline.model import Declared, FileOrigin, Instance, Lock, Segment, Snapshot, Upstream

FORMAT = "frostline.lock/1"
HEADER = canonical_line({"format": FORMAT}) + b"\n"

_OUT_OF_ORDER = f"is duplicated or out of order: {MERGED}"

_Line = TypeVar("_Line", Instance, Declared, Upstream)


class SegmentLine(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The first line of a segment: what it is, and how many lines of each kind follow."""

    source: str
    datacenter: str
    namespace: str
    settings: str
    instances: int
    declared: int
    upstreams: int = 0
    shaped_by: dict[str, Any] = {}


def lock_of(snapshots: Iterable[Snapshot]) -> Lock:
    """The lock of these snapshots, sorted by segment."""
    return Lock(tuple(sorted(snapshots, key=lambda snapshot: snapshot.segment)))


def lock_chunks(snapshots: Iterable[Snapshot]) -> Iterator[bytes]:
    """A lock file's bytes, whole lines at a time."""
    yield HEADER
    for snapshot in snapshots:
        yield from canonical_lines([_segment_line(snapshot)])
        yield from canonical_lines(snapshot.instances)
        yield from canonical_lines(snapshot.declared)
        yield from canonical_lines(snapshot.upstreams)


def _segment_line(snapshot: Snapshot) -> SegmentLine:
    return SegmentLine(
        source=snapshot.source,
        datacenter=snapshot.datacenter,
        namespace=snapshot.namespace,
        settings=snapshot.settings,
        instances=len(snapshot.instances),
        declared=len(snapshot.declared),
        upstreams=len(snapshot.upstreams),
        shaped_by=dict(snapshot.shaped_by),
    )


def describe_segment(segment: Segment) -> str:
    """A segment (source, datacenter, namespace) as messages name it."""
    source, datacenter, namespace = segment
    return f"source `{source}`, datacenter `{datacenter}`, namespace `{namespace}`"


class _Position(Struct, frozen=True):
    """The start of a line, as the number of lines and of bytes before it."""

    line: int
    byte: int


def named_segments(data: bytes) -> Iterator[Segment]:
    """The segments that a lock names, up to where it is broken; what they hold is skipped, not parsed."""
    at: _Position | None = _Position(1, len(HEADER))
    while at is not None and at.byte < len(data):
        end = data.find(b"\n", at.byte)
        try:
            segment = _SEGMENT.decode(data[at.byte : end])
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return
        yield (segment.source, segment.datacenter, segment.namespace)
        following = segment.instances + segment.declared + segment.upstreams
        at = _skip_lines(data, _Position(at.line + 1, end + 1), following) if end >= 0 <= following else None


_OTHER_FORMAT = re.compile(rb'\{"format":"(frostline\.lock/[0-9]{1,9})"\}\n')


def _no_header(data: bytes) -> str:
    if found := _OTHER_FORMAT.match(data):
        return f"the lock has the format {found[1].decode()} of another frostline; this one reads frostline.lock/1"
    return f"this is not a lock: the first line is not {HEADER.decode().strip()}"


def parse_lock(data: bytes, shown: str) -> Lock:
    """The lock in these bytes. UsageError with the line: not a lock, cut short, or with conflict markers."""
    if data[: len(HEADER)] not in (HEADER, HEADER[:-1]):
        raise _invalid(data, 0, _no_header(data), shown)
    if not data.endswith(b"\n"):
        raise _invalid(data, data.count(b"\n"), "the last line is cut short", shown)
    snapshots: list[Snapshot] = []
    at = _Position(1, len(HEADER))
    while at.byte < len(data):
        snapshot, after = _parse_segment(data, at, shown)
        if snapshots and snapshots[-1].segment >= snapshot.segment:
            raise _invalid(data, at.line, f"{describe_segment(snapshot.segment)} {_OUT_OF_ORDER}", shown)
        snapshots.append(snapshot)
        at = after
    return Lock(tuple(snapshots))


def _parse_segment(data: bytes, at: _Position, shown: str) -> tuple[Snapshot, _Position]:
    start = _Position(at.line + 1, data.index(b"\n", at.byte) + 1)
    segment = _decoded(data[at.byte : start.byte - 1], _SEGMENT, data, at.line, shown)
    if not _is_written(data, at, start, [segment]):
        raise _misspelled(data, at.line, data[at.byte : start.byte - 1], segment, shown)
    ends = _ends(data, start, (segment.instances, segment.declared, segment.upstreams))
    if ends is None:
        announced = f"{segment.instances} instances, {segment.declared} declared services"
        announced += f" and {segment.upstreams} upstreams"
        following = data.count(b"\n", start.byte)
        raise _invalid(data, at.line, f"this line announces {announced}, but {following} lines follow", shown)
    middle, last, stop = ends
    snapshot = Snapshot(
        source=segment.source,
        datacenter=segment.datacenter,
        namespace=segment.namespace,
        settings=segment.settings,
        shaped_by=segment.shaped_by,
        instances=_parse_lines(data, start, middle, _INSTANCE, shown),
        declared=_parse_lines(data, middle, last, _DECLARED, shown),
        upstreams=_parse_lines(data, last, stop, _UPSTREAM, shown),
    )
    for offset, upstream in enumerate(snapshot.upstreams):
        if (upstream.region, upstream.namespace) != (segment.datacenter, segment.namespace):
            raise _invalid(
                data, last.line + offset, "this upstream's consumer is in another region or namespace", shown
            )
        if bool(upstream.service) is bool(upstream.job or upstream.group):
            raise _invalid(data, last.line + offset, "this upstream's consumer is neither a job nor a service", shown)
    return snapshot, stop


def _ends(data: bytes, start: _Position, counts: Iterable[int]) -> list[_Position] | None:
    """The ends of consecutive parts with these numbers of lines; None if the data has fewer lines."""
    ends: list[_Position] = []
    for count in counts:
        end = _skip_lines(data, ends[-1] if ends else start, count) if count >= 0 else None
        if end is None:
            return None
        ends.append(end)
    return ends


_BLOCK = 65536
"""Bytes of one count of line ends. Splitting a whole lock only to find where its parts end would cost more."""


def _skip_lines(data: bytes, position: _Position, lines: int) -> _Position | None:
    """The start of the line that many lines later; None if the data has fewer lines."""
    byte, missing = position.byte, lines
    while (found := data.count(b"\n", byte, byte + _BLOCK)) < missing:
        byte, missing = byte + _BLOCK, missing - found
        if byte >= len(data):
            return None
    for _ in range(missing):
        byte = data.index(b"\n", byte) + 1
    return _Position(position.line + lines, byte)


_SEGMENT = msgspec.json.Decoder(SegmentLine)
_INSTANCE = msgspec.json.Decoder(Instance)
_DECLARED = msgspec.json.Decoder(Declared)
_UPSTREAM = msgspec.json.Decoder(Upstream)


def _parse_lines(
    data: bytes, start: _Position, stop: _Position, decoder: msgspec.json.Decoder[_Line], shown: str
) -> tuple[_Line, ...]:
    """Decode these lines in one call; if that fails, decode one at a time to find the wrong line.

    Each line must be what its value is written as. Any other spelling (a key twice, an escape, a space) could show a
    reviewer another value than the one that is read. That also leaves no two values in one line, nor one over two,
    which the decoder of lines accepts.
    """
    values: list[_Line] = []
    with suppress(msgspec.MsgspecError, ValueError, RecursionError):
        values = decoder.decode_lines(memoryview(data)[start.byte : stop.byte])
    if len(values) != stop.line - start.line or not _is_written(data, start, stop, values):
        lines = data[start.byte : stop.byte].split(b"\n")[:-1]
        values = [_decoded(line, decoder, data, at, shown) for at, line in enumerate(lines, start.line)]
        for at, (line, value) in enumerate(zip(lines, values, strict=True), start.line):
            if line + b"\n" != _written(value):
                raise _misspelled(data, at, line, value, shown)
    before: Any = None
    for at, value in enumerate(values, start.line):
        key = value.sort_key()
        if before is not None and before >= key:
            raise _invalid(data, at, f"this line {_OUT_OF_ORDER}", shown)
        before = key
    return tuple(values)


def _is_written(data: bytes, start: _Position, stop: _Position, values: Sequence[Any]) -> bool:
    """Whether these lines are what the values are written as. Blocks are compared, which takes a tenth of decoding."""
    byte = start.byte
    for lines in canonical_lines(values):
        if not data.startswith(lines, byte):
            return False
        byte += len(lines)
    return byte == stop.byte


def _written(value: Any) -> bytes:
    return b"".join(canonical_lines([value]))


def _misspelled(data: bytes, at: int, line: bytes, value: Any, shown: str) -> UsageError:
    reason = misspelling(line.decode(), _written(value).decode().rstrip("\n"))
    return _invalid(data, at, f"this line is not written as frostline writes it: {reason}", shown)


_Value = TypeVar("_Value")


def _decoded(line: bytes, decoder: msgspec.json.Decoder[_Value], data: bytes, at: int, shown: str) -> _Value:
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _invalid(data, at, f"this is not a line of a lock: {json_fault(error, line)}", shown) from None


def _invalid(data: bytes, at: int, reason: str, shown: str) -> UsageError:
    """reason: what is wrong with the line after the first `at`; what happened to the whole file says more."""
    fault = find_fault(data, shown) or Fault(at + 1, reason)
    return UsageError(fault.reason, origin=FileOrigin(shown, fault.line), help=fault.help)
