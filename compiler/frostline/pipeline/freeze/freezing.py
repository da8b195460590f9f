"""From live sources and lock files to a lock: all that uses a network, and what a lock must be to work from it."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from frostline.checks.holding import Held
from frostline.errors import UNREADABLE, UNTOUCHED, ErrorGroup, FrostlineError, SourceError, UsageError
from frostline.events import report_progress, stage
from frostline.lock import merge as lock_merge
from frostline.lock import store as lock_store
from frostline.lock.readable import check_readable
from frostline.lock.shapes import settings_digest
from frostline.model import Key, Lock, SegmentAnswer, Snapshot
from frostline.pipeline.freeze.confirmations import SegmentAge, now_utc, reading_of
from frostline.pipeline.freeze.narrowing import narrowed_lock, shaped_by
from frostline.pipeline.freeze.unreachable import age_warnings, keep_unreachable
from frostline.pipeline.freeze.vanished import vanished, with_vanished
from frostline.published import Reading
from frostline.registry.naming import names_of
from frostline.registry.selection import count_unhealthy, snapshot_of, unknown_statuses
from frostline.settings import Allow, Config, LiveSettings, ServerSettings
from frostline.sources.base import ReadResult, answer_shape, is_live, source_module
from frostline.text import display_path

_log = logging.getLogger(__name__)

_WAIT_STEP = 1.0  # seconds between two attempts


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


def live_sources(config: Config) -> dict[str, LiveSettings]:
    """The configured sources that ask a server, by name, sorted."""
    named = sorted(config.sources.items())
    return {name: cast(LiveSettings, settings) for name, settings in named if is_live(settings.type)}


def names_only_sources(config: Config) -> tuple[str, ...]:
    """The live sources of which no endpoint is frozen (`keep.endpoints: false`), sorted."""
    return tuple(name for name, settings in live_sources(config).items() if not settings.keep.endpoints)


def settings_digests(config: Config) -> dict[str, str]:
    """The digest of the settings that shape its answer, for each live source."""
    return {name: settings_digest(answer_shape(settings)) for name, settings in live_sources(config).items()}


def freeze(
    config: Config,
    committed: CommittedLock | None,
    *,
    sources: Sequence[str] = (),
    datacenters: Sequence[str] = (),
    services: Sequence[str] = (),
    allow: Allow | None = None,
    wait: float = 0.0,
) -> FreezeResult:
    """Read the live sources (only these, only these datacenters). SourceError: one could not be read whole.

    committed: for the datacenters that cannot be reached, with `partial`; None: there is no lock.
    services: read only the names that may stand for these, in the answers also those that are not selected; () for all.
    allow: its `partial` reads every source as with `partial: true`, its `empty` lets a datacenter vanish.
    wait: how many seconds to wait for servers that are down or have no leader.
    """
    digests = settings_digests(config)
    read: list[Snapshot] = []
    answers: list[SegmentAnswer] = []
    warnings: list[str] = []
    kept: list[SegmentAge] = []
    failed: list[FrostlineError] = []
    unhealthy: dict[Key, Counter[str]] = {}
    began, wait_until = now_utc(), time.monotonic() + wait
    live = {name: settings for name, settings in live_sources(config).items() if not sources or name in sources}
    for name, settings in live.items():
        asked = _asked_settings(settings, services, allow)
        try:
            with stage(f"reading source {name}"):
                reading = _read_source(asked, tuple(datacenters), wait_until)
            if committed and not datacenters:
                reading = with_vanished(asked, reading, vanished(asked, reading, committed, allow or Allow()))
            kept += keep_unreachable(config, asked, reading, committed, digests[name], began)
            read += _select(reading, settings, digests[name], unhealthy)
        except FrostlineError as error:
            failed += error.errors if isinstance(error, ErrorGroup) else [error]
            continue
        answers += reading.answers
        warnings += [*reading.warnings, *unknown_statuses(reading.answers, settings)]
    if failed:
        raise _failure(failed, committed)
    return FreezeResult(
        snapshots=(*(age.snapshot for age in kept), *read),
        answers=tuple(answers),
        warnings=(*warnings, *age_warnings(config, kept)),
        unhealthy=unhealthy,
        reading=reading_of(read, began) if live else None,
        kept=tuple(kept),
    )


def _asked_settings(settings: LiveSettings, services: Sequence[str], allow: Allow | None) -> LiveSettings:
    """The settings to read with. services, allow: as `freeze` takes them."""
    names = {name for service in services for name in names_of(settings.naming, service)}
    asked = settings.ask_for(tuple(sorted(names))) if names else settings
    if allow and allow.partial and isinstance(asked, ServerSettings):
        asked = replace(asked, partial=True, partial_max_age=None)
    return asked


def _select(
    reading: ReadResult, settings: LiveSettings, digest: str, unhealthy: dict[Key, Counter[str]]
) -> list[Snapshot]:
    """The snapshots of what was read. unhealthy: gets what is left out for its health."""
    with stage(f"selecting of source {settings.name}"):
        noted = shaped_by(settings)
        for answer in reading.answers:
            count_unhealthy(answer, settings, unhealthy)
        return [snapshot_of(answer, settings, digest, noted) for answer in reading.answers]


def _failure(failed: Sequence[FrostlineError], committed: CommittedLock | None) -> FrostlineError:
    """The error of these, which says at its end what works all the same."""
    error = failed[0] if len(failed) == 1 else ErrorGroup(failed)
    if error.status == UNREADABLE and committed and committed.segments:
        error.ending = f"{UNTOUCHED} {_WITHOUT_SOURCES}"
    return error


_WITHOUT_SOURCES = (
    "`frostline check`, `frostline list` and `frostline compile --offline` work from the lock, without the sources."
)


def _read_source(settings: LiveSettings, datacenters: tuple[str, ...], wait_until: float) -> ReadResult:
    """Read one source, again and again until that time (of time.monotonic) while its server is down or has no leader.

    Until then `partial` has to wait as well.
    """
    read = source_module(settings.type).read
    impatient = settings
    if isinstance(settings, ServerSettings):
        impatient = replace(settings, partial=False, limits=replace(settings.limits, retries=0))
    while time.monotonic() < wait_until:
        try:
            return cast(ReadResult, read(impatient, datacenters=datacenters, progress=report_progress))
        except SourceError as error:
            if not error.unreachable:
                break
            _log.info("waiting: %s", error.message)
        time.sleep(max(0.0, min(_WAIT_STEP, wait_until - time.monotonic())))
    return cast(ReadResult, read(settings, datacenters=datacenters, progress=report_progress))


class LockPair(Struct, frozen=True, kw_only=True):
    """The lock to work from, and the committed one, None if there is none.

    changed: whether publishing writes the lock file. Without live sources there is no lock file to write.
    fault: what is wrong with the committed lock, which is written anew then; `committed` is what it says all the same,
    None where nothing of it can be relied on.
    unhealthy: as in FreezeResult; None: the sources were not asked.
    readings: what was read of the new one: now, or by the runs that wrote the files of `--lock`.
    held: the services that this run holds (see `pipeline.holding`), by name.
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
    def segments(self) -> list[tuple[str, str, str]]:
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
