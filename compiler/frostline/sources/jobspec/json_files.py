"""Read a job in JSON, in the form of Nomad's API, as `nomad job run -json` takes it.

This follows Go's encoding/json: the case of names does not matter, unknown names are ignored, the last of several
members with the same name wins (objects are merged), and null in a list or map of strings is an empty string.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

from frostline.hcl.source import HclError, Source
from frostline.model import FileOrigin
from frostline.sources.jobspec.job import Job, JobGroup, JobPort, JobService, JobTask, JobUpstream
from frostline.sources.jobspec.json_tree import Members, Node

_HELP = 'it is the form of Nomad\'s API: {"Job": {"ID": …, "TaskGroups": […]}}'
_OWN_NAMES = frozenset({"id", "name", "taskgroups"})


def is_api_job(tree: Node) -> bool:
    """Whether the file has the form of the API, with or without `Job` around it, rather than HCL's JSON syntax."""
    if not isinstance(tree.value, Members):
        return False
    members = {key.lower(): (key, node) for key, node in tree.value.items}
    if "job" not in members:
        return bool(_OWN_NAMES & members.keys())
    key, job = members["job"]
    inner = job.value.items if isinstance(job.value, Members) else ()
    # In HCL's syntax all members of `job` are its labels, so their values are blocks.
    return key == "Job" or any(name.lower() in _OWN_NAMES and isinstance(node.value, str) for name, node in inner)


class _ObjectReader:
    """Reads the members of a JSON object. A missing member counts as null. HclError: a member has the wrong type."""

    def __init__(self, source: Source, node: Node, path: str) -> None:
        self.source = source
        self.node = node
        self.path = path
        if not isinstance(node.value, Members):
            raise self.error(node, "an object")
        written: dict[str, list[Node]] = {}
        for key, member in node.value.items:
            written.setdefault(key.lower(), []).append(member)
        self._members = {
            name: members[0] if len(members) == 1 else _merge(members) for name, members in written.items()
        }

    def error(self, node: Node, wanted: str) -> HclError:
        return HclError(
            f"{f'`{self.path}`' if self.path else 'the job'} must be {wanted}",
            self.source.place(node.offset),
            help=_HELP,
        )

    @property
    def place(self) -> FileOrigin:
        return self.source.place(self.node.offset)

    def place_of(self, name: str) -> FileOrigin:
        return self.source.place((self._node(name) or self.node).offset)

    def _node(self, name: str) -> Node | None:
        return self._members.get(name.lower())

    def _member_error(self, name: str, node: Node, wanted: str) -> HclError:
        return _ObjectReader(self.source, self.node, f"{self.path}.{name}".lstrip(".")).error(node, wanted)

    def _member(self, name: str, kind: type, wanted: str) -> Any:
        node = self._node(name)
        if node is None or node.value is None:
            return None
        if not isinstance(node.value, kind) or isinstance(node.value, bool):
            raise self._member_error(name, node, wanted)
        return node.value

    def text(self, name: str) -> str:
        return self._member(name, str, "a string") or ""

    def flag(self, name: str) -> bool:
        node = self._node(name)
        if node is not None and node.value is not None and not isinstance(node.value, bool):
            raise self._member_error(name, node, "true or false")
        return node is not None and node.value is True

    def whole(self, name: str, most: int, least: int = 0) -> int:
        value = self._member(name, int, "a whole number") or 0
        if not least <= value <= most:
            raise self._member_error(name, self._node(name) or self.node, f"between {least} and {most}")
        return int(value)

    def texts(self, name: str) -> tuple[str, ...]:
        items = self._member(name, tuple, "a list of strings") or ()
        return tuple(self._text(name, node, "a list of strings") for node in items)

    def text_map(self, name: str) -> dict[str, str]:
        members = self._member(name, Members, "an object of strings")
        items = members.items if members else ()
        return {key: self._text(name, node, "an object of strings") for key, node in items}

    def _text(self, name: str, node: Node, wanted: str) -> str:
        if node.value is not None and not isinstance(node.value, str):
            raise self._member_error(name, node, wanted)
        return node.value or ""

    def objects(self, name: str) -> Iterator[_ObjectReader]:
        for index, node in enumerate(self._member(name, tuple, "a list") or ()):
            yield _ObjectReader(self.source, node, f"{self.path}.{name}[{index}]")

    def inner(self, name: str) -> _ObjectReader | None:
        node = self._node(name)
        return None if node is None or node.value is None else _ObjectReader(self.source, node, f"{self.path}.{name}")


def _merge(members: list[Node]) -> Node:
    """Merge members of the same name: the last wins; if it is an object, it gets the members of objects directly
    before."""
    last = members[-1]
    objects = list(takewhile(lambda node: isinstance(node.value, Members), reversed(members)))
    if not objects:
        return last
    return Node(Members(tuple(item for node in reversed(objects) for item in node.value.items)), last.offset)


def read_api_job(tree: Node, source: Source) -> Job:
    """Read the job in the file. HclError: it is not a job."""
    top = _ObjectReader(source, tree, "")
    job = top.inner("Job") or top
    identifier = job.text("ID") or job.text("Name")
    if not identifier:
        raise HclError("a job without `ID`", job.place, help=_HELP)
    groups = tuple(job.objects("TaskGroups"))
    if not groups:  # as Nomad, which takes no such job; a file of something else may have an `id` or `name` as well
        raise HclError("a job without `TaskGroups`", job.place, help=f"{_HELP}; leave out of `files` what is no job")
    parameterized = job.inner("ParameterizedJob")
    return Job(
        place=job.place,
        id=identifier,
        name=job.text("Name") or identifier,
        namespace=job.text("Namespace") or "default",
        region=job.text("Region"),
        # A stopped job declares nothing.
        groups=() if job.flag("Stop") else tuple(_read_group(group) for group in groups),
        meta=job.text_map("Meta"),
        has_children=job.inner("Periodic") is not None or parameterized is not None,
        dispatched_meta=_read_dispatched_meta(parameterized) if parameterized else frozenset(),
    )


def _read_dispatched_meta(parameterized: _ObjectReader) -> frozenset[str]:
    return frozenset((*parameterized.texts("MetaRequired"), *parameterized.texts("MetaOptional")))


def _read_group(group: _ObjectReader) -> JobGroup:
    if not group.text("Name"):
        raise HclError("a group without `Name`", group.place, help=_HELP)
    tasks = list(group.objects("Tasks"))
    networks = list(group.objects("Networks"))
    networks += [network for task in tasks if (part := task.inner("Resources")) for network in part.objects("Networks")]
    services = [_read_service(service, "") for service in group.objects("Services")]
    services += [_read_service(service, task.text("Name")) for task in tasks for service in task.objects("Services")]
    return JobGroup(
        name=group.text("Name"),
        ports=_read_ports(networks),
        services=tuple(services),
        meta=group.text_map("Meta"),
        tasks={task.text("Name"): JobTask(env=task.text_map("Env"), meta=task.text_map("Meta")) for task in tasks},
    )


def _read_ports(networks: list[_ObjectReader]) -> Mapping[str, JobPort]:
    return {
        port.text("Label"): JobPort(port.whole("Value", 65535), max(port.whole("To", 65535, least=-1), 0))
        for network in networks
        for kind in ("DynamicPorts", "ReservedPorts")
        for port in network.objects(kind)
    }


def _read_service(service: _ObjectReader, task: str) -> JobService:
    weights, connect = service.inner("Weights"), service.inner("Connect")
    places = {"name": "Name", "port": "PortLabel", "address": "Address", "tags": "Tags", "meta": "Meta"}
    return JobService(
        place=service.place,
        name=service.text("Name"),
        port=service.text("PortLabel"),
        address=service.text("Address"),
        address_mode=service.text("AddressMode"),
        tags=service.texts("Tags"),
        meta=service.text_map("Meta"),
        weight=weights.whole("Passing", 2**31 - 1) if weights else 1,
        task=task,
        places={name: service.place_of(member) for name, member in places.items()},
        upstreams=tuple(_read_upstreams(connect)) if connect else (),
        gateway=connect is not None and connect.inner("Gateway") is not None,
    )


def _read_upstreams(connect: _ObjectReader) -> Iterator[JobUpstream]:
    sidecar = connect.inner("SidecarService")
    proxy = sidecar.inner("Proxy") if sidecar else None
    for upstream in proxy.objects("Upstreams") if proxy else ():
        if not upstream.text("DestinationName"):
            raise HclError("an upstream without `DestinationName`", upstream.place, help=_HELP)
        yield JobUpstream(
            place=upstream.place,
            destination=upstream.text("DestinationName"),
            address=upstream.text("LocalBindAddress"),
            port=upstream.whole("LocalBindPort", 65535),
            socket=upstream.text("LocalBindSocketPath"),
            kind=upstream.text("DestinationType"),
            destination_namespace=upstream.text("DestinationNamespace"),
            datacenter=upstream.text("Datacenter"),
            peer=upstream.text("DestinationPeer"),
        )
