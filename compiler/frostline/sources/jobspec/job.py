"""The parts of a job that services and upstreams need, whatever the form of its file."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from frostline.model import Bind, FileOrigin

LOCALHOST = "127.0.0.1"  # the default of a sidecar


class NotKnown(Struct, frozen=True):
    """A value that the file does not determine.

    causes: what it depends on (`var.region`, `uuidv4()`). place: where it is written.
    """

    causes: frozenset[str]
    place: FileOrigin


Text = str | NotKnown
Whole = int | NotKnown


class Need(Struct, frozen=True):
    """A value that frostline needs, but that is not known. what: for messages, e.g. "the name of a service"."""

    what: str
    value: NotKnown


class NeedError(Exception):
    """frostline needs a value that is not known."""

    def __init__(self, need: Need) -> None:
        super().__init__(need.what)
        self.need = need


class JobUpstream(Struct, frozen=True, kw_only=True):
    """An upstream in the file. place: that of its block."""

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
    """A service in the file. places: those of its `name`, `port`, `address`, `tags` and `meta`.

    task: "" for a service of a group. weight: the one while its checks pass. gateway: Consul registers it as a gateway,
    not as a service.
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
    """A port of a network. static: the port on the node, 0 if Nomad chooses it. to: the port in the group's network,
    or 0."""

    static: Whole = 0
    to: Whole = 0


class JobTask(Struct, frozen=True, kw_only=True):
    """A task's own environment variables and meta."""

    env: Mapping[str, Text] = {}
    meta: Mapping[str, Text] = {}


class JobGroup(Struct, frozen=True, kw_only=True):
    """A group. ports: by label, including those of its tasks' networks. tasks: by name."""

    name: str
    ports: Mapping[str, JobPort] = {}
    services: tuple[JobService, ...] = ()
    meta: Mapping[str, Text] = {}
    tasks: Mapping[str, JobTask] = {}


class Job(Struct, frozen=True, kw_only=True):
    """A job. region: "" if the file does not set it.

    has_children: Nomad runs children of it, each with a name of its own (a periodic or parameterized job).
    dispatched_meta: the keys of meta that whoever dispatches a parameterized job sets.
    """

    place: FileOrigin
    id: Text
    name: Text
    namespace: Text = "default"
    region: Text = ""
    groups: tuple[JobGroup, ...] = ()
    meta: Mapping[str, Text] = {}
    has_children: bool = False
    dispatched_meta: frozenset[str] = frozenset()


def make_bind(address: str, port: int, socket: str) -> Bind:
    """Make the bind of an upstream: its socket if it has one, else its address and port."""
    return Bind(socket=socket) if socket else Bind(address=address or LOCALHOST, port=port)
