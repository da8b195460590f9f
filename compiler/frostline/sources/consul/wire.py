"""What Consul answers, as types, and how an answer becomes registrations (Consul's HTTP API, /v1).

Consul writes empty lists and maps as null, and leaves out what it does not know; unknown fields are ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from frostline.model import Health, Registration

_HEALTH: Mapping[str, Health] = {"passing": "passing", "warning": "warning", "critical": "critical"}
_RANKS: Mapping[Health, int] = {"passing": 0, "warning": 1, "critical": 2, "maintenance": 3}
_MAINTENANCE = ("_node_maintenance", "_service_maintenance:")  # api.NodeMaint, api.ServiceMaintPrefix
_LAST_PORT = 65535


class Config(Struct, frozen=True, gc=False, rename="pascal"):
    datacenter: str


class DebugConfig(Struct, frozen=True, gc=False):
    translates: bool = field(name="TranslateWANAddrs", default=False)


class AgentSelf(Struct, frozen=True, gc=False, rename="pascal"):
    """/v1/agent/self."""

    config: Config
    debug_config: DebugConfig = DebugConfig()


class TokenSelf(Struct, frozen=True):
    """/v1/acl/token/self."""

    accessor: str = field(name="AccessorID", default="")


class Node(Struct, frozen=True, gc=False, rename="pascal"):
    """A node, as in catalog/nodes and inside other answers. name is unique without regard to case."""

    name: str = field(name="Node")
    address: str = ""
    tagged_addresses: dict[str, str] | None = None
    partition: str = ""
    peer_name: str = ""


class TaggedAddress(Struct, frozen=True, gc=False, rename="pascal"):
    address: str = ""
    port: int = 0


class Weights(Struct, frozen=True, gc=False, rename="pascal"):
    passing: int = 1
    warning: int = 1


class Service(Struct, frozen=True, gc=False, rename="pascal"):
    """One registered instance. id is unique on its node without regard to case."""

    id: str = field(name="ID")
    name: str = field(name="Service")
    kind: str = ""
    address: str = ""
    port: int = 0
    tags: list[str] | None = None
    meta: dict[str, str] | None = None
    tagged_addresses: dict[str, TaggedAddress] | None = None
    weights: Weights | None = None
    namespace: str = ""
    partition: str = ""
    peer_name: str = ""


class Check(Struct, frozen=True, gc=False, rename="pascal"):
    """A health check; service_id "" for a node's own."""

    id: str = field(name="CheckID")
    status: str
    node: str = ""
    service_id: str = field(name="ServiceID", default="")
    peer_name: str = ""


class ServiceEntry(Struct, frozen=True, gc=False, rename="pascal"):
    """An element of /v1/health/service/NAME."""

    node: Node
    service: Service
    checks: list[Check] | None = None


class NodeServices(Struct, frozen=True, gc=False, rename="pascal"):
    """/v1/catalog/node-services/NAME. node: null where there is none of that name."""

    node: Node | None = None
    services: list[Service] | None = None


class DumpedNode(Node, frozen=True, gc=False, rename="pascal"):
    """An element of /v1/internal/ui/nodes."""

    services: list[Service] | None = None
    checks: list[Check] | None = None


class Unfit(Exception):
    """A value that no registration can have. Its text says which, and where."""


class Found(Struct, frozen=True, gc=False):
    """One instance with all checks of its node or of itself, whichever way it was read."""

    node: Node
    service: Service
    checks: Sequence[Check] = ()


def has_other_addresses(found: Found) -> bool:
    """Whether a tagged address of the instance or of its node is another than the plain one."""
    node, service = found.node, found.service
    return any(address != node.address for address in (node.tagged_addresses or {}).values()) or any(
        (tagged.address, tagged.port) != (service.address, service.port)
        for tagged in (service.tagged_addresses or {}).values()
    )


def found_in_entries(entries: Iterable[ServiceEntry]) -> Iterator[Found]:
    for entry in entries:
        yield Found(entry.node, entry.service, entry.checks or ())


def found_on_node(node: Node, services: Iterable[Service], checks: Sequence[Check]) -> Iterator[Found]:
    """The instances of one node. Checks find their service as Consul's own index does: without regard to case."""
    if not checks:
        yield from [Found(node, service) for service in services]
        return
    of_service: dict[str, list[Check]] = {}
    for check in checks:
        of_service.setdefault(check.service_id.lower(), []).append(check)
    shared = of_service.pop("", [])
    for service in services:
        yield Found(node, service, [*shared, *of_service.get(service.id.lower(), ())])


def registration_of(found: Found) -> Registration:
    """The registration. Unfit: a port outside 0..65535, a negative weight, a check status that Consul does not have."""
    node, service = found.node, found.service
    address, port, weights = service.address, service.port, service.weights or _EQUAL
    if not 0 <= port <= _LAST_PORT:
        raise Unfit(f"{_named(found)} has the port {port}")
    if weights.passing < 0 or weights.warning < 0:
        raise Unfit(f"{_named(found)} has a negative weight")
    tagged = _tagged(found) if node.tagged_addresses or service.tagged_addresses else _NONE.tagged_addresses
    like = _latest.get(service.name, _NONE)
    tags, meta = tuple(service.tags or ()), service.meta or {}
    registration = Registration(
        service=like.service or service.name,
        id=service.id,
        node=node.name,
        address=node.address if address == node.address else address,
        node_address=node.address,
        tagged_addresses=tagged,
        port=port,
        tags=like.tags if tags == like.tags else tags,
        meta=like.meta if meta == like.meta else dict(sorted(meta.items())),
        kind=service.kind or "service",
        weights=_NONE.weights if weights == _EQUAL else (weights.passing, weights.warning),
        health=_worst(found) if found.checks else "passing",
    )
    if like is _NONE and len(_latest) == _MOST:
        _latest.clear()
    _latest[registration.service] = registration
    return registration


_EQUAL = Weights()
_NONE = Registration(service="", id="", node="")

# A registration of each service. The next one of it shares with this one what is equal: mostly all instances of a
# service have the same tags and meta. So there are far fewer objects, and what comes after compares them in no time.
_latest: dict[str, Registration] = {}
_MOST = 65536


def _tagged(found: Found) -> dict[str, tuple[str, int]]:
    node, service = found.node, found.service
    tagged = {name: (address, service.port) for name, address in (node.tagged_addresses or {}).items() if address}
    for name, value in (service.tagged_addresses or {}).items():
        if not 0 <= value.port <= _LAST_PORT:
            raise Unfit(f"{_named(found)} has the port {value.port}")
        tagged[name] = (value.address, value.port)
    return dict(sorted(tagged.items()))


def _worst(found: Found) -> Health:
    """The worst of the checks, which are the node's and the service's; passing without any."""
    worst: Health = "passing"
    for check in found.checks:
        status = _HEALTH.get(check.status)
        if status is None:
            raise Unfit(f"{_named(found)}: check {check.id!r} has the unknown status {check.status!r}")
        if status == "critical" and check.id.startswith(_MAINTENANCE):
            status = "maintenance"
        worst = max(worst, status, key=_RANKS.__getitem__)
    return worst


def _named(found: Found) -> str:
    return f"service {found.service.name!r}, id {found.service.id!r}, on node {found.node.name!r}"
