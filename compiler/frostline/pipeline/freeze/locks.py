"""The lock to work from, and the committed one: read, compared, and made of what was frozen now."""

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
    """What live sources answered: the snapshots, the answers before selection (for explain), and warnings.

    unhealthy: how many instances of each (service, version) are left out for their health alone, by health.
    reading: what was read; None: no live source is configured.
    kept: what could not be read, as it is in the lock.
    """

    snapshots: tuple[Snapshot, ...]
    answers: tuple[SegmentAnswer, ...]
    warnings: tuple[str, ...]
    unhealthy: Mapping[Key, Mapping[str, int]]
    reading: Reading | None
    kept: tuple[SegmentAge, ...] = ()


class LockPair(Struct, frozen=True, kw_only=True):
    """The lock to work from, and the committed one, None if there is none.

    changed: whether publishing writes the lock file. Without live sources there is no lock file to write.
    fault: what is wrong with the committed lock, which is written anew then; `committed` is what it says all the same,
    None where nothing of it can be relied on.
    unhealthy: as in FreezeResult; None: the sources were not asked.
    readings: what was read of the new one: now, or by the runs that wrote the files of `--lock`.
    held: the services that this run holds (see `pipeline.compile.holding`), by name.
    merged: whether the new one comes from the files of `--lock`.
    base: the digests of the committed lock's files as this run read them, by name; None: no lock file is written.
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
        """The lock that segments were taken from that were not read now; None: they come from elsewhere."""
        return None if self.merged or self.fault else self.committed

    @property
    def warnings(self) -> tuple[str, ...]:
        """That the committed lock is broken."""
        return (f"{self.fault.origin}: {self.fault.message}; it is written anew",) if self.fault else ()


class CommittedLock:
    """The committed lock. Its bytes are read eagerly, and parsed only when its content is needed.

    UsageError: it cannot be read. What is no lock any more (merged, cut, converted) can be written anew: see `fault`.
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
        """What of it is a lock; None if nothing is, or if there is none yet."""
        return self._readable.lock

    def whole(self) -> Lock | None:
        """The lock; None if there is none yet, or none is needed. UsageError: it is not a lock."""
        with stage("reading the lock"):
            return self._text.parse() if self._has_live_sources else None

    @property
    def fault(self) -> UsageError | None:
        """Why it is broken; None if it is whole, or if there is none yet."""
        return self._readable.fault

    @cached_property
    def base(self) -> Mapping[str, str] | None:
        """The digests of its files by name; None where there is no live source, and so no lock."""
        return self._text.digests() if self._has_live_sources else None

    @cached_property
    def segments(self) -> list[Segment]:
        """The segments that it names, of a broken one those that can be read; [] if there is none yet."""
        return self._text.segments()

    @cached_property
    def known(self) -> Lock | None:
        """What it says, also where it is broken; None if nothing of it can be relied on, or if there is none yet."""
        return self._text.salvage() if self.fault else self.lock

    def is_mended_by(self, snapshots: Iterable[Snapshot]) -> bool:
        """Whether writing these segments writes every file anew that is broken."""
        written = lock_store.lock_files(Lock(tuple(snapshots)), self._text.path, is_folder=self._text.is_folder)
        return self._text.is_folder and {file.path for file in written}.issuperset(self._readable.broken)

    def pair_with(self, new: Lock, frozen: FreezeResult | None = None) -> LockPair:
        """Compare it with the lock that was read now: by its bytes first, which is faster than parsing them."""
        with stage("comparing with the lock"):
            unhealthy = frozen.unhealthy if frozen else None
            readings = (frozen.reading,) if frozen and frozen.reading else ()
            if self._text.holds(new):
                return LockPair(
                    new=new, committed=new, changed=False, unhealthy=unhealthy, readings=readings, base=self.base
                )
            if self._has_live_sources:
                self._text.refuse_foreign()  # else it would be written over
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
    """The committed lock; None if there is none yet, or none is needed. UsageError: it is not a lock."""
    return CommittedLock(config).whole() if live_sources(config) else None


def offline_lock(config: Config, committed: Lock | None) -> Lock:
    """The committed lock to work from; where settings select less since it was frozen, what they take of it.

    UsageError: it is missing, or today's settings need what it does not hold.
    """
    shown = display_path(config.lock)
    lock_merge.check_held(committed, live_sources(config), shown)
    return narrowed_lock(committed or Lock(), live_sources(config), shown)


def offline_locks(config: Config) -> LockPair:
    """The locks without any network: new is the committed one, or what today's settings take of it."""
    text = CommittedLock(config)
    committed = text.whole()
    return replace(pair_locks(config, offline_lock(config, committed), committed), base=text.base)


def pair_locks(config: Config, new: Lock, committed: Lock | None) -> LockPair:
    """Compare the two. `CommittedLock.pair_with` is faster where the committed one is not parsed yet."""
    return LockPair(new=new, committed=committed, changed=bool(live_sources(config)) and new != committed)
