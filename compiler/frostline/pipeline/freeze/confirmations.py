"""How old the lock is: read when its segments were confirmed, and write it to the file of `confirmed`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from frostline.durations import describe_duration
from frostline.lock.codec import describe_segment
from frostline.lock.confirmed import (
    Confirmation,
    Confirmations,
    confirmed_chunks,
    path_beside,
    read_beside,
    read_confirmed,
    recover_confirmed,
    segment_digest,
    time_text,
)
from frostline.model import Lock, Reading, Snapshot
from frostline.settings import Config

CLOCK_SKEW = 300.0  # seconds that the clock of another machine may be ahead


class SegmentAge(Struct, frozen=True, kw_only=True):
    """How long ago a segment of the lock was confirmed.

    seconds: None if it is not known; then `reason` says why. at: the time, as the file writes it.
    """

    snapshot: Snapshot
    seconds: float | None = None
    at: str | None = None
    reason: str = ""

    def describe(self) -> str:
        """Describe the age: `confirmed 30 hours ago`, `never confirmed`."""
        return self.reason if self.seconds is None else f"confirmed {describe_duration(self.seconds)} ago"

    def is_older_than(self, limit: float) -> bool:
        """Whether the age is over so many seconds, or not known."""
        return self.seconds is None or self.seconds > limit


def now_utc() -> datetime:
    """Return the time of the machine's clock, in UTC."""
    return datetime.now(UTC)


def reading_of(snapshots: Iterable[Snapshot], began: datetime) -> Reading:
    """Return the reading of a run that began then and read these snapshots."""
    return Reading(at=time_text(began), segments=tuple(sorted(snapshot.segment for snapshot in snapshots)))


def confirmations_of(config: Config) -> Confirmations:
    """Return the confirmations of the configuration; {} without `confirmed`.

    Raises UsageError if the file does not hold confirmations.
    """
    return read_confirmed(config.confirmed) if config.confirmed else {}


def segment_ages(snapshots: Iterable[Snapshot], confirmations: Confirmations, now: datetime) -> Iterator[SegmentAge]:
    """Yield the age of each of these snapshots of the lock, in their order."""
    for snapshot in snapshots:
        confirmation = confirmations.get(snapshot.segment)
        if confirmation is None:
            yield SegmentAge(snapshot=snapshot, reason="never confirmed")
        elif confirmation.digest != segment_digest(snapshot):
            yield SegmentAge(snapshot=snapshot, reason="not confirmed as it is in the lock now")
        elif confirmation.age(now) < -CLOCK_SKEW:
            yield SegmentAge(snapshot=snapshot, reason=f"confirmed in the future ({confirmation.at}): a clock is wrong")
        else:
            yield SegmentAge(snapshot=snapshot, seconds=max(0.0, confirmation.age(now)), at=confirmation.at)


def ages_of_lock(config: Config, lock: Lock) -> list[SegmentAge]:
    """Return the present age of each segment of the lock."""
    return list(segment_ages(lock.snapshots, confirmations_of(config), now_utc()))


def aged_segments(config: Config, lock: Lock, limit: float) -> Iterator[tuple[str, str]]:
    """Yield each segment of the lock that was not confirmed within `limit` seconds, and when it was confirmed."""
    for age in ages_of_lock(config, lock):
        if age.is_older_than(limit):
            when = f" (at {age.at})" if age.at else ""
            yield describe_segment(age.snapshot.segment), f"was {age.describe()}{when}"


def confirmed_files(
    config: Config, lock: Lock, readings: Sequence[Reading], made_from: Lock | None = None
) -> tuple[tuple[Path, list[bytes]], ...]:
    """Return the file of confirmations to write with this lock: (), or one path with its bytes.

    It is () without `confirmed`, and if the file would not change. Segments that were not read keep their time, even
    if today's settings take less of them.
    readings: which segments of the lock were read, and when.
    made_from: the lock that the other segments were taken from; None if they come from elsewhere.
    """
    if config.confirmed is None or not (readings or made_from):
        return ()
    before = recover_confirmed(config.confirmed)
    lines = list(_confirmations(lock, before, readings, made_from))
    if not readings and all(line in before.values() for line in lines):
        return ()
    return ((config.confirmed, list(confirmed_chunks(lines))),)


def confirmed_beside(
    config: Config, path: Path, lock: Lock, readings: Sequence[Reading], made_from: Lock | None
) -> tuple[tuple[Path, list[bytes]], ...]:
    """As `confirmed_files`, but for a lock that is written to this path instead of the committed one."""
    if config.confirmed is None:
        return ()
    lines = _confirmations(lock, recover_confirmed(config.confirmed), readings, made_from)
    return ((path_beside(path), list(confirmed_chunks(lines))),)


def reading_beside(path: Path, shown: str, lock: Lock, now: datetime) -> tuple[list[Reading], list[str]]:
    """Read the confirmations beside this lock file. Return readings, and warnings about those that confirm nothing.

    They come from another machine, and their times from its clock. Raises UsageError if the file does not hold
    confirmations.
    """
    readings: list[Reading] = []
    warnings: list[str] = []
    confirmations = read_beside(path, shown)
    for age in segment_ages(lock.snapshots, confirmations, now):
        segment = age.snapshot.segment
        if age.at:
            readings.append(Reading(at=age.at, segments=(segment,)))
        elif segment in confirmations:
            warnings.append(f"{path_beside(Path(shown))}: {describe_segment(segment)} was {age.reason}; left out")
    return readings, warnings


def _confirmations(
    lock: Lock, before: Confirmations, readings: Sequence[Reading], made_from: Lock | None
) -> Iterator[Confirmation]:
    """Yield the confirmations of this lock. before: the confirmations of the lock until now."""
    times = {segment: reading.at for reading in readings for segment in reading.segments}
    old = {snapshot.segment: snapshot for snapshot in made_from.snapshots} if made_from else {}
    for snapshot in lock.snapshots:
        source, datacenter, namespace = snapshot.segment
        if at := times.get(snapshot.segment):
            digest = segment_digest(snapshot)
            yield Confirmation(source=source, datacenter=datacenter, namespace=namespace, digest=digest, at=at)
        elif known := before.get(snapshot.segment):
            yield _carried_over(known, old.get(snapshot.segment), snapshot)


def _carried_over(known: Confirmation, old: Snapshot | None, new: Snapshot) -> Confirmation:
    """Return the confirmation for what is taken of `old` now; unchanged if it does not confirm `old`."""
    if old is None or old is new or old == new or known.digest != segment_digest(old):
        return known
    return replace(known, digest=segment_digest(new))
