"""Read what submitted jobs declare, by the same rules as job files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from frostline.hcl.scope import Budget
from frostline.model import FileOrigin, Upstream
from frostline.regexes import Spend
from frostline.sources.jobspec import job as jobspec
from frostline.sources.jobspec.filling import client_filler
from frostline.sources.jobspec.job import make_bind
from frostline.sources.nomad.wire import Job, JobService, JobUpstream, Parameters, TaskGroup

_NO_PARAMETERS = Parameters()
_NOWHERE = FileOrigin("")


def upstreams_of(job: Job, region: str) -> tuple[Upstream, ...]:
    """Return the upstreams that the job declares, sorted. A child of a periodic or parameterized job counts as its
    parent.

    Placeholders are filled as in a job file, if the job determines their values; others stay as they are. BudgetError:
    filling takes too many steps.
    """
    budget = Budget()

    def spend(steps: int) -> None:
        budget.spend(steps, lambda: _NOWHERE)

    found = {
        Upstream(
            region=region,
            namespace=job.namespace,
            job=job.parent_id or job.id,
            group=group.name,
            destination=filled(upstream.destination_name),
            kind=upstream.destination_type or "service",
            destination_namespace=upstream.destination_namespace,
            datacenter=filled(upstream.datacenter),
            peer=upstream.destination_peer,
            bind=make_bind(
                filled(upstream.local_bind_address), upstream.local_bind_port, upstream.local_bind_socket_path
            ),
        )
        for group in job.task_groups or ()
        for filled in [_make_filler(job, group, spend)]
        for service in _services_of(group)
        for upstream in _upstreams_of(service)
    }
    return tuple(sorted(found, key=Upstream.sort_key))


def _make_filler(job: Job, group: TaskGroup, spend: Spend) -> Callable[[str], str]:
    """Make the function that fills what the client fills for this group's sidecars.

    As in Nomad's taskenv, interpolateConnectSidecarService.
    """
    parameters = job.parameterized_job or _NO_PARAMETERS
    known_job = jobspec.Job(
        place=_NOWHERE,
        id=job.parent_id or job.id,
        name=job.name or job.id,
        namespace=job.namespace,
        region=job.region,
        meta=job.meta or {},
        has_children=bool(job.parent_id or job.periodic or job.parameterized_job),
        dispatched_meta=frozenset((*(parameters.meta_required or ()), *(parameters.meta_optional or ()))),
    )
    known_group = jobspec.JobGroup(name=group.name, meta=group.meta or {}, ports=_ports(group))
    filler = client_filler(known_job, known_group, "", spend)
    return lambda text: str(filler.fill(text))


def _ports(group: TaskGroup) -> dict[str, jobspec.JobPort]:
    networks = group.networks or ()
    return {
        port.label: jobspec.JobPort(static=port.value, to=max(0, port.to))
        for network in networks
        for port in (*(network.reserved_ports or ()), *(network.dynamic_ports or ()))
    }


def _services_of(group: TaskGroup) -> Iterator[JobService]:
    yield from group.services or ()
    for task in group.tasks or ():
        yield from task.services or ()


def _upstreams_of(service: JobService) -> Iterable[JobUpstream]:
    sidecar = service.connect.sidecar_service if service.connect else None
    return (sidecar.proxy.upstreams if sidecar and sidecar.proxy else None) or ()
