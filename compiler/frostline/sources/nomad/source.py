"""The source `nomad`: reads native services and the upstreams of jobs over Nomad's HTTP API (1.3 and later).

A segment is a namespace of a region. Each instance has its own datacenter.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from frostline.settings import SegmentList
from frostline.sources.base import Progress, ReadResult, Watch
from frostline.sources.naming_keys import selection_shape
from frostline.sources.nomad.policy import policy
from frostline.sources.nomad.settings import SCHEMA, NomadSettings, configure

__all__ = [
    "ALLOCATES_PORTS",
    "SCHEMA",
    "SEGMENT_LISTS",
    "configure",
    "known_segments",
    "policy",
    "read",
    "shape",
    "watch",
]

ALLOCATES_PORTS = True

SEGMENT_LISTS: Mapping[str, SegmentList] = {
    "regions": SegmentList(lambda region, namespace: region),
    "namespaces": SegmentList(lambda region, namespace: namespace),
}
"""See base.LiveSource."""


def read(settings: NomadSettings, *, datacenters: tuple[str, ...] = (), progress: Progress | None = None) -> ReadResult:
    """Read the services that select.services names, and what jobs declare.

    datacenters: read only these, which are regions. See base.LiveSource.
    """
    # Imported here because a run without a network needs no HTTP client, which takes as long to load as all the rest.
    from frostline.sources.nomad.regions import read_regions

    return read_regions(settings, datacenters=datacenters, progress=progress)


def known_segments(settings: NomadSettings) -> tuple[str, ...]:
    """See base.LiveSource."""
    from frostline.sources.nomad.regions import known_regions  # as in `read`

    return known_regions(settings)


def watch(settings: NomadSettings) -> Watch:
    """See base.LiveSource.

    No index tells of changed states of checks or of promoted canaries, which `services` needs.
    """
    from frostline.sources.nomad.watching import wait_for_change  # as in `read`

    return Watch(partial(wait_for_change, settings), tells_all=not settings.services)


def shape(settings: NomadSettings) -> dict[str, Any]:
    """Return the settings that shape the answer: all but the token, TLS, limits and naming patterns."""
    return {
        "type": settings.type,
        "address": settings.address,
        "regions": list(settings.regions),
        "namespaces": list(settings.namespaces),
        "services": settings.services,
        "upstreams": settings.upstreams,
        "canaries": settings.canaries,
        **selection_shape(settings),
    }
