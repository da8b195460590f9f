"""The plan: what publishing would change, as services and endpoints first, then files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from frostline.model import Dependency, Endpoint, Entry, Key, Registry
from frostline.published import FileChange, ManifestEntry
from frostline.text import pluralize

FORMAT = "frostline.plan/1"

LockAction = Literal["create", "update"]
Effect = Literal["remove", "shrink", "change", "add", "move"]


class EndpointChange(Struct, frozen=True):
    """The names of the fields that change in an endpoint that stays, sorted.

    url: of the endpoint; None if the fields are those of the (service, version) itself.
    """

    url: str | None
    fields: tuple[str, ...]


class OverrideNote(Struct, frozen=True):
    """An override that changes the registry: its last day, its reason, and its place in a file."""

    until: str
    why: str
    place: str


class ServiceChange(Struct, frozen=True, kw_only=True):
    """One (service, version) that appears, changes or vanishes.

    before, after: how many endpoints it has.
    added, removed: URLs, sorted.
    changed: what changes in endpoints that stay.
    dependents: the consumers that declare to call it (`NAMESPACE:JOB/GROUP`, or a name from `consumers` in the
    configuration), if it vanishes or loses its last endpoint; else empty.
    known: False if the published endpoints are not known, because another lock or configuration was published; then
    `added`, `removed` and `changed` are empty.
    moved: datacenter -> number of replaced endpoints, if only addresses and ports change; else empty.
    overrides: the overrides that change it.
    """

    service: str
    version: str | None
    action: Literal["add", "change", "remove"]
    before: int
    after: int
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[EndpointChange, ...] = ()
    dependents: tuple[str, ...] = ()
    known: bool = True
    moved: dict[str, int] = {}
    overrides: tuple[OverrideNote, ...] = ()

    @property
    def effect(self) -> Effect:
        """What the change means for callers: `move` if only addresses and ports change."""
        if self.action != "change":
            return self.action
        if self.after < self.before:
            return "shrink"
        return "move" if self.moved else "change"


class Plan(Struct, frozen=True, kw_only=True):
    """What publishing would change.

    services, files: the changes, sorted.
    lock: what would happen to the lock file; None if it stays as it is.
    held: names of the services that the lock holds (`guards.refused: hold`), sorted.
    verified: names of the changed outputs that their verifiers accepted, in the order of the configuration.
    unverified: names of the changed outputs whose verifiers were not started because of `--allow unverified`.
    """

    services: tuple[ServiceChange, ...]
    files: tuple[FileChange, ...]
    lock: LockAction | None
    held: tuple[str, ...] = ()
    verified: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()

    @property
    def has_changes(self) -> bool:
        return bool(self.changes_registry or self.lock)

    @property
    def changes_registry(self) -> bool:
        """Whether a service or a file changes. The lock alone may change too: it also has ids, nodes and health."""
        return bool(self.services or self.files)


class RegistryState(Struct, frozen=True):
    """A registry and its manifest entries.

    plain: the entries that overrides change, as they would be without the overrides.
    notes: the overrides that change each entry.
    """

    registry: Registry
    entries: tuple[ManifestEntry, ...]
    plain: Mapping[Key, Entry] = {}
    notes: Mapping[Key, tuple[OverrideNote, ...]] = {}


class Comparison(Struct, frozen=True, kw_only=True):
    """What a plan compares.

    published: the entries of the manifest; () if there is no manifest.
    new: what would be published.
    baseline: the registry of the committed lock, used to list endpoint changes. It may cover only `changed_keys`, and
    may differ from what is published.
    configured_consumers: the consumers of each (service, version) by `consumers` in the configuration.
    """

    published: tuple[ManifestEntry, ...]
    new: RegistryState
    baseline: RegistryState
    configured_consumers: Mapping[Key, tuple[str, ...]] = {}


def plan_of(comparison: Comparison, files: tuple[FileChange, ...], lock: LockAction | None) -> Plan:
    """Return the plan: the changes from what is published to what would be.

    files: every file in scope, unchanged ones too.
    """
    keys = changed_keys(comparison.published, comparison.new.entries)
    changes = _service_changes(comparison, keys)
    return Plan(services=changes, files=tuple(file for file in files if file.action != "keep"), lock=lock)


def _service_changes(comparison: Comparison, keys: Iterable[Key]) -> tuple[ServiceChange, ...]:
    published = {entry.key: entry for entry in comparison.published}
    new = {entry.key: entry for entry in comparison.new.entries}
    baseline = _digests(comparison.baseline.entries)
    changes: list[ServiceChange] = []
    for key in keys:
        before, after = published.get(key), new.get(key)
        known = before is None or baseline.get(key) == before.digest
        old_entry = comparison.baseline.registry.get(key) if before and known else None
        notes = comparison.new.notes.get(key, ())
        versions = _Versions(key, before, after, old_entry, known, notes)
        changes.append(_service_change(versions, comparison.new.registry, comparison.configured_consumers.get(key, ())))
    return tuple(changes)


def changed_keys(published: Iterable[ManifestEntry], wanted: Iterable[ManifestEntry]) -> list[Key]:
    """Return the (service, version)s that appear, change or vanish, in the registry's order."""
    before, after = _digests(published), _digests(wanted)
    keys = [key for key in {*before, *after} if before.get(key) != after.get(key)]
    return sorted(keys, key=Key.sort_key)


def _digests(entries: Iterable[ManifestEntry]) -> dict[Key, str]:
    return {entry.key: entry.digest for entry in entries}


class _Versions(Struct, frozen=True):
    """A (service, version) before and after.

    old_entry: the published entry; None if it is not known or nothing was published.
    known: whether the published endpoints are known, or nothing was published.
    notes: the overrides that change it.
    """

    key: Key
    before: ManifestEntry | None
    after: ManifestEntry | None
    old_entry: Entry | None
    known: bool
    notes: tuple[OverrideNote, ...] = ()


def _service_change(versions: _Versions, registry: Registry, configured_consumers: Collection[str]) -> ServiceChange:
    """Return the change of one (service, version). registry: the new one."""
    key, before, after = versions.key, versions.before, versions.after
    old_entry, new_entry = versions.old_entry, registry.get(key) if after and versions.known else None
    old_urls, new_urls = set(_by_url(old_entry)), set(_by_url(new_entry))
    changed = tuple(_endpoint_changes(old_entry, new_entry)) if old_entry and new_entry else ()
    only_moved = old_entry and new_entry and _only_moves(old_entry, new_entry, changed)
    loses_all = before is not None and not (after and after.endpoints)
    return ServiceChange(
        service=key.service,
        version=key.version,
        action="add" if before is None else "remove" if after is None else "change",
        before=before.endpoints if before else 0,
        after=after.endpoints if after else 0,
        added=tuple(sorted(new_urls - old_urls)),
        removed=tuple(sorted(old_urls - new_urls)),
        changed=changed,
        dependents=_consumers(registry.dependents(key), configured_consumers) if loses_all else (),
        known=versions.known,
        overrides=versions.notes,
        moved=_by_datacenter(new_entry, new_urls - old_urls) if new_entry and only_moved else {},
    )


def _only_moves(before: Entry, after: Entry, changed: Iterable[EndpointChange]) -> bool:
    """Whether the entry has as many endpoints as before, and only their addresses and ports differ.

    Its own URL may change as well: the endpoint that it named may be gone.
    """
    entry_fields = {field for change in changed if change.url is None for field in change.fields}
    if entry_fields - {"url"} or any(change.url is not None for change in changed):
        return False
    return _traits(before) == _traits(after)


def _traits(entry: Entry) -> Counter[tuple[Any, ...]]:
    """Count the endpoints by what a move does not change: scheme, weight, tags and meta."""
    return Counter(
        (endpoint.url.partition(":")[0], endpoint.weight, endpoint.tags, tuple(sorted(endpoint.meta.items())))
        for endpoint in entry.endpoints
    )


def _by_datacenter(entry: Entry, urls: Collection[str]) -> dict[str, int]:
    """Count these URLs by datacenter, sorted by name."""
    counts = Counter(endpoint.datacenter for endpoint in entry.endpoints if endpoint.url in urls)
    return dict(sorted(counts.items()))


def _consumers(dependencies: Iterable[Dependency], configured_consumers: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted({*(dependency.upstream.consumer for dependency in dependencies), *configured_consumers}))


def _by_url(entry: Entry | None) -> dict[str, list[Endpoint]]:
    endpoints: dict[str, list[Endpoint]] = {}
    for endpoint in entry.endpoints if entry else ():
        endpoints.setdefault(endpoint.url, []).append(endpoint)
    return endpoints


_FIELDS = ("address", "datacenter", "meta", "namespace", "port", "tags", "weight")


def _endpoint_changes(before: Entry, after: Entry) -> Iterator[EndpointChange]:
    """Yield the changed fields of the entry, then those of each endpoint that stays, by URL."""
    entry_fields = tuple(name for name in ("auth", "sources", "url") if getattr(before, name) != getattr(after, name))
    if entry_fields:
        yield EndpointChange(None, entry_fields)
    old, new = _by_url(before), _by_url(after)
    for url in sorted(set(old) & set(new)):
        fields = tuple(name for name in _FIELDS if _values(old[url], name) != _values(new[url], name))
        if len(old[url]) != len(new[url]):  # several datacenters or namespaces can have the same URL
            yield EndpointChange(url, ("number",))
        elif fields:
            yield EndpointChange(url, fields)


def _values(endpoints: Iterable[Endpoint], name: str) -> list[Any]:
    return [getattr(endpoint, name) for endpoint in endpoints]


def plan_value(plan: Plan) -> dict[str, Any]:
    """Return the plan as JSON values (schemas/plan.schema.json)."""
    return {
        "format": FORMAT,
        "changes": plan.has_changes,
        "summary": summary(plan),
        "services": [{**msgspec.to_builtins(change), "effect": change.effect} for change in plan.services],
        "files": [
            {"path": file.path, "output": file.output, "action": file.action, "refusal": file.refusal}
            for file in plan.files
        ],
        "lock": plan.lock is not None,
        "held": list(plan.held),
        "verified": list(plan.verified),
        "unverified": list(plan.unverified),
    }


def summary(plan: Plan) -> dict[str, int]:
    """Count the services that are added, changed and removed, and the files that are written and deleted."""
    actions = [change.action for change in plan.services]
    writes = sum(file.action in ("create", "update") for file in plan.files)
    deletes = sum(file.action == "delete" for file in plan.files)
    counts = {name: actions.count(name) for name in ("add", "change", "remove")}
    return {**counts, "write": writes, "delete": deletes}


def published_line(plan: Plan, services: int) -> str:
    """Say in a sentence what publishing this plan did. services: how many are published now."""
    counts = summary(plan)
    published = pluralize(services, "service")
    if not plan.has_changes:
        return f"Up to date: {published} published."
    return (
        f"Published {published} "
        f"({counts['add']} added, {counts['change']} changed, {counts['remove']} removed): "
        f"{pluralize(counts['write'], 'file')} written, {counts['delete']} deleted."
    )
