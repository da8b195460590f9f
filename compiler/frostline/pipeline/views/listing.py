"""What `frostline list` shows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from frostline.canonical import origin_value
from frostline.model import Key
from frostline.pipeline.freeze.confirmations import SegmentAge
from frostline.registry.overrides.applying import Overridden
from frostline.registry.overrides.effects import Effect


def list_value(overridden: Overridden, held: Collection[Key]) -> list[dict[str, Any]]:
    """Return every (service, version) of the registry as JSON values, in the registry's order.

    held: the (service, version)s that the lock holds.
    """
    effects = overridden.effects_by_key()
    return [
        {
            "service": service,
            "version": version,
            "endpoints": len(entry.endpoints),
            "sources": list(entry.sources),
            "url": entry.url,
            "auth": entry.auth or None,
            "declared": entry.declared,
            "held": Key(service, version) in held,
            "overrides": override_values(effects.get(Key(service, version), ())),
        }
        for (service, version), entry in overridden.registry.entries()
    ]


def segments_value(ages: Iterable[SegmentAge]) -> list[dict[str, Any]]:
    """Return the segments of the lock with their ages, as JSON values."""
    return [
        {
            "source": age.snapshot.source,
            "datacenter": age.snapshot.datacenter,
            "namespace": age.snapshot.namespace,
            "confirmed": age.at,
            "age": None if age.seconds is None else int(age.seconds),
        }
        for age in ages
    ]


def override_values(effects: Iterable[Effect]) -> list[dict[str, Any]]:
    """Return the overrides that have these effects, as JSON values."""
    return [
        {
            "until": effect.override.until,
            "why": effect.override.why,
            "origin": origin_value(effect.override.origin),
        }
        for effect in effects
    ]
