"""The values that flow from the sources to the outputs. They only hold data and derive properties from it.

The package and plug-ins import everything from here, also what the private modules of this folder define.
docs/concepts.md explains the words: source, snapshot, segment, instance, endpoint, registry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, Struct

from frostline.model._findings import FileOrigin as FileOrigin
from frostline.model._findings import Finding as Finding
from frostline.model._findings import InstanceOrigin as InstanceOrigin
from frostline.model._findings import Origin as Origin
from frostline.model._findings import Severity as Severity
from frostline.model._upstreams import Bind as Bind
from frostline.model._upstreams import Upstream as Upstream

UNVERSIONED = "unversioned"
"""How the registry's formats write the version None. No real version may have this name."""


class Key(NamedTuple):
    """The registry's key: a (service, version). version: None for a service without a version."""

    service: str
    version: str | None

    def sort_key(self) -> tuple[str, bool, str]:
        """Sorts by code points. A service without a version comes before its versions."""
        service, version = self
        return (service, version is not None, version or "")


Health = Literal["passing", "warning", "critical", "maintenance"]


class NamedPort(NamedTuple):
    """One port of an instance that has several."""

    name: str
    port: int
    is_default: bool = False


class Registration(Struct, frozen=True, kw_only=True, gc=False):
    """One instance as a live source reports it, before selection.

    service: the registered name. address: the service's own address, "" without one. node_address: the node's address.
    datacenter: the instance's datacenter if it differs from the segment's (Nomad's segments are regions), else "".
    tagged_addresses: name -> (address, port). A service's address overrides the node's address of the same name; a
    node's address has the service's port.
    health: the worst status of the node's and the service's checks.
    unknown_status: a check's status that the server's product does not define; health is then at least critical.
    node_meta: the node's meta, limited to the keys that `select.node_meta` names.
    weights: (weight when passing, weight when warning).
    kind: "service" for a plain service, else the server's word (connect-proxy, mesh-gateway …).
    ports: the named ports; () for an instance with a single port. socket: the path of the Unix socket on which it
    listens instead of a port, else "".
    """

    service: str
    id: str
    node: str
    address: str = ""
    node_address: str = ""
    tagged_addresses: Mapping[str, tuple[str, int]] = {}
    port: int = 0
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = {}
    kind: str = "service"
    weights: tuple[int, int] = (1, 1)
    health: Health = "passing"
    datacenter: str = ""
    unknown_status: str = ""
    node_meta: Mapping[str, str] = {}
    ports: tuple[NamedPort, ...] = ()
    socket: str = ""


class SegmentAnswer(Struct, frozen=True, kw_only=True):
    """Everything that a live source answered for one segment, before selection. datacenter: for Nomad the region."""

    source: str
    datacenter: str
    namespace: str
    registrations: tuple[Registration, ...]
    upstreams: tuple[Upstream, ...] = ()


class DeclaredService(Struct, frozen=True, kw_only=True):
    """A service that a local file declares. service: the name under which it would register.

    address, port: "" and 0 if the file does not name them. fallback: True if the address comes from the source's
    settings; it counts only where no other source has endpoints.
    """

    service: str
    origin: FileOrigin
    address: str = ""
    port: int = 0
    namespace: str = ""
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = {}
    weight: int = 1
    fallback: bool = False


class DeclaredProperties(Struct, frozen=True, kw_only=True):
    """What job files, or a source that freezes only names, say about a (service, version) without endpoints.

    port: 0 if they name no port or different ones.
    """

    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = {}
    port: int = 0


class Declaration(Struct, frozen=True, kw_only=True):
    """Everything that the files of one local source declare, before naming. upstreams: each with its place."""

    services: tuple[DeclaredService, ...] = ()
    upstreams: tuple[tuple[Upstream, FileOrigin], ...] = ()
    findings: tuple[Finding, ...] = ()


class Instance(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, forbid_unknown_fields=True):
    """One registered address of a service, after selection. It is a line of the lock.

    The namespace is that of its segment. datacenter: "" if it is the segment's. node, id: "" if `keep` leaves them out.
    address, port: as registered, even if they are invalid; the registry judges them. node_address: the node's address
    if it differs from address, else "". held: True if it stays as the lock had it because a guard refuses what the
    source says about its service now. ports: the named ports of an instance that has several, if nothing says which
    one is meant; port is then 0.
    """

    service: str
    node: str = ""
    id: str = ""
    address: str
    port: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    tags: tuple[str, ...] = ()
    meta: dict[str, str] = {}
    weight: Annotated[int, Meta(ge=0, le=2**31)] = 1
    health: Health = "passing"
    datacenter: str = ""
    node_address: str = ""
    held: bool = False
    ports: dict[str, int] | None = None

    def sort_key(self) -> tuple[Any, ...]:
        """Sorts by service, node and id. Without a node or an id, all other fields tell two instances apart."""
        if self.node and self.id:
            return (self.service, self.node, self.id)
        values = (tuple(sorted(self.meta.items())), self.health, tuple(sorted((self.ports or {}).items())))
        place = (self.address, self.port, self.datacenter, self.tags, *values)
        return (self.service, self.node, self.id, *place)


class Declared(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A service that is known but has no endpoint to call. It is a line of the lock.

    tags, meta: only those that name its version; with `keep: {endpoints: false}` all that `keep` keeps.
    """

    service: str
    tags: tuple[str, ...] = ()
    meta: dict[str, str] = {}

    def sort_key(self) -> tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]:
        return (self.service, self.tags, tuple(sorted(self.meta.items())))


Segment = tuple[str, str, str]
"""(source, datacenter, namespace), the unit in which a live source is read; for Nomad (source, region, namespace)."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """What one live source answered for one segment (source, datacenter, namespace) at one moment, after selection.

    settings: `sha256:…` of the source's settings that shaped it. shaped_by: those settings that are not at their
    default, as JSON values; {} if they are unknown. instances, declared and upstreams are sorted.
    datacenter: for Nomad the region.
    """

    source: str
    datacenter: str
    namespace: str
    settings: str
    shaped_by: Mapping[str, Any] = {}
    instances: tuple[Instance, ...] = ()
    declared: tuple[Declared, ...] = ()
    upstreams: tuple[Upstream, ...] = ()

    @property
    def segment(self) -> Segment:
        return (self.source, self.datacenter, self.namespace)


class Lock(Struct, frozen=True):
    """The snapshots of all live sources, sorted by segment."""

    snapshots: tuple[Snapshot, ...] = ()


class Reading(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run has read from its sources. at: the time in UTC when it began. segments: those that it has read."""

    at: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\\Z")]
    segments: tuple[Segment, ...]


class Endpoint(Struct, frozen=True, kw_only=True, gc=False):
    """One URL of a (service, version).

    address: an IP address or a host name, unquoted, without brackets. datacenter, namespace: "" if it has none.
    registered: the name under which it is registered; "" if only the configuration names it.
    node_address: the node's address if it is frozen and differs from address, else "".
    declared_at: the file position of an endpoint that a local file declares; None for one of a live source.
    """

    url: str
    address: str
    port: int
    source: str
    datacenter: str = ""
    namespace: str = ""
    node: str = ""
    id: str = ""
    tags: tuple[str, ...] = ()
    meta: dict[str, str] = {}
    weight: int = 1
    registered: str = ""
    node_address: str = ""
    declared_at: FileOrigin | None = None

    @property
    def origin(self) -> Origin:
        if self.declared_at is not None:
            return self.declared_at
        return InstanceOrigin(self.source, self.datacenter, self.namespace, self.node, self.id)


class Dependency(Struct, frozen=True, kw_only=True):
    """An upstream as the registry holds it.

    service, version: what naming makes of its destination. url: the URL of its bind; None if that is a socket.
    declared_at: the place in the job file; None for an upstream of a live source.
    """

    upstream: Upstream
    source: str
    service: str
    version: str | None
    url: str | None = None
    declared_at: FileOrigin | None = None

    @property
    def key(self) -> Key:
        return Key(self.service, self.version)

    @property
    def is_elsewhere(self) -> bool:
        """Whether its destination is outside this registry: in a peer, or found by a prepared query."""
        return bool(self.upstream.peer) or self.upstream.kind != "service"

    @property
    def origin(self) -> Origin:
        if self.declared_at is not None:
            return self.declared_at
        up = self.upstream
        return InstanceOrigin(self.source, up.region, up.namespace, id=up.service or f"{up.job}/{up.group}")


class NamedAuth(Struct, frozen=True, kw_only=True):
    """The name of the authentication scheme of a (service, version), and the place that names it."""

    name: str
    origin: FileOrigin | InstanceOrigin


class Contribution(Struct, frozen=True, kw_only=True):
    """What one source contributes to the registry.

    endpoints: () for a (service, version) that is only declared. preceded: endpoints of segments that other segments
    of the source precede. places: where a local file declares each one. upstreams: those that its jobs declare.
    properties: those of a (service, version) without endpoints. fallback: those whose endpoints count only if no other
    source has any. registered: the registered names that stand for each one. auths: schemes with distinct names.
    leads_to: for each one that a router serves, the names of the sources behind the router.
    """

    source: str
    endpoints: Mapping[Key, tuple[Endpoint, ...]]
    preceded: Mapping[Key, tuple[Endpoint, ...]] = {}
    places: Mapping[Key, FileOrigin] = {}
    findings: tuple[Finding, ...] = ()
    upstreams: tuple[Dependency, ...] = ()
    properties: Mapping[Key, DeclaredProperties] = {}
    fallback: frozenset[Key] = frozenset()
    registered: Mapping[Key, Collection[str]] = {}
    auths: Mapping[Key, tuple[NamedAuth, ...]] = {}
    leads_to: Mapping[Key, tuple[str, ...]] = {}


class Entry(Struct, frozen=True, kw_only=True, dict=True):
    """What the registry holds for one (service, version).

    url: the URL for programs that want just one, chosen in the preferred datacenter; None without endpoints.
    endpoints: sorted by datacenter, namespace, numeric address, port. sources: the sources that it comes from, sorted.
    registered: the names under which it is registered there, sorted; () if only the configuration names it.
    `dict=True` lets `endpoint_runs.runs_of` keep its result here.
    """

    url: str | None
    endpoints: tuple[Endpoint, ...]
    sources: tuple[str, ...]
    registered: tuple[str, ...] = ()
    properties: DeclaredProperties | None = None
    """What sources declare about it, if it has no endpoints."""
    auth: str | None = None
    """The name of the authentication scheme that it wants, never a secret; None if it is unknown."""

    @property
    def declared(self) -> bool:
        """Whether it is only declared: known, but without an endpoint to call."""
        return not self.endpoints


class Registry(Struct, frozen=True, kw_only=True):
    """The frozen result. services: name -> version (None: no version) -> entry. Both are sorted, None comes first.

    upstreams: sorted by consumer, then destination.
    """

    services: Mapping[str, Mapping[str | None, Entry]]
    upstreams: tuple[Dependency, ...] = ()

    def entries(self) -> Iterator[tuple[Key, Entry]]:
        """Each (service, version) with its entry, sorted by `Key.sort_key`."""
        for service, versions in self.services.items():
            for version, entry in versions.items():
                yield Key(service, version), entry

    def get(self, key: Key) -> Entry | None:
        """The entry of this (service, version); None if the registry does not know it."""
        return self.services.get(key.service, {}).get(key.version)

    def dependents(self, key: Key) -> tuple[Dependency, ...]:
        """The upstreams that call this (service, version) in this registry, sorted by consumer."""
        return tuple(upstream for upstream in self.upstreams if upstream.key == key and not upstream.is_elsewhere)


def registry_of(entries: Mapping[Key, Entry], upstreams: Iterable[Dependency] = ()) -> Registry:
    """The registry of these entries and upstreams, in canonical order: entries by `Key.sort_key`."""
    services: dict[str, dict[str | None, Entry]] = {}
    for service, version in sorted(entries, key=Key.sort_key):
        services.setdefault(service, {})[version] = entries[Key(service, version)]
    ordered = sorted(upstreams, key=lambda dependency: dependency.upstream.sort_key())
    return Registry(services=services, upstreams=tuple(ordered))


def version_label(version: str | None) -> str:
    """How files write a version."""
    return UNVERSIONED if version is None else version
