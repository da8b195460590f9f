"""The lock: the snapshots of the live sources as JSON Lines, canonical and sorted, one instance a line.

A first line names the format. Then, for each segment in order, one line that says what follows, and the lines
themselves: instances, then declared services, then upstreams. In a folder the same, one file a segment. A lock may have
been merged by git, edited, or written by somebody else: it is read as hostile, and nothing in it becomes a path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from frostline.diagnostics import canonical_line, canonical_lines
from frostline.errors import SourceError, UsageError
from frostline.model import Declared, FileOrigin, Instance, Lock, Snapshot, Upstream

FORMAT = "frostline.lock/1"
SUFFIX = ".lock"
_HEADER = canonical_line({"format": FORMAT}) + b"\n"
_AGAIN = "run `frostline freeze` to write it anew"

_Line = TypeVar("_Line", Instance, Declared, Upstream)


class _Segment(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The line before a segment's own: what it is and how many lines of each kind follow (no upstreams where none)."""

    source: str
    datacenter: str
    namespace: str
    settings: str
    instances: int
    declared: int
    upstreams: int = 0


def settings_digest(shape: Mapping[str, Any]) -> str:
    """`sha256:…` of the settings that shaped an answer; equal settings give equal digests."""
    canonical = msgspec.json.encode(msgspec.to_builtins(shape), order="sorted")
    return f"sha256:{sha256(canonical).hexdigest()}"


def lock_of(snapshots: Iterable[Snapshot]) -> Lock:
    """The lock of these snapshots, sorted by segment."""
    return Lock(tuple(sorted(snapshots, key=lambda snapshot: snapshot.segment)))


def lock_chunks(snapshots: Iterable[Snapshot]) -> Iterator[bytes]:
    """A lock file's bytes, whole lines at a time."""
    yield _HEADER
    for snapshot in snapshots:
        yield canonical_line(_segment_line(snapshot)) + b"\n"
        yield from canonical_lines(snapshot.instances)
        yield from canonical_lines(snapshot.declared)
        yield from canonical_lines(snapshot.upstreams)


def _segment_line(snapshot: Snapshot) -> _Segment:
    return _Segment(
        source=snapshot.source,
        datacenter=snapshot.datacenter,
        namespace=snapshot.namespace,
        settings=snapshot.settings,
        instances=len(snapshot.instances),
        declared=len(snapshot.declared),
        upstreams=len(snapshot.upstreams),
    )


class LockFile(Struct, frozen=True):
    """A lock file to write. Iterating it gives its bytes, as often as one likes."""

    path: Path
    snapshots: tuple[Snapshot, ...]

    def __iter__(self) -> Iterator[bytes]:
        return lock_chunks(self.snapshots)


def lock_files(lock: Lock, path: Path, *, is_folder: bool) -> tuple[LockFile, ...]:
    """The files that hold this lock: one, or in a folder one a segment, named by the segment, percent-encoded."""
    if not is_folder:
        return (LockFile(path, lock.snapshots),)
    return tuple(LockFile(path / segment_file_name(snapshot.segment), (snapshot,)) for snapshot in lock.snapshots)


def segment_file_name(segment: tuple[str, str, str]) -> str:
    """`SOURCE.DATACENTER.NAMESPACE.lock`; dots and all but plain letters within the parts are percent-encoded.

    A name longer than a file system takes (255 bytes) ends in its digest instead.
    """
    name = ".".join(quote(part, safe="").replace(".", "%2E").replace("~", "%7E") for part in segment)
    if len(name) + len(SUFFIX) > 255:
        name = f"{name[:180]}-{sha256(name.encode()).hexdigest()}"
    return name + SUFFIX


def existing_files(path: Path, *, is_folder: bool) -> tuple[Path, ...]:
    """The lock files that are there, sorted by name."""
    if is_folder:
        return tuple(sorted(path.glob(f"*{SUFFIX}"))) if path.is_dir() else ()
    return (path,) if path.exists() else ()


def read_lock(path: Path, *, is_folder: bool, shown: str) -> Lock | None:
    """The committed lock, None where there is none yet. UsageError with file and line: it is not a lock.

    shown: the path as users would type it.
    """
    files = existing_files(path, is_folder=is_folder)
    if not files:
        return None
    if not is_folder:
        return parse_lock(_read(path, shown), shown)
    parts = [(f"{shown.rstrip('/')}/{file.name}", file) for file in files]
    return joined([(name, parse_lock(_read(file, name), name)) for name, file in parts])


def read_locks(files: Sequence[tuple[str, Path]]) -> list[tuple[str, Lock]]:
    """The lock in each of these (shown path, path)s, with its shown path. UsageError: one is no lock."""
    return [(shown, parse_lock(_read(file, shown), shown)) for shown, file in files]


def _read(path: Path, shown: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"the lock cannot be read: {error.strerror}", origin=FileOrigin(shown), help=_AGAIN) from None


def joined(locks: Sequence[tuple[str, Lock]]) -> Lock:
    """These locks, each with its name, as one. UsageError: two hold the same segment."""
    holders: dict[tuple[str, str, str], str] = {}
    snapshots: list[Snapshot] = []
    for name, lock in locks:
        for snapshot in lock.snapshots:
            if snapshot.segment in holders:
                raise UsageError(
                    f"{_named(snapshot.segment)} is in two locks: `{holders[snapshot.segment]}` and `{name}`",
                    origin=FileOrigin(name),
                    help="give each source and datacenter to one lock only",
                )
            holders[snapshot.segment] = name
            snapshots.append(snapshot)
    return lock_of(snapshots)


def merged(new: Lock, committed: Lock | None, live_sources: Iterable[str]) -> Lock:
    """The merged locks `new` without sources that are not configured. SourceError: they lack a committed segment."""
    have = {snapshot.segment for snapshot in new.snapshots}
    live = set(live_sources)
    for snapshot in committed.snapshots if committed else ():
        if snapshot.source in live and snapshot.segment not in have:
            raise SourceError(
                f"{_named(snapshot.segment)} is in the committed lock, but in none of the given ones",
                help="freeze it as well, or remove it from the committed lock first",
            )
    return lock_of(snapshot for snapshot in new.snapshots if snapshot.source in live)


def replaced(committed: Lock | None, new: Iterable[Snapshot], live_sources: Iterable[str]) -> Lock:
    """The committed lock with the new snapshots in place of theirs, without sources that are no longer configured."""
    live = set(live_sources)
    segments = {snapshot.segment: snapshot for snapshot in (committed.snapshots if committed else ())}
    segments.update({snapshot.segment: snapshot for snapshot in new})
    return lock_of(snapshot for snapshot in segments.values() if snapshot.source in live)


def check_settings(lock: Lock | None, digests: Mapping[str, str], shown: str) -> None:
    """UsageError where a live source (name -> settings digest) is not in the lock, or was frozen with others."""
    held = {snapshot.source for snapshot in lock.snapshots} if lock else set()
    for source in sorted(digests):
        if source not in held:
            reason = f"the lock does not hold source `{source}`" if lock else f"source `{source}` is not frozen yet"
            raise UsageError(reason, origin=FileOrigin(shown), help="run `frostline freeze`")
    check_same_settings([(shown, lock or Lock())], digests)


def check_same_settings(parts: Iterable[tuple[str, Lock]], digests: Mapping[str, str]) -> None:
    """UsageError where one of these (shown path, lock)s holds a live source as it was with other settings."""
    for shown, lock in parts:
        for snapshot in lock.snapshots:
            if snapshot.source in digests and snapshot.settings != digests[snapshot.source]:
                raise UsageError(
                    f"the settings of source `{snapshot.source}` have changed since the lock was written",
                    origin=FileOrigin(shown),
                    help="run `frostline freeze`",
                )


def _named(segment: tuple[str, str, str]) -> str:
    source, datacenter, namespace = segment
    return f"source `{source}`, datacenter `{datacenter}`, namespace `{namespace}`"


def parse_lock(data: bytes, shown: str) -> Lock:
    """The lock in these bytes. UsageError with the line: it is not one, is cut short, or has conflict markers."""
    lines = data.split(b"\n")
    if lines[0] + b"\n" != _HEADER:
        raise _bad(lines, 0, f"this is not a lock: the first line is not {_HEADER.decode().strip()}", shown)
    if lines[-1] != b"":
        raise _bad(lines, len(lines) - 1, "the last line is cut short", shown)
    snapshots: list[Snapshot] = []
    at, end = 1, len(lines) - 1
    while at < end:
        snapshot, after = _parse_segment(lines, at, end, shown)
        if snapshots and snapshots[-1].segment >= snapshot.segment:
            raise _bad(lines, at, f"{_named(snapshot.segment)} stands twice or out of order", shown)
        snapshots.append(snapshot)
        at = after
    return Lock(tuple(snapshots))


def _parse_segment(lines: list[bytes], at: int, end: int, shown: str) -> tuple[Snapshot, int]:
    segment = _decoded(lines, at, _SEGMENT, shown)
    start = at + 1
    middle = start + segment.instances
    last = middle + segment.declared
    stop = last + segment.upstreams
    if min(segment.instances, segment.declared, segment.upstreams) < 0 or stop > end:
        announced = f"{segment.instances} instances, {segment.declared} declared services"
        announced += f" and {segment.upstreams} upstreams"
        raise _bad(lines, at, f"this line announces {announced}, but {end - start} lines follow", shown)
    snapshot = Snapshot(
        source=segment.source,
        datacenter=segment.datacenter,
        namespace=segment.namespace,
        settings=segment.settings,
        instances=_parse_lines(lines, start, middle, _INSTANCE, shown),
        declared=_parse_lines(lines, middle, last, _DECLARED, shown),
        upstreams=_parse_lines(lines, last, stop, _UPSTREAM, shown),
    )
    for offset, upstream in enumerate(snapshot.upstreams):
        if (upstream.region, upstream.namespace) != (segment.datacenter, segment.namespace):
            raise _bad(lines, last + offset, "this upstream's consumer is in another region or namespace", shown)
    return snapshot, stop


_SEGMENT = msgspec.json.Decoder(_Segment)
_INSTANCE = msgspec.json.Decoder(Instance)
_DECLARED = msgspec.json.Decoder(Declared)
_UPSTREAM = msgspec.json.Decoder(Upstream)


def _parse_lines(
    lines: list[bytes], start: int, stop: int, decoder: msgspec.json.Decoder[_Line], shown: str
) -> tuple[_Line, ...]:
    """These lines as values, in one call; where that fails, one by one to find the line that is wrong."""
    if start == stop:
        return ()
    try:
        values = decoder.decode_lines(b"\n".join(lines[start:stop]))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        values = []
    if len(values) != stop - start:
        values = [_decoded(lines, at, decoder, shown) for at in range(start, stop)]
    keys = [value.sort_key() for value in values]
    for offset in range(1, len(keys)):
        if keys[offset - 1] >= keys[offset]:
            raise _bad(lines, start + offset, "this line stands twice or out of order", shown)
    return tuple(values)


_Value = TypeVar("_Value")


def _decoded(lines: list[bytes], at: int, decoder: msgspec.json.Decoder[_Value], shown: str) -> _Value:
    try:
        return decoder.decode(lines[at])
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _bad(lines, at, f"this is not a line of a lock: {error}", shown) from None


def _bad(lines: list[bytes], at: int, reason: str, shown: str) -> UsageError:
    for line, text in enumerate(lines[at:], at):
        if text.startswith((b"<<<<<<<", b"=======", b">>>>>>>")):
            return UsageError(
                "the lock has a merge conflict of git",
                origin=FileOrigin(shown, line + 1),
                help=f"take either side, then {_AGAIN}",
            )
    return UsageError(reason, origin=FileOrigin(shown, at + 1), help=_AGAIN)
