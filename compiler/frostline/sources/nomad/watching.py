"""Wait until the services or jobs of Nomad may have changed, with blocking queries for their lists.

Changed states of native services' checks and promoted canaries cannot be waited for: they change no index.
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
from frostline.sources.nomad.reading import JOBS, PER_PAGE, SERVICES, FullName, RegionQuery, specifications
from frostline.sources.nomad.regions import choose_regions, make_query
from frostline.sources.nomad.settings import NomadSettings
from frostline.sources.nomad.wire import JobStub

_MOST_CONNECTIONS = 80
"""An agent refuses more than 100 connections from one client (limits.http_max_conns_per_client)."""
_LIST_INTERVAL = 5.0
"""Seconds between two lists of jobs, whose index changes with each allocation that starts or ends."""

Query = Callable[[int], Awaitable[int]]


def wait_for_change(settings: NomadSettings, seen: Mapping[str, int] | None, wait: float) -> dict[str, int]:
    """Return a number for the namespaces, the services and the jobs of each region: as soon as one differs from
    `seen`, or after about `wait` seconds. See base.Watch.

    An index that goes back (a restored server) also differs. With `partial: true`, a region that cannot be reached has
    the number 0. SourceError, UsageError: as a read raises them.
    """
    address = nomad_address(settings.address, os.environ, settings.origin)
    with open_session(allow_waiting(settings, wait, _MOST_CONNECTIONS), address, NOMAD) as session:
        client = Client(session)
        queries: dict[str, Query] = {}
        for region in choose_regions(client, settings, ()).names:
            queries |= _make_queries(client, settings, region, wait)
        return await_first_change(session, settings, seen, queries, wait)


def _make_queries(client: Client, settings: NomadSettings, region: str, wait: float) -> dict[str, Query]:
    """Make the queries for this region. Asks for its namespaces first, which fails without a leader."""
    try:
        query = make_query(client, settings, region)
    except SourceError as error:
        if not (settings.partial and error.unreachable):
            raise
        return {f"{region}/namespaces": partial(_return_number, 0)}
    queries: dict[str, Query] = {f"{region}/namespaces": partial(_return_number, _hash_to_number(query.namespaces))}
    if query.services is not None:
        queries[f"{region}/services"] = partial(_await_services, client, query, wait)
    if query.upstreams:
        queries[f"{region}/jobs"] = partial(_await_specifications, client, query, wait)
    return queries


async def _return_number(number: int, before: int) -> int:
    return number


async def _await_services(client: Client, query: RegionQuery, wait: float, before: int) -> int:
    """Wait for another index of the services, which changes only with registrations."""
    return (
        await client.read_indexed(SERVICES, Raw, (*query.list_parameters, *blocking_parameters(before, wait)))
    ).index


async def _await_specifications(client: Client, query: RegionQuery, wait: float, before: int) -> int:
    """Wait for another number, which is a hash of the jobs' specifications.

    The blocking query lists one job. With a prefix that no job has, Nomad would not wake for all jobs.
    """
    until = time.monotonic() + wait
    while True:
        index, number = await _list_specifications(client, query)
        left = until - time.monotonic()
        if number != before or left <= 0:
            return number
        one_job = (*query.list_parameters, ("per_page", "1"))
        await client.read_indexed(JOBS, Raw, (*one_job, *blocking_parameters(index, left)))
        await sleep(max(0.0, min(_LIST_INTERVAL, until - time.monotonic())))


async def _list_specifications(client: Client, query: RegionQuery) -> tuple[int, int]:
    """List the jobs. Returns the index to wait from, and the number of the specifications."""
    index = (await client.read_indexed(JOBS, Raw, (*query.list_parameters, ("per_page", "1")))).index
    stubs = (await client.read_pages(JOBS, JobStub, query.list_parameters, per_page=PER_PAGE)).value
    listed = {FullName(stub.namespace, stub.id): stub for stub in stubs if stub.namespace in query.namespaces}
    return index, _hash_to_number(sorted(specifications(listed).items()))


def _hash_to_number(value: object) -> int:
    """Return a number other than 0 that differs if the value does."""
    return int.from_bytes(sha256(repr(value).encode()).digest()[:8]) or 1
