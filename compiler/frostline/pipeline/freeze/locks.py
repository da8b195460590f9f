"""The lock that a run works from and the committed lock: read and compare them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from frostline.checks.guards.held import Held
from frostline.errors import UsageError
from frostline.events import stage
from frostline.lock import merge as lock_merge
from frostline.lock import store as lock_store
from frostline.lock.readable import check_readable
from frostline.model import Key, Lock, Reading, Segment, SegmentAnswer, Snapshot
from frostline.pipeline.freeze.confirmations import SegmentAge
from frostline.pipeline.freeze.live import live_sources
from frostline.pipeline.freeze.narrowing import narrowed_lock
from frostline.settings import Config
from frostline.text import display_path


class FreezeResult(Struct, frozen=True, kw_only=True):
    """What the live sources answered.

    snapshots: what was read, after selection, and what `kept` holds. answers: before selection, for explain.
    unhealthy: (service, version) -> health -> number of instances that are left out only for that health.
    reading: which segments were read, and when; None if no live source is configured.
    kept: the segments that could not be read, as they are in the lock.
    """

    snapshots: tuple[Snapshot, ...]
    answers: tuple[SegmentAnswer, ...]
    warnings: tuple[str, ...]
    unhealthy: Mapping[Key, Mapping[str, int]]
    reading: Reading | None
    kept: tuple[SegmentAge, ...] = ()


class LockPair(Struct, frozen=True, kw_only=True):
    """The lock that a run works from, and the committed lock.

    new: the lock to work from. committed: None if there is no lock file, or if it is broken and nothing of it is sure.
    changed: whether publishing writes the lock file. Without live sources there is no lock file.
    fault: why the committed lock is broken; it is then written anew.
    unhealthy: as in FreezeResult; None if the sources were not asked.
    held: the services that this run holds (see `pipeline.compile.holding`), by name.
    readings: which segments of the new lock were read, and when: by this run, or by the runs that wrote the files of
    `--lock`.
    merged: whether the new lock comes from the files of `--lock`.
    base: name -> digest of the committed lock's files, as this run read them; None if no lock file is written.
    """

    new: Lock
    committed: Lock | None
    changed: bool
    fault: UsageError | None = None
    unhealthy: Mapping[Key, Mapping[str, int]] | None = None
    held: Mapping[str, Held] = {}
    readings: tuple[Reading, ...] = ()
    merged: bool = False
    base: Mapping[str, str] | None = None

    @property
    def made_from(self) -> Lock | None:
        """The lock that the segments which were not read come from; None if they come from elsewhere."""
        return None if self.merged or self.fault else self.committed

    @property
    def warnings(self) -> tuple[str, ...]:
        """A warning if the committed lock is broken."""
        return (f"{self.fault.origin}: {self.fault.message}; it is written anew",) if self.fault else ()


class CommittedLock:
    """The committed lock. Its bytes are read eagerly, and parsed only when its content is needed.

    Raises UsageError if it cannot be read. A lock that git or an editor has broken can be written anew: see `fault`.
    """

    def __init__(self, config: Config) -> None:
        self._has_live_sources = bool(live_sources(config))
        with stage("reading the lock"):
            self._text = lock_store.read_lock_text(
                config.lock, is_folder=config.lock_is_folder, shown=display_path(config.lock)
            )

    @cached_property
    def _readable(self) -> lock_store.ReadableLock:
        return self._text.parse_readable()

    @property
    def lock(self) -> Lock | None:
        """The part of it that can be read as a lock; None if there is no such part, or no lock yet."""
        return self._readable.lock

    def whole(self) -> Lock | None:
        """Return the lock; None if there is no lock yet, or no live source. Raises UsageError if it is broken."""
        with stage("reading the lock"):
            return self._text.parse() if self._has_live_sources else None

    @property
    def fault(self) -> UsageError | None:
        """Why it is broken; None if it is whole, or if there is no lock yet."""
        return self._readable.fault

    @cached_property
    def base(self) -> Mapping[str, str] | None:
        """The digests of its files by name; None if there is no live source, and so no lock."""
        return self._text.digests() if self._has_live_sources else None

    @cached_property
    def segments(self) -> list[Segment]:
        """The segments in it; in a broken lock those that can be read; [] if there is no lock yet."""
        return self._text.segments()

    @cached_property
    def known(self) -> Lock | None:
        """What it says, even if it is broken; None if nothing of it is sure, or if there is no lock yet."""
        return self._text.salvage() if self.fault else self.lock

    def is_mended_by(self, snapshots: Iterable[Snapshot]) -> bool:
        """Whether writing these segments replaces every broken file."""
        written = lock_store.lock_files(Lock(tuple(snapshots)), self._text.path, is_folder=self._text.is_folder)
        return self._text.is_folder and {file.path for file in written}.issuperset(self._readable.broken)

    def pair_with(self, new: Lock, frozen: FreezeResult | None = None) -> LockPair:
        """Pair it with the new lock. Compares the bytes first, as that is faster than parsing them."""
        with stage("comparing with the lock"):
            unhealthy = frozen.unhealthy if frozen else None
            readings = (frozen.reading,) if frozen and frozen.reading else ()
            if self._text.holds(new):
                return LockPair(
                    new=new, committed=new, changed=False, unhealthy=unhealthy, readings=readings, base=self.base
                )
            if self._has_live_sources:
                self._text.refuse_foreign()  # publishing would overwrite somebody else's file
            check_readable(new)
            fault = self.fault if self._has_live_sources else None
        changed = self._has_live_sources and (fault is not None or new != self.known)
        return LockPair(
            new=new,
            committed=self.known,
            changed=changed,
            fault=fault,
            unhealthy=unhealthy,
            readings=readings,
            base=self.base,
        )


def read_committed_lock(config: Config) -> Lock | None:
    """Return the committed lock; None if there is no lock yet, or no live source. Raises UsageError if it is broken."""
    return CommittedLock(config).whole() if live_sources(config) else None


def offline_lock(config: Config, committed: Lock | None) -> Lock:
    """Return the lock to work from offline: the committed lock, or the part of it that today's settings select.

    Raises UsageError if the lock is missing, or if today's settings need what it does not hold.
    """
    shown = display_path(config.lock)
    lock_merge.check_held(committed, live_sources(config), shown)
    return narrowed_lock(committed or Lock(), live_sources(config), shown)


def offline_locks(config: Config) -> LockPair:
    """Pair the locks without a network: the new lock is `offline_lock`."""
    text = CommittedLock(config)
    committed = text.whole()
    return replace(pair_locks(config, offline_lock(config, committed), committed), base=text.base)


def pair_locks(config: Config, new: Lock, committed: Lock | None) -> LockPair:
    """Pair two locks. `CommittedLock.pair_with` is faster if the committed lock is not parsed yet."""
    return LockPair(new=new, committed=committed, changed=bool(live_sources(config)) and new != committed)
