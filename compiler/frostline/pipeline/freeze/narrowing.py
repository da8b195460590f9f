"""Work offline after a change of `select`: apply the new selection to the lock, or say why that is not possible."""

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
    """Return what a segment of the lock notes about the settings that shaped it."""
    return settings_of_note(answer_shape(settings), default_shape(settings))


def narrowed_lock(lock: Lock, live: Mapping[str, LiveSettings], shown: str) -> Lock:
    """Return the lock as today's settings would freeze it; the same lock if no setting has changed.

    live: the live sources by name. shown: the lock's path for messages. Raises UsageError, which names the source and
    the setting, if the lock does not hold what the settings need.
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
    """Return the snapshots of one source, narrowed from those that the lock holds of it."""
    narrowed: list[Snapshot] = []
    for old_digest in sorted({snapshot.settings for snapshot in held}):
        alike = [snapshot for snapshot in held if snapshot.settings == old_digest]
        snapshots = alike if old_digest == digest else _narrowed_alike(alike, held, settings, shown)
        narrowed += [replace(snapshot, settings=digest, shaped_by=shaped_by(settings)) for snapshot in snapshots]
    if not narrowed:
        raise _cannot_serve(settings, shown, "the lock holds none of the segments that are read now")
    return narrowed


def _narrowed_alike(
    snapshots: Sequence[Snapshot], held: Sequence[Snapshot], settings: LiveSettings, shown: str
) -> Sequence[Snapshot]:
    """Narrow snapshots that were frozen with the same settings. held: all snapshots of their source."""
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
