"""What Nomad knows of the allocations behind its services: their checks, and whether they are canaries.

Neither moves the index of the services; both are asked for after them, and are outside the proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from msgspec import Struct

from frostline.model import Health, Registration
from frostline.sources.http.answers import segment_path
from frostline.sources.http.transport import StatusError
from frostline.sources.nomad.client import Client
from frostline.sources.nomad.reading import JOB, Place, Scope
from frostline.sources.nomad.wire import (
    Allocation,
    Checks,
    ServiceRegistration,
    Unfit,
    health_of,
    registration_of,
)

_ALLOCATION = "/v1/client/allocation"
_NO_SUCH_ENDPOINT = "resource not found"  # Nomad 1.3, which has services and no checks of them


class Silent(Struct, frozen=True):
    """A client that does not say how an allocation's checks are. code: of the answer in its place."""

    code: int


def without_canaries(client: Client, scope: Scope, found: Sequence[ServiceRegistration]) -> list[ServiceRegistration]:
    """Those whose allocation is no canary. The registration does not say it, the job's allocations do."""
    jobs = sorted({(each.namespace, each.job_id) for each in found})
    canaries = {name for names in client.in_parallel(partial(_canaries, client, scope), jobs) for name in names}
    return [each for each in found if each.alloc_id not in canaries]


async def _canaries(client: Client, scope: Scope, job: Place) -> list[str]:
    path = f"{segment_path(JOB, job[1])}/allocations"
    answer = await client.indexed(path, list[Allocation] | None, scope.within(job[0]))
    allocations: list[Allocation] = answer.value or []
    return [each.id for each in allocations if each.is_canary]


def registrations_of(
    client: Client, scope: Scope, found: Sequence[ServiceRegistration]
) -> tuple[dict[str, list[Registration]], list[str]]:
    """Namespace -> registrations with the state of their checks; and why some of it is not known.

    The services of a client that does not tell it are critical: nobody knows whether they can be called.
    """
    states = _states(client, scope, found)
    registrations: dict[str, list[Registration]] = {namespace: [] for namespace in scope.namespaces}
    silent: dict[str, set[str]] = {}
    for each in found:
        state = states[each.alloc_id]
        if isinstance(state, Silent):
            silent.setdefault(f"the client {each.node_id} does not tell its checks ({state.code})", set()).add(
                each.service_name
            )
        registrations[each.namespace].append(registration_of(each, _health(client, each, state), scope.region))
    return registrations, [
        f"{why}: critical there: {', '.join(sorted(those))}" for why, those in sorted(silent.items())
    ]


def _health(client: Client, found: ServiceRegistration, state: Checks | Silent) -> Health:
    if isinstance(state, Silent):
        return "critical"
    try:
        return health_of(found, state)
    except Unfit as unfit:
        raise client.error(
            _checks_path(found.alloc_id), str(unfit), help="leave the service out of `select.services`"
        ) from None


def _states(client: Client, scope: Scope, found: Sequence[ServiceRegistration]) -> dict[str, Checks | Silent]:
    """Allocation -> its checks. One of each client is asked first: of one that fails the others are not asked."""
    nodes = {each.alloc_id: each.node_id for each in found}
    first = sorted({node: name for name, node in sorted(nodes.items(), reverse=True)}.values())
    states = dict(zip(first, client.in_parallel(partial(_checks, client, scope), first), strict=True))
    failing = {nodes[name]: state for name, state in states.items() if isinstance(state, Silent) and state.code >= 500}
    rest = sorted(name for name in nodes if name not in states and nodes[name] not in failing)
    states.update(zip(rest, client.in_parallel(partial(_checks, client, scope), rest), strict=True))
    return {name: states[name] if name in states else failing[node] for name, node in nodes.items()}


def _checks_path(allocation: str) -> str:
    return f"{segment_path(_ALLOCATION, allocation)}/checks"


async def _checks(client: Client, scope: Scope, allocation: str) -> Checks | Silent:
    try:
        checks: Checks = await client.plain(_checks_path(allocation), Checks, scope.parameters)
    except StatusError as error:
        if error.code == 404 and error.words == _NO_SUCH_ENDPOINT:
            return None
        if error.code != 404 and error.code < 500:
            raise
        return Silent(error.code)
    return checks
