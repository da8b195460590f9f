"""Wait until a Consul catalog may have changed, with blocking queries for the indexes that prove a read."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from frostline.errors import SourceError
from frostline.sources.consul.catalog import choose_datacenters_and_peers, make_query
from frostline.sources.consul.client import CONSUL, Agent, Catalog
from frostline.sources.consul.settings import ConsulSettings
from frostline.sources.http.address import consul_address
from frostline.sources.http.session import Session, open_session
from frostline.sources.http.waiting import allow_waiting, await_first_change, blocking_parameters

_MOST_CONNECTIONS = 180
"""An agent refuses more than 200 connections from one client (limits.http_max_conns_per_client)."""


def wait_for_change(settings: ConsulSettings, seen: Mapping[str, int] | None, wait: float) -> dict[str, int]:
    """Return the indexes of services, nodes and checks of each datacenter: as soon as one differs from `seen`, or after
    about `wait` seconds. See base.Watch.

    An index that goes back (a restored or restarted server) also differs. With `partial: true`, a datacenter that
    cannot be reached has the index 0. SourceError, UsageError: as a read raises them.
    """
    address = consul_address(settings.address, os.environ, settings.origin)
    with open_session(allow_waiting(settings, wait, _MOST_CONNECTIONS), address, CONSUL) as session:
        agent = Agent(session)
        datacenters = choose_datacenters_and_peers(session, agent, settings, ()).names
        _check_leaders(agent, settings, datacenters)
        queries = {
            f"{datacenter}/{table}": partial(_index_of, session, settings, datacenter, probe, wait)
            for datacenter in datacenters
            for table, probe in _PROBES.items()
        }
        return await_first_change(session, settings, seen, queries, wait)


def _check_leaders(agent: Agent, settings: ConsulSettings, datacenters: tuple[str, ...]) -> None:
    """NoLeaderError: a datacenter has no leader, so its servers would hold a blocking query for its whole wait and 7 s
    more (Consul 1.14)."""
    for datacenter in datacenters:
        try:
            agent.check_leader(make_query(settings, datacenter).dc, 0)
        except SourceError as error:
            if not (settings.partial and error.unreachable):
                raise


async def _index_of(
    session: Session,
    settings: ConsulSettings,
    datacenter: str,
    probe: Callable[[Catalog], Awaitable[int]],
    wait: float,
    before: int,
) -> int:
    """Return the index of this table as soon as it differs from `before` (0: at once), or after `wait` seconds."""
    parameters = (*make_query(settings, datacenter).parameters, *blocking_parameters(before, wait))
    return await probe(Catalog(session, parameters, strict_acl=False))


async def _services_index(catalog: Catalog) -> int:
    """Read the index of the whole list: a query that node metadata makes empty does not wake when services change."""
    return (await catalog.services()).index


_PROBES: Mapping[str, Callable[[Catalog], Awaitable[int]]] = {
    "services": _services_index,
    "nodes": Catalog.nodes_index,
    "checks": Catalog.checks_index,
}
