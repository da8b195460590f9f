"""The allocations behind Nomad's services: the states of their checks, and whether they are canaries.

Neither changes the index of the services. Both are read after the services, and the proof does not include them.
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
from frostline.sources.nomad.reading import JOB, Place, RegionQuery
from frostline.sources.nomad.wire import (
    Allocation,
    Checks,
    ServiceRegistration,
    health_of,
    registration_of,
)
from frostline.text import list_names, name_first

_NO_SUCH_ENDPOINT = "resource not found"  # Nomad 1.3: it has services, but not the states of their checks


class UnreportedChecks(Struct, frozen=True):
    """A client did not report the states of an allocation's checks. code: the status of its answer."""

    code: int


def without_canaries(
    client: Client, query: RegionQuery, found: Sequence[ServiceRegistration]
) -> list[ServiceRegistration]:
    """Leave out the instances of canaries.

    A registration doesn't say whether it is a canary's; the job's allocations do.
    """
    jobs = sorted({(instance.namespace, instance.job_id) for instance in found})
    canaries = {name for names in client.session.in_parallel(partial(_canaries, client, query), jobs) for name in names}
    return [instance for instance in found if instance.alloc_id not in canaries]


async def _canaries(client: Client, query: RegionQuery, job: Place) -> list[str]:
    path = f"{segment_path(JOB, job[1])}/allocations"
    answer: Indexed = await client.indexed(path, list[Allocation] | None, query.within(job[0]))
    allocations: list[Allocation] = answer.value or []
    return [allocation.id for allocation in allocations if allocation.is_canary]


def registrations_of(
    client: Client, query: RegionQuery, found: Sequence[ServiceRegistration]
) -> tuple[dict[str, list[Registration]], list[str]]:
    """Namespace -> registrations with their health; and warnings.

    The services of a client that does not report its checks count as critical, because they may not work.
    """
    states = _states(client, query, found)
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
        registrations[instance.namespace].append(registration_of(instance, health, query.region, unknown))
    return registrations, [_describe_unreported(code, lacking) for code, lacking in sorted(unreported.items())]


class _Unreported(Struct, frozen=True):
    """The clients that answer with one status instead of their checks, and the services that they run."""

    clients: set[str] = msgspec.field(default_factory=set)
    services: set[str] = msgspec.field(default_factory=set)


def _describe_unreported(code: int, lacking: _Unreported) -> str:
    """One warning for all clients: where the network between servers and clients fails, they are many."""
    clients = name_first(sorted(lacking.clients))
    if len(lacking.clients) == 1:
        said = f"the client {clients} does not report its checks ({code})"
    else:
        said = f"{len(lacking.clients)} clients do not report their checks ({code}): {clients}"
    return f"{said}; these services count as critical there: {list_names(sorted(lacking.services))}"


def _states(
    client: Client, query: RegionQuery, found: Sequence[ServiceRegistration]
) -> dict[str, Checks | UnreportedChecks]:
    """Allocation -> its checks.

    Query one allocation per client first. If that client fails, skip its other allocations.
    """
    nodes = {instance.alloc_id: instance.node_id for instance in found}
    first = sorted({node: allocation_id for allocation_id, node in sorted(nodes.items(), reverse=True)}.values())
    states = dict(zip(first, client.session.in_parallel(partial(_checks, client, query), first), strict=True))
    failing = {
        nodes[allocation_id]: state
        for allocation_id, state in states.items()
        if isinstance(state, UnreportedChecks) and state.code >= 500
    }
    rest = sorted(
        allocation_id for allocation_id, node in nodes.items() if allocation_id not in states and node not in failing
    )
    states.update(zip(rest, client.session.in_parallel(partial(_checks, client, query), rest), strict=True))
    return {
        allocation_id: states[allocation_id] if allocation_id in states else failing[node]
        for allocation_id, node in nodes.items()
    }


def _checks_path(allocation: str) -> str:
    return f"{segment_path(ALLOCATION, allocation)}/checks"


async def _checks(client: Client, query: RegionQuery, allocation: str) -> Checks | UnreportedChecks:
    try:
        checks: Checks = await client.plain(_checks_path(allocation), Checks, query.parameters)
    except StatusError as error:
        if error.code == 404 and error.text == _NO_SUCH_ENDPOINT:
            return None
        if error.code != 404 and error.code < 500:
            raise
        return UnreportedChecks(error.code)
    return checks
