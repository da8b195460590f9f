"""The types of the answers of Consul's HTTP API (/v1), and how to make registrations from them.

Consul may write empty lists and maps as null, and older versions omit fields. Unknown fields are ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from frostline.model import Health, NamedPort, Registration
from frostline.text import quote

_HEALTH: Mapping[str, Health] = {"passing": "passing", "warning": "warning", "critical": "critical"}
_RANKS: Mapping[Health, int] = {"passing": 0, "warning": 1, "critical": 2, "maintenance": 3}
_MAINTENANCE = ("_node_maintenance", "_service_maintenance:")  # api.NodeMaint, api.ServiceMaintPrefix
_LAST_PORT = 65535
_HIGHEST_WEIGHT = 65535  # structs.ValidateWeights
_INT64 = range(-(2**63), 2**63)  # what Go's int holds; msgspec reads larger ones too


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
    """A node, as in catalog/nodes and inside other answers. name is unique, ignoring case."""

    name: str = field(name="Node")
    address: str = ""
    tagged_addresses: dict[str, str] | None = None
    partition: str = ""
    peer_name: str = ""


class DescribedNode(Node, frozen=True, gc=False, rename="pascal"):
    """A node with its metadata. Only read with each instance if needed, because it takes memory and 5 % of the time."""

    meta: dict[str, str] | None = None


class PlacedNode(Struct, frozen=True, gc=False, rename="pascal"):
    """A node in catalog/nodes, reduced to its datacenter."""

    datacenter: str


class TaggedAddress(Struct, frozen=True, gc=False, rename="pascal"):
    address: str = ""
    port: int = 0


class Weights(Struct, frozen=True, gc=False, rename="pascal"):
    passing: int = 1
    warning: int = 1


class ProxyUpstream(Struct, frozen=True, gc=False, rename="pascal"):
    """An upstream of a sidecar, which listens for it at the local bind (address: by default 127.0.0.1)."""

    destination_name: str = ""
    destination_type: str = ""
    destination_namespace: str = ""
    destination_peer: str = ""
    destination_port: str = ""
    datacenter: str = ""
    local_bind_address: str = ""
    local_bind_port: int = 0
    local_bind_socket_path: str = ""


class Proxy(Struct, frozen=True, gc=False):
    """destination: the service behind a sidecar."""

    destination: str = field(name="DestinationServiceName", default="")
    upstreams: list[ProxyUpstream] | None = field(name="Upstreams", default=None)


class ServicePort(Struct, frozen=True, gc=False, rename="pascal"):
    """A named port of an instance (Consul 1.22; api.ServicePort)."""

    name: str = ""
    port: int = 0
    default: bool = False


class Service(Struct, frozen=True, gc=False, rename="pascal"):
    """A registered instance. id is unique on its node, ignoring case."""

    id: str = field(name="ID")
    name: str = field(name="Service")
    kind: str = ""
    address: str = ""
    port: int = 0
    ports: list[ServicePort] | None = None
    socket_path: str = ""
    tags: list[str] | None = None
    meta: dict[str, str] | None = None
    tagged_addresses: dict[str, TaggedAddress] | None = None
    weights: Weights | None = None
    proxy: Proxy | None = None
    namespace: str = ""
    partition: str = ""
    peer_name: str = ""


class Check(Struct, frozen=True, gc=False, rename="pascal"):
    """A health check. service_id: "" for a check of the node itself."""

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


class DescribedEntry(ServiceEntry, frozen=True, gc=False, rename="pascal"):
    """A ServiceEntry with the metadata of the node."""

    node: DescribedNode


class NodeServices(Struct, frozen=True, gc=False, rename="pascal"):
    """/v1/catalog/node-services/NAME. node: null if no node has that name."""

    node: DescribedNode | None = None
    services: list[Service] | None = None


class DumpedNode(DescribedNode, frozen=True, gc=False, rename="pascal"):
    """An element of /v1/internal/ui/nodes."""

    services: list[Service] | None = None
    checks: list[Check] | None = None


class ListedService(Struct, frozen=True, gc=False, rename="pascal"):
    """An element of /v1/internal/ui/services."""

    name: str


class PeeringStream(Struct, frozen=True, gc=False):
    """imported: the names of the services that the peer exports to this cluster, with or without instances."""

    imported: list[str] | None = field(name="ImportedServices", default=None)


class Peering(Struct, frozen=True, gc=False, rename="pascal"):
    """/v1/peering/NAME (Consul 1.13 and later). state: ACTIVE, PENDING, ESTABLISHING, FAILING, TERMINATED, DELETING."""

    name: str
    state: str
    stream: PeeringStream = field(name="StreamStatus", default=PeeringStream())


class InvalidRegistration(Exception):
    """An instance has a value that Consul never accepts, so the answer is broken. The text says which value of whom."""


class ServiceWithChecks(Struct, frozen=True, gc=False):
    """An instance with its node and the checks of both: the common result of every way of reading."""

    node: Node
    service: Service
    checks: Sequence[Check] = ()


def has_other_addresses(found: ServiceWithChecks) -> bool:
    """Whether a tagged address of the instance or of its node differs from the plain one."""
    node, service = found.node, found.service
    return any(address != node.address for address in (node.tagged_addresses or {}).values()) or any(
        (tagged.address, tagged.port) != (service.address, service.port)
        for tagged in (service.tagged_addresses or {}).values()
    )


def from_entries(entries: Iterable[ServiceEntry]) -> Iterator[ServiceWithChecks]:
    for entry in entries:
        yield ServiceWithChecks(entry.node, entry.service, entry.checks or ())


def from_node(node: Node, services: Iterable[Service], checks: Sequence[Check]) -> Iterator[ServiceWithChecks]:
    """Yield the instances of a node. Checks match their service ignoring case, as in Consul's own index."""
    if not checks:
        yield from [ServiceWithChecks(node, service) for service in services]
        return
    of_service: dict[str, list[Check]] = {}
    for check in checks:
        of_service.setdefault(check.service_id.lower(), []).append(check)
    shared = of_service.pop("", [])
    for service in services:
        yield ServiceWithChecks(node, service, [*shared, *of_service.get(service.id.lower(), ())])


class RegistrationMaker:
    """Makes the registrations of one read.

    Most instances of a service have the same tags and metadata. Registrations share equal values, which saves memory
    and makes later comparisons fast. node_meta: the keys of nodes' metadata that the selection needs.
    """

    def __init__(self, node_meta: Collection[str] = ()) -> None:
        self._node_meta = sorted(node_meta)
        self._latest: dict[str, Registration] = {}  # by service

    def make(self, found: ServiceWithChecks) -> Registration:
        """Make a registration. InvalidRegistration: a port beyond 64 bits, or a weight that Consul never accepts.

        Consul accepts a port out of range and a check with any status. Selection and the registry judge those, because
        they matter only if the instance is used.
        """
        node, service = found.node, found.service
        address, port, weights = service.address, service.port, service.weights or _DEFAULT_WEIGHTS
        if not 0 <= port <= _LAST_PORT:
            _check_port(found, port)
        if not (0 <= weights.passing <= _HIGHEST_WEIGHT and 0 <= weights.warning <= _HIGHEST_WEIGHT):
            raise InvalidRegistration(f"{_describe(found)} has a weight that is not between 0 and {_HIGHEST_WEIGHT}")
        health = _worst_health(found) if found.checks else "passing"
        has_tagged = node.tagged_addresses or service.tagged_addresses
        like = self._latest.get(service.name, _EMPTY)
        tags, meta = tuple(service.tags or ()), service.meta or {}
        registration = Registration(
            service=like.service or service.name,
            id=service.id,
            node=node.name,
            address=node.address if address == node.address else address,
            node_address=node.address,
            tagged_addresses=_tagged_addresses(found) if has_tagged else _EMPTY.tagged_addresses,
            port=port,
            tags=like.tags if tags == like.tags else tags,
            meta=like.meta if meta == like.meta else dict(sorted(meta.items())),
            kind=service.kind or "service",
            weights=_EMPTY.weights if weights == _DEFAULT_WEIGHTS else (weights.passing, weights.warning),
            health=health,
            unknown_status="" if health == "passing" else _unknown_status(found),
            node_meta=self._kept_node_meta(node) if self._node_meta else _EMPTY.node_meta,
            ports=_named_ports(found) if service.ports else (),
            socket=service.socket_path,
        )
        self._latest[registration.service] = registration
        return registration

    def _kept_node_meta(self, node: Node) -> dict[str, str]:
        meta = (node.meta if isinstance(node, DescribedNode) else None) or {}
        return {key: meta[key] for key in self._node_meta if key in meta}


_DEFAULT_WEIGHTS = Weights()
_EMPTY = Registration(service="", id="", node="")


def _tagged_addresses(found: ServiceWithChecks) -> dict[str, tuple[str, int]]:
    node, service = found.node, found.service
    tagged = {name: (address, service.port) for name, address in (node.tagged_addresses or {}).items() if address}
    for name, value in (service.tagged_addresses or {}).items():
        if not 0 <= value.port <= _LAST_PORT:
            _check_port(found, value.port)
        tagged[name] = (value.address, value.port)
    return dict(sorted(tagged.items()))


def _named_ports(found: ServiceWithChecks) -> tuple[NamedPort, ...]:
    for port in found.service.ports or ():
        _check_port(found, port.port)
    return tuple(NamedPort(port.name, port.port, port.default) for port in found.service.ports or ())


def _check_port(found: ServiceWithChecks, port: int) -> None:
    if port not in _INT64:
        raise InvalidRegistration(f"{_describe(found)} has an invalid port, {port}")


def _worst_health(found: ServiceWithChecks) -> Health:
    """Return the worst status of the checks; passing without checks. A status unknown to Consul counts as critical."""
    worst: Health = "passing"
    for check in found.checks:
        status = _HEALTH.get(check.status, "critical")
        if status == "critical" and check.id.startswith(_MAINTENANCE):
            status = "maintenance"
        worst = max(worst, status, key=_RANKS.__getitem__)
    return worst


def _unknown_status(found: ServiceWithChecks) -> str:
    """Return the first status, in sorted order, that Consul does not define, or ""."""
    return min((check.status for check in found.checks if check.status not in _HEALTH), default="")


def _describe(found: ServiceWithChecks) -> str:
    return f"service {quote(found.service.name)}, id {quote(found.service.id)}, on node {quote(found.node.name)}"
