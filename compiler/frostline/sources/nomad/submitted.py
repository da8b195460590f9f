"""What submitted jobs declare, by the rules that hold for job files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from frostline.hcl.scope import Budget
from frostline.model import FileOrigin, Upstream
from frostline.regexes import Spend
from frostline.sources.jobspec import job as jobspec
from frostline.sources.jobspec.filling import environment
from frostline.sources.jobspec.job import bind_of
from frostline.sources.nomad.wire import Job, JobService, JobUpstream, Parameters, TaskGroup

_NO_PARAMETERS = Parameters()
_NOWHERE = FileOrigin("")


def upstreams_of(job: Job, region: str) -> tuple[Upstream, ...]:
    """The upstreams that the job declares, sorted. A child of a periodic or parameterized job counts as its parent.

    Placeholders are filled as in a job file, as far as the job says their values; others stay as they are.
    BudgetError: that takes too many steps.
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
            bind=bind_of(
                filled(upstream.local_bind_address), upstream.local_bind_port, upstream.local_bind_socket_path
            ),
        )
        for group in job.task_groups or ()
        for filled in [_filling(job, group, spend)]
        for service in _services(group)
        for upstream in _declared(service)
    }
    return tuple(sorted(found, key=Upstream.sort_key))


def _filling(job: Job, group: TaskGroup, spend: Spend) -> Callable[[str], str]:
    """Fills what the client would fill for the sidecars of this group (taskenv, interpolateConnectSidecarService)."""
    parameters = job.parameterized_job or _NO_PARAMETERS
    said = jobspec.Job(
        place=_NOWHERE,
        id=job.parent_id or job.id,
        name=job.name or job.id,
        namespace=job.namespace,
        region=job.region,
        meta=job.meta or {},
        runs=bool(job.parent_id or job.periodic or job.parameterized_job),
        asked=frozenset((*(parameters.meta_required or ()), *(parameters.meta_optional or ()))),
    )
    group_said = jobspec.JobGroup(name=group.name, meta=group.meta or {}, ports=_ports(group))
    filler = environment(said, group_said, "", spend)
    return lambda text: str(filler.fill(text))


def _ports(group: TaskGroup) -> dict[str, jobspec.JobPort]:
    networks = group.networks or ()
    return {
        port.label: jobspec.JobPort(static=port.value, to=max(0, port.to))
        for network in networks
        for port in (*(network.reserved_ports or ()), *(network.dynamic_ports or ()))
    }


def _services(group: TaskGroup) -> Iterator[JobService]:
    yield from group.services or ()
    for task in group.tasks or ():
        yield from task.services or ()


def _declared(service: JobService) -> Iterable[JobUpstream]:
    sidecar = service.connect.sidecar_service if service.connect else None
    return (sidecar.proxy.upstreams if sidecar and sidecar.proxy else None) or ()
