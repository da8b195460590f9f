"""Read the live sources. This module alone uses a network."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from typing import cast

from msgspec.structs import replace

from frostline.errors import UNREADABLE, UNTOUCHED, ErrorGroup, FrostlineError, SourceError
from frostline.events import report_progress, stage
from frostline.model import Key, SegmentAnswer, Snapshot
from frostline.pipeline.freeze.confirmations import SegmentAge, now_utc, reading_of
from frostline.pipeline.freeze.live import live_sources, settings_digests
from frostline.pipeline.freeze.locks import CommittedLock, FreezeResult
from frostline.pipeline.freeze.narrowing import shaped_by
from frostline.pipeline.freeze.unreachable import age_warnings, keep_unreachable
from frostline.pipeline.freeze.vanished import vanished, with_vanished
from frostline.registry.naming import names_of
from frostline.registry.selection.selecting import count_unhealthy, snapshot_of, unknown_statuses
from frostline.settings import Allow, Config, LiveSettings, ServerSettings
from frostline.sources.base import ReadResult, source_module

_log = logging.getLogger(__name__)

_WAIT_STEP = 1.0  # seconds between two attempts


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
    """Read the live sources.

    committed: the lock, of which `partial` keeps the datacenters that cannot be reached; None if there is no lock.
    sources, datacenters: read only these; () for all.
    services: read only the registered names that may belong to these services, and answer with all their instances,
    even those that are not selected; () for all.
    allow: its `partial` reads every source as with `partial: true`, its `empty` lets a datacenter vanish.
    wait: how many seconds to wait for servers that are down or have no leader.
    Raises SourceError, or an ErrorGroup, if a source could not be read completely.
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
            reading = _read_with_vanished(asked, tuple(datacenters), committed, allow or Allow(), wait_until)
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
    """Return the settings to read with. services, allow: as for `freeze`."""
    names = {name for service in services for name in names_of(settings.naming, service)}
    asked = settings.with_services(tuple(sorted(names))) if names else settings
    if allow and allow.partial and isinstance(asked, ServerSettings):
        asked = replace(asked, partial=True, partial_max_age=None)
    return asked


def _select(
    reading: ReadResult, settings: LiveSettings, digest: str, unhealthy: dict[Key, Counter[str]]
) -> list[Snapshot]:
    """Make the snapshots of what was read. unhealthy: the instances left out for their health are counted into it."""
    with stage(f"selecting of source {settings.name}"):
        noted = shaped_by(settings)
        for answer in reading.answers:
            count_unhealthy(answer, settings, unhealthy)
        return [snapshot_of(answer, settings, digest, noted) for answer in reading.answers]


def _failure(failed: Sequence[FrostlineError], committed: CommittedLock | None) -> FrostlineError:
    """Return one error for these. It ends with what still works without the sources."""
    error = failed[0] if len(failed) == 1 else ErrorGroup(failed)
    if error.status == UNREADABLE and committed and committed.segments:
        error.ending = f"{UNTOUCHED} {_WITHOUT_SOURCES}"
    return error


_WITHOUT_SOURCES = (
    "`frostline check`, `frostline list`, `frostline explain --offline` and `frostline compile --offline` work from "
    "the lock, without the sources."
)


def _read_with_vanished(
    settings: LiveSettings,
    datacenters: tuple[str, ...],
    committed: CommittedLock | None,
    allow: Allow,
    wait_until: float,
) -> ReadResult:
    """Read one source. Datacenters of the lock that its server no longer knows count as unreachable."""
    with stage(f"reading source {settings.name}"):
        reading = _read_source(settings, datacenters, wait_until)
    if committed and not datacenters:
        return with_vanished(settings, reading, vanished(settings, reading, committed, allow))
    return reading


def _read_source(settings: LiveSettings, datacenters: tuple[str, ...], wait_until: float) -> ReadResult:
    """Read one source. While its server is down or has no leader, try again until `wait_until` (time.monotonic()).

    Only the last try may use `partial`.
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
