"""What `frostline explain` shows: where endpoints come from, what is left out, who depends on it."""

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
    """The lock of these snapshots, of which only a few services were asked for: with the sidecars that the committed
    lock knows of all others, which say who calls these few."""
    known = {snapshot.segment: snapshot for snapshot in (committed.snapshots if committed else ())}
    return lock_of(
        replace(snapshot, upstreams=tuple(sorted({*snapshot.upstreams, *sidecars}, key=Upstream.sort_key)))
        for snapshot in read
        for before in [known.get(snapshot.segment)]
        for sidecars in [[one for one in before.upstreams if one.service] if before else []]
    )


class SeenByOutput(Struct, frozen=True, kw_only=True):
    """What an output has of one (service, version), where it may be something else than the registry.

    entry: None where it leaves it out.
    """

    output: str
    key: Key
    entry: Entry | None


class Explanation(Struct, frozen=True, kw_only=True):
    """What is known of a service. keys: in the registry's order; () if the service is unknown.

    exclusions: the instances and endpoints that the registry does not have, of all services. held: the (service,
    version)s that the lock holds. calls: who calls what by the configuration's `consumers`.
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
        """Those of one (service, version)."""
        return tuple(exclusion for exclusion in self.exclusions if exclusion.key == key)

    def dependents_of(self, key: Key) -> tuple[tuple[str, Origin], ...]:
        """Who declares to call one (service, version), and where: upstreams, then `consumers`."""
        upstreams = self.registry.dependents(key)
        return (
            *((dependency.upstream.consumer, dependency.origin) for dependency in upstreams),
            *((call.consumer, call.origin) for call in self.calls if call.key == key),
        )


def explain(
    config: Config, lock: Lock, answers: Iterable[SegmentAnswer], service: str, version: str | None
) -> Explanation:
    """Explain a service, also by a registered name or as SERVICE/VERSION. version: as `version_label` writes it.

    answers: what the live sources answered before selection, () if they were not asked.
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
    written = _keys_written(config, service)
    keys = keys_named(overridden.registry, exclusions, service, version, [call.key for call in calls], written)
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
    """The services that a user may mean by this name: of this name, or registered under it."""
    return tuple(sorted({name, *(key.service for key in _keys_written(config, name))}))


def _keys_written(config: Config, name: str) -> set[Key]:
    """What this name stands for as a registered one, and as `SERVICE/VERSION`, which messages and globs write."""
    settings = config.sources.values()
    namings = [source.naming for source in settings if isinstance(source, (LiveSettings, DeclaringSettings))]
    return {*keys_of_name(namings, name), parse_key(name)}


def _seen_by_outputs(
    config: Config, contributions: Sequence[Contribution], registry: Registry, keys: Sequence[Key]
) -> Iterator[SeenByOutput]:
    """How the outputs see these (service, version)s, where they choose among endpoints or see others."""
    views = RegistryViews(config, contributions)
    for output in config.outputs:
        has_own = output.select.judges_endpoints or output.urls.present()
        if not (has_own or output.sources or output.prefer or output.consumer):
            continue
        seen = views.of(output).view.registry
        for key in keys:
            entry = seen.get(key)
            if matches(output.select.services, key.service) and (has_own or _has_another_url(entry, registry.get(key))):
                yield SeenByOutput(output=output.name, key=key, entry=entry)


def _has_another_url(seen: Entry | None, entry: Entry | None) -> bool:
    """Whether an output sees other endpoints, or chooses another one. What its `sources` lack says nothing."""
    return seen is not None and (entry is None or (seen.url, seen.endpoints) != (entry.url, entry.endpoints))


def keys_named(
    registry: Registry,
    exclusions: Sequence[Exclusion],
    service: str,
    version: str | None,
    called: Iterable[Key] = (),
    written: Iterable[Key] = (),
) -> list[Key]:
    """The (service, version)s that the user means: of this service, or whose registered name it is.

    called: further ones that are known by name. written: what this name may stand for besides.
    """
    known = {key for key, _ in registry.entries()} | {exclusion.key for exclusion in exclusions}
    known |= {dependency.key for dependency in registry.upstreams} | set(called)
    named = {exclusion.key for exclusion in exclusions if exclusion.name == service}
    named |= {dependency.key for dependency in registry.upstreams if dependency.upstream.destination == service}
    named |= known & set(written)
    found = {key for key in known if key.service == service} | named
    if version is not None:
        found = {key for key in found if version_label(key.version) == version}
    return sorted(found, key=Key.sort_key)


def closest(registry: Registry, exclusions: Sequence[Exclusion], service: str, version: str | None) -> list[str]:
    """What the user may have meant, best first."""
    keys = {key for key, _ in registry.entries()} | {exclusion.key for exclusion in exclusions}
    versions = sorted(version_label(key.version) for key in keys if key.service == service)
    if version is not None and versions:
        return [f"{service} {label}" for label in difflib.get_close_matches(version, versions, 3, 0.1) or versions[:3]]
    by_lower: dict[str, list[str]] = {}
    for name in sorted({key.service for key in keys}):
        by_lower.setdefault(name.lower(), []).append(name)
    return [name for lower in difflib.get_close_matches(service.lower(), by_lower, 3) for name in by_lower[lower]][:3]


def explanation_value(explanation: Explanation) -> list[dict[str, Any]]:
    """The explanation as JSON values: a list of (service, version)s."""
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
            "output": one.output,
            "url": one.entry.url if one.entry else None,
            "endpoints": [_endpoint_value(endpoint) for endpoint in one.entry.endpoints] if one.entry else [],
        }
        for one in explanation.outputs
        if one.key == key
    ]
    return {"outputs": seen} if seen else {}


def _endpoint_value(endpoint: Endpoint) -> dict[str, Any]:
    return {"url": endpoint.url, "weight": endpoint.weight, "origin": origin_value(endpoint.origin)}
