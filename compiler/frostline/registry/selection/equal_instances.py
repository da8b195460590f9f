"""Merges instances that make one line of the lock: repeated ones, and those that differ only in id and node.

Ids and nodes change with a redeployment even if addresses stay. `keep` can leave them out of the lock, so that the lock
does not change then.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import pairwise
from operator import attrgetter

from msgspec.structs import replace

from frostline.errors import SourceError
from frostline.model import Instance, InstanceOrigin, SegmentAnswer
from frostline.settings import Keep
from frostline.text import quote

_MOST_WEIGHT = 2**31
"""The greatest weight that a line of the lock can hold."""

_IDENTITY = attrgetter("service", "node", "id")
_HEALTHS = ("passing", "warning", "critical", "maintenance")


def unique_instances(instances: Sequence[Instance], keep: Keep, answer: SegmentAnswer) -> list[Instance]:
    """The instances, sorted, each once. Equal ones without an id or a node become one, with the summed weight.

    instances: sorted by service, node and id. Raises SourceError if two of one service have the same node and id.
    """
    for first, second in pairwise(instances):
        if first.node and first.id and _IDENTITY(first) == _IDENTITY(second):
            datacenter = first.datacenter or answer.datacenter
            raise SourceError(
                f"two instances of {quote(first.service)} have the same node and id",
                origin=InstanceOrigin(answer.source, datacenter, answer.namespace, first.node, first.id),
                help="deregister one of them, or leave the service out with `select.services`",
            )
    identified = [instance for instance in instances if instance.node and instance.id]
    anonymous = [instance for instance in instances if not (instance.node and instance.id)]
    return sorted([*identified, *without_identity(anonymous, keep)], key=Instance.sort_key)


def without_identity(instances: Sequence[Instance], keep: Keep) -> list[Instance]:
    """The instances without their ids, nodes or both, as `keep` says. Equal ones become one. The result is unsorted.

    instances: sorted by node and id. Weights add up as in `registry.endpoints.merge_endpoints`, which knows ids and
    nodes: they are summed, but one id counts once, with its highest weight and worst health, at its first node. An
    instance without an id (a plug-in's source may give such) counts by itself. Instances with different health stay
    apart, so that a narrower `select.health` can be applied to the lock.
    """
    firsts: dict[Hashable, Instance] = {}
    weights: dict[Hashable, int] = {}
    for instance in _merge_equal_ids(instances):
        node, name = instance.node if keep.nodes else "", instance.id if keep.ids else ""
        line = (_place(instance), node, name, instance.health)
        firsts.setdefault(line, instance)
        weights[line] = weights.get(line, 0) + instance.weight
    return [
        replace(
            first,
            node=first.node if keep.nodes else "",
            id=first.id if keep.ids else "",
            node_address=first.node_address if keep.nodes else "",
            weight=min(weights[line], _MOST_WEIGHT),
        )
        for line, first in firsts.items()
    ]


def _merge_equal_ids(instances: Sequence[Instance]) -> Sequence[Instance]:
    """The instances, in which those with the same id in the same place are one: several nodes may register it."""
    if len({(instance.service, instance.id) for instance in instances}) == len(instances):
        return instances
    merged: dict[Hashable, Instance] = {}
    for number, instance in enumerate(instances):
        key = (_place(instance), instance.id or number)
        first = merged.setdefault(key, instance)
        if first is not instance:
            health = max(first.health, instance.health, key=_HEALTHS.index)
            merged[key] = replace(first, weight=max(first.weight, instance.weight), health=health)
    return tuple(merged.values())


def _place(instance: Instance) -> Hashable:
    """The fields in which two instances must agree to be one, besides node, id and health."""
    # Most instances have at most one meta key and no named ports, and sorting these costs more than all the rest.
    meta = tuple(sorted(instance.meta.items())) if len(instance.meta) > 1 else tuple(instance.meta.items())
    ports = tuple(sorted(instance.ports.items())) if instance.ports else None
    return instance.service, instance.datacenter, instance.address, instance.port, instance.tags, meta, ports
