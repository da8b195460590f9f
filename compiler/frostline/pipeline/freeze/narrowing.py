"""Offline after a change of `select`: the new selection, applied to what the lock holds, or why it cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from frostline.errors import UsageError
from frostline.lock.codec import lock_of
from frostline.lock.shapes import changed_settings, settings_digest, settings_of_note, shape_of
from frostline.model import FileOrigin, Lock, Snapshot
from frostline.registry.selection.narrowing import Change, NarrowingError, narrowed_snapshots
from frostline.settings import LiveSettings
from frostline.sources.base import answer_shape, default_shape, reads_segment, segment_lists


def shaped_by(settings: LiveSettings) -> dict[str, object]:
    """What a segment of the lock says of the settings that shaped it."""
    return settings_of_note(answer_shape(settings), default_shape(settings))


def narrowed_lock(lock: Lock, live: Mapping[str, LiveSettings], shown: str) -> Lock:
    """The lock as today's settings would freeze it. It is the same where none of them has changed.

    live: the live sources by name. UsageError: what it holds is not enough; it says which setting of which source.
    """
    digests = {name: settings_digest(answer_shape(settings)) for name, settings in live.items()}
    stale = {snapshot.source for snapshot in lock.snapshots if snapshot.settings != digests.get(snapshot.source)}
    stale &= digests.keys()
    if not stale:
        return lock
    snapshots = [snapshot for snapshot in lock.snapshots if snapshot.source not in stale]
    for name in sorted(stale):
        of_source = [snapshot for snapshot in lock.snapshots if snapshot.source == name]
        snapshots += _narrowed(of_source, live[name], digests[name], shown)
    return lock_of(snapshots)


def _narrowed(held: Sequence[Snapshot], settings: LiveSettings, digest: str, shown: str) -> list[Snapshot]:
    """The snapshots of one source. Those that were frozen with other settings each are narrowed from these."""
    found: list[Snapshot] = []
    for old_digest in sorted({snapshot.settings for snapshot in held}):
        alike = [snapshot for snapshot in held if snapshot.settings == old_digest]
        snapshots = alike if old_digest == digest else _narrowed_alike(alike, held, settings, shown)
        found += [replace(snapshot, settings=digest, shaped_by=shaped_by(settings)) for snapshot in snapshots]
    if not found:
        raise _cannot_serve(settings, shown, "the lock holds none of the segments that are read now")
    return found


def _narrowed_alike(
    snapshots: Sequence[Snapshot], held: Sequence[Snapshot], settings: LiveSettings, shown: str
) -> Sequence[Snapshot]:
    before, after = shape_of(snapshots[0], default_shape(settings)), answer_shape(settings)
    if before is None:
        raise _cannot_serve(settings, shown, "its settings have changed since the lock was written")
    change = Change(
        settings=settings,
        before=before,
        after=after,
        changed=tuple(changed_settings(before, after)),
        segments=segment_lists(settings),
        held=held,
    )
    read = [snapshot for snapshot in snapshots if reads_segment(settings, *snapshot.segment[1:])]
    try:
        return narrowed_snapshots(read, change)
    except NarrowingError as error:
        raise _cannot_serve(settings, shown, str(error)) from None


def _cannot_serve(settings: LiveSettings, shown: str, reason: str) -> UsageError:
    return UsageError(f"source `{settings.name}`: {reason}", origin=FileOrigin(shown), help="run `frostline freeze`")
