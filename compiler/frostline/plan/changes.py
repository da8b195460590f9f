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
    """What changes of an endpoint that stays: names of its fields, sorted.

    url None: of the (service, version) itself; its `url` is the one to use where one is wanted.
    """

    url: str | None
    fields: tuple[str, ...]


class OverrideNote(Struct, frozen=True):
    """An override that is at work: its last day, its reason, and its place in a file."""

    until: str
    why: str
    place: str


class ServiceChange(Struct, frozen=True, kw_only=True):
    """One (service, version) that appears, changes or vanishes.

    dependents: who declares to call it (`NAMESPACE:JOB/GROUP`, or a name of the configuration's `consumers`), where it
    vanishes or has no endpoint any more.
    before, after: how many endpoints it has. added, removed: URLs, sorted. These two and `changed` are empty where what
    was published is not known endpoint by endpoint (`known`): it came from another lock or configuration.
    overrides: those that are at work on it.
    moved: where nothing changes but addresses and ports, datacenter -> number of endpoints that are others; else empty.
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
        """What it means for those who call it: `move` where only addresses and ports change."""
        if self.action != "change":
            return self.action
        if self.after < self.before:
            return "shrink"
        return "move" if self.moved else "change"


class Plan(Struct, frozen=True, kw_only=True):
    """services, files: what changes, sorted; lock: how the lock file would change, None where it would not.

    held: the services that the lock holds (`guards.refused: hold`), sorted.
    verified, unverified: names of the outputs that change and whose verifiers took them, or were not started because
    `--allow` says so; in the order of the configuration.
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
        """Whether a service or a file changes: all but the lock, which has ids, nodes and health too."""
        return bool(self.services or self.files)


class RegistryState(Struct, frozen=True):
    """A registry and its manifest entries.

    plain: the entries that overrides change in it, as they would be without. notes: these overrides.
    """

    registry: Registry
    entries: tuple[ManifestEntry, ...]
    plain: Mapping[Key, Entry] = {}
    notes: Mapping[Key, tuple[OverrideNote, ...]] = {}


class Comparison(Struct, frozen=True, kw_only=True):
    """What a plan compares.

    published: the entries of the manifest, () if there is none. new: what would be published.
    baseline: registry of the committed lock, used to list endpoint changes. It may cover only `changed_keys`, and may
    differ from what is published. configured_consumers: who calls what by the configuration's `consumers`.
    """

    published: tuple[ManifestEntry, ...]
    new: RegistryState
    baseline: RegistryState
    configured_consumers: Mapping[Key, tuple[str, ...]] = {}


def plan_of(comparison: Comparison, files: tuple[FileChange, ...], lock: LockAction | None) -> Plan:
    """The plan from what is published to what would be. files: all files in scope, those that stay too."""
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
    """The (service, version)s that appear, change or vanish, in the registry's order."""
    before, after = _digests(published), _digests(wanted)
    keys = [key for key in {*before, *after} if before.get(key) != after.get(key)]
    return sorted(keys, key=Key.sort_key)


def _digests(lines: Iterable[ManifestEntry]) -> dict[Key, str]:
    return {line.key: line.digest for line in lines}


class _Versions(Struct, frozen=True):
    """A (service, version) before and after. entry: the published one; known: whether the baseline has it.

    notes: the overrides that are at work on it.
    """

    key: Key
    before: ManifestEntry | None
    after: ManifestEntry | None
    entry: Entry | None
    known: bool
    notes: tuple[OverrideNote, ...] = ()


def _service_change(versions: _Versions, registry: Registry, configured_consumers: Collection[str]) -> ServiceChange:
    """registry: the new one. configured_consumers: who calls it by the configuration."""
    key, before, after = versions.key, versions.before, versions.after
    old_entry, new_entry = versions.entry, registry.get(key) if after and versions.known else None
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


def _only_moves(was: Entry, now: Entry, changed: Iterable[EndpointChange]) -> bool:
    """Whether there are as many endpoints as before, which differ in address and port alone.

    The chosen URL may be another one: the one chosen before may be gone.
    """
    of_entry = {field for change in changed if change.url is None for field in change.fields}
    if of_entry - {"url"} or any(change.url is not None for change in changed):
        return False
    return _traits(was) == _traits(now)


def _traits(entry: Entry) -> Counter[tuple[Any, ...]]:
    """What a move leaves as it is: scheme, weight, tags and meta of each endpoint."""
    return Counter(
        (endpoint.url.partition(":")[0], endpoint.weight, endpoint.tags, tuple(sorted(endpoint.meta.items())))
        for endpoint in entry.endpoints
    )


def _by_datacenter(entry: Entry, urls: Collection[str]) -> dict[str, int]:
    """How many of these URLs are in each datacenter, sorted by its name."""
    counts = Counter(endpoint.datacenter for endpoint in entry.endpoints if endpoint.url in urls)
    return dict(sorted(counts.items()))


def _consumers(dependencies: Iterable[Dependency], configured_consumers: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted({*(dependency.upstream.consumer for dependency in dependencies), *configured_consumers}))


def _by_url(entry: Entry | None) -> dict[str, list[Endpoint]]:
    found: dict[str, list[Endpoint]] = {}
    for endpoint in entry.endpoints if entry else ():
        found.setdefault(endpoint.url, []).append(endpoint)
    return found


_FIELDS = ("address", "datacenter", "meta", "namespace", "port", "tags", "weight")


def _endpoint_changes(was: Entry, now: Entry) -> Iterator[EndpointChange]:
    """What changes beside endpoints that come and go: of the entry, then of each endpoint that stays, by URL."""
    of_entry = tuple(name for name in ("auth", "sources", "url") if getattr(was, name) != getattr(now, name))
    if of_entry:
        yield EndpointChange(None, of_entry)
    had, has = _by_url(was), _by_url(now)
    for url in sorted(set(had) & set(has)):
        fields = tuple(name for name in _FIELDS if _values(had[url], name) != _values(has[url], name))
        if len(had[url]) != len(has[url]):  # in another datacenter or namespace, the same URL
            yield EndpointChange(url, ("number",))
        elif fields:
            yield EndpointChange(url, fields)


def _values(endpoints: Iterable[Endpoint], name: str) -> list[Any]:
    return [getattr(endpoint, name) for endpoint in endpoints]


def plan_value(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values (schemas/plan.schema.json)."""
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
    """How many services are added, changed and removed, and how many files are written and deleted."""
    actions = [change.action for change in plan.services]
    writes = sum(file.action in ("create", "update") for file in plan.files)
    deletes = sum(file.action == "delete" for file in plan.files)
    counts = {name: actions.count(name) for name in ("add", "change", "remove")}
    return {**counts, "write": writes, "delete": deletes}


def published_line(plan: Plan, services: int) -> str:
    """What publishing this plan did, in a sentence. services: how many are published now."""
    counts = summary(plan)
    published = pluralize(services, "service")
    if not plan.has_changes:
        return f"Up to date: {published} published."
    return (
        f"Published {published} "
        f"({counts['add']} added, {counts['change']} changed, {counts['remove']} removed): "
        f"{pluralize(counts['write'], 'file')} written, {counts['delete']} deleted."
    )
