"""The parts of a job that services and upstreams need, from a file of any form."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from frostline.model import Bind, FileOrigin

LOCALHOST = "127.0.0.1"  # the default of a sidecar


class NotKnown(Struct, frozen=True):
    """A value that the file does not tell. causes: what it depends on (`var.region`, `uuidv4()`). place: its own."""

    causes: frozenset[str]
    place: FileOrigin


Text = str | NotKnown
Whole = int | NotKnown


class Need(Struct, frozen=True):
    """Something that must be known, but is not. what: for messages, e.g. "the name of a service"."""

    what: str
    value: NotKnown


class NeedError(Exception):
    """What blocks there are depends on something that is not known."""

    def __init__(self, need: Need) -> None:
        super().__init__(need.what)
        self.need = need


class JobUpstream(Struct, frozen=True, kw_only=True):
    """An upstream in the file. place: of its block."""

    place: FileOrigin
    destination: Text
    address: Text = ""
    port: Whole = 0
    socket: Text = ""
    kind: Text = ""
    destination_namespace: Text = ""
    datacenter: Text = ""
    peer: Text = ""


class JobService(Struct, frozen=True, kw_only=True):
    """A service in the file. places: of those of `name`, `port`, `address` and `tags` that it has.

    task: "" for a service of a group. weight: while its checks pass. gateway: Consul registers it as a gateway, which
    is another kind than a service.
    """

    place: FileOrigin
    name: Text = ""
    port: Text = ""
    address: Text = ""
    address_mode: Text = ""
    tags: tuple[Text, ...] | NotKnown = ()
    meta: Mapping[str, Text] = {}
    weight: Whole = 1
    task: str = ""
    places: Mapping[str, FileOrigin] = {}
    upstreams: tuple[JobUpstream, ...] = ()
    gateway: bool = False


class JobPort(Struct, frozen=True):
    """A port of a network. static: on the node, 0 if Nomad chooses it. to: inside of the group's network, or 0."""

    static: Whole = 0
    to: Whole = 0


class JobTask(Struct, frozen=True, kw_only=True):
    """A task: its own variables and meta."""

    env: Mapping[str, Text] = {}
    meta: Mapping[str, Text] = {}


class JobGroup(Struct, frozen=True, kw_only=True):
    """A group. ports: by label, with those of its tasks' networks. tasks: by name."""

    name: str
    ports: Mapping[str, JobPort] = {}
    services: tuple[JobService, ...] = ()
    meta: Mapping[str, Text] = {}
    tasks: Mapping[str, JobTask] = {}


class Job(Struct, frozen=True, kw_only=True):
    """A job. region: "" if the file does not set it.

    runs: each run is a job of its own, with another name (a periodic or parameterized job). asked: the keys of meta
    that whoever dispatches a parameterized job sets.
    """

    place: FileOrigin
    id: Text
    name: Text
    namespace: Text = "default"
    region: Text = ""
    groups: tuple[JobGroup, ...] = ()
    meta: Mapping[str, Text] = {}
    runs: bool = False
    asked: frozenset[str] = frozenset()


def bind_of(address: str, port: int, socket: str) -> Bind:
    """The place where an upstream listens: its socket if it has one, else its port and address."""
    return Bind(socket=socket) if socket else Bind(address=address or LOCALHOST, port=port)
