"""Registries with overrides: what a plan says of them, and how guards look past what was done on purpose.

A guard compares what was published with what would be, both without overrides: neither do these count, nor does any
other change hide behind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from frostline.model import Entry, Key, Registry, registry_of
from frostline.plan.changes import OverrideNote, RegistryState
from frostline.published import ManifestEntry
from frostline.registry.assembling import entry_digest, properties_digest
from frostline.registry.overrides.applying import Overridden


def manifest_entries(registry: Registry) -> tuple[ManifestEntry, ...]:
    """The manifest's entry of each (service, version)."""
    return tuple(_manifest_entry(key, entry) for key, entry in registry.entries())


def _manifest_entry(key: Key, entry: Entry) -> ManifestEntry:
    return ManifestEntry(
        service=key.service,
        version=key.version,
        digest=entry_digest(entry),
        endpoints=len(entry.endpoints),
        properties=properties_digest(entry),
    )


def state_of(overridden: Overridden) -> RegistryState:
    """The registry with its overrides, its manifest entries, and what a plan says of the overrides."""
    notes: dict[Key, tuple[OverrideNote, ...]] = {}
    for key, effects in overridden.effects_by_key().items():
        overrides = [effect.override for effect in effects]
        notes[key] = tuple(OverrideNote(until=one.until, why=one.why, place=str(one.origin)) for one in overrides)
    registry = overridden.registry
    return RegistryState(registry, manifest_entries(registry), plain=overridden.plain, notes=notes)


def as_published(state: RegistryState, published: Iterable[ManifestEntry] | None) -> RegistryState:
    """The state, but without the overrides of a (service, version) that was published so."""
    if not state.plain or published is None:
        return state
    digests = {entry.key: entry.digest for entry in published if entry.key in state.plain}
    return _without_overrides(state, {key for key in digests if digests[key] == entry_digest(state.plain[key])})


class Judged(Struct, frozen=True):
    """What guards compare: what is published (None: nothing is), its registry where it is known, and the new one."""

    published: tuple[ManifestEntry, ...] | None
    baseline: RegistryState
    new: RegistryState


def judged(published: tuple[ManifestEntry, ...] | None, baseline: RegistryState, new: RegistryState) -> Judged:
    """What guards compare: of a service with overrides, what it was and would be without them.

    Where that is not known, as after a change of the override itself, the new one is with them or without, whichever is
    less of a change.
    """
    if (not new.plain and not baseline.plain) or published is None:
        return Judged(published, baseline, new)
    known = {entry.key: entry.digest for entry in baseline.entries}
    were = {before.key for before in published if known.get(before.key) == before.digest}
    without = were & {*new.plain, *baseline.plain}
    for before in published:
        key = before.key
        if key in new.plain and key not in were:
            entries = {False: new.registry.get(key), True: new.plain[key]}
            without |= {key} if min(entries, key=partial(_distance, before, entries)) else set()
    plain = _without_overrides(baseline, without & baseline.plain.keys())
    entries_now = {entry.key: entry for entry in plain.entries if entry.key in without & were}
    return Judged(
        published=tuple(entries_now.get(entry.key, entry) for entry in published),
        baseline=plain,
        new=_without_overrides(new, without & new.plain.keys()),
    )


def _distance(before: ManifestEntry, entries: Mapping[bool, Entry | None], is_plain: bool) -> tuple[int, bool, bool]:
    """How much of a change it is: endpoints lost, other properties, other endpoints."""
    entry = entries[is_plain]
    if entry is None:
        return before.endpoints, True, True
    lost = max(0, before.endpoints - len(entry.endpoints))
    return lost, properties_digest(entry) != before.properties, entry_digest(entry) != before.digest


def _without_overrides(state: RegistryState, keys: set[Key]) -> RegistryState:
    if not keys:
        return state
    entries = {key: state.plain[key] if key in keys else entry for key, entry in state.registry.entries()}
    return replace(
        state,
        registry=registry_of(entries, state.registry.upstreams),
        entries=tuple(
            _manifest_entry(found.key, state.plain[found.key]) if found.key in keys else found
            for found in state.entries
        ),
        plain={key: entry for key, entry in state.plain.items() if key not in keys},
    )
