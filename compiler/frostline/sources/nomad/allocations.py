"""Read the allocations behind Nomad's services: the states of their checks, and which are canaries.

Neither changes the index of the services, so both are read after the services, and the proof does not include them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec
from msgspec import Struct

from frostline.model import Registration
from frostline.sources.http.session import Indexed, segment_path
from frostline.sources.http.transport import StatusError
from frostline.sources.nomad.client import ALLOCATION, Client
from frostline.sources.nomad.reading import JOB, FullName, RegionQuery
from frostline.sources.nomad.wire import (
    Allocation,
    Checks,
    ServiceRegistration,
    health_of,
    make_registration,
)
from frostline.text import list_names, name_first

_NO_SUCH_ENDPOINT = "resource not found"  # Nomad 1.3 has services, but does not report the states of their checks


class UnreportedChecks(Struct, frozen=True):
    """A client did not report the states of an allocation's checks. code: the status of its answer."""

    code: int


def drop_canaries(
    client: Client, query: RegionQuery, found: Sequence[ServiceRegistration]
) -> list[ServiceRegistration]:
    """Leave out the instances of canaries.

    A registration doesn't say whether it is a canary's; the job's allocations do.
    """
    jobs = sorted({FullName(instance.namespace, instance.job_id) for instance in found})
    canaries = {
        name for names in client.session.in_parallel(partial(_list_canaries, client, query), jobs) for name in names
    }
    return [instance for instance in found if instance.alloc_id not in canaries]


async def _list_canaries(client: Client, query: RegionQuery, job: FullName) -> list[str]:
    path = f"{segment_path(JOB, job.name)}/allocations"
    answer: Indexed = await client.read_indexed(path, list[Allocation] | None, query.within(job.namespace))
    allocations: list[Allocation] = answer.value or []
    return [allocation.id for allocation in allocations if allocation.is_canary]


def make_registrations(
    client: Client, query: RegionQuery, found: Sequence[ServiceRegistration]
) -> tuple[dict[str, list[Registration]], list[str]]:
    """Return the registrations with their health, by namespace, and warnings.

    The services of a client that does not report its checks count as critical, because they may not work.
    """
    states = _read_states(client, query, found)
    registrations: dict[str, list[Registration]] = {namespace: [] for namespace in query.namespaces}
    unreported: dict[int, _Unreported] = {}
    for instance in found:
        state = states[instance.alloc_id]
        if isinstance(state, UnreportedChecks):
            lacking = unreported.setdefault(state.code, _Unreported())
            lacking.clients.add(instance.node_id)
            lacking.services.add(instance.service_name)
        health, unknown = health_of(instance, {} if isinstance(state, UnreportedChecks) else state)
        if isinstance(state, UnreportedChecks):
            health = "critical"
        registrations[instance.namespace].append(make_registration(instance, health, query.region, unknown))
    return registrations, [_describe_unreported(code, lacking) for code, lacking in sorted(unreported.items())]


class _Unreported(Struct, frozen=True):
    """The clients that answer with the same status instead of their checks, and the services that they run."""

    clients: set[str] = msgspec.field(default_factory=set)
    services: set[str] = msgspec.field(default_factory=set)


def _describe_unreported(code: int, lacking: _Unreported) -> str:
    """Write one warning for all clients: if the network between servers and clients fails, there are many of them."""
    clients = name_first(sorted(lacking.clients))
    if len(lacking.clients) == 1:
        text = f"the client {clients} does not report its checks ({code})"
    else:
        text = f"{len(lacking.clients)} clients do not report their checks ({code}): {clients}"
    return f"{text}; these services count as critical there: {list_names(sorted(lacking.services))}"


def _read_states(
    client: Client, query: RegionQuery, found: Sequence[ServiceRegistration]
) -> dict[str, Checks | UnreportedChecks]:
    """Read the checks of each allocation.

    Query one allocation per client first. If that client fails, skip its other allocations.
    """
    nodes = {instance.alloc_id: instance.node_id for instance in found}
    first = sorted({node: allocation_id for allocation_id, node in sorted(nodes.items(), reverse=True)}.values())
    states = dict(zip(first, client.session.in_parallel(partial(_read_checks, client, query), first), strict=True))
    failing = {
        nodes[allocation_id]: state
        for allocation_id, state in states.items()
        if isinstance(state, UnreportedChecks) and state.code >= 500
    }
    rest = sorted(
        allocation_id for allocation_id, node in nodes.items() if allocation_id not in states and node not in failing
    )
    states.update(zip(rest, client.session.in_parallel(partial(_read_checks, client, query), rest), strict=True))
    return {
        allocation_id: states[allocation_id] if allocation_id in states else failing[node]
        for allocation_id, node in nodes.items()
    }


def _checks_path(allocation: str) -> str:
    return f"{segment_path(ALLOCATION, allocation)}/checks"


async def _read_checks(client: Client, query: RegionQuery, allocation: str) -> Checks | UnreportedChecks:
    try:
        checks: Checks = await client.read_plain(_checks_path(allocation), Checks, query.parameters)
    except StatusError as error:
        if error.code == 404 and error.text == _NO_SUCH_ENDPOINT:
            return None
        if error.code != 404 and error.code < 500:
            raise
        return UnreportedChecks(error.code)
    return checks
