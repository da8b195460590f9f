"""Compare two locks: the registries that they give under today's configuration."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from frostline.config.paths import is_file, is_folder
from frostline.errors import UsageError
from frostline.events import stage
from frostline.files.reading import real_path
from frostline.lock.revisions import is_revision, is_whole_commit, read_lock_at
from frostline.lock.store import mended_elsewhere, read_lock
from frostline.model import Lock, Segment, version_label
from frostline.pipeline.compile.assembling import configured_consumers_of, declared_contributions, state_of_lock
from frostline.pipeline.freeze.live import settings_digests
from frostline.pipeline.freeze.locks import LockPair
from frostline.plan.changes import Comparison, Plan, plan_of
from frostline.settings import Config
from frostline.text import display_path, quote


class NamedLock(Struct, frozen=True):
    """A lock, and the name that the user gave: a path or a git revision."""

    name: str
    lock: Lock


def read_named_lock(config: Config, name: str) -> NamedLock:
    """Read the lock in this file or folder; if there is none, the configured lock in this git revision.

    The full name of a commit never means a file: a branch under review could contain a file of that name, and so
    replace what it is compared with.
    Raises UsageError if the name is neither or both, or if it names something that is not a lock.
    """
    path = Path(name)
    lock: Lock | None = None
    with stage(f"reading the lock {name}"):
        if name and not is_whole_commit(name) and (is_file(path) or is_folder(path)):
            lock = _read_lock_file(config, path, name)
            if lock is not None and is_revision(name, config.lock.parent):
                raise _ambiguous(name)
        if lock is None:  # even if there is a folder, as a branch may have its name
            shown = display_path(config.lock)
            lock = read_lock_at(name, config.lock, is_folder=config.lock_is_folder, shown=shown)
    return NamedLock(name, lock)


def _ambiguous(name: str) -> UsageError:
    return UsageError(
        f"{quote(name)} is both a lock here and a git revision",
        help=f"write {quote(f'./{name}')} for the lock, or the full name of the commit, which `git rev-parse` prints",
    )


def _read_lock_file(config: Config, path: Path, name: str) -> Lock | None:
    try:
        return read_lock(path, is_folder=is_folder(path), shown=name)
    except UsageError as error:
        if real_path(path) == real_path(config.lock):
            raise
        raise mended_elsewhere(error, "compare with a lock that is whole") from None


def diff_locks(config: Config, before: Lock, after: Lock) -> Plan:
    """Return what changes between the registries of two locks, as a plan without files."""
    declared = declared_contributions(config)
    with stage("assembling the registries"):
        baseline = state_of_lock(config, before, declared)
        new = baseline if before == after else state_of_lock(config, after, declared)
    configured_consumers = configured_consumers_of(config, baseline.entries, new.entries)
    comparison = Comparison(
        published=baseline.entries, baseline=baseline, new=new, configured_consumers=configured_consumers
    )
    return plan_of(comparison, (), None if before == after else "update")


def registry_difference(config: Config, locks: LockPair) -> tuple[str, ...]:
    """Name what the new lock changes in the registry: `change payments v1`, `upstreams`; () if only the lock changes.

    The lock also holds ids, nodes and health, which change no service, endpoint or upstream.
    """
    if not locks.changed:
        return ()
    if locks.committed is None or locks.fault:
        return ("there is no lock yet",)
    configured = settings_digests(config)
    if _settings_of(locks.new, configured) != _settings_of(locks.committed, configured):
        return ("the lock was frozen with other settings than today's",)
    declared = declared_contributions(config)
    with stage("comparing the registries"):
        before, after = (state_of_lock(config, lock, declared) for lock in (locks.committed, locks.new))
    plan = plan_of(Comparison(published=before.entries, baseline=before, new=after), (), "update")
    changes = [f"{change.action} {change.service} {version_label(change.version)}" for change in plan.services]
    if before.registry.upstreams != after.registry.upstreams:
        changes.append("upstreams")
    return tuple(changes)


def _settings_of(lock: Lock, sources: Container[str]) -> dict[Segment, str]:
    return {snapshot.segment: snapshot.settings for snapshot in lock.snapshots if snapshot.source in sources}


def other_settings(config: Config, locks: Iterable[NamedLock]) -> Iterator[str]:
    """Yield a warning for each source that a lock froze with other settings than today's."""
    digests = settings_digests(config)
    for named in locks:
        sources = {
            snapshot.source
            for snapshot in named.lock.snapshots
            if digests.get(snapshot.source, snapshot.settings) != snapshot.settings
        }
        for source in sorted(sources):
            yield (
                f"{named.name}: source `{source}` was frozen with other settings than today's; "
                "names and URLs follow today's settings, but the selection is still the one in the lock"
            )
