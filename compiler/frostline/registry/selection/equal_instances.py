"""Instances that are one line of the lock: what a source answers twice, and what ids and nodes alone tell apart.

Ids and nodes change with a redeployment though addresses stay; where `keep` leaves them out, so does the lock.
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
"""What a line of the lock takes."""

_IDENTITY = attrgetter("service", "node", "id")
_HEALTHS = ("passing", "warning", "critical", "maintenance")


def each_once(instances: Sequence[Instance], keep: Keep, answer: SegmentAnswer) -> list[Instance]:
    """The instances, sorted, each once. Those without an id or a node that are equal are one, with summed weight.

    instances: sorted by service, node and id. SourceError: two of one service have the same node and id.
    """
    for one, other in pairwise(instances):
        if one.node and one.id and _IDENTITY(one) == _IDENTITY(other):
            raise SourceError(
                f"two instances of {quote(one.service)} have the same node and id",
                origin=InstanceOrigin(
                    answer.source, one.datacenter or answer.datacenter, answer.namespace, one.node, one.id
                ),
                help="deregister one of them, or leave the service out with `select.services`",
            )
    whole = [instance for instance in instances if instance.node and instance.id]
    bare = [instance for instance in instances if not (instance.node and instance.id)]
    return sorted([*whole, *without_identity(bare, keep)], key=Instance.sort_key)


def without_identity(instances: Sequence[Instance], keep: Keep) -> list[Instance]:
    """The instances without their ids, nodes or both, as `keep` says; not sorted. Those that are then equal are one.

    instances: sorted by node and id. Weights come to what `registry.endpoints.merge_endpoints` makes of them when it
    knows ids and nodes: they are summed, but one id counts once, with its highest weight and worst health, at its first
    node. An instance that has no id (of a source of another package) counts by itself. Those of another health stay
    apart, so that a narrower `select.health` can be applied to the lock.
    """
    firsts: dict[Hashable, Instance] = {}
    weights: dict[Hashable, int] = {}
    for instance in _each_id_once(instances):
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


def _each_id_once(instances: Sequence[Instance]) -> Sequence[Instance]:
    """What several nodes register with the same id in the same place is one instance."""
    if len({(instance.service, instance.id) for instance in instances}) == len(instances):
        return instances
    once: dict[Hashable, Instance] = {}
    for number, instance in enumerate(instances):
        key = (_place(instance), instance.id or number)
        first = once.setdefault(key, instance)
        if first is not instance:
            health = max(first.health, instance.health, key=_HEALTHS.index)
            once[key] = replace(first, weight=max(first.weight, instance.weight), health=health)
    return tuple(once.values())


def _place(instance: Instance) -> Hashable:
    """All that two instances must share to be one, but node, id and health."""
    # Most have one key of meta at most, and no ports by name: sorting these costs more than all the rest.
    meta = tuple(sorted(instance.meta.items())) if len(instance.meta) > 1 else tuple(instance.meta.items())
    ports = tuple(sorted(instance.ports.items())) if instance.ports else None
    return instance.service, instance.datacenter, instance.address, instance.port, instance.tags, meta, ports
