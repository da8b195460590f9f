"""Reading one region of Nomad: its services and jobs, and the proof that what was read is the state of one moment.

That moment is the last list of services. Each service's answer has the index of that list, or is the same before and
after it. The jobs are the same in one list before that moment and in one after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

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

_READS = 3  # everything is read once and, if it changed meanwhile, at most twice more

Place = tuple[str, str]
"""(namespace, a service's name or a job's id)."""


class RegionQuery(Struct, frozen=True, kw_only=True):
    """One region and what is read from it.

    parameters: what every request carries. namespaces: sorted. services: globs; None: read no services.
    upstreams: whether jobs are read.
    """

    region: str
    parameters: Parameters = ()
    namespaces: tuple[str, ...]
    services: tuple[str, ...] | None = ("*",)
    upstreams: bool = True

    @property
    def list_parameters(self) -> Parameters:
        """The parameters of a list: its one namespace, or all namespaces at one moment."""
        return self.within(self.namespaces[0] if len(self.namespaces) == 1 else "*")

    def within(self, namespace: str) -> Parameters:
        return (("namespace", namespace), *self.parameters)


class RegionState(Struct, frozen=True):
    """The instances of each service and the upstreams of each job, in no particular order.

    A service that cannot be asked for (`is_askable`) has none, although it is listed.
    """

    services: Mapping[Place, Sequence[ServiceRegistration]]
    upstreams: Mapping[Place, tuple[Upstream, ...]]


class ReadJob(Struct, frozen=True):
    """What a job declares, and its job_modify_index."""

    index: int
    upstreams: tuple[Upstream, ...]


Services = dict[Place, Indexed]
Stubs = dict[Place, JobStub]
Tick = Callable[[int], Callable[[int], None]]
"""The number of expected answers -> a function that is called with the number of answers so far."""


def read_region(client: Client, query: RegionQuery, tick: Tick) -> RegionState:
    """Read the region. SourceError: it changed during every read, or the token may not read a namespace."""
    services: Services = {}
    jobs: dict[Place, ReadJob] = {}
    if not query.upstreams:
        return RegionState(_instances(_read_services(client, query, services, tick)), {})
    before = _listed_jobs(client, query)
    for _ in range(_READS):
        if query.services is None:
            report_try(client.session.source, query.region)
        is_complete = _read_jobs(client, query, before.value, jobs, tick)
        if is_complete:
            services = _read_services(client, query, services, tick)
        after = before if is_complete and _is_unchanged(client, query, before.index) else _listed_jobs(client, query)
        if is_complete and specifications(after.value) == specifications(before.value):
            return RegionState(_instances(services), {place: read.upstreams for place, read in jobs.items()})
        before = after
    raise _changed(client, JOBS, "jobs were submitted or stopped")


def _instances(services: Services) -> dict[Place, Sequence[ServiceRegistration]]:
    return {place: answer.value for place, answer in services.items()}


def _changed(client: Client, path: str, what: str) -> SourceError:
    return client.session.error(
        path,
        f"{what} during each of {_READS} reads",
        help="run it again when less is deployed, or set `consistency: eventual`, which proves no snapshot",
    )


def _read_services(client: Client, query: RegionQuery, known: Services, tick: Tick) -> Services:
    """Read the selected services as of one list of them. known: what was read before."""
    if query.services is None:
        return {}
    for _ in range(_READS):
        report_try(client.session.source, query.region)
        listing = _listed_services(client, query)
        read = {place: known[place] for place in listing.value if place in known}
        read |= {place: Indexed([], listing.index) for place in listing.value if not is_askable(place[1])}
        missing = [place for place in listing.value if place not in read or read[place].index != listing.index]
        answers = client.session.in_parallel(partial(_service, client, query), missing, tick(len(missing)))
        changed = False
        for place, answer in zip(missing, answers, strict=True):
            if answer.index == listing.index and not answer.value:
                raise client.session.error(
                    segment_path(SERVICE, place[1]), f"no instance answers for {quote(place[1])}, which is listed"
                )
            changed = changed or not (answer.index == listing.index or _is_the_same(read.get(place), answer))
            read[place] = answer
        if not (changed and client.session.is_snapshot):
            return read
        known = read
    raise _changed(client, SERVICES, "services were registered or removed")


def _is_the_same(before: Indexed | None, after: Indexed) -> bool:
    """Whether the same instances answered before and after the list. Each has an index that changes with it."""
    return before is not None and before.index > 0 < after.index and before.value == after.value != []


def _listed_services(client: Client, query: RegionQuery) -> Indexed:
    """List the places of the selected services, sorted."""
    parameters = query.list_parameters
    listing = client.session.run(client.indexed(SERVICES, list[NamespaceServices] | None, parameters))
    names = {
        (entry.namespace, service.service_name)
        for entry in listing.value or ()
        for service in entry.services or ()
        if entry.namespace in query.namespaces
    }
    _check_readable(client, query, SERVICES, {namespace for namespace, _ in names})
    return Indexed(sorted(place for place in names if matches(query.services or (), place[1])), listing.index)


def is_askable(name: str) -> bool:
    """Whether Nomad can be asked for a service of this name: to /v1/service/NAME with a `/` in NAME it answers 405."""
    return "/" not in name and is_addressable(name)


async def _service(client: Client, query: RegionQuery, place: Place) -> Indexed:
    namespace, name = place
    path = segment_path(SERVICE, name)
    answer = await client.paged(path, ServiceRegistration, query.within(namespace))
    for instance in answer.value:
        found = (instance.namespace, instance.service_name)
        if found != place:
            reason = _another(place, (found[0], found[1]))
            raise client.session.error(path, reason)
    return Indexed(sorted(answer.value, key=lambda instance: str(instance.id)), answer.index)


def _listed_jobs(client: Client, query: RegionQuery) -> Indexed:
    """List the stubs of all jobs at one moment: place -> stub."""
    parameters = query.list_parameters
    listing = client.session.run(client.paged(JOBS, JobStub, parameters, per_page=PER_PAGE))
    if client.session.is_snapshot and not listing.index:
        listing = client.session.run(client.paged(JOBS, JobStub, parameters))
    stubs = {(stub.namespace, stub.id): stub for stub in listing.value if stub.namespace in query.namespaces}
    _check_readable(client, query, JOBS, {namespace for namespace, _ in stubs})
    return Indexed(stubs, listing.index)


def _is_unchanged(client: Client, query: RegionQuery, index: int) -> bool:
    """Whether no job changed at all since that index. Reads the index without the list."""
    if not client.session.is_snapshot:
        return True
    parameters = (*query.list_parameters, ("prefix", NO_JOB), ("per_page", "1"))
    return client.session.run(client.indexed(JOBS, Raw, parameters)).index == index


def _declaring(stubs: Stubs) -> Stubs:
    """The jobs that declare something, without children whose parent is among them."""
    live = {place: stub for place, stub in stubs.items() if stub.declares}
    return {
        place: stub for place, stub in live.items() if not (stub.parent_id and (stub.namespace, stub.parent_id) in live)
    }


def specifications(stubs: Stubs) -> dict[Place, int]:
    """The jobs that declare something -> the index of their specification.

    The index of the list itself changes more often: with each allocation that starts or ends.
    """
    return {place: stub.job_modify_index for place, stub in _declaring(stubs).items()}


def _read_jobs(client: Client, query: RegionQuery, stubs: Stubs, read: dict[Place, ReadJob], tick: Tick) -> bool:
    """Update `read` to the jobs in `stubs`. False: a job changed meanwhile."""
    wanted = specifications(stubs)
    for place in [place for place in read if read[place].index != wanted.get(place)]:
        del read[place]
    missing = sorted(wanted.keys() - read.keys())
    answers = client.session.in_parallel(partial(_job, client, query), missing, tick(len(missing)))
    read.update((place, answer) for place, answer in zip(missing, answers, strict=True) if answer is not None)
    return {place: job.index for place, job in read.items()} == wanted


async def _job(client: Client, query: RegionQuery, place: Place) -> ReadJob | None:
    """Read what this job declares; None: it is gone."""
    namespace, name = place
    path = segment_path(JOB, name)
    if not is_addressable(name):
        raise client.session.error(
            path,
            f"Nomad's API cannot be asked for the job {quote(name)}",
            help="set `upstreams: false`, or submit the job under another name",
        )
    try:
        answer = await client.indexed(path, Job, query.within(namespace))
    except StatusError as error:
        if error.code != 404:
            raise
        return None
    job: Job = answer.value
    if (job.namespace, job.id) != place:
        raise client.session.error(path, _another(place, (job.namespace, job.id)))
    try:
        return ReadJob(job.job_modify_index, upstreams_of(job, query.region))
    except BudgetError as error:
        raise client.session.error(path, f"to fill the placeholders of the job, {error.message}") from None


def _another(asked: Place, found: Place) -> str:
    """That Nomad answered with something else than what was asked for; both are (namespace, name)."""
    (namespace, name), (other_namespace, other) = asked, found
    return (
        f"asked for {quote(name)} in the namespace {quote(namespace)}, it answered with {quote(other)} in "
        f"{quote(other_namespace)}"
    )


def _check_readable(client: Client, query: RegionQuery, path: str, seen: Iterable[str]) -> None:
    """SourceError: the token may not read a namespace. A list of all namespaces silently omits those; a list of one
    namespace gets 403."""
    if len(query.namespaces) == 1:
        return
    silent = [namespace for namespace in query.namespaces if namespace not in seen]
    size: Parameters = (("per_page", "1"),) if path == JOBS else ()
    client.session.in_parallel(lambda namespace: client.indexed(path, Raw, (*query.within(namespace), *size)), silent)
