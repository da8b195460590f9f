"""The source `consul`: reads a catalog over Consul's HTTP API (1.8 and later). A segment is a datacenter or a peer.

A peer's segment is called `peer:NAME`. No datacenter can have such a name, whereas the peer's own datacenter may have
the same name as one of this cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from frostline.settings import SegmentList
from frostline.sources.base import Progress, ReadResult, Watch
from frostline.sources.consul.policy import policy
from frostline.sources.consul.settings import PEER, SCHEMA, ConsulSettings, configure
from frostline.sources.naming_keys import selection_shape

__all__ = ["SCHEMA", "SEGMENT_LISTS", "configure", "known_segments", "policy", "read", "shape", "watch"]

SEGMENT_LISTS: Mapping[str, SegmentList] = {
    "datacenters": SegmentList(lambda datacenter, namespace: None if datacenter.startswith(PEER) else datacenter),
    "peers": SegmentList(
        lambda datacenter, namespace: datacenter.removeprefix(PEER) if datacenter.startswith(PEER) else None,
        empty_is_own=False,
    ),
}
"""See base.LiveSource."""


def read(
    settings: ConsulSettings, *, datacenters: tuple[str, ...] = (), progress: Progress | None = None
) -> ReadResult:
    """Read every service that select.services names; the selection applies the other filters.

    datacenters: read only these, which may also be `peer:NAME`. See base.LiveSource.
    """
    # Imported here because a run without a network needs no HTTP client, which takes as long to load as all the rest.
    from frostline.sources.consul.catalog import read_catalog

    return read_catalog(settings, datacenters=datacenters, progress=progress)


def known_segments(settings: ConsulSettings) -> tuple[str, ...]:
    """See base.LiveSource."""
    from frostline.sources.consul.catalog import known_datacenters  # as in `read`

    return known_datacenters(settings)


def watch(settings: ConsulSettings) -> Watch | None:
    """See base.LiveSource. frostline cannot wait for what a peer exports: its lists have no index of their own."""
    if settings.peers:
        return None
    from frostline.sources.consul.watching import wait_for_change  # as in `read`

    return Watch(partial(wait_for_change, settings))


def shape(settings: ConsulSettings) -> dict[str, Any]:
    """Return the settings that shape the answer: all but the token, TLS, limits and naming patterns."""
    return {
        "type": settings.type,
        "address": settings.address,
        "datacenters": list(settings.datacenters),
        "namespace": settings.namespace,
        "partition": settings.partition,
        "peers": sorted(settings.peers),
        **({} if settings.upstreams else {"upstreams": False}),
        **({"port_from": settings.port_from} if settings.port_from else {}),
        **selection_shape(settings),
    }
