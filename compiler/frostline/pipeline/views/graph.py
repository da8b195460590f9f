"""What `frostline graph` shows: who calls whom, and whether there is something to call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from frostline.canonical import origin_value
from frostline.model import Dependency, Key, Registry
from frostline.registry.configured_consumers import Call, calls_of
from frostline.settings import Config


def configured_calls(config: Config, registry: Registry) -> tuple[Call, ...]:
    """Return who calls what of this registry by `consumers` in the configuration, sorted by consumer."""
    return calls_of(config.consumers, (key for key, _ in registry.entries()))


def graph_value(registry: Registry) -> list[dict[str, Any]]:
    """Return the upstreams as JSON values, sorted by consumer."""
    return [
        {
            "consumer": dependency.upstream.consumer,
            "region": dependency.upstream.region or None,
            "destination": dependency.upstream.destination,
            "service": dependency.service,
            "version": dependency.version,
            "url": dependency.url,
            "state": state_of(dependency, registry),
            "origin": origin_value(dependency.origin),
        }
        for dependency in registry.upstreams
    ]


def calls_value(calls: Iterable[Call], registry: Registry) -> list[dict[str, Any]]:
    """Return the calls of `consumers` in the configuration as JSON values, sorted by consumer."""
    return [
        {
            "consumer": call.consumer,
            "service": call.key.service,
            "version": call.key.version,
            "state": state_of_key(call.key, registry),
            "origin": origin_value(call.origin),
        }
        for call in calls
    ]


def state_of(dependency: Dependency, registry: Registry) -> str:
    """Return `served`, `declared` (known, but nothing to call), `unknown` or `elsewhere` (a peer, a prepared query)."""
    return "elsewhere" if dependency.is_elsewhere else state_of_key(dependency.key, registry)


def state_of_key(key: Key, registry: Registry) -> str:
    """Return `served`, `declared` (known, but nothing to call) or `unknown`."""
    entry = registry.get(key)
    if entry is None:
        return "unknown"
    return "declared" if entry.declared else "served"
