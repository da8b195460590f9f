"""The parts of a job that services and upstreams need, from a file of either form, and what they declare."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from frostline.model import Bind, Declaration, DeclaredService, FileOrigin, Finding, Upstream
from frostline.rules import Rule

_RUNTIME_MEND = "write it without variables of the client, or read the service from Consul or Nomad"
_RUNTIME_WHY = (
    "Variables such as `${attr.unique.hostname}` or `${NOMAD_ALLOC_INDEX}` have a value only on the client that runs "
    "the job, and the file alone does not tell it."
)
RUNTIME_NAME = Rule(
    name="job-name",
    summary="the name of a service in a job file contains a variable of the client",
    why=f"{_RUNTIME_WHY} Without its name the service is left out.",
    example="a.nomad.hcl:7:14: error[job-name]: its name `web-${NOMAD_ALLOC_INDEX}` is known only on the "
    f"client that runs the job; the service is left out\n  help: {_RUNTIME_MEND}",
    mend=_RUNTIME_MEND,
)
RUNTIME_PORT = Rule(
    name="job-port",
    summary="the port of a service in a job file contains a variable of the client",
    why=f"{_RUNTIME_WHY} Without its port the service is declared, but has no endpoint.",
    example="a.nomad.hcl:8:8: error[job-port]: web: its port `${meta.port}` is known only on the client "
    f"that runs the job; it has no endpoint\n  help: {_RUNTIME_MEND}",
    mend=_RUNTIME_MEND,
)
RUNTIME_TAG = Rule(
    name="job-tag",
    severity="warning",
    summary="a tag of a service in a job file contains a variable of the client",
    why=f"{_RUNTIME_WHY} The tag is left out, so whoever chooses by it does not find the service.",
    example="a.nomad.hcl:8:8: warning[job-tag]: web: its tag `host=${attr.unique.hostname}` is known only on "
    f"the client that runs the job; the tag is left out\n  help: {_RUNTIME_MEND}",
    mend=_RUNTIME_MEND,
)
RULES = (RUNTIME_NAME, RUNTIME_PORT, RUNTIME_TAG)
_RUNTIME_RULES = {"name": (RUNTIME_NAME, "name"), "port": (RUNTIME_PORT, "port"), "tags": (RUNTIME_TAG, "tag")}

LOCALHOST = "127.0.0.1"  # the default of a sidecar
_RUNTIME = re.compile(r"\$\{[^{}]*\}")
_PORT = re.compile("[0-9]{1,5}")


class JobUpstream(Struct, frozen=True, kw_only=True):
    """An upstream in the file. place: of its block."""

    destination: str
    place: FileOrigin
    bind: Bind
    kind: str = ""
    destination_namespace: str = ""
    datacenter: str = ""
    peer: str = ""


class JobService(Struct, frozen=True, kw_only=True):
    """A service in the file. places: of those of `name`, `port`, `address` and `tags` that it has.

    task: "" for a service of a group. weight: while its checks pass.
    """

    place: FileOrigin
    name: str = ""
    port: str = ""
    address: str = ""
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = {}
    weight: int = 1
    task: str = ""
    places: Mapping[str, FileOrigin] = {}
    upstreams: tuple[JobUpstream, ...] = ()


class JobGroup(Struct, frozen=True, kw_only=True):
    """A group. ports: label -> static port, or 0 if Nomad chooses it; with those of its tasks' networks."""

    name: str
    ports: Mapping[str, int] = {}
    services: tuple[JobService, ...] = ()


class Job(Struct, frozen=True, kw_only=True):
    """A job. region: "" if the file does not set it."""

    id: str
    name: str
    namespace: str = "default"
    region: str = ""
    groups: tuple[JobGroup, ...] = ()


def declaration_of(job: Job) -> Declaration:
    """Its services and upstreams, and a finding for every name, port and tag that only a client can fill in."""
    services: list[DeclaredService] = []
    upstreams: list[tuple[Upstream, FileOrigin]] = []
    findings: list[Finding] = []
    for group in job.groups:
        for service in group.services:
            registered = _RegisteredService(job, group, service)
            findings += registered.findings()
            if not registered.name_is_unknown:
                services.append(registered.declared())
            upstreams += [(_upstream(job, group, upstream), upstream.place) for upstream in service.upstreams]
    return Declaration(services=tuple(services), upstreams=tuple(upstreams), findings=tuple(findings))


class _RegisteredService:
    """A service as Nomad registers it, variables filled in (structs.Service.Canonicalize, taskenv.ReplaceEnv)."""

    def __init__(self, job: Job, group: JobGroup, service: JobService) -> None:
        known = _job_variables(job, group, service)
        task = service.task or "group"
        base = f"{job.name}-{group.name}-{task}"
        registered = {"JOB": job.name, "TASKGROUP": group.name, "TASK": task, "BASE": base}
        unnamed = "-".join([job.name, group.name, *([service.task] if service.task else [])])
        self._service = service
        self._namespace = job.namespace
        self._group = group
        self.name = _replaced(service.name, {**registered, **known}) if service.name else unnamed
        self.port = _replaced(service.port, known)
        self.address = _replaced(service.address, known)
        self.tags = tuple(_replaced(tag, known) for tag in service.tags)
        self.meta = {key: _replaced(value, known) for key, value in service.meta.items()}

    @property
    def name_is_unknown(self) -> bool:
        return _RUNTIME.search(self.name) is not None

    def declared(self) -> DeclaredService:
        port = self._literal_port()
        literal = bool(self.address) and bool(port) and not _RUNTIME.search(self.address)
        return DeclaredService(
            service=self.name,
            origin=self._service.place,
            address=self.address if literal else "",
            port=port if literal else 0,
            namespace=self._namespace,
            tags=tuple(tag for tag in self.tags if not _RUNTIME.search(tag)),
            meta={key: value for key, value in self.meta.items() if not _RUNTIME.search(value)},
            weight=self._service.weight,
        )

    def _literal_port(self) -> int:
        """The number, or the static port of the label; 0 if Nomad chooses it."""
        if self.port in self._group.ports:
            return self._group.ports[self.port]
        number = int(self.port) if _PORT.fullmatch(self.port) else 0
        return number if number <= 65535 else 0

    def findings(self) -> Iterator[Finding]:
        """An error for a name or port that only a client knows, a warning for such a tag."""
        if self.name_is_unknown:
            yield self._finding("name", self.name, "the service is left out")
        if _RUNTIME.search(self.port):
            yield self._finding("port", self.port, "it has no endpoint")
        for tag in self.tags:
            if _RUNTIME.search(tag):
                yield self._finding("tags", tag, "the tag is left out")

    def _finding(self, what: str, value: str, consequence: str) -> Finding:
        rule, noun = _RUNTIME_RULES[what]
        return rule.finding(
            f"its {noun} `{value}` is known only on the client that runs the job; {consequence}",
            service=None if self.name_is_unknown else self.name,
            value=value,
            origin=self._service.places.get(what, self._service.place),
        )


def _job_variables(job: Job, group: JobGroup, service: JobService) -> dict[str, str]:
    known = {
        "NOMAD_JOB_ID": job.id,
        "NOMAD_JOB_NAME": job.name,
        "NOMAD_GROUP_NAME": group.name,
        "NOMAD_NAMESPACE": job.namespace,
        "NOMAD_TASK_NAME": service.task,
        "NOMAD_REGION": job.region,
    }
    return {name: value for name, value in known.items() if value}


def _replaced(text: str, known: Mapping[str, str]) -> str:
    if "${" not in text:
        return text
    return _RUNTIME.sub(lambda match: known.get(match[0][2:-1].strip(), match[0]), text)


def _upstream(job: Job, group: JobGroup, upstream: JobUpstream) -> Upstream:
    return Upstream(
        region=job.region,
        namespace=job.namespace,
        job=job.id,
        group=group.name,
        destination=upstream.destination,
        kind=upstream.kind or "service",
        destination_namespace=upstream.destination_namespace,
        datacenter=upstream.datacenter,
        peer=upstream.peer,
        bind=upstream.bind,
    )


def bind_of(address: str, port: int, socket: str) -> Bind:
    """The place where an upstream listens: its socket if it has one, else its port and address."""
    return Bind(socket=socket) if socket else Bind(address=address or LOCALHOST, port=port)
