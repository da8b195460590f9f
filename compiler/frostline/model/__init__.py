"""The values that flow from the sources to the outputs. No behaviour beyond what a value says of itself.

All of the package, and plug-ins, import from here what is in the modules beside it.
Words as users read them: source, snapshot, segment, instance, endpoint, registry (docs/concepts.md).
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
"""How the registry's formats write the version None; no real version may be named so."""


class Key(NamedTuple):
    """The registry's key: a (service, version); version None where it is unversioned."""

    service: str
    version: str | None

    def sort_key(self) -> tuple[str, bool, str]:
        """By code points; the unversioned one first."""
        service, version = self
        return (service, version is not None, version or "")


Health = Literal["passing", "warning", "critical", "maintenance"]


class NamedPort(NamedTuple):
    """One of the ports of an instance that has several."""

    name: str
    port: int
    is_default: bool = False


class Registration(Struct, frozen=True, kw_only=True, gc=False):
    """One instance as a live source reports it, before selection.

    service: the registered name; address: the service's own, "" if none; node_address: the node's.
    datacenter: the instance's own where it is not the segment's (Nomad's segments are regions).
    tagged_addresses: name -> (address, port), the service's over the node's; a node's have the service's port.
    health: passing, warning, critical or maintenance (the worst of the node's and the service's checks).
    unknown_status: a check's status that the server's product does not define; health is then critical at least.
    node_meta: what the node says of itself, as far as selection asks for it.
    weights: (when passing, when warning).
    kind: "service" for a plain one, else as the server says (connect-proxy, mesh-gateway …).
    ports: by name, of an instance that has such. socket: the path where it listens in place of a port.
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
    """All that a live source answered for one segment, before selection. datacenter: of Nomad the region."""

    source: str
    datacenter: str
    namespace: str
    registrations: tuple[Registration, ...]
    upstreams: tuple[Upstream, ...] = ()


class DeclaredService(Struct, frozen=True, kw_only=True):
    """A service that a local file declares, under the name that it would register.

    address, port: "" and 0 where the file does not tell them. fallback: the address is the source's own, for use where
    no other source has endpoints.
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
    """What job files, or a source that freezes names alone, say of a (service, version) without endpoints.

    port: 0 where they say none, or several.
    """

    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = {}
    port: int = 0


class Declaration(Struct, frozen=True, kw_only=True):
    """All that the files of one local source declare, before naming. upstreams: each with its place."""

    services: tuple[DeclaredService, ...] = ()
    upstreams: tuple[tuple[Upstream, FileOrigin], ...] = ()
    findings: tuple[Finding, ...] = ()


class Instance(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, forbid_unknown_fields=True):
    """One registered address of a service, selected; a line of the lock.

    Namespace: its segment's. Datacenter: its own, "" where that is its segment's. node, id: "" where `keep` leaves them
    out. address, port: as registered, which may be no address and no port; the registry judges them. node_address: the
    node's, where it is another one. held: kept as it was, since a guard refuses what the source says of its service
    now. ports: by name, where it has several and nothing says which one is meant; port is then 0.
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
        """By service, node and id; where one of these is left out, by all that tells two instances apart."""
        if self.node and self.id:
            return (self.service, self.node, self.id)
        values = (tuple(sorted(self.meta.items())), self.health, tuple(sorted((self.ports or {}).items())))
        place = (self.address, self.port, self.datacenter, self.tags, *values)
        return (self.service, self.node, self.id, *place)


class Declared(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Known, but nothing to call: a line of the lock.

    tags, meta: only what its version is read from; all where `keep` leaves out endpoints.
    """

    service: str
    tags: tuple[str, ...] = ()
    meta: dict[str, str] = {}

    def sort_key(self) -> tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]:
        return (self.service, self.tags, tuple(sorted(self.meta.items())))


Segment = tuple[str, str, str]
"""(source, datacenter, namespace), what of a live source is read as a unit; of Nomad (source, region, namespace)."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """What one live source answered for one segment (source, datacenter, namespace) at one moment, after selection.

    settings: `sha256:…` of the source's settings that shaped it. shaped_by: those that are not at their default, as
    JSON values; {} where they are not known. Instances, declared and upstreams are sorted.
    datacenter: of Nomad the region.
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
    """What a run has read from its sources. at: when it began, in UTC. segments: (source, datacenter, namespace)."""

    at: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\\Z")]
    segments: tuple[Segment, ...]


class Endpoint(Struct, frozen=True, kw_only=True, gc=False):
    """One URL of a (service, version).

    address: an IP address or a host name, unquoted, without brackets. datacenter, namespace: "" where there is none.
    registered: the name under which it is registered; "" where only the configuration names it.
    node_address: the node's, where it is frozen and another one than address.
    declared_at: the file position of an endpoint that a local file declares; None for a live source's.
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
    """An upstream as the registry has it.

    service, version: what naming makes of its destination. url: of its bind, None where that is a socket.
    declared_at: in the job file; None for a live source's.
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
        """Whether it is looked up where this registry does not see: in a peer, by a prepared query."""
        return bool(self.upstream.peer) or self.upstream.kind != "service"

    @property
    def origin(self) -> Origin:
        if self.declared_at is not None:
            return self.declared_at
        up = self.upstream
        return InstanceOrigin(self.source, up.region, up.namespace, id=up.service or f"{up.job}/{up.group}")


class SaidAuth(Struct, frozen=True, kw_only=True):
    """The authentication scheme of a (service, version), as one place names it."""

    name: str
    origin: FileOrigin | InstanceOrigin


class Contribution(Struct, frozen=True, kw_only=True):
    """What one source brings to the registry: endpoints for each (service, version), () where it is only declared.

    places: where a local file says so. upstreams: what its jobs declare. preceded: endpoints of segments that other
    segments of the source precede. registered: the registered names that stand for each (service, version).
    auths: distinct names. leads_to: of what a router serves, the sources that it stands before.
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
    auths: Mapping[Key, tuple[SaidAuth, ...]] = {}
    leads_to: Mapping[Key, tuple[str, ...]] = {}


class Entry(Struct, frozen=True, kw_only=True, dict=True):
    """What the registry holds of one (service, version).

    url: the one to use where one is wanted, chosen in the preferred datacenter; None without endpoints.
    endpoints: sorted by datacenter, namespace, numeric address, port. sources: the sources that it comes from, sorted.
    registered: the names under which it is registered there, sorted; () where only the configuration names it.
    dict: `endpoint_runs.runs_of` keeps its result there.
    """

    url: str | None
    endpoints: tuple[Endpoint, ...]
    sources: tuple[str, ...]
    registered: tuple[str, ...] = ()
    properties: DeclaredProperties | None = None
    """What is said of it, where it has no endpoints."""
    auth: str | None = None
    """The name of the authentication scheme that it wants, never a secret; None where it is not known."""

    @property
    def declared(self) -> bool:
        """Known, but nothing to call."""
        return not self.endpoints


class Registry(Struct, frozen=True, kw_only=True):
    """The frozen result. services: name -> version (None: unversioned) -> entry, both in sorted order, None first.

    upstreams: sorted by consumer, then destination.
    """

    services: Mapping[str, Mapping[str | None, Entry]]
    upstreams: tuple[Dependency, ...] = ()

    def entries(self) -> Iterator[tuple[Key, Entry]]:
        """Each (service, version) with its entry, in order."""
        for service, versions in self.services.items():
            for version, entry in versions.items():
                yield Key(service, version), entry

    def get(self, key: Key) -> Entry | None:
        """The entry of this (service, version); None where the registry does not know it."""
        return self.services.get(key.service, {}).get(key.version)

    def dependents(self, key: Key) -> tuple[Dependency, ...]:
        """The upstreams that call this (service, version) in this registry, sorted by consumer."""
        return tuple(upstream for upstream in self.upstreams if upstream.key == key and not upstream.is_elsewhere)


def registry_of(entries: Mapping[Key, Entry], upstreams: Iterable[Dependency] = ()) -> Registry:
    """The registry of these entries, in canonical order (by code points; the unversioned one first)."""
    services: dict[str, dict[str | None, Entry]] = {}
    for service, version in sorted(entries, key=Key.sort_key):
        services.setdefault(service, {})[version] = entries[Key(service, version)]
    return Registry(services=services, upstreams=tuple(sorted(upstreams, key=lambda one: one.upstream.sort_key())))


def version_label(version: str | None) -> str:
    """How files write a version."""
    return UNVERSIONED if version is None else version
