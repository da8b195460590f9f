"""The lock's text format: the snapshots of the live sources as JSON Lines, canonical and sorted, one instance a line.

The first line names the format. Each segment then has a line with the numbers of lines that follow, and those lines:
instances, declared services, upstreams. In a folder, each segment has a file of its own in the same format.

A lock may have been merged by git, edited, or written by an attacker. So parsing trusts nothing in it, and nothing in
it becomes a path.
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
from frostline.lock.faults import MERGED, Fault, describe_difference, find_fault
from frostline.model import Declared, FileOrigin, Instance, Lock, Segment, Snapshot, Upstream

FORMAT = "frostline.lock/1"
HEADER = canonical_line({"format": FORMAT}) + b"\n"

_OUT_OF_ORDER = f"is duplicated or out of order: {MERGED}"

_Line = TypeVar("_Line", Instance, Declared, Upstream)


class SegmentLine(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The first line of a segment: its name and settings, and how many lines of each kind follow."""

    source: str
    datacenter: str
    namespace: str
    settings: str
    instances: int
    declared: int
    upstreams: int = 0
    shaped_by: dict[str, Any] = {}


def lock_of(snapshots: Iterable[Snapshot]) -> Lock:
    """Make the lock of these snapshots, sorted by segment."""
    return Lock(tuple(sorted(snapshots, key=lambda snapshot: snapshot.segment)))


def lock_chunks(snapshots: Iterable[Snapshot]) -> Iterator[bytes]:
    """Yield a lock file's bytes, whole lines at a time."""
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
    """Format a segment for messages."""
    source, datacenter, namespace = segment
    return f"source `{source}`, datacenter `{datacenter}`, namespace `{namespace}`"


class _Position(Struct, frozen=True):
    """The start of a line: how many lines and how many bytes precede it."""

    line: int
    byte: int


def named_segments(data: bytes) -> Iterator[Segment]:
    """Yield the segments that a lock names, up to the first broken one, without parsing their contents."""
    position: _Position | None = _Position(1, len(HEADER))
    while position is not None and position.byte < len(data):
        end = data.find(b"\n", position.byte)
        try:
            segment = _SEGMENT.decode(data[position.byte : end])
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return
        yield (segment.source, segment.datacenter, segment.namespace)
        following = segment.instances + segment.declared + segment.upstreams
        after = _Position(position.line + 1, end + 1)
        position = _skip_lines(data, after, following) if end >= 0 <= following else None


_OTHER_FORMAT = re.compile(rb'\{"format":"(frostline\.lock/[0-9]{1,9})"\}\n')


def _wrong_header(data: bytes) -> str:
    """Say what is wrong with the first line of a file that does not begin with HEADER."""
    if match := _OTHER_FORMAT.match(data):
        return f"the lock has the format {match[1].decode()} of another frostline; this one reads {FORMAT}"
    return f"this is not a lock: the first line is not {HEADER.decode().strip()}"


def parse_lock(data: bytes, shown: str) -> Lock:
    """Parse a lock. shown: its path for messages.

    Raises UsageError, with the line, if the bytes are not a lock, are cut short, or have conflict markers.
    """
    if data[: len(HEADER)] not in (HEADER, HEADER[:-1]):
        raise _invalid(data, 0, _wrong_header(data), shown)
    if not data.endswith(b"\n"):
        raise _invalid(data, data.count(b"\n"), "the last line is cut short", shown)
    snapshots: list[Snapshot] = []
    position = _Position(1, len(HEADER))
    while position.byte < len(data):
        snapshot, after = _parse_segment(data, position, shown)
        if snapshots and snapshots[-1].segment >= snapshot.segment:
            raise _invalid(data, position.line, f"{describe_segment(snapshot.segment)} {_OUT_OF_ORDER}", shown)
        snapshots.append(snapshot)
        position = after
    return Lock(tuple(snapshots))


def _parse_segment(data: bytes, position: _Position, shown: str) -> tuple[Snapshot, _Position]:
    """Parse the segment at `position`; return it and the position after it. Raises UsageError."""
    start = _Position(position.line + 1, data.index(b"\n", position.byte) + 1)
    first_line = data[position.byte : start.byte - 1]
    segment = _decode(first_line, _SEGMENT, data, position.line, shown)
    if not _is_canonical(data, position, start, [segment]):
        raise _not_canonical(data, position.line, first_line, segment, shown)
    ends = _ends(data, start, (segment.instances, segment.declared, segment.upstreams))
    if ends is None:
        announced = f"{segment.instances} instances, {segment.declared} declared services"
        announced += f" and {segment.upstreams} upstreams"
        following = data.count(b"\n", start.byte)
        raise _invalid(data, position.line, f"this line announces {announced}, but {following} lines follow", shown)
    instances_end, declared_end, stop = ends
    snapshot = Snapshot(
        source=segment.source,
        datacenter=segment.datacenter,
        namespace=segment.namespace,
        settings=segment.settings,
        shaped_by=segment.shaped_by,
        instances=_parse_lines(data, start, instances_end, _INSTANCE, shown),
        declared=_parse_lines(data, instances_end, declared_end, _DECLARED, shown),
        upstreams=_parse_lines(data, declared_end, stop, _UPSTREAM, shown),
    )
    for line, upstream in enumerate(snapshot.upstreams, declared_end.line):
        if (upstream.region, upstream.namespace) != (segment.datacenter, segment.namespace):
            raise _invalid(data, line, "this upstream's consumer is in another region or namespace", shown)
        if bool(upstream.service) is bool(upstream.job or upstream.group):
            raise _invalid(data, line, "this upstream's consumer is neither a job nor a service", shown)
    return snapshot, stop


def _ends(data: bytes, start: _Position, counts: Iterable[int]) -> list[_Position] | None:
    """Return the ends of consecutive parts with these numbers of lines; None if the data has fewer lines."""
    ends: list[_Position] = []
    for count in counts:
        end = _skip_lines(data, ends[-1] if ends else start, count) if count >= 0 else None
        if end is None:
            return None
        ends.append(end)
    return ends


_BLOCK = 65536
"""How many bytes one call counts line ends in. Splitting a whole lock only to find where parts end would cost more."""


def _skip_lines(data: bytes, position: _Position, lines: int) -> _Position | None:
    """Return the start of the line that many lines later; None if the data has fewer lines."""
    byte, missing = position.byte, lines
    while (count := data.count(b"\n", byte, byte + _BLOCK)) < missing:
        byte, missing = byte + _BLOCK, missing - count
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
    """Decode these lines in one call. If that fails, decode them one by one to find the wrong line.

    Each line must be exactly what frostline writes for its value. Any other spelling (a repeated key, an escape, a
    space) could show a reviewer another value than the one that is read. This also refuses two values in one line and
    one value over two lines, which msgspec's decode_lines accepts.
    """
    values: list[_Line] = []
    with suppress(msgspec.MsgspecError, ValueError, RecursionError):
        values = decoder.decode_lines(memoryview(data)[start.byte : stop.byte])
    if len(values) != stop.line - start.line or not _is_canonical(data, start, stop, values):
        lines = data[start.byte : stop.byte].split(b"\n")[:-1]
        values = [_decode(line, decoder, data, number, shown) for number, line in enumerate(lines, start.line)]
        for number, (line, value) in enumerate(zip(lines, values, strict=True), start.line):
            if line + b"\n" != _encode(value):
                raise _not_canonical(data, number, line, value, shown)
    previous: Any = None
    for number, value in enumerate(values, start.line):
        key = value.sort_key()
        if previous is not None and previous >= key:
            raise _invalid(data, number, f"this line {_OUT_OF_ORDER}", shown)
        previous = key
    return tuple(values)


def _is_canonical(data: bytes, start: _Position, stop: _Position, values: Sequence[Any]) -> bool:
    """Whether these lines are exactly what frostline writes for the values.

    Comparing whole blocks takes a tenth of the time of decoding.
    """
    byte = start.byte
    for lines in canonical_lines(values):
        if not data.startswith(lines, byte):
            return False
        byte += len(lines)
    return byte == stop.byte


def _encode(value: Any) -> bytes:
    return b"".join(canonical_lines([value]))


def _not_canonical(data: bytes, line_number: int, line: bytes, value: Any, shown: str) -> UsageError:
    reason = describe_difference(line.decode(), _encode(value).decode().rstrip("\n"))
    return _invalid(data, line_number, f"this line is not written as frostline writes it: {reason}", shown)


_Value = TypeVar("_Value")


def _decode(line: bytes, decoder: msgspec.json.Decoder[_Value], data: bytes, line_number: int, shown: str) -> _Value:
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _invalid(data, line_number, f"this is not a line of a lock: {json_fault(error, line)}", shown) from None


def _invalid(data: bytes, line_number: int, reason: str, shown: str) -> UsageError:
    """Make the error about a line, or about the whole file if something happened to that, which explains more.

    line_number: counted from 0.
    """
    fault = find_fault(data, shown) or Fault(line_number + 1, reason)
    return UsageError(fault.reason, origin=FileOrigin(shown, fault.line), help=fault.help)
