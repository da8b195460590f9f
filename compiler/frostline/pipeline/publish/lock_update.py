"""Freeze the live sources to the lock file: read, guard, write. Outputs and manifest stay as they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext
from datetime import date
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from frostline.errors import UsageError
from frostline.lock.codec import lock_of
from frostline.lock.merge import replace_segments
from frostline.lock.store import LockFile
from frostline.model import Finding, Lock, Reading, Snapshot
from frostline.pipeline.compile.compiling import guard_frozen, plan_frozen
from frostline.pipeline.compile.holding import hold_refused
from frostline.pipeline.freeze.confirmations import confirmed_beside
from frostline.pipeline.freeze.freezing import freeze
from frostline.pipeline.freeze.live import live_sources
from frostline.pipeline.freeze.locks import CommittedLock
from frostline.pipeline.publish.session import publish_lock, publish_session
from frostline.plan.changes import Plan
from frostline.publish.single_file import BESIDE_OUT, OUT, refuse_other_kind, replace_file
from frostline.settings import Allow, Config
from frostline.text import did_you_mean


class LockUpdate(Struct, frozen=True, kw_only=True):
    """The result of a freeze.

    snapshots: what the written file holds, or would hold if the guards had not refused.
    changed: whether the file differs from the committed lock.
    findings: of the guards. warnings: of the sources.
    plan: what committing the lock would change, if the guards refuse it; else None. readings: as in LockPair.
    """

    snapshots: tuple[Snapshot, ...]
    changed: bool
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    plan: Plan | None = None
    readings: tuple[Reading, ...] = ()

    @property
    def refused(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)


def update_lock(
    config: Config,
    allow: Allow,
    today: date,
    *,
    sources: Sequence[str] = (),
    datacenters: Sequence[str] = (),
    out: Path | None = None,
    wait: float = 0.0,
) -> LockUpdate:
    """Read the live sources, and write the lock unless guards refuse.

    sources, datacenters: read only these; () for all.
    out: write only to this file what was read, with the confirmations beside it if the configuration has `confirmed`.
    wait: as for `freeze`.
    Raises UsageError if a name in `sources` is not a live source; SourceError if a source could not be read.
    """
    live = live_sources(config)
    _check_names(sources, live, config)
    with nullcontext() if out else publish_session(config) as root:
        committed_file = CommittedLock(config)
        frozen = freeze(
            config,
            committed_file,
            sources=sources,
            datacenters=datacenters,
            allow=allow,
            wait=wait,
        )
        read = lock_of(frozen.snapshots)
        is_partial = bool(sources or datacenters)
        if is_partial and not out and committed_file.fault and not committed_file.is_mended_by(read.snapshots):
            raise committed_file.fault  # the segments that are not read now would have to come from the broken lock
        new = replace_segments(committed_file.known, read.snapshots, live) if is_partial else read
        locks = hold_refused(config, committed_file.pair_with(new, frozen), allow, today)
        new, read = locks.new, _segments_of(locks.new, read)
        update = LockUpdate(
            snapshots=read.snapshots if out else new.snapshots,
            changed=out is not None or locks.changed,
            findings=guard_frozen(config, locks, allow, today, is_whole=not is_partial or not committed_file.fault),
            warnings=(*frozen.warnings, *(() if out else locks.warnings)),
            readings=locks.readings,
        )
        if update.refused:
            return replace(update, plan=plan_frozen(config, locks))
        if out:
            _write_apart(out, read, confirmed_beside(config, out, read, locks.readings, locks.made_from))
        elif root:
            publish_lock(config, root, new, locks.readings, locks.made_from, locks.base)
    return update


def _write_apart(out: Path, lock: Lock, confirmed: Iterable[tuple[Path, list[bytes]]]) -> None:
    """Write the lock to this file, after its confirmations, so that whoever waits for the lock finds both."""
    refuse_other_kind(out, OUT)  # before anything is written
    for path, chunks in confirmed:
        replace_file(path, chunks, kind=BESIDE_OUT)
    replace_file(out, LockFile(out, lock.snapshots), kind=OUT)


def _segments_of(lock: Lock, read: Lock) -> Lock:
    """Return the segments of `lock` that are in `read`."""
    segments = {snapshot.segment for snapshot in read.snapshots}
    return Lock(tuple(snapshot for snapshot in lock.snapshots if snapshot.segment in segments))


def _check_names(names: Sequence[str], live: Collection[str], config: Config) -> None:
    for name in names:
        if name in config.sources and name not in live:
            raise UsageError(
                f"`{name}` is {config.sources[name].type}; only live sources are frozen", help=_live_help(live)
            )
        if name not in live:
            hint = did_you_mean(name, live, _live_help(live))
            raise UsageError(f"there is no live source `{name}`", help=hint)


def _live_help(live: Collection[str]) -> str:
    return f"live sources: {', '.join(live) or 'none'}"
