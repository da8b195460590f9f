"""What `frostline explain` shows: where endpoints come from, what is left out, and who depends on the service."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from frostline.canonical import origin_value
from frostline.globs import matches
from frostline.lock.codec import lock_of
from frostline.model import (
    Contribution,
    Endpoint,
    Entry,
    Key,
    Lock,
    Origin,
    Registry,
    SegmentAnswer,
    Snapshot,
    Upstream,
    version_label,
)
from frostline.pipeline.compile.assembling import contributions_of, declared_contributions, overridden_of_lock
from frostline.pipeline.compile.holding import held_keys
from frostline.pipeline.compile.rendering import RegistryViews
from frostline.pipeline.freeze.live import live_sources
from frostline.pipeline.views.graph import configured_calls
from frostline.pipeline.views.listing import override_values
from frostline.registry.configured_consumers import Call
from frostline.registry.exclusions import (
    Exclusion,
    excluded_instances,
    instances_without_url,
    overridden_endpoints,
    preceded_endpoints,
)
from frostline.registry.naming import keys_of_name
from frostline.registry.overrides.applying import Overridden
from frostline.service_keys import parse_key
from frostline.settings import Config, DeclaringSettings, LiveSettings


def with_known_callers(read: Iterable[Snapshot], committed: Lock | None) -> Lock:
    """Return the lock of these snapshots, with the upstreams of sidecars that the committed lock has.

    The snapshots hold only the few services that were read. The sidecars of the other services say who calls them.
    """
    known = {snapshot.segment: snapshot for snapshot in (committed.snapshots if committed else ())}

    def with_sidecars(snapshot: Snapshot) -> Snapshot:
        old = known.get(snapshot.segment)
        sidecars = [upstream for upstream in old.upstreams if upstream.service] if old else []
        return replace(snapshot, upstreams=tuple(sorted({*snapshot.upstreams, *sidecars}, key=Upstream.sort_key)))

    return lock_of(map(with_sidecars, read))


class SeenByOutput(Struct, frozen=True, kw_only=True):
    """What an output has of one (service, version), if that may differ from the registry.

    entry: None if the output leaves it out.
    """

    output: str
    key: Key
    entry: Entry | None


class Explanation(Struct, frozen=True, kw_only=True):
    """What is known of a service.

    keys: its (service, version)s, in the registry's order; () if the service is unknown.
    exclusions: the instances and endpoints of all services that are not in the registry.
    held: the (service, version)s that the lock holds.
    calls: who calls what by `consumers` in the configuration.
    outputs: what outputs have of the keys, if that may differ from the registry.
    """

    keys: tuple[Key, ...]
    overridden: Overridden
    exclusions: tuple[Exclusion, ...]
    held: frozenset[Key] = frozenset()
    calls: tuple[Call, ...] = ()
    outputs: tuple[SeenByOutput, ...] = ()

    @property
    def registry(self) -> Registry:
        return self.overridden.registry

    def exclusions_of(self, key: Key) -> tuple[Exclusion, ...]:
        """Return the exclusions of one (service, version)."""
        return tuple(exclusion for exclusion in self.exclusions if exclusion.key == key)

    def dependents_of(self, key: Key) -> tuple[tuple[str, Origin], ...]:
        """Return who declares to call one (service, version), and where: upstreams, then `consumers`."""
        upstreams = self.registry.dependents(key)
        return (
            *((dependency.upstream.consumer, dependency.origin) for dependency in upstreams),
            *((call.consumer, call.origin) for call in self.calls if call.key == key),
        )


def explain(
    config: Config, lock: Lock, answers: Iterable[SegmentAnswer], service: str, version: str | None
) -> Explanation:
    """Explain a service. service: its name, a registered name or SERVICE/VERSION.

    answers: what the live sources answered before selection; () if they were not asked.
    version: as `version_label` writes it; None for all versions.
    """
    declared = declared_contributions(config)
    contributions = contributions_of(config, lock, declared)
    overridden = overridden_of_lock(config, lock, declared)
    exclusions = (
        *excluded_instances(answers, live_sources(config)),
        *instances_without_url(contributions),
        *preceded_endpoints(contributions, overridden.registry),
        *overridden_endpoints(overridden.effects),
    )
    calls = configured_calls(config, overridden.registry)
    possible = _possible_keys(config, service)
    keys = keys_named(overridden.registry, exclusions, service, version, [call.key for call in calls], possible)
    held = held_keys(config, lock)
    return Explanation(
        keys=tuple(keys),
        overridden=overridden,
        exclusions=exclusions,
        held=held,
        calls=calls,
        outputs=tuple(_seen_by_outputs(config, contributions, overridden.registry, keys)),
    )


def services_named(config: Config, name: str) -> tuple[str, ...]:
    """Return the services that a user may mean by this name: the service itself, or those registered under it."""
    return tuple(sorted({name, *(key.service for key in _possible_keys(config, name))}))


def _possible_keys(config: Config, name: str) -> set[Key]:
    """Return what the name may mean as a registered name, or as `SERVICE/VERSION`, which messages and globs write."""
    settings = config.sources.values()
    namings = [source.naming for source in settings if isinstance(source, (LiveSettings, DeclaringSettings))]
    return {*keys_of_name(namings, name), parse_key(name)}


def _seen_by_outputs(
    config: Config, contributions: Sequence[Contribution], registry: Registry, keys: Sequence[Key]
) -> Iterator[SeenByOutput]:
    """Yield how outputs see these (service, version)s, if they choose among the endpoints or change them."""
    views = RegistryViews(config, contributions)
    for output in config.outputs:
        has_own_endpoints = output.select.judges_endpoints or output.urls.present()
        if not (has_own_endpoints or output.sources or output.prefer or output.consumer):
            continue
        seen = views.of(output).view.registry
        for key in keys:
            entry = seen.get(key)
            differs = has_own_endpoints or _has_another_url(entry, registry.get(key))
            if matches(output.select.services, key.service) and differs:
                yield SeenByOutput(output=output.name, key=key, entry=entry)


def _has_another_url(seen: Entry | None, entry: Entry | None) -> bool:
    """Whether an output has other endpoints, or chooses another one. A service that it lacks does not count."""
    return seen is not None and (entry is None or (seen.url, seen.endpoints) != (entry.url, entry.endpoints))


def keys_named(
    registry: Registry,
    exclusions: Sequence[Exclusion],
    service: str,
    version: str | None,
    called: Iterable[Key] = (),
    possible: Iterable[Key] = (),
) -> list[Key]:
    """Return the (service, version)s that the user means, sorted. service: a service, or a registered name.

    called: keys that are known only because a consumer calls them.
    possible: what the name may mean besides, if it is known.
    """
    known = {key for key, _ in registry.entries()} | {exclusion.key for exclusion in exclusions}
    known |= {dependency.key for dependency in registry.upstreams} | set(called)
    named = {exclusion.key for exclusion in exclusions if exclusion.name == service}
    named |= {dependency.key for dependency in registry.upstreams if dependency.upstream.destination == service}
    named |= known & set(possible)
    keys = {key for key in known if key.service == service} | named
    if version is not None:
        keys = {key for key in keys if version_label(key.version) == version}
    return sorted(keys, key=Key.sort_key)


def closest(registry: Registry, exclusions: Sequence[Exclusion], service: str, version: str | None) -> list[str]:
    """Return what the user may have meant, best first; at most three names."""
    keys = {key for key, _ in registry.entries()} | {exclusion.key for exclusion in exclusions}
    versions = sorted(version_label(key.version) for key in keys if key.service == service)
    if version is not None and versions:
        return [f"{service} {label}" for label in difflib.get_close_matches(version, versions, 3, 0.1) or versions[:3]]
    by_lower: dict[str, list[str]] = {}
    for name in sorted({key.service for key in keys}):
        by_lower.setdefault(name.lower(), []).append(name)
    return [name for lower in difflib.get_close_matches(service.lower(), by_lower, 3) for name in by_lower[lower]][:3]


def explanation_value(explanation: Explanation) -> list[dict[str, Any]]:
    """Return the explanation as JSON values: a list of (service, version)s."""
    effects = explanation.overridden.effects_by_key()
    return [
        {
            "service": key.service,
            "version": key.version,
            "url": entry.url if entry else None,
            "auth": (entry.auth or None) if entry else None,
            "sources": list(entry.sources) if entry else [],
            "held": key in explanation.held,
            "endpoints": [_endpoint_value(endpoint) for endpoint in entry.endpoints] if entry else [],
            "overrides": override_values(effects.get(key, ())),
            "dependents": [
                {"consumer": consumer, "origin": origin_value(origin)}
                for consumer, origin in explanation.dependents_of(key)
            ],
            "left_out": [
                {"name": exclusion.name, "origin": origin_value(exclusion.origin), "reason": exclusion.reason}
                for exclusion in explanation.exclusions_of(key)
            ],
            **_output_values(explanation, key),
        }
        for key in explanation.keys
        for entry in [explanation.registry.get(key)]
    ]


def _output_values(explanation: Explanation, key: Key) -> dict[str, Any]:
    seen = [
        {
            "output": view.output,
            "url": view.entry.url if view.entry else None,
            "endpoints": [_endpoint_value(endpoint) for endpoint in view.entry.endpoints] if view.entry else [],
        }
        for view in explanation.outputs
        if view.key == key
    ]
    return {"outputs": seen} if seen else {}


def _endpoint_value(endpoint: Endpoint) -> dict[str, Any]:
    return {"url": endpoint.url, "weight": endpoint.weight, "origin": origin_value(endpoint.origin)}
