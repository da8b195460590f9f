"""The lock: the snapshots of the live sources as JSON Lines, canonical and sorted, one instance a line.

A first line names the format. Then, for each segment in order, one line that says what follows, and the lines
themselves: instances, then declared services, then upstreams. In a folder the same, one file a segment. A lock may have
been merged by git, edited, or written by somebody else: it is read as hostile, and nothing in it becomes a path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from frostline.canonical import canonical_line, canonical_lines
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
    if is_folder:  # glob would take a folder that may not be read for an empty one
        return tuple(sorted(file for file in path.iterdir() if file.name.endswith(SUFFIX))) if path.is_dir() else ()
    return (path,) if path.exists() else ()


class LockText(Struct, frozen=True):
    """A lock as it is on disk: each of its files with its path as users would type it and its bytes, sorted by name.

    No files: there is no lock yet.
    """

    path: Path
    is_folder: bool
    files: tuple[tuple[Path, str, bytes], ...]

    def parsed(self) -> Lock | None:
        """The lock, None where there is none yet. UsageError with file and line: it is not a lock."""
        return joined([(shown, parse_lock(data, shown)) for _, shown, data in self.files]) if self.files else None

    def is_of(self, lock: Lock) -> bool:
        """Whether it is this lock, written as it would be now: found out in a fraction of the time of parsing it."""
        written = sorted(lock_files(lock, self.path, is_folder=self.is_folder), key=lambda file: file.path)
        return [file.path for file in written] == [path for path, _, _ in self.files] and all(
            _is_made_of(data, file) for file, (_, _, data) in zip(written, self.files, strict=True)
        )


def _is_made_of(data: bytes, chunks: Iterable[bytes]) -> bool:
    at = 0
    for chunk in chunks:
        if not data.startswith(chunk, at):
            return False
        at += len(chunk)
    return at == len(data)


def lock_text(path: Path, *, is_folder: bool, shown: str) -> LockText:
    """The committed lock as it is on disk. shown: its path as users would type it. UsageError: it cannot be read."""
    files = []
    try:
        there = existing_files(path, is_folder=is_folder)
    except OSError as error:
        raise _unreadable(error, shown) from None
    for file in there:
        name = f"{shown.rstrip('/')}/{file.name}" if is_folder else shown
        files.append((file, name, _read(file, name)))
    return LockText(path, is_folder, tuple(files))


def read_lock(path: Path, *, is_folder: bool, shown: str) -> Lock | None:
    """The committed lock, None where there is none yet. UsageError with file and line: it is not a lock.

    shown: the path as users would type it.
    """
    return lock_text(path, is_folder=is_folder, shown=shown).parsed()


def read_locks(files: Sequence[tuple[str, Path]]) -> list[tuple[str, Lock]]:
    """The lock in each of these (shown path, path)s, with its shown path. UsageError: one is no lock."""
    return [(shown, parse_lock(_read(file, shown), shown)) for shown, file in files]


def _read(path: Path, shown: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(error, shown) from None


def _unreadable(error: OSError, shown: str) -> UsageError:
    return UsageError(f"the lock cannot be read: {error.strerror}", origin=FileOrigin(shown), help=_AGAIN)


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


class _Place(Struct, frozen=True):
    """Where a line begins: how many lines and how many bytes are before it."""

    line: int
    byte: int


def parse_lock(data: bytes, shown: str) -> Lock:
    """The lock in these bytes. UsageError with the line: it is not one, is cut short, or has conflict markers."""
    if data[: len(_HEADER)] not in (_HEADER, _HEADER[:-1]):
        raise _bad(data, 0, f"this is not a lock: the first line is not {_HEADER.decode().strip()}", shown)
    if not data.endswith(b"\n"):
        raise _bad(data, data.count(b"\n"), "the last line is cut short", shown)
    snapshots: list[Snapshot] = []
    at = _Place(1, len(_HEADER))
    while at.byte < len(data):
        snapshot, after = _parse_segment(data, at, shown)
        if snapshots and snapshots[-1].segment >= snapshot.segment:
            raise _bad(data, at.line, f"{_named(snapshot.segment)} stands twice or out of order", shown)
        snapshots.append(snapshot)
        at = after
    return Lock(tuple(snapshots))


def _parse_segment(data: bytes, at: _Place, shown: str) -> tuple[Snapshot, _Place]:
    start = _Place(at.line + 1, data.index(b"\n", at.byte) + 1)
    segment = _decoded(data[at.byte : start.byte - 1], _SEGMENT, data, at.line, shown)
    ends = _ends(data, start, (segment.instances, segment.declared, segment.upstreams))
    if ends is None:
        announced = f"{segment.instances} instances, {segment.declared} declared services"
        announced += f" and {segment.upstreams} upstreams"
        following = data.count(b"\n", start.byte)
        raise _bad(data, at.line, f"this line announces {announced}, but {following} lines follow", shown)
    middle, last, stop = ends
    snapshot = Snapshot(
        source=segment.source,
        datacenter=segment.datacenter,
        namespace=segment.namespace,
        settings=segment.settings,
        instances=_parse_lines(data, start, middle, _INSTANCE, shown),
        declared=_parse_lines(data, middle, last, _DECLARED, shown),
        upstreams=_parse_lines(data, last, stop, _UPSTREAM, shown),
    )
    for offset, upstream in enumerate(snapshot.upstreams):
        if (upstream.region, upstream.namespace) != (segment.datacenter, segment.namespace):
            raise _bad(data, last.line + offset, "this upstream's consumer is in another region or namespace", shown)
    return snapshot, stop


def _ends(data: bytes, start: _Place, counts: Iterable[int]) -> list[_Place] | None:
    """Where parts end that follow each other and have so many lines each; None where there are not so many lines."""
    ends: list[_Place] = []
    for count in counts:
        end = _later(data, ends[-1] if ends else start, count) if count >= 0 else None
        if end is None:
            return None
        ends.append(end)
    return ends


_BLOCK = 65536
"""Bytes in which line ends are counted at once: a lock is too long to split it only to find where its parts end."""


def _later(data: bytes, place: _Place, lines: int) -> _Place | None:
    """Where the line begins that is so many lines later; None where there are not so many."""
    byte, missing = place.byte, lines
    while (found := data.count(b"\n", byte, byte + _BLOCK)) < missing:
        byte, missing = byte + _BLOCK, missing - found
        if byte >= len(data):
            return None
    for _ in range(missing):
        byte = data.index(b"\n", byte) + 1
    return _Place(place.line + lines, byte)


_SEGMENT = msgspec.json.Decoder(_Segment)
_INSTANCE = msgspec.json.Decoder(Instance)
_DECLARED = msgspec.json.Decoder(Declared)
_UPSTREAM = msgspec.json.Decoder(Upstream)


def _parse_lines(
    data: bytes, start: _Place, stop: _Place, decoder: msgspec.json.Decoder[_Line], shown: str
) -> tuple[_Line, ...]:
    """These lines as values, in one call; where that fails, one by one to find the line that is wrong."""
    values: list[_Line] = []
    if _is_one_a_line(data, start, stop):
        with suppress(msgspec.MsgspecError, ValueError, RecursionError):
            values = decoder.decode_lines(memoryview(data)[start.byte : stop.byte])
    if len(values) != stop.line - start.line:
        lines = data[start.byte : stop.byte].split(b"\n")[:-1]
        values = [_decoded(line, decoder, data, at, shown) for at, line in enumerate(lines, start.line)]
    before: Any = None
    for at, value in enumerate(values, start.line):
        key = value.sort_key()
        if before is not None and before >= key:
            raise _bad(data, at, "this line stands twice or out of order", shown)
        before = key
    return tuple(values)


def _is_one_a_line(data: bytes, start: _Place, stop: _Place) -> bool:
    """Whether values that are as many as the lines are one a line: the decoder of lines minds neither two in a line nor
    one in two lines. Within a value no `{` follows a `}`."""
    return (
        data.startswith(b"{", start.byte)
        and data.endswith(b"}\n", start.byte, stop.byte)
        and data.count(b"}\n{", start.byte, stop.byte) == stop.line - start.line - 1
    )


_Value = TypeVar("_Value")


def _decoded(line: bytes, decoder: msgspec.json.Decoder[_Value], data: bytes, at: int, shown: str) -> _Value:
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _bad(data, at, f"this is not a line of a lock: {error}", shown) from None


def _bad(data: bytes, at: int, reason: str, shown: str) -> UsageError:
    for line, text in enumerate(data.split(b"\n")[at:], at):
        if text.startswith((b"<<<<<<<", b"=======", b">>>>>>>")):
            return UsageError(
                "the lock has a merge conflict of git",
                origin=FileOrigin(shown, line + 1),
                help=f"take either side, then {_AGAIN}",
            )
    return UsageError(reason, origin=FileOrigin(shown, at + 1), help=_AGAIN)
