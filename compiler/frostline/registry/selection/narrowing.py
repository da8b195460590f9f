"""Applies a changed selection to the lock: makes the snapshots that a freeze with the new selection would give.

That works only for a selection that takes less than before. The lock does not hold excluded instances. It holds only
the tags and meta that `keep` kept, and for failing instances only their names and versions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from frostline.globs import is_literal, matches
from frostline.model import Declared, Instance, Snapshot
from frostline.registry.selection.equal_instances import without_identity
from frostline.registry.selection.glob_difference import TooManyGlobsError, name_beyond
from frostline.registry.selection.selecting import naming_inputs, upstreams_of
from frostline.settings import Keep, LiveSettings, SegmentList, Select
from frostline.text import list_names, shorten


class NarrowingError(Exception):
    """Why the lock cannot serve the new selection: a sentence without a full stop."""


class Change(Struct, frozen=True, kw_only=True):
    """How the selection of one source changed.

    settings: the new ones. before, after: the settings that shape a snapshot (`Snapshot.shaped_by`), with all defaults;
    they differ only in the keys of `changed`. segments: the keys that list segments. held: all snapshots of the source
    in the lock.
    """

    settings: LiveSettings
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    changed: Sequence[str]
    segments: Mapping[str, SegmentList]
    held: Sequence[Snapshot]

    @property
    def new_select(self) -> Select:
        return self.settings.select

    @property
    def old_select(self) -> Select:
        return msgspec.convert(self.before["select"], Select)


def narrowed_snapshots(snapshots: Sequence[Snapshot], change: Change) -> tuple[Snapshot, ...]:
    """The snapshots that a freeze with the new settings would give. Raises NarrowingError if the lock holds too little.

    snapshots: frozen with the old settings, of segments that the new settings still read. `settings` and `shaped_by`
    stay as they are.
    """
    for name in change.changed:
        _refuse_wider(name, change)
    if any(name.startswith("select.") for name in change.changed):
        snapshots = [_selected(snapshot, change) for snapshot in snapshots]
    if any(name in _IDENTITY for name in change.changed):
        snapshots = [_without_identity(snapshot, change.settings.keep) for snapshot in snapshots]
    return tuple(snapshots)


_IDENTITY = {"keep.ids": "ids", "keep.nodes": "nodes"}


def _without_identity(snapshot: Snapshot, keep: Keep) -> Snapshot:
    instances = without_identity(snapshot.instances, keep)
    return replace(snapshot, instances=tuple(sorted(instances, key=Instance.sort_key)))


def _refuse_wider(name: str, change: Change) -> None:
    if name in change.segments:
        _refuse_other_segments(name, change)
    elif name == "select.services":
        _refuse_globs(name, change.new_select.services, change.old_select.services)
    elif name == "select.tags":
        _refuse_tags(change)
    elif name == "select.meta":
        _refuse_meta(change)
    elif name == "select.health":
        more = [health for health in change.new_select.health if health not in change.old_select.health]
        if more:
            raise NarrowingError(f"`{name}` now takes {list_names(more)}, which the lock was not frozen with")
    elif name in _IDENTITY:
        if getattr(change.settings.keep, _IDENTITY[name]):
            raise NarrowingError(f"`{name}` is true now, and the lock holds no {_IDENTITY[name]}")
    else:
        why = _WHY_NOT.get(name) or _WHY_NOT.get(name.partition(".")[0])
        raise NarrowingError(f"`{name}` differs from what the lock was frozen with{f': {why}' if why else ''}")


_WHY_NOT = {
    "select.kinds": "the lock does not hold the kinds of instances",
    "select.node_meta": "the lock does not hold the meta of nodes",
    "keep": "the lock holds only what `keep` kept at that time",
    "address": "another server may answer differently",
    "address_from": "the lock holds only one address of each instance",
    "version_from": "the lock holds the versions of failing instances as they were read at that time",
}


def _refuse_globs(name: str, new: Sequence[str], old: Sequence[str]) -> None:
    try:
        beyond = name_beyond(new, old)
    except TooManyGlobsError:
        raise NarrowingError(f"`{name}` has changed, and its globs are too many to compare") from None
    if beyond is None:
        return
    by = next(glob for glob in reversed(new) if matches((glob,), beyond))
    example = "" if is_literal(by) or by not in old else f" names such as `{shorten(beyond)}` by"
    raise NarrowingError(f"`{name}` now takes{example} `{shorten(by)}`, which the lock was not frozen with")


def _refuse_tags(change: Change) -> None:
    new, old = change.new_select.tags, change.old_select.tags
    dropped = [tag for tag in old if tag not in new]
    if dropped:
        them = "it" if len(dropped) == 1 else "them"
        raise NarrowingError(
            f"`select.tags` no longer requires {list_names(dropped)}, but the lock holds only instances with {them}"
        )
    lost = [tag for tag in new if tag not in old and not matches(change.settings.keep.tags, tag)]
    if lost:
        raise NarrowingError(f"`select.tags` now requires {list_names(lost)}, which `keep.tags` keeps out of the lock")


def _refuse_meta(change: Change) -> None:
    new, old = change.new_select.meta, change.old_select.meta
    dropped = [key for key, value in old.items() if new.get(key) != value]
    if dropped:
        raise NarrowingError(
            f"`select.meta` no longer requires the old value of {list_names(dropped)}, "
            "but the lock holds only instances with the old values"
        )
    lost = [key for key in new if key not in old and not matches(change.settings.keep.meta, key)]
    if lost:
        raise NarrowingError(f"`select.meta` now requires {list_names(lost)}, which `keep.meta` keeps out of the lock")


def _refuse_other_segments(name: str, change: Change) -> None:
    new, old = change.after[name], change.before[name]
    held = {_segment_name(snapshot, change.segments[name]) for snapshot in change.held}
    missing = [glob for glob in new if is_literal(glob) and matches(new, glob) and glob not in held]
    if missing:
        raise NarrowingError(f"`{name}` now has {list_names(missing)}, which the lock does not hold")
    if not change.segments[name].empty_is_own:
        return
    if not new:
        raise NarrowingError(f"`{name}` is no longer set, and the lock does not say which one is the agent's own")
    if old:
        _refuse_globs(name, new, old)
    elif not all(map(is_literal, new)):
        raise NarrowingError(f"`{name}` now takes {list_names(new)}, which the lock was not frozen with")


def _segment_name(snapshot: Snapshot, listed: SegmentList) -> str | None:
    return listed.name_of(snapshot.datacenter, snapshot.namespace)


def _selected(snapshot: Snapshot, change: Change) -> Snapshot:
    """The part of the snapshot that the new selection takes, as `snapshot_of` would give it."""
    select = change.new_select
    declared = [line for line in snapshot.declared if matches(select.services, line.service)]
    if change.settings.keep.endpoints:
        _refuse_unknown_values(declared, change)
    else:
        declared = [line for line in declared if _has_added_values(line, change)]
    named = [instance for instance in snapshot.instances if matches(select.services, instance.service)]
    taken = [instance for instance in named if _has_added_values(instance, change)]
    healthy = [instance for instance in taken if instance.health in select.health]
    failing = [instance for instance in taken if instance.health not in select.health]
    return replace(
        snapshot,
        instances=tuple(healthy),
        declared=tuple(_declared(declared, healthy, failing, change)),
        upstreams=upstreams_of(
            snapshot.upstreams, [*(instance.service for instance in taken), *(line.service for line in declared)]
        ),
    )


def _refuse_unknown_values(declared: Sequence[Declared], change: Change) -> None:
    """Raises NarrowingError if tags or meta of failing instances would decide.

    The lock holds only those that name their version.
    """
    keys = [name for name in change.changed if name in ("select.tags", "select.meta")]
    if declared and keys:
        raise NarrowingError(
            f"{list_names(keys)} has changed, and the lock holds neither tags nor meta of failing instances, "
            f"such as those of `{shorten(declared[0].service)}`"
        )


def _has_added_values(instance: Instance | Declared, change: Change) -> bool:
    """Whether the instance has the tags and meta that are required now and were not before.

    Every instance of the lock has what was required before, although `keep` may have left it out.
    """
    new, old = change.new_select, change.old_select
    return all(tag in instance.tags for tag in new.tags if tag not in old.tags) and all(
        instance.meta.get(key) == value for key, value in new.meta.items() if key not in old.meta
    )


def _declared(
    declared: Sequence[Declared], healthy: Sequence[Instance], failing: Sequence[Instance], change: Change
) -> Iterator[Declared]:
    """What was only declared before, and what loses its last instance by the new `select.health`. Sorted."""
    if not failing:
        yield from declared
        return
    version_from = change.settings.naming.version_from
    of_healthy, of_failing = (
        {
            naming_input
            for instance in instances
            for naming_input in naming_inputs(instance.service, instance.tags, instance.meta, version_from)
        }
        for instances in (healthy, failing)
    )
    of_failing |= {(line.service, line.tags, tuple(sorted(line.meta.items()))) for line in declared}
    for service, tags, meta in sorted(of_failing - of_healthy):
        yield Declared(service=service, tags=tags, meta=dict(meta))
