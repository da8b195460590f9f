"""One region of Nomad: its native services and what its jobs declare, and the proof that both are of one moment.

The moment is that of the last list of services. The services were so then: each answer has the index of that list, or
is the same before and after it. The jobs were so then: they are the same in a list before and in one after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from msgspec import Struct

from frostline.errors import SourceError
from frostline.globs import matches
from frostline.model import Upstream
from frostline.sources.http.answers import Parameters, is_addressable, segment_path
from frostline.sources.http.transport import StatusError
from frostline.sources.nomad.client import Answer, Client
from frostline.sources.nomad.wire import Job, JobStub, NamespaceServices, ServiceRegistration, upstreams_of

PER_PAGE = 1000
"""Jobs that are asked for at once."""

SERVICES = "/v1/services"
SERVICE = "/v1/service"
JOBS = "/v1/jobs"
JOB = "/v1/job"

_READS = 3  # all is read once and, where it moved meanwhile, at most twice more
_NO_JOB = "frostline-none"  # a prefix that no job's id has: the answer is empty, and has the index

Place = tuple[str, str]
"""(namespace, a service's name or a job's id)."""


class Scope(Struct, frozen=True, kw_only=True):
    """What is read of one region.

    parameters: what every request carries. namespaces: sorted. services: globs; None: no services at all.
    upstreams: whether jobs are read.
    """

    region: str
    parameters: Parameters = ()
    namespaces: tuple[str, ...]
    services: tuple[str, ...] | None = ("*",)
    upstreams: bool = True

    @property
    def of_lists(self) -> Parameters:
        """The parameters of a list: one namespace, or all of them at one moment."""
        return self.within(self.namespaces[0] if len(self.namespaces) == 1 else "*")

    def within(self, namespace: str) -> Parameters:
        return (("namespace", namespace), *self.parameters)


class Found(Struct, frozen=True):
    """What a region has: the instances of each service, and what each job declares, in no particular order."""

    services: Mapping[Place, Sequence[ServiceRegistration]]
    upstreams: Mapping[Place, tuple[Upstream, ...]]


class ReadJob(Struct, frozen=True):
    index: int
    upstreams: tuple[Upstream, ...]


Services = dict[Place, Answer]
Stubs = dict[Place, JobStub]
Tick = Callable[[int], Callable[[int], None]]
"""How many answers are expected -> what is called with how many came."""


def found_in(client: Client, scope: Scope, tick: Tick) -> Found:
    """Everything of this region. SourceError: it moved in every read, or a namespace may not be read."""
    services: Services = {}
    jobs: dict[Place, ReadJob] = {}
    if not scope.upstreams:
        return Found(_instances(_read_services(client, scope, services, tick)), {})
    before = _listed_jobs(client, scope)
    for _ in range(_READS):
        is_whole = _read_jobs(client, scope, before.value, jobs, tick)
        if is_whole:
            services = _read_services(client, scope, services, tick)
        after = before if is_whole and _is_unmoved(client, scope, before.index) else _listed_jobs(client, scope)
        if is_whole and _specifications(after.value) == _specifications(before.value):
            return Found(_instances(services), {place: read.upstreams for place, read in jobs.items()})
        before = after
    raise _moved(client, JOBS, "jobs were submitted or stopped")


def _instances(services: Services) -> dict[Place, Sequence[ServiceRegistration]]:
    return {place: answer.value for place, answer in services.items()}


def _moved(client: Client, path: str, what: str) -> SourceError:
    return client.error(
        path,
        f"{what} during each of {_READS} reads",
        help="read it again when less is deployed, or set `consistency: eventual`",
    )


# --- services ---------------------------------------------------------------------------------------------------------


def _read_services(client: Client, scope: Scope, known: Services, tick: Tick) -> Services:
    """The selected services as they are at the moment of a list of them; `known` has what was read before."""
    if scope.services is None:
        return {}
    for _ in range(_READS):
        listing = _listed_services(client, scope)
        read = {place: known[place] for place in listing.value if place in known}
        missing = [place for place in listing.value if place not in read or read[place].index != listing.index]
        answers = client.in_parallel(partial(_service, client, scope), missing, tick(len(missing)))
        moved = False
        for place, answer in zip(missing, answers, strict=True):
            if answer.index == listing.index and not answer.value:
                raise client.error(
                    segment_path(SERVICE, place[1]), f"no instance answers for {place[1]!r}, which is listed"
                )
            moved = moved or not (answer.index == listing.index or _is_the_same(read.get(place), answer))
            read[place] = answer
        if not (moved and client.proves):
            return read
        known = read
    raise _moved(client, SERVICES, "services were registered or removed")


def _is_the_same(before: Answer | None, after: Answer) -> bool:
    """Whether the same instances answered before and after the list. Each has an index that moves when it changes."""
    return before is not None and before.index > 0 < after.index and before.value == after.value != []


def _listed_services(client: Client, scope: Scope) -> Answer:
    """The places of the selected services, sorted."""
    parameters = scope.of_lists
    listing = client.alone(client.indexed(SERVICES, list[NamespaceServices] | None, parameters))
    names = {
        (each.namespace, service.service_name)
        for each in listing.value or ()
        for service in each.services or ()
        if each.namespace in scope.namespaces
    }
    _check_readable(client, scope, SERVICES, {namespace for namespace, _ in names})
    return Answer(sorted(place for place in names if matches(scope.services or (), place[1])), listing.index)


async def _service(client: Client, scope: Scope, place: Place) -> Answer:
    namespace, name = place
    path = segment_path(SERVICE, name)
    _check_addressable(client, path, name, "leave it out of `select.services`")
    answer = await client.paged(path, ServiceRegistration, scope.within(namespace))
    for each in answer.value:
        if (each.namespace, each.service_name) != place:
            raise client.error(
                path, f"asked for {name!r} in {namespace!r}, it answers {each.service_name!r} in {each.namespace!r}"
            )
    return Answer(sorted(answer.value, key=lambda each: str(each.id)), answer.index)


# --- jobs -------------------------------------------------------------------------------------------------------------


def _listed_jobs(client: Client, scope: Scope) -> Answer:
    """The stubs of all jobs by their place, of one moment."""
    parameters = scope.of_lists
    listing = client.alone(client.paged(JOBS, JobStub, parameters, per_page=PER_PAGE))
    if client.proves and not listing.index:
        listing = client.alone(client.paged(JOBS, JobStub, parameters))
    stubs = {(each.namespace, each.id): each for each in listing.value if each.namespace in scope.namespaces}
    _check_readable(client, scope, JOBS, {namespace for namespace, _ in stubs})
    return Answer(stubs, listing.index)


def _is_unmoved(client: Client, scope: Scope, index: int) -> bool:
    """Whether nothing at all happened to a job since that index, asked for without the list."""
    if not client.proves:
        return True
    parameters = (*scope.of_lists, ("prefix", _NO_JOB), ("per_page", "1"))
    return client.alone(client.indexed(JOBS, object, parameters)).index == index


def _declaring(stubs: Stubs) -> Stubs:
    """The jobs that declare something, without the children of those."""
    live = {place: stub for place, stub in stubs.items() if stub.declares}
    return {
        place: stub for place, stub in live.items() if not (stub.parent_id and (stub.namespace, stub.parent_id) in live)
    }


def _specifications(stubs: Stubs) -> dict[Place, int]:
    """Which jobs declare something, and of which index what they declare is.

    The list's own index moves with more: with each allocation that starts or ends.
    """
    return {place: stub.job_modify_index for place, stub in _declaring(stubs).items()}


def _read_jobs(client: Client, scope: Scope, stubs: Stubs, read: dict[Place, ReadJob], tick: Tick) -> bool:
    """Brings `read` to what `stubs` list; False where a job moved meanwhile."""
    wanted = _specifications(stubs)
    for place in [place for place in read if read[place].index != wanted.get(place)]:
        del read[place]
    missing = sorted(wanted.keys() - read.keys())
    answers = client.in_parallel(partial(_job, client, scope), missing, tick(len(missing)))
    read.update((place, answer) for place, answer in zip(missing, answers, strict=True) if answer is not None)
    return {place: job.index for place, job in read.items()} == wanted


async def _job(client: Client, scope: Scope, place: Place) -> ReadJob | None:
    """What this job declares; None where it is no more."""
    namespace, name = place
    path = segment_path(JOB, name)
    _check_addressable(client, path, name, "set `upstreams: false`, or submit the job under another name")
    try:
        answer = await client.indexed(path, Job, scope.within(namespace))
    except StatusError as error:
        if error.code != 404:
            raise
        return None
    job: Job = answer.value
    if (job.namespace, job.id) != place:
        raise client.error(path, f"asked for {name!r} in {namespace!r}, it answers {job.id!r} in {job.namespace!r}")
    return ReadJob(job.job_modify_index, upstreams_of(job, scope.region))


def _check_addressable(client: Client, path: str, name: str, way_out: str) -> None:
    if not is_addressable(name):
        raise client.error(path, f"Nomad's API can't be asked for {name!r}", help=way_out)


def _check_readable(client: Client, scope: Scope, path: str, seen: Iterable[str]) -> None:
    """Lists of all namespaces leave out silently what the token may not read; one of a single namespace says 403."""
    if len(scope.namespaces) == 1:
        return
    silent = [namespace for namespace in scope.namespaces if namespace not in seen]
    size: Parameters = (("per_page", "1"),) if path == JOBS else ()
    client.in_parallel(lambda namespace: client.indexed(path, object, (*scope.within(namespace), *size)), silent)
