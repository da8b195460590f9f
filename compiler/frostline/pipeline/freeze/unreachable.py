"""Keep what the lock has of datacenters that could not be read (`partial`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from frostline.durations import describe_duration
from frostline.errors import SourceError, UsageError
from frostline.lock.confirmed import recover_confirmed
from frostline.model import Lock, Snapshot
from frostline.pipeline.freeze.confirmations import SegmentAge, segment_ages
from frostline.pipeline.freeze.locks import CommittedLock
from frostline.pipeline.freeze.narrowing import narrowed_lock
from frostline.settings import Config, LiveSettings, ServerSettings
from frostline.sources.base import ReadResult
from frostline.text import quote


def keep_unreachable(
    config: Config,
    settings: LiveSettings,
    reading: ReadResult,
    committed: CommittedLock | None,
    digest: str,
    now: datetime,
) -> list[SegmentAge]:
    """Return what the committed lock has of this source's unreachable datacenters, with its age.

    digest: of the settings of the source. Raises SourceError if the lock has nothing of such a datacenter, or if that
    is older than `partial.max_age`.
    """
    if not reading.unreachable:
        return []
    lock = committed.lock if committed else None
    confirmations = recover_confirmed(config.confirmed) if config.confirmed else {}
    kept: list[SegmentAge] = []
    usable = {snapshot.segment: snapshot for snapshot in _usable_snapshots(lock, settings, digest)}
    for datacenter in reading.unreachable:
        locked = [found for found in _of_datacenter(lock, settings, datacenter) if found.segment in usable]
        if not locked:
            raise _nothing_kept(settings, datacenter, committed.fault if committed else None)
        ages = list(segment_ages(locked, confirmations, now))
        _check_ages(settings, datacenter, ages)
        kept += [replace(age, snapshot=usable[age.snapshot.segment]) for age in ages]
    return kept


def _usable_snapshots(lock: Lock | None, settings: LiveSettings, digest: str) -> tuple[Snapshot, ...]:
    """Return the snapshots of the source that were frozen with these settings, or with settings that take more."""
    if lock is None:
        return ()
    try:
        return narrowed_lock(lock, {settings.name: settings}, "").snapshots
    except UsageError:
        return tuple(snapshot for snapshot in lock.snapshots if snapshot.settings == digest)


def _nothing_kept(settings: LiveSettings, datacenter: str, fault: UsageError | None) -> SourceError:
    reason = "holds nothing of it that was frozen with these settings"
    way = "run `frostline freeze` once while it can be reached, or leave it out of `datacenters`"
    if fault:
        reason = f"is broken ({fault.origin}: {fault.message})"
        way = f"restore the lock from your repository, or {way}"
    return SourceError(
        f"source {settings.name}: datacenter {quote(datacenter)} cannot be reached, and the lock {reason}",
        origin=settings.origin,
        help=way,
    )


def _of_datacenter(lock: Lock | None, settings: LiveSettings, datacenter: str) -> Iterator[Snapshot]:
    for snapshot in lock.snapshots if lock else ():
        if snapshot.segment[:2] == (settings.name, datacenter):
            yield snapshot


def _check_ages(settings: LiveSettings, datacenter: str, ages: list[SegmentAge]) -> None:
    limit = settings.partial_max_age if isinstance(settings, ServerSettings) else None
    if limit is None:
        return
    for age in ages:
        if age.is_older_than(limit):
            raise SourceError(
                f"source {settings.name}: {quote(datacenter)} cannot be reached, and what the lock has of it was "
                f"{age.describe()}; `partial.max_age` is {describe_duration(limit)}",
                origin=settings.origin,
                help="rerun when it can be reached, or keep what the lock has: once with `--allow partial`, "
                "longer with another `partial.max_age`",
            )


def age_warnings(config: Config, ages: list[SegmentAge]) -> Iterator[str]:
    """Yield a warning for each kept segment, with its age, if the configuration has `confirmed`."""
    for age in ages if config.confirmed else ():
        snapshot = age.snapshot
        namespace = "" if snapshot.namespace == "default" else f", namespace {quote(snapshot.namespace)}"
        place = f"{quote(snapshot.datacenter)}{namespace}"
        yield f"source {snapshot.source}: what the lock has of {place} was {age.describe()}"
