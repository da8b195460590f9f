"""Waiting until a Consul catalog may have changed: blocking queries for the indexes that a read is proved by."""

from __future__ import annotations

import os
from asyncio import sleep
from collections.abc import Awaitable, Callable, Mapping

from msgspec.structs import replace

from frostline.errors import SourceError
from frostline.sources.consul.catalog import choose, query_of
from frostline.sources.consul.client import CONSUL, Agent, Catalog
from frostline.sources.consul.settings import ConsulSettings
from frostline.sources.http.address import consul_address
from frostline.sources.http.session import Parameters, Session, open_session

_MOST_CONNECTIONS = 180
"""An agent refuses more than 200 connections from one client (limits.http_max_conns_per_client)."""
_JITTER = 1 / 16
"""The share of `wait` that Consul adds to it, at most."""
_TABLES = ("services", "nodes", "checks")


class _ChangedError(Exception):
    """Not a fault: what ends the other queries when one sees another index."""

    def __init__(self, place: str, index: int) -> None:
        super().__init__(place)
        self.place, self.index = place, index


def wait_for_change(settings: ConsulSettings, seen: Mapping[str, int] | None, wait: float) -> dict[str, int]:
    """Return the indexes of services, nodes and checks of each datacenter: at once where one differs from `seen`, else
    after about `wait` seconds. See base.Watch.

    An index that goes back (a restored or restarted server) differs too. With `partial: true`, a datacenter that cannot
    be reached has the index 0. SourceError, UsageError: as a read raises them.
    """
    longest = wait * (1 + _JITTER) + settings.limits.timeout
    limits = replace(
        settings.limits,
        connections=_MOST_CONNECTIONS,
        timeout=longest,
        deadline=settings.limits.deadline + longest,
        retries=0,
    )
    address = consul_address(settings.address, os.environ, settings.origin)
    with open_session(replace(settings, limits=limits), address, CONSUL) as session:
        datacenters = choose(session, Agent(session), settings, ()).names
        places = [f"{datacenter}/{table}" for datacenter in datacenters for table in _TABLES]
        known = seen if seen is not None and seen.keys() == set(places) else None

        async def look(place: str) -> int:
            before = 0 if known is None else known[place]
            index = await _index_of(session, settings, place, before, wait)
            if known is not None and index != before:
                raise _ChangedError(place, index)
            if known is not None and index == 0:
                await sleep(wait)  # nobody can be asked to wait there
            return index

        try:
            return dict(zip(places, session.in_parallel(look, places), strict=True))
        except _ChangedError as changed:
            return {**(known or {}), changed.place: changed.index}


async def _index_of(session: Session, settings: ConsulSettings, place: str, before: int, wait: float) -> int:
    """The index of this place as soon as it is another one than `before` (0: at once), or after `wait` seconds."""
    datacenter, _, table = place.rpartition("/")
    blocking: Parameters = (("index", str(before)), ("wait", f"{max(1, round(wait * 1000))}ms")) if before else ()
    catalog = Catalog(session, (*query_of(settings, datacenter).parameters, *blocking), strict_acl=False)
    try:
        return await _PROBES[table](catalog)
    except SourceError as error:
        if not (settings.partial and error.unreachable):
            raise
        return 0


async def _services_index(catalog: Catalog) -> int:
    """Of the list itself: asked with metadata of nodes, which makes it empty, Consul does not wake for services."""
    return (await catalog.services()).index


_PROBES: Mapping[str, Callable[[Catalog], Awaitable[int]]] = {
    "services": _services_index,
    "nodes": Catalog.nodes_index,
    "checks": Catalog.checks_index,
}
