"""Read the services and jobs of one region of Nomad, and prove that what was read is the state of one moment.

That moment is the last list of services. Each service's answer has the index of that list, or is the same before and
after it. The list of jobs is the same before and after that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from msgspec import Raw, Struct

from frostline.errors import SourceError
from frostline.events import report_try
from frostline.globs import matches
from frostline.hcl.scope import BudgetError
from frostline.model import Upstream
from frostline.sources.http.session import Indexed, Parameters, is_addressable, segment_path
from frostline.sources.http.transport import StatusError
from frostline.sources.nomad.client import NO_JOB, Client
from frostline.sources.nomad.submitted import upstreams_of
from frostline.sources.nomad.wire import Job, JobStub, NamespaceServices, ServiceRegistration
from frostline.text import quote

PER_PAGE = 1000
"""Jobs in one page of the list."""

SERVICES = "/v1/services"
SERVICE = "/v1/service"
JOBS = "/v1/jobs"
JOB = "/v1/job"

_MOST_READS = 3  # everything is read once and, if it changed meanwhile, up to twice more


class FullName(NamedTuple):
    """A namespace, and the name of a service or the id of a job in it."""

    namespace: str
    name: str


class RegionQuery(Struct, frozen=True, kw_only=True):
    """One region and what is read from it.

    parameters: what every request carries. namespaces: sorted. services: globs; None: read no services.
    upstreams: whether to read jobs.
    """

    region: str
    parameters: Parameters = ()
    namespaces: tuple[str, ...]
    services: tuple[str, ...] | None = ("*",)
    upstreams: bool = True

    @property
    def list_parameters(self) -> Parameters:
        """The parameters of a list: of the only namespace, or of all namespaces at one moment."""
        return self.within(self.namespaces[0] if len(self.namespaces) == 1 else "*")

    def within(self, namespace: str) -> Parameters:
        return (("namespace", namespace), *self.parameters)


class RegionState(Struct, frozen=True):
    """The instances of each service and the upstreams of each job, in no particular order.

    A service that Nomad lists, but cannot be asked for (`is_askable`), has no instances here.
    """

    services: Mapping[FullName, Sequence[ServiceRegistration]]
    upstreams: Mapping[FullName, tuple[Upstream, ...]]


class ReadJob(Struct, frozen=True):
    """What a job declares, and its job_modify_index."""

    index: int
    upstreams: tuple[Upstream, ...]


Services = dict[FullName, Indexed]
Stubs = dict[FullName, JobStub]
Tick = Callable[[int], Callable[[int], None]]
"""The number of expected answers -> a function that is called with the number of answers so far."""


def read_region(client: Client, query: RegionQuery, tick: Tick) -> RegionState:
    """Read the region. SourceError: it changed during every read, or the token may not read a namespace."""
    services: Services = {}
    jobs: dict[FullName, ReadJob] = {}
    if not query.upstreams:
        return RegionState(_instances(_read_services(client, query, services, tick)), {})
    before = _list_jobs(client, query)
    for _ in range(_MOST_READS):
        if query.services is None:
            report_try(client.session.source, query.region)
        is_complete = _read_jobs(client, query, before.value, jobs, tick)
        if is_complete:
            services = _read_services(client, query, services, tick)
        after = before if is_complete and _is_unchanged(client, query, before.index) else _list_jobs(client, query)
        if is_complete and specifications(after.value) == specifications(before.value):
            return RegionState(_instances(services), {full_name: read.upstreams for full_name, read in jobs.items()})
        before = after
    raise _changed_error(client, JOBS, "jobs were submitted or stopped")


def _instances(services: Services) -> dict[FullName, Sequence[ServiceRegistration]]:
    return {full_name: answer.value for full_name, answer in services.items()}


def _changed_error(client: Client, path: str, what: str) -> SourceError:
    return client.session.error(
        path,
        f"{what} during each of {_MOST_READS} reads",
        help="run it again when less is deployed, or set `consistency: eventual`, which proves no snapshot",
    )


def _read_services(client: Client, query: RegionQuery, known: Services, tick: Tick) -> Services:
    """Read the selected services at the moment of one list of them. known: answers of earlier reads."""
    if query.services is None:
        return {}
    for _ in range(_MOST_READS):
        report_try(client.session.source, query.region)
        listing = _list_services(client, query)
        read = {full_name: known[full_name] for full_name in listing.value if full_name in known}
        read |= {full_name: Indexed([], listing.index) for full_name in listing.value if not is_askable(full_name.name)}
        missing = [
            full_name for full_name in listing.value if full_name not in read or read[full_name].index != listing.index
        ]
        answers = client.session.in_parallel(partial(_read_service, client, query), missing, tick(len(missing)))
        changed = False
        for full_name, answer in zip(missing, answers, strict=True):
            if answer.index == listing.index and not answer.value:
                raise client.session.error(
                    segment_path(SERVICE, full_name.name),
                    f"no instance answers for {quote(full_name.name)}, which is listed",
                )
            changed = changed or not (answer.index == listing.index or _is_same_answer(read.get(full_name), answer))
            read[full_name] = answer
        if not (changed and client.session.is_snapshot):
            return read
        known = read
    raise _changed_error(client, SERVICES, "services were registered or removed")


def _is_same_answer(before: Indexed | None, after: Indexed) -> bool:
    """Whether the same instances answered before and after the list. Each instance has an index of its own changes."""
    return before is not None and before.index > 0 < after.index and before.value == after.value != []


def _list_services(client: Client, query: RegionQuery) -> Indexed:
    """List the full names of the selected services, sorted."""
    parameters = query.list_parameters
    listing = client.session.run(client.read_indexed(SERVICES, list[NamespaceServices] | None, parameters))
    names = {
        FullName(entry.namespace, service.service_name)
        for entry in listing.value or ()
        for service in entry.services or ()
        if entry.namespace in query.namespaces
    }
    _check_readable(client, query, SERVICES, {namespace for namespace, _ in names})
    return Indexed(
        sorted(full_name for full_name in names if matches(query.services or (), full_name.name)), listing.index
    )


def is_askable(name: str) -> bool:
    """Whether Nomad can be asked for a service of this name. With a `/` in NAME, /v1/service/NAME answers 405."""
    return "/" not in name and is_addressable(name)


async def _read_service(client: Client, query: RegionQuery, full_name: FullName) -> Indexed:
    namespace, name = full_name
    path = segment_path(SERVICE, name)
    answer = await client.read_pages(path, ServiceRegistration, query.within(namespace))
    for instance in answer.value:
        found = FullName(instance.namespace, instance.service_name)
        if found != full_name:
            raise client.session.error(path, _wrong_answer(full_name, found))
    return Indexed(sorted(answer.value, key=lambda instance: str(instance.id)), answer.index)


def _list_jobs(client: Client, query: RegionQuery) -> Indexed:
    """List the stubs of all jobs at one moment (Stubs)."""
    parameters = query.list_parameters
    listing = client.session.run(client.read_pages(JOBS, JobStub, parameters, per_page=PER_PAGE))
    if client.session.is_snapshot and not listing.index:
        listing = client.session.run(client.read_pages(JOBS, JobStub, parameters))
    stubs = {FullName(stub.namespace, stub.id): stub for stub in listing.value if stub.namespace in query.namespaces}
    _check_readable(client, query, JOBS, {namespace for namespace, _ in stubs})
    return Indexed(stubs, listing.index)


def _is_unchanged(client: Client, query: RegionQuery, index: int) -> bool:
    """Whether no job changed at all since that index. Reads the index without the list."""
    if not client.session.is_snapshot:
        return True
    parameters = (*query.list_parameters, ("prefix", NO_JOB), ("per_page", "1"))
    return client.session.run(client.read_indexed(JOBS, Raw, parameters)).index == index


def _select_declaring(stubs: Stubs) -> Stubs:
    """Select the jobs that declare something, without children whose parent is among them."""
    live = {full_name: stub for full_name, stub in stubs.items() if stub.declares}
    return {
        full_name: stub
        for full_name, stub in live.items()
        if not (stub.parent_id and (stub.namespace, stub.parent_id) in live)
    }


def specifications(stubs: Stubs) -> dict[FullName, int]:
    """Return the index of each specification of the jobs that declare something.

    The index of the list itself changes more often: with each allocation that starts or ends.
    """
    return {full_name: stub.job_modify_index for full_name, stub in _select_declaring(stubs).items()}


def _read_jobs(client: Client, query: RegionQuery, stubs: Stubs, read: dict[FullName, ReadJob], tick: Tick) -> bool:
    """Update `read` to the jobs in `stubs`. Returns False if a job changed meanwhile."""
    wanted = specifications(stubs)
    for full_name in [full_name for full_name in read if read[full_name].index != wanted.get(full_name)]:
        del read[full_name]
    missing = sorted(wanted.keys() - read.keys())
    answers = client.session.in_parallel(partial(_read_job, client, query), missing, tick(len(missing)))
    read.update((full_name, answer) for full_name, answer in zip(missing, answers, strict=True) if answer is not None)
    return {full_name: job.index for full_name, job in read.items()} == wanted


async def _read_job(client: Client, query: RegionQuery, full_name: FullName) -> ReadJob | None:
    """Read what this job declares. Returns None if it is gone."""
    namespace, name = full_name
    path = segment_path(JOB, name)
    if not is_addressable(name):
        raise client.session.error(
            path,
            f"Nomad's API cannot be asked for the job {quote(name)}",
            help="set `upstreams: false`, or submit the job under another name",
        )
    try:
        answer = await client.read_indexed(path, Job, query.within(namespace))
    except StatusError as error:
        if error.code != 404:
            raise
        return None
    job: Job = answer.value
    found = FullName(job.namespace, job.id)
    if found != full_name:
        raise client.session.error(path, _wrong_answer(full_name, found))
    try:
        return ReadJob(job.job_modify_index, upstreams_of(job, query.region))
    except BudgetError as error:
        raise client.session.error(path, f"to fill the placeholders of the job, {error.message}") from None


def _wrong_answer(asked: FullName, found: FullName) -> str:
    """Say that Nomad answered with something other than what frostline asked for."""
    return (
        f"asked for {quote(asked.name)} in the namespace {quote(asked.namespace)}, it answered with "
        f"{quote(found.name)} in {quote(found.namespace)}"
    )


def _check_readable(client: Client, query: RegionQuery, path: str, seen: Iterable[str]) -> None:
    """SourceError: the token may not read a namespace.

    A list of all namespaces silently omits it; a list of that namespace alone gets 403. seen: namespaces with elements.
    """
    if len(query.namespaces) == 1:
        return
    unseen = [namespace for namespace in query.namespaces if namespace not in seen]
    size: Parameters = (("per_page", "1"),) if path == JOBS else ()
    client.session.in_parallel(
        lambda namespace: client.read_indexed(path, Raw, (*query.within(namespace), *size)), unseen
    )
