"""Merging locks, and checking whether a lock fits the configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from shlex import quote

from frostline.errors import SourceError, UsageError
from frostline.lock.codec import describe_segment, lock_of
from frostline.model import FileOrigin, Lock, Segment, Snapshot


def join_locks(locks: Sequence[tuple[str, Lock]]) -> Lock:
    """Join several (path for messages, lock) into one lock. Raises UsageError if two hold the same segment."""
    holders: dict[Segment, str] = {}
    snapshots: list[Snapshot] = []
    for name, lock in locks:
        for snapshot in lock.snapshots:
            if snapshot.segment in holders:
                raise UsageError(
                    f"{describe_segment(snapshot.segment)} is in two locks: `{holders[snapshot.segment]}` and `{name}`",
                    origin=FileOrigin(name),
                    help="give each source and datacenter to one lock only",
                )
            holders[snapshot.segment] = name
            snapshots.append(snapshot)
    return lock_of(snapshots)


def merge_locks(new: Lock, committed: Iterable[Segment], live_sources: Iterable[str]) -> Lock:
    """Return `new` without the sources that are not configured.

    committed: the segments of the committed lock. live_sources: the names of the configured ones.
    Raises SourceError if `new` lacks a segment of the committed lock.
    """
    present = {snapshot.segment for snapshot in new.snapshots}
    live = set(live_sources)
    for segment in committed:
        if segment[0] in live and segment not in present:
            raise SourceError(
                f"{describe_segment(segment)} is in the committed lock, but in none of the given locks",
                help="freeze it as well; if it is gone for good, leave it out of the source (`datacenters`, `regions`)",
            )
    return lock_of(snapshot for snapshot in new.snapshots if snapshot.source in live)


def replace_segments(committed: Lock | None, new: Iterable[Snapshot], live_sources: Iterable[str]) -> Lock:
    """Replace segments of the committed lock by the new snapshots, and drop sources that are not configured."""
    live = set(live_sources)
    segments = {snapshot.segment: snapshot for snapshot in (committed.snapshots if committed else ())}
    segments.update({snapshot.segment: snapshot for snapshot in new})
    return lock_of(snapshot for snapshot in segments.values() if snapshot.source in live)


def check_settings(lock: Lock | None, digests: Mapping[str, str], shown: str) -> None:
    """Raise UsageError if a live source is missing from the lock, or was frozen with other settings.

    digests: name of each live source -> digest of its settings. shown: the lock's path for messages.
    """
    check_held(lock, digests, shown)
    for source in _stale_sources(lock or Lock(), digests):
        raise _other_settings(source, shown, "run `frostline freeze`")


def check_held(lock: Lock | None, sources: Iterable[str], shown: str) -> None:
    """Raise UsageError if the lock holds no segment of one of these live sources."""
    held = {snapshot.source for snapshot in lock.snapshots} if lock else set()
    for source in sorted(sources):
        if source not in held:
            reason = f"the lock does not hold source `{source}`" if lock else f"there is no {shown}"
            raise UsageError(reason, origin=FileOrigin(shown) if lock else None, help="run `frostline freeze`")


def check_same_settings(parts: Iterable[tuple[str, Lock]], digests: Mapping[str, str]) -> None:
    """Raise UsageError if one of these files of `freeze --out` holds a live source that was frozen with other settings.

    parts: (path for messages, lock). digests: as for `check_settings`.
    """
    for shown, lock in parts:
        for source in _stale_sources(lock, digests):
            again = f"write it again with this configuration: `{_freeze_command(lock, shown)}`"
            raise _other_settings(source, shown, again)


def _stale_sources(lock: Lock, digests: Mapping[str, str]) -> Iterator[str]:
    """Yield the live sources that this lock holds with other settings."""
    for snapshot in lock.snapshots:
        if snapshot.source in digests and snapshot.settings != digests[snapshot.source]:
            yield snapshot.source


def _other_settings(source: str, shown: str, help: str) -> UsageError:
    message = f"the settings of source `{source}` have changed since the lock was written"
    return UsageError(message, origin=FileOrigin(shown), help=help)


def _freeze_command(lock: Lock, shown: str) -> str:
    """Return the command that writes this file again."""
    words = [("--source", snapshot.source) for snapshot in lock.snapshots]
    words += [("--datacenter", snapshot.datacenter) for snapshot in lock.snapshots if snapshot.datacenter]
    options = [f"{option} {quote(name)}" for option, name in dict.fromkeys(words)]
    return " ".join(["frostline freeze", *options, f"--out {quote(shown)}"])
