"""Instances without their ids or nodes: what a redeployment changes though addresses stay, left out of the lock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from frostline.model import Instance
from frostline.settings import Keep

_MOST_WEIGHT = 2**31
"""What a line of the lock takes."""

_HEALTHS = ("passing", "warning", "critical", "maintenance")


def without_identity(instances: Iterable[Instance], keep: Keep) -> list[Instance]:
    """The instances without their ids, nodes or both, as `keep` says; not sorted. Those that are then equal are one.

    instances: sorted by node and id. Weights come to what `registry.endpoints.merge_endpoints` makes of them when it
    knows ids and nodes: they are summed, but one id counts once, with its highest weight and worst health, at its first
    node. An instance that has no id (of a source of another package) counts by itself. Those of another health stay
    apart, so that a narrower `select.health` can be applied to the lock.
    """
    once: dict[Any, Instance] = {}
    for number, instance in enumerate(instances):
        _unite(once, (_place(instance), instance.id or number), instance, is_same=True)
    lines: dict[Any, Instance] = {}
    for instance in once.values():
        kept = replace(instance, id=instance.id if keep.ids else "", node=instance.node if keep.nodes else "")
        _unite(lines, (_place(kept), kept.node, kept.id, kept.health), kept, is_same=False)
    return list(lines.values())


def _place(instance: Instance) -> tuple[Any, ...]:
    meta = tuple(sorted(instance.meta.items()))
    ports = tuple(sorted((instance.ports or {}).items()))
    return instance.service, instance.datacenter, instance.address, instance.port, ports, instance.tags, meta


def _unite(found: dict[Any, Instance], key: Any, instance: Instance, *, is_same: bool) -> None:
    """Add the instance, or what it adds to the one that is there. is_same: both are one instance, registered twice."""
    first = found.get(key)
    if first is None:
        found[key] = instance
        return
    weights = (first.weight, instance.weight)
    found[key] = replace(
        first,
        weight=max(weights) if is_same else min(sum(weights), _MOST_WEIGHT),
        health=max(first.health, instance.health, key=_HEALTHS.index),
    )
