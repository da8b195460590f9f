"""What a source answers twice: a lock has a line for each instance, and takes none twice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from operator import attrgetter

from frostline.errors import SourceError
from frostline.model import Instance, InstanceOrigin, SegmentAnswer
from frostline.registry.selection.equal_instances import without_identity
from frostline.settings import Keep
from frostline.text import quote

_IDENTITY = attrgetter("service", "node", "id")


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
