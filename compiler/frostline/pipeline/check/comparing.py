"""What differs between two locks: between the registries that they give under today's configuration."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from frostline.config.paths import is_file, is_folder
from frostline.errors import UsageError
from frostline.events import stage
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
    """A lock, and how the user named it: a path, or a git revision."""

    name: str
    lock: Lock


def read_named_lock(config: Config, name: str) -> NamedLock:
    """The lock in this file or folder; where there is none, the configured lock in this git revision.

    A whole name of a commit is never a file: a branch under review may have one of that name, to be compared with.
    UsageError: there is neither, or both, or what is there is not a lock.
    """
    path = Path(name)
    lock: Lock | None = None
    with stage(f"reading the lock {name}"):
        if name and not is_whole_commit(name) and (is_file(path) or is_folder(path)):
            lock = _read_lock_file(config, path, name)
            if lock is not None and is_revision(name, config.lock.parent):
                raise _ambiguous(name)
        if lock is None:  # also where a branch has the name of a folder
            shown = display_path(config.lock)
            lock = read_lock_at(name, config.lock, is_folder=config.lock_is_folder, shown=shown)
    return NamedLock(name, lock)


def _ambiguous(name: str) -> UsageError:
    return UsageError(
        f"{quote(name)} is a lock here, and a git revision",
        help=f"write {quote(f'./{name}')} for the lock, or the whole name of the commit, which `git rev-parse` prints",
    )


def _read_lock_file(config: Config, path: Path, name: str) -> Lock | None:
    try:
        return read_lock(path, is_folder=is_folder(path), shown=name)
    except UsageError as error:
        if path.resolve() == config.lock.resolve():
            raise
        raise mended_elsewhere(error, "compare with a lock that is whole") from None


def diff_locks(config: Config, before: Lock, after: Lock) -> Plan:
    """What changes from the registry of one lock to that of another, as a plan without files."""
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
    """What the new lock changes of the registry: `change payments v1`, `upstreams`; () where only the lock changes.

    Ids, nodes and health are in the lock; no service, endpoint or upstream changes with them.
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
    moved = before.registry.upstreams != after.registry.upstreams
    return (*changes, *(["upstreams"] if moved else []))


def _settings_of(lock: Lock, sources: Container[str]) -> dict[Segment, str]:
    return {snapshot.segment: snapshot.settings for snapshot in lock.snapshots if snapshot.source in sources}


def other_settings(config: Config, locks: Iterable[NamedLock]) -> Iterator[str]:
    """A warning for each source that a lock froze with other settings than today's."""
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
                "names and URLs are made with today's, but what was selected is as it was"
            )
