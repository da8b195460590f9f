"""Registries with overrides: what a plan says about the overrides, and how guards look past them.

A guard compares what was published with what would be published, both without overrides. So an override, which somebody
made on purpose, never counts as a change, and no other change can hide behind it.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from frostline.model import Entry, Key, Registry, registry_of
from frostline.plan.changes import OverrideNote, RegistryState
from frostline.published import ManifestEntry
from frostline.registry.assembling import entry_digest, properties_digest
from frostline.registry.overrides.applying import Overridden


def manifest_entries(registry: Registry) -> tuple[ManifestEntry, ...]:
    """Return the manifest's entry of each (service, version)."""
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
    """Return the registry with its overrides, its manifest entries, and what a plan says about the overrides."""
    notes: dict[Key, tuple[OverrideNote, ...]] = {}
    for key, effects in overridden.effects_by_key().items():
        overrides = [effect.override for effect in effects]
        notes[key] = tuple(
            OverrideNote(until=override.until, why=override.why, place=str(override.origin)) for override in overrides
        )
    registry = overridden.registry
    return RegistryState(registry, manifest_entries(registry), plain=overridden.plain, notes=notes)


def as_published(state: RegistryState, published: Iterable[ManifestEntry] | None) -> RegistryState:
    """Return the state, without the overrides of each (service, version) that was published without them."""
    if not state.plain or published is None:
        return state
    digests = {entry.key: entry.digest for entry in published if entry.key in state.plain}
    return _without_overrides(state, {key for key in digests if digests[key] == entry_digest(state.plain[key])})


class GuardedStates(Struct, frozen=True):
    """What guards compare.

    published: the manifest's entries; None if nothing is published.
    baseline: the registry of the committed lock, in which the published entries are known. new: the new registry.
    """

    published: tuple[ManifestEntry, ...] | None
    baseline: RegistryState
    new: RegistryState


def guarded_states(
    published: tuple[ManifestEntry, ...] | None, baseline: RegistryState, new: RegistryState
) -> GuardedStates:
    """Return what guards compare: services with overrides are compared without them, before and after.

    If the published endpoints of such a service are not known, as after a change of the override itself, its new entry
    is compared with or without overrides, whichever is less of a change.
    """
    if (not new.plain and not baseline.plain) or published is None:
        return GuardedStates(published, baseline, new)
    digests = {entry.key: entry.digest for entry in baseline.entries}
    known = {entry.key for entry in published if digests.get(entry.key) == entry.digest}
    without = known & {*new.plain, *baseline.plain}
    for entry in published:
        key = entry.key
        if key in new.plain and key not in known:
            plain_is_closer = _distance(entry, new.plain[key]) < _distance(entry, new.registry.get(key))
            without |= {key} if plain_is_closer else set()
    plain = _without_overrides(baseline, without & baseline.plain.keys())
    plain_entries = {entry.key: entry for entry in plain.entries if entry.key in without & known}
    return GuardedStates(
        published=tuple(plain_entries.get(entry.key, entry) for entry in published),
        baseline=plain,
        new=_without_overrides(new, without & new.plain.keys()),
    )


def _distance(before: ManifestEntry, entry: Entry | None) -> tuple[int, bool, bool]:
    """Return how much of a change the entry is: endpoints lost, other properties, other endpoints."""
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
            _manifest_entry(entry.key, state.plain[entry.key]) if entry.key in keys else entry
            for entry in state.entries
        ),
        plain={key: entry for key, entry in state.plain.items() if key not in keys},
    )
