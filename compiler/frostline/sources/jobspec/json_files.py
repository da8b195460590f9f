"""A job file in JSON, as `nomad job run -json` takes it and the API gives it, as a Job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frostline.hcl.source import HclError, Source
from frostline.model import FileOrigin
from frostline.sources.jobspec.job import Job, JobGroup, JobService, JobUpstream, bind_of
from frostline.sources.jobspec.json_tree import Node, tree_of

_HELP = 'it is the form of Nomad\'s API: {"Job": {"ID": …, "TaskGroups": […]}}'


class _ObjectReader:
    """Reads the members of a JSON object. A missing member counts as null. HclError: a member has the wrong type."""

    def __init__(self, source: Source, node: Node, path: str) -> None:
        self.source = source
        self.node = node
        self.path = path
        if not isinstance(node.value, dict):
            raise self.error(node, "an object")

    def error(self, node: Node, wanted: str) -> HclError:
        return HclError(f"{self.path or 'the job'} must be {wanted}", self.source.place(node.offset), help=_HELP)

    @property
    def place(self) -> FileOrigin:
        return self.source.place(self.node.offset)

    def place_of(self, name: str) -> FileOrigin:
        return self.source.place(self.node.value.get(name, self.node).offset)

    def _member(self, name: str, kind: type, wanted: str) -> Any:
        node = self.node.value.get(name)
        if node is None or node.value is None:
            return None
        if not isinstance(node.value, kind) or isinstance(node.value, bool):
            raise _ObjectReader(self.source, self.node, f"{self.path}.{name}").error(node, wanted)
        return node.value

    def text(self, name: str) -> str:
        return self._member(name, str, "a string") or ""

    def whole(self, name: str, most: int) -> int:
        value = self._member(name, int, "a whole number") or 0
        if not 0 <= value <= most:
            raise _ObjectReader(self.source, self.node, f"{self.path}.{name}").error(
                self.node.value[name], f"between 0 and {most}"
            )
        return int(value)

    def texts(self, name: str) -> tuple[str, ...]:
        found = []
        for node in self._member(name, tuple, "a list of strings") or ():
            if not isinstance(node.value, str):
                raise _ObjectReader(self.source, self.node, f"{self.path}.{name}").error(node, "a list of strings")
            found.append(node.value)
        return tuple(found)

    def text_map(self, name: str) -> dict[str, str]:
        members = self._member(name, dict, "an object of strings") or {}
        for node in members.values():
            if not isinstance(node.value, str):
                raise _ObjectReader(self.source, self.node, f"{self.path}.{name}").error(node, "an object of strings")
        return {key: node.value for key, node in members.items()}

    def objects(self, name: str) -> Iterator[_ObjectReader]:
        for index, node in enumerate(self._member(name, tuple, "a list") or ()):
            yield _ObjectReader(self.source, node, f"{self.path}.{name}[{index}]")

    def inner(self, name: str) -> _ObjectReader | None:
        node = self.node.value.get(name)
        return None if node is None or node.value is None else _ObjectReader(self.source, node, f"{self.path}.{name}")


def job_of_json(source: Source) -> Job:
    """The job in the file. HclError: the file is not JSON, or not a job."""
    top = _ObjectReader(source, tree_of(source), "")
    inner = top.inner("Job")
    job = inner or top
    if inner is None and not {"ID", "Name", "TaskGroups"} & top.node.value.keys():
        raise HclError("this is not a job", source.place(0), help=_HELP)
    identifier = job.text("ID") or job.text("Name")
    if not identifier:
        raise HclError("a job without `ID`", job.place, help=_HELP)
    return Job(
        id=identifier,
        name=job.text("Name") or identifier,
        namespace=job.text("Namespace") or "default",
        region=job.text("Region"),
        groups=tuple(_group(group) for group in job.objects("TaskGroups")),
    )


def _group(group: _ObjectReader) -> JobGroup:
    if not group.text("Name"):
        raise HclError("a group without `Name`", group.place, help=_HELP)
    tasks = list(group.objects("Tasks"))
    networks = list(group.objects("Networks"))
    networks += [network for task in tasks if (part := task.inner("Resources")) for network in part.objects("Networks")]
    services = [_service(service, "") for service in group.objects("Services")]
    services += [_service(service, task.text("Name")) for task in tasks for service in task.objects("Services")]
    return JobGroup(name=group.text("Name"), ports=_ports(networks), services=tuple(services))


def _ports(networks: list[_ObjectReader]) -> dict[str, int]:
    return {
        port.text("Label"): port.whole("Value", 65535)
        for network in networks
        for kind in ("DynamicPorts", "ReservedPorts")
        for port in network.objects(kind)
    }


def _service(service: _ObjectReader, task: str) -> JobService:
    weights = service.inner("Weights")
    return JobService(
        place=service.place,
        name=service.text("Name"),
        port=service.text("PortLabel"),
        address=service.text("Address"),
        tags=service.texts("Tags"),
        meta=service.text_map("Meta"),
        weight=weights.whole("Passing", 2**31 - 1) if weights else 1,
        task=task,
        places={
            "name": service.place_of("Name"),
            "port": service.place_of("PortLabel"),
            "address": service.place_of("Address"),
            "tags": service.place_of("Tags"),
        },
        upstreams=tuple(_upstreams(service)),
    )


def _upstreams(service: _ObjectReader) -> Iterator[JobUpstream]:
    connect = service.inner("Connect")
    sidecar = connect.inner("SidecarService") if connect else None
    proxy = sidecar.inner("Proxy") if sidecar else None
    for upstream in proxy.objects("Upstreams") if proxy else ():
        if not upstream.text("DestinationName"):
            raise HclError("an upstream without `DestinationName`", upstream.place, help=_HELP)
        port, socket = upstream.whole("LocalBindPort", 65535), upstream.text("LocalBindSocketPath")
        yield JobUpstream(
            destination=upstream.text("DestinationName"),
            place=upstream.place,
            bind=bind_of(upstream.text("LocalBindAddress"), port, socket),
            kind=upstream.text("DestinationType"),
            destination_namespace=upstream.text("DestinationNamespace"),
            datacenter=upstream.text("Datacenter"),
            peer=upstream.text("DestinationPeer"),
        )
