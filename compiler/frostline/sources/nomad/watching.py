"""Waiting until the services or jobs of Nomad may have changed: blocking queries for their lists.

The states of native services' checks, and which allocations are canaries, change no index that could be waited for.
"""

from __future__ import annotations

import os
import time
from asyncio import sleep
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from hashlib import sha256

from msgspec import Raw

from frostline.errors import SourceError
from frostline.sources.http.address import nomad_address
from frostline.sources.http.session import open_session
from frostline.sources.http.waiting import allow_waiting, await_first_change, blocking_parameters
from frostline.sources.nomad.client import NOMAD, Client
from frostline.sources.nomad.reading import JOBS, PER_PAGE, SERVICES, RegionQuery, specifications
from frostline.sources.nomad.regions import choose_regions, query_of
from frostline.sources.nomad.settings import NomadSettings
from frostline.sources.nomad.wire import JobStub

_MOST_CONNECTIONS = 80
"""An agent refuses more than 100 connections from one client (limits.http_max_conns_per_client)."""
_BETWEEN = 5.0
"""Seconds between two lists of jobs: their index moves with each allocation that starts or ends."""

Query = Callable[[int], Awaitable[int]]


def wait_for_change(settings: NomadSettings, seen: Mapping[str, int] | None, wait: float) -> dict[str, int]:
    """Return a number for the namespaces, the services and the jobs of each region: at once where one differs from
    `seen`, else after about `wait` seconds. See base.Watch.

    An index that goes back (a restored server) differs too. With `partial: true`, a region that cannot be reached has
    the number 0. SourceError, UsageError: as a read raises them.
    """
    address = nomad_address(settings.address, os.environ, settings.origin)
    with open_session(allow_waiting(settings, wait, _MOST_CONNECTIONS), address, NOMAD) as session:
        client = Client(session)
        queries: dict[str, Query] = {}
        for region in choose_regions(client, settings, ()).names:
            queries |= _queries_of(client, settings, region, wait)
        return await_first_change(session, settings, seen, queries, wait)


def _queries_of(client: Client, settings: NomadSettings, region: str, wait: float) -> dict[str, Query]:
    """What to look at in this region. Its namespaces are asked for at once: without a leader that is refused."""
    try:
        query = query_of(client, settings, region)
    except SourceError as error:
        if not (settings.partial and error.unreachable):
            raise
        return {f"{region}/namespaces": partial(_always, 0)}
    queries: dict[str, Query] = {f"{region}/namespaces": partial(_always, _number_of(query.namespaces))}
    if query.services is not None:
        queries[f"{region}/services"] = partial(_services_index, client, query, wait)
    if query.upstreams:
        queries[f"{region}/jobs"] = partial(_specifications_number, client, query, wait)
    return queries


async def _always(number: int, before: int) -> int:
    return number


async def _services_index(client: Client, query: RegionQuery, wait: float, before: int) -> int:
    """The index of the services, which moves with their registrations and with nothing else."""
    return (await client.indexed(SERVICES, Raw, (*query.list_parameters, *blocking_parameters(before, wait)))).index


async def _specifications_number(client: Client, query: RegionQuery, wait: float, before: int) -> int:
    """A number of what the jobs' specifications are.

    The query that waits asks for one job: by a prefix that no job has, Nomad would not wake for all of them.
    """
    until = time.monotonic() + wait
    while True:
        index, number = await _listed_specifications(client, query)
        left = until - time.monotonic()
        if number != before or left <= 0:
            return number
        one_job = (*query.list_parameters, ("per_page", "1"))
        await client.indexed(JOBS, Raw, (*one_job, *blocking_parameters(index, left)))
        await sleep(max(0.0, min(_BETWEEN, until - time.monotonic())))


async def _listed_specifications(client: Client, query: RegionQuery) -> tuple[int, int]:
    """The index from which to wait for another list of jobs, and the number of this one."""
    index = (await client.indexed(JOBS, Raw, (*query.list_parameters, ("per_page", "1")))).index
    stubs = (await client.paged(JOBS, JobStub, query.list_parameters, per_page=PER_PAGE)).value
    listed = {(stub.namespace, stub.id): stub for stub in stubs if stub.namespace in query.namespaces}
    return index, _number_of(sorted(specifications(listed).items()))


def _number_of(value: object) -> int:
    """A number that differs where the value does; never 0."""
    return int.from_bytes(sha256(repr(value).encode()).digest()[:8]) or 1
