"""Read one segment of a Consul catalog, and prove that what was read is the state of one moment.

Three ways give the same registrations: by service (health/service/NAME for each), by node (catalog/node-services/NAME
for each, and the checks), and the dump (internal/ui/nodes: one request, one read transaction on the server).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from operator import attrgetter

from msgspec import Struct

from frostline.events import report_try
from frostline.globs import matches
from frostline.model import Registration
from frostline.sources.base import Progress
from frostline.sources.consul.client import DUMP, NODES, SERVICE, SERVICES, STATES, Agent, Catalog, Names
from frostline.sources.consul.peers import list_peer_services
from frostline.sources.consul.sidecars import CollectedUpstreams, SidecarUpstream, collect_upstreams, sidecar_upstreams
from frostline.sources.consul.wire import (
    Check,
    DumpedNode,
    InvalidRegistration,
    Node,
    NodeServices,
    RegistrationMaker,
    Service,
    ServiceWithChecks,
    from_entries,
    from_node,
    has_other_addresses,
)
from frostline.sources.http.session import Parameters, Session, is_addressable, segment_path
from frostline.sources.http.transport import StatusError
from frostline.text import quote

_MOST_READS = 3  # each way reads once and, if the catalog changed meanwhile, up to twice more
_FEW = 50  # services that are read by name however small the catalog is


NO_INSTANCE_HELP = (
    "correct the name, let the token read its nodes too (node:read), or leave it out of `select.services`"
)
"""For a name that is selected literally."""

_NO_NODE_HELP = "let the token read its nodes too (node:read), or leave it out of `select.services`"


class SegmentQuery(Struct, frozen=True, kw_only=True):
    """One segment and what is selected from it.

    datacenter: the segment's name. services: globs; literal: they are literal names, so the catalog is not listed.
    dc: None for a peer's segment. peer: "" for any other. may_be_empty: a name may have no instance here, as in a peer,
    which also lists exported services without instances. describes_nodes: selection needs the metadata of nodes.
    upstreams: whether to read what sidecars declare.
    """

    datacenter: str
    dc: str | None
    services: tuple[str, ...] = ("*",)
    literal: bool = False
    namespace: str | None = None
    partition: str | None = None
    peer: str = ""
    may_be_empty: bool = False
    describes_nodes: bool = False
    upstreams: bool = False

    @property
    def parameters(self) -> Parameters:
        """What every request for the segment carries."""
        given = (("dc", self.dc), ("peer", self.peer or None), ("ns", self.namespace), ("partition", self.partition))
        return tuple((name, value) for name, value in given if value is not None)


class Listing(Struct, frozen=True):
    """names: the selected names, sorted. total: how many names the catalog has. index: that of services, before."""

    names: tuple[str, ...]
    total: int = 0
    index: int = 0


class ReadOutcome(Struct, frozen=True):
    """What one way read: the registrations, the names that must be among them, and what their sidecars declare."""

    registrations: Sequence[Registration]
    names: Iterable[str]
    sidecars: Sequence[SidecarUpstream] = ()


class SegmentState(Struct, frozen=True):
    """What a segment has: registrations sorted by service, node and id; what sidecars declare.

    hidden_sidecars: services whose sidecars ACLs hide, sorted.
    """

    registrations: tuple[Registration, ...] = ()
    declared: CollectedUpstreams = CollectedUpstreams()
    hidden_sidecars: tuple[str, ...] = ()


class ServiceState(Struct, frozen=True):
    """A service's instances, what its sidecars declare, and the indexes of these answers."""

    instances: Sequence[ServiceWithChecks]
    sidecars: Sequence[SidecarUpstream]
    indexes: tuple[int, ...]


ServiceStates = dict[str, ServiceState]
"""A service's name -> its state."""


class SegmentReader:
    """Reads one segment. registrations: makes the registrations of all segments of this read, so they share values."""

    def __init__(
        self,
        session: Session,
        query: SegmentQuery,
        *,
        registrations: RegistrationMaker,
        progress: Progress | None = None,
    ) -> None:
        self._session = session
        self._query = query
        self._catalog = Catalog(
            session, query.parameters, strict_acl=not query.literal, describes_nodes=query.describes_nodes
        )
        self._registrations = registrations
        self._progress = progress

    def read(self) -> SegmentState:
        """Read the selected services. SourceError: the state could not be proved."""
        listing = self.list_names()
        if not listing.names:
            return SegmentState()
        outcome = None
        if all(is_addressable(name) for name in listing.names):
            is_much = len(listing.names) > _FEW and len(listing.names) * 3 > listing.total
            way = self.by_node if is_much and not self._query.literal and not self._query.peer else self.by_service
            try:
                outcome = way(listing)
            except StatusError as error:
                # Consul refuses a name in a path; which characters it accepts depends on its version.
                if error.code not in (301, 400):
                    raise
        if outcome is None:
            outcome = self.by_dump(listing)
        declared = collect_upstreams(outcome.sidecars, self._query.datacenter, self._query.namespace or "default")
        hidden = sorted(self._catalog.hidden_sidecars)
        return SegmentState(self._sort_registrations(outcome), declared, tuple(hidden))

    def list_names(self) -> Listing:
        """List the names that are selected now. catalog/services lists every spelling (case) of a name."""
        if self._query.literal:
            return Listing(tuple(sorted(set(self._query.services))))
        if self._query.peer:
            imported = list_peer_services(self._session, self._catalog, self._query.peer)
            return Listing(tuple(name for name in imported if matches(self._query.services, name)), len(imported))
        # The index of the list itself differs from that of `services_index`, which also changes with nodes.
        index = self._session.run(self._catalog.services_index()) if self._session.is_snapshot else 0
        names: Names = self._session.run(self._catalog.services()).value
        selected = tuple(sorted(name for name in names if matches(self._query.services, name)))
        return Listing(selected, len(names), index)

    def by_service(self, listing: Listing) -> ReadOutcome | None:
        """Read each service by its name. None: some service changed in every read.

        The proof: read each service, list the names, read each service again. An answer that is the same both times
        held when the names were listed. So everything is the state of that moment, and no other name was selected. The
        index alone does not prove it: re-registering an instance under another name leaves the old service's index
        unchanged, and when the last instance leaves, the index goes backwards (Consul 1.8).
        """
        read: ServiceStates = {}
        for _ in range(_MOST_READS):
            self._report_try()
            missing = [name for name in listing.names if name not in read]
            answers = self._session.in_parallel(self._read_service, missing, self._tick(len(missing)))
            read.update(zip(missing, answers, strict=True))
            now = self.list_names()
            changed = self._changed_services(read) if self._session.is_snapshot else self._vanished(read)
            if now.names == listing.names and not changed:
                found = (instance for state in read.values() for instance in state.instances)
                sidecars = [upstream for state in read.values() for upstream in state.sidecars]
                return ReadOutcome([self._make_registration(instance) for instance in found], now.names, sidecars)
            listing = now
            read = {name: read[name] for name in now.names if name in read and name not in changed}
        return None

    def by_node(self, listing: Listing) -> ReadOutcome | None:
        """Read every node's services, and the checks that do not pass. None: the catalog changed in every read.

        The proof: the lists of services, nodes and checks are read first, and their indexes are still the same at the
        end. So no table changed since its list was read, and everything is the state at the end.
        """
        for attempt in range(_MOST_READS):
            self._report_try()
            if attempt:
                listing = self.list_names()
            outcome, before = self._read_nodes(listing)
            if self._session.is_snapshot:
                after = self._indexes()
                self._check_forward(before, after)
                if outcome is not None and after == before:
                    return outcome
            elif outcome is not None:
                return ReadOutcome(outcome.registrations, self._still_listed(listing), outcome.sidecars)
        return None

    def by_dump(self, listing: Listing) -> ReadOutcome:
        """Read everything in one answer. It must contain the names that were listed both before and after it."""
        self._report_try()
        dump: list[DumpedNode] = self._session.in_parallel(
            lambda catalog: catalog.dump(), [self._catalog], self._tick(1)
        )[0].value
        found = [
            instance
            for node in dump
            if node.peer_name == self._query.peer  # the dump has the nodes of every peer too (Consul 1.14)
            for instance in from_node(node, node.services or (), node.checks or ())
        ]
        names = {instance.service.name for instance in found}
        selected = {name for name in names if matches(self._query.services, name)}
        sidecars = self._sidecars((instance.service for instance in found), selected)
        found = [instance for instance in found if instance.service.name in selected]
        self._check_untranslated(found)
        registrations = [self._make_registration(instance) for instance in found]
        return ReadOutcome(registrations, self._still_listed(listing), sidecars)

    def _report_try(self) -> None:
        report_try(self._session.source, self._query.datacenter)

    def _tick(self, expected: int) -> Callable[[int], None]:
        """Make the function that `in_parallel` calls with the number of answers so far."""
        progress, datacenter = self._progress, self._query.datacenter
        return lambda done: progress(datacenter, done, expected) if progress else None

    def _still_listed(self, listing: Listing) -> set[str]:
        """List the names again. Returns those that were listed before the read too, so that it must have found them."""
        return set(listing.names) & set(self.list_names().names)

    def _sidecars(self, services: Iterable[Service], names: Container[str]) -> list[SidecarUpstream]:
        """Return what the sidecars among `services` declare for the services with these names."""
        return list(sidecar_upstreams(services, names)) if self._query.upstreams else []

    async def _read_service(self, name: str) -> ServiceState:
        """Read the instances and sidecars of exactly this name; Consul ignores the case."""
        answer = await self._catalog.service(name)
        found = [instance for instance in from_entries(answer.value) if instance.service.name == name]
        # Consul 1.8 sends no headers with the sidecars of a service that the token may not read.
        if not self._query.upstreams or not found:
            return ServiceState(found, (), (answer.index,))
        try:
            sidecar_answer = await self._catalog.sidecars(name)
        except StatusError as error:
            if error.code in (403, 404):  # a proxy lets only some paths through
                error.help = "let this path through, or leave out what sidecars declare with `upstreams: false`"
            raise
        sidecars = self._sidecars((entry.service for entry in sidecar_answer.value), (name,))
        return ServiceState(found, sidecars, (answer.index, sidecar_answer.index))

    def _changed_services(self, read: ServiceStates) -> set[str]:
        """Read the services again. Returns the names whose answer or index differs."""
        again = self._session.in_parallel(self._read_service, list(read))
        return {name for name, now in zip(read, again, strict=True) if now != read[name]}

    def _vanished(self, read: ServiceStates) -> set[str]:
        """Return the names that no longer have an instance."""
        return set() if self._query.may_be_empty else {name for name, state in read.items() if not state.instances}

    def _read_nodes(self, listing: Listing) -> tuple[ReadOutcome | None, list[int]]:
        """Read every node once. Returns also the indexes of services, nodes and checks at the start.

        The outcome is None if a node vanished meanwhile, or has a name that no path can contain.
        """
        catalog, names = self._catalog, frozenset(listing.names)
        node_list, check_list = self._session.in_parallel(
            lambda request: request(), [catalog.nodes, catalog.failing_checks]
        )
        nodes: list[Node] = node_list.value
        indexes = [listing.index, node_list.index, check_list.index]
        if not all(is_addressable(node.name) for node in nodes):
            return None, indexes
        checks_of: dict[str, list[Check]] = {}
        for check in check_list.value:
            checks_of.setdefault(check.node.lower(), []).append(check)

        sidecars: list[SidecarUpstream] = []

        async def read_node(node: Node) -> list[Registration] | None:
            answer: NodeServices = (await catalog.node_services(node.name)).value
            if answer.node is None or answer.node.name != node.name:
                return None
            services = [service for service in answer.services or () if service.name in names]
            sidecars.extend(self._sidecars(answer.services or (), names))
            found = from_node(answer.node, services, checks_of.get(node.name.lower(), ()))
            return [self._make_registration(instance) for instance in found]

        registrations: list[Registration] = []
        for node_registrations in self._session.in_parallel(read_node, nodes, self._tick(len(nodes))):
            if node_registrations is None:
                return None, indexes
            registrations.extend(node_registrations)
        return ReadOutcome(registrations, listing.names, sidecars), indexes

    def _indexes(self) -> list[int]:
        """Read the current indexes of services, nodes and checks."""
        catalog = self._catalog
        probes = [catalog.services_index, catalog.nodes_index, catalog.checks_index]
        return self._session.in_parallel(lambda probe: probe(), probes)

    def _check_forward(self, before: Sequence[int], after: Sequence[int]) -> None:
        """SourceError: an index went back."""
        for path, old, new in zip((SERVICES, NODES, STATES), before, after, strict=True):
            if new < old:
                raise self._session.error(
                    path,
                    f"X-Consul-Index went back from {old} to {new}",
                    help="the catalog was probably restored from a snapshot: run the command again",
                )

    def _check_untranslated(self, found: Iterable[ServiceWithChecks]) -> None:
        """SourceError: the dump may have other addresses than all other answers.

        An agent with translate_wan_addrs replaces addresses of other datacenters by tagged ones, but not in the dump
        (Consul 1.8).
        """
        if self._query.peer or not any(map(has_other_addresses, found)):
            return
        agent = Agent(self._session).read_self()
        if agent and (agent.config.datacenter == self._query.datacenter or not agent.debug_config.translates):
            return
        raise self._session.error(
            DUMP,
            f"the agent {'translates' if agent else 'may translate'} addresses of other datacenters "
            "(translate_wan_addrs), but never in this answer, and no other answer can be used: the catalog keeps "
            "changing, or no path can contain a service's name",
            help="try again, leave such services out of `select.services`, or ask an agent of that datacenter",
        )

    def _sort_registrations(self, outcome: ReadOutcome) -> tuple[Registration, ...]:
        """Sort the registrations by service, node and id. SourceError: a name has no instance."""
        expected = () if self._query.may_be_empty else sorted(outcome.names)
        by_name: dict[str, list[Registration]] = {name: [] for name in expected}
        for registration in outcome.registrations:
            by_name.setdefault(registration.service, []).append(registration)
        for name, registrations in by_name.items():
            if not registrations:
                raise self._session.error(
                    segment_path(SERVICE, name),
                    f"no instance answers for {quote(name)}, which is "
                    f"{'selected by name' if self._query.literal else 'listed'}",
                    help=NO_INSTANCE_HELP if self._query.literal else _NO_NODE_HELP,
                )
            registrations.sort(key=_ORDER)
        return tuple(registration for name in sorted(by_name) for registration in by_name[name])

    def _make_registration(self, found: ServiceWithChecks) -> Registration:
        self._check_place(found)
        try:
            return self._registrations.make(found)
        except InvalidRegistration as invalid:
            path = segment_path(SERVICE, found.service.name)
            help_text = "correct that registration, or leave the service out of `select.services`"
            raise self._session.error(path, str(invalid), help=help_text) from None

    def _check_place(self, found: ServiceWithChecks) -> None:
        """SourceError: the instance is from another peer, partition or namespace.

        Servers ignore a parameter that they do not know (peer before 1.13; partition without Enterprise).
        """
        query, node, service = self._query, found.node, found.service
        peer = service.peer_name or node.peer_name
        if query.namespace is None and query.partition is None and query.peer == peer:
            return
        places = (
            ("peers", "peers", query.peer, peer),
            ("partitions", "partition", query.partition, service.partition or node.partition or "default"),
            ("namespaces", "namespace", query.namespace, service.namespace or "default"),
        )
        for what, key, asked, given in places:
            if asked is not None and asked != given:
                raise self._session.error(
                    segment_path(SERVICE, service.name),
                    f"the server does not know {what}: asked for {quote(asked)}, it answered with "
                    f"{quote(given) if given else 'its own'}",
                    help=f"remove `{key}`, or ask a Consul that knows {what}",
                )


_ORDER = attrgetter("node", "id")
