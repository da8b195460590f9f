"""What a job declares: its services as Nomad registers them, and its upstreams."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from frostline.globs import matches
from frostline.model import Declaration, DeclaredService, FileOrigin, Finding, Upstream
from frostline.patterns import parse
from frostline.regexes import Spend
from frostline.rules import Rule
from frostline.sources.jobspec.filling import (
    PLACEHOLDER,
    Filler,
    client_filler,
    client_placeholders,
    is_own_port,
    server_filler,
)
from frostline.sources.jobspec.job import (
    Job,
    JobGroup,
    JobService,
    JobUpstream,
    Need,
    NeedError,
    NotKnown,
    Text,
    Whole,
    make_bind,
)
from frostline.sources.jobspec.job_rules import (
    NO_SUCH_PORT,
    RUNTIME_META,
    RUNTIME_NAME,
    RUNTIME_PORT,
    RUNTIME_TAG,
    RUNTIME_UPSTREAM,
    UNREGISTRABLE,
)
from frostline.text import did_you_mean

_NUMBER = re.compile("[0-9]{1,5}")
_NAME = re.compile("(?i:[a-z0-9]|[a-z0-9][a-z0-9-]{0,61}[a-z0-9])")  # structs.Service.ValidateName
_NETWORK_MODES = ("alloc", "alloc_ipv6", "driver")
_RUNTIME = "is known only on the client that runs the job"


class JobDeclaration(Struct, frozen=True):
    """What a job declares. needs: values that must be known first; if there are any, the declaration is incomplete."""

    declaration: Declaration
    needs: tuple[Need, ...] = ()


def declare_job(job: Job, spend: Spend, address: str = "", selected: Sequence[str] = ("*",)) -> JobDeclaration:
    """Return the job's services and upstreams, with findings about what the file does not say or Nomad refuses.

    address: a pattern with {name}: the address of services without one. selected: globs; services with other names are
    ignored, with their errors. spend: counts the steps of filling.
    """
    services: list[DeclaredService] = []
    upstreams: list[tuple[Upstream, FileOrigin]] = []
    findings: list[Finding] = []
    needs: list[Need] = []
    for group in job.groups:
        # Task -> what the client fills in; "" for the group.
        tasks = {"", *(service.task for service in group.services)}
        known = {task: client_filler(job, group, task, spend) for task in sorted(tasks)}
        for service in group.services:
            if service.gateway:
                continue
            try:
                name = _Name(job, group, service, known[service.task])
                if matches(selected, name.text):
                    registration = _Registration(job, group, service, name, known[service.task])
                    findings += registration.findings()
                    services += registration.declare(address)
            except NeedError as error:
                needs.append(error.need)
            for upstream in service.upstreams:
                try:
                    declared, more = _declare_upstream(job, group, upstream, known[""])
                except NeedError as error:
                    needs.append(error.need)
                    continue
                upstreams += [(found, upstream.place) for found in declared]
                findings += more
    declaration = Declaration(services=tuple(services), upstreams=tuple(upstreams), findings=tuple(findings))
    return JobDeclaration(declaration, tuple(needs))


def _require(text: Text, what: str) -> str:
    """Return the text. NeedError: it is not known."""
    if isinstance(text, NotKnown):
        raise NeedError(Need(what, text))
    return text


def _require_number(number: Whole, what: str) -> int:
    if isinstance(number, NotKnown):
        raise NeedError(Need(what, number))
    return number


def _fill_address(pattern: str, name: str) -> str:
    return "".join(part if isinstance(part, str) else name for part in parse(pattern))


class _Name:
    """The name of a service. submitted: as the server keeps it in the job. text: with what the client fills in."""

    def __init__(self, job: Job, group: JobGroup, service: JobService, known: Filler) -> None:
        what = "the name of a service"
        if service.name:
            self.submitted = _require(server_filler(job, group, service.task, known.spend).fill(service.name), what)
        else:
            parts = [_require(job.name, "the name of the job"), group.name, *([service.task] if service.task else [])]
            self.submitted = "-".join(parts)
        self.text = _require(known.fill(self.submitted), what)


class _Registration:
    """A service as Nomad registers it (structs.Service.Canonicalize, taskenv.InterpolateService)."""

    def __init__(self, job: Job, group: JobGroup, service: JobService, name: _Name, known: Filler) -> None:
        self._service = service
        self._group = group
        self._in_task = bool(service.task)
        self.namespace = _require(job.namespace, "the namespace of the job")
        self.submitted = name.submitted
        self.name = name.text
        self.port = _require(known.fill(service.port), "the port of a service")
        self.mode = _require(service.address_mode, "the address mode of a service")
        self.address = _require(known.fill(service.address), "the address of a service")
        self.tags = self._fill_tags(known)
        self.meta = {
            _require(known.fill(key), "the meta of a service"): _require(known.fill(value), "the meta of a service")
            for key, value in service.meta.items()
        }
        self.weight = _require_number(service.weight, "the weight of a service")

    def _fill_tags(self, known: Filler) -> tuple[str, ...]:
        tags = self._service.tags
        if isinstance(tags, NotKnown):
            raise NeedError(Need("the tags of a service", tags))
        return tuple(_require(known.fill(tag), "a tag of a service") for tag in tags)

    def _client_placeholders(self, text: str) -> list[str]:
        """Return the placeholders that only the client fills."""
        return client_placeholders(text, self._in_task)

    @property
    def _placeholders_in_name(self) -> list[str]:
        # In a name, everything that looks like a variable must be one, because no name may contain `$`.
        return [match[0] for match in PLACEHOLDER.finditer(self.name) if not match[1].isdecimal()]

    @property
    def _port_needs_client(self) -> bool:
        return bool(self._client_placeholders(self.port)) and not is_own_port(self.port, self._group)

    def declare(self, pattern: str) -> Iterator[DeclaredService]:
        """Yield the service, unless only a client knows its name. pattern: makes the address of a service without
        one."""
        if self._placeholders_in_name:
            return
        port = self._port_number() or 0
        address = self.address if port and not self._client_placeholders(self.address) else ""
        fallback = bool(pattern) and not self.address and port > 0
        yield DeclaredService(
            service=self.name,
            origin=self._service.place,
            address=_fill_address(pattern, self.name) if fallback else address,
            port=port,
            fallback=fallback,
            namespace=self.namespace,
            tags=tuple(tag for tag in self.tags if not self._client_placeholders(tag)),
            meta={key: value for key, value in self.meta.items() if not self._client_placeholders(value)},
            weight=self.weight,
        )

    def _port_number(self) -> int | None:
        """Return the port's number, 0 if Nomad chooses it, or None if it is neither a number nor a label."""
        if self.port in self._group.ports:
            label = self._group.ports[self.port]
            what = f"the number of the port `{self.port}`"
            inside = _require_number(label.to, what) if self.mode in _NETWORK_MODES else 0
            return inside or _require_number(label.static, what)
        if not self.port or self._client_placeholders(self.port):
            return 0
        number = int(self.port) if _NUMBER.fullmatch(self.port) else None
        return number if number is not None and number <= 65535 else None

    def findings(self) -> Iterator[Finding]:
        """Yield an error for a wrong or unknown name or port, and a warning for each unknown tag or meta."""
        if self._placeholders_in_name:
            yield self._name_finding()
        elif not _NAME.fullmatch(PLACEHOLDER.sub("ENV-VAR", self.submitted)):
            yield self._unregistrable()
        if self._port_needs_client:
            message = f"its port `{self.port}` {_RUNTIME}; it has no endpoint"
            yield self._finding(RUNTIME_PORT, message, "port", self.port)
        elif self._port_number() is None:
            yield self._no_such_port()
        for tag in self.tags:
            if self._client_placeholders(tag):
                yield self._finding(RUNTIME_TAG, f"its tag `{tag}` {_RUNTIME}; the tag is left out", "tags", tag)
        for key, value in self.meta.items():
            if self._client_placeholders(value):
                message = f"its meta `{key}` is `{value}`, which {_RUNTIME}; the key is left out"
                yield self._finding(RUNTIME_META, message, "meta", value)

    def _finding(self, rule: Rule, message: str, what: str, value: str, help: str | None = None) -> Finding:
        return rule.finding(
            message,
            service=None if self._placeholders_in_name else self.name,
            value=value,
            origin=self._service.places.get(what, self._service.place),
            help=help,
        )

    def _name_finding(self) -> Finding:
        names_of_children = ("${NOMAD_JOB_NAME}", "${NOMAD_JOB_ID}")
        of_child = next((text for text in self._placeholders_in_name if text in names_of_children), None)
        unfilled = next(
            (text for text in self._placeholders_in_name if not client_placeholders(text, self._in_task)), None
        )
        reason, help_line = _RUNTIME, None
        if of_child:
            reason = f"cannot be known: `{of_child}` differs in each run of a periodic or parameterized job"
            help_line = "write the name itself, or `${JOB}` for the name of the job in the file"
        elif unfilled:
            reason = f"has a placeholder that nothing in the job fills: `{unfilled}`"
            help_line = "correct the placeholder, or set it: `${NOMAD_META_key}` is the key of a `meta` block"
        message = f"its name `{self.name}` {reason}; the service is left out"
        return self._finding(RUNTIME_NAME, message, "name", self.name, help_line)

    def _unregistrable(self) -> Finding:
        name = self.submitted
        wrong = next((char for char in name if not (char.isascii() and char.isalnum()) and char != "-"), "")
        reason = f"`{wrong}` is neither a letter, a digit nor a dash"
        if not wrong:
            reason = f"it has {len(name)} characters" if len(name) > 63 else "it begins or ends with a dash"
        return self._finding(UNREGISTRABLE, f"Nomad refuses the name `{name}`: {reason}", "name", name)

    def _no_such_port(self) -> Finding:
        message = f"its port `{self.port}` is neither a number nor the label of a port in its group"
        help_line = did_you_mean(self.port, sorted(self._group.ports), NO_SUCH_PORT.mend)
        return self._finding(NO_SUCH_PORT, message, "port", self.port, help_line)


def _declare_upstream(
    job: Job, group: JobGroup, upstream: JobUpstream, known: Filler
) -> tuple[list[Upstream], list[Finding]]:
    """Return the upstream, or the finding that only a client knows it.

    As in Nomad's taskenv, interpolateConnectSidecarService.
    """
    filled = {
        "destination": _require(known.fill(upstream.destination), "the destination of an upstream"),
        "datacenter": _require(known.fill(upstream.datacenter), "the datacenter of an upstream"),
        "address": _require(known.fill(upstream.address), "the bind address of an upstream"),
    }
    for what, text in filled.items():
        if client_placeholders(text, in_task=False):
            message = f"its {what} `{text}` {_RUNTIME}; the upstream is left out"
            return [], [RUNTIME_UPSTREAM.finding(message, value=text, origin=upstream.place)]
    port = _require_number(upstream.port, "the bind port of an upstream")
    found = Upstream(
        region=_require(job.region, "the region of the job"),
        namespace=_require(job.namespace, "the namespace of the job"),
        job=_require(job.id, "the ID of the job"),
        group=group.name,
        destination=filled["destination"],
        kind=_require(upstream.kind, "the kind of an upstream") or "service",
        destination_namespace=_require(upstream.destination_namespace, "the namespace of an upstream"),
        datacenter=filled["datacenter"],
        peer=_require(upstream.peer, "the peer of an upstream"),
        bind=make_bind(filled["address"], port, _require(upstream.socket, "the socket of an upstream")),
    )
    return [found], []


def names_in(job: Job) -> Iterable[tuple[str, FileOrigin]]:
    """Yield the names in the job, as the file writes them, with their places."""
    for text in (job.id, job.name):
        if isinstance(text, str):
            yield text, job.place
    for group in job.groups:
        yield group.name, job.place
        for service in group.services:
            for name in ("name", "port"):
                text = getattr(service, name)
                if isinstance(text, str):
                    yield text, service.places.get(name, service.place)
