"""The ways to read one segment of a Consul catalog, and the proof that what was read is of one moment.

Three ways give the same registrations: by service (health/service/NAME each), by node (catalog/node-services/NAME each
and all checks), and the dump (internal/ui/nodes: one request, one read transaction on the server).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from msgspec import Struct

from frostline.globs import matches
from frostline.model import Registration
from frostline.sources.base import Progress
from frostline.sources.consul.client import Client
from frostline.sources.consul.wire import (
    AgentSelf,
    Check,
    DumpedNode,
    Found,
    Node,
    NodeServices,
    ServiceEntry,
    Unfit,
    found_in_entries,
    found_on_node,
    has_other_addresses,
    registration_of,
)
from frostline.sources.http.answers import Parameters, is_addressable, segment_path
from frostline.sources.http.transport import StatusError

_READS = 3  # a way is read once and, where the catalog moved meanwhile, at most twice more
_FEW = 50  # services that are read by name however small the catalog is
_SERVICES = "/v1/catalog/services"
_NODES = "/v1/catalog/nodes"
_STATES = "/v1/health/state/any"
_DUMP = "/v1/internal/ui/nodes"
SELF = "/v1/agent/self"
_SERVICE = "/v1/health/service"
_NODE = "/v1/catalog/node-services"  # since 1.7; costs the server less than catalog/node, which makes and sorts a map

# Requests for the index alone. catalog/services ignores `filter` but takes a node's meta, which no node has here.
_PROBES: tuple[tuple[str, Parameters], ...] = (
    (_SERVICES, (("node-meta", "frostline-none:none"),)),
    (_NODES, (("filter", 'Node==""'),)),
    (_STATES, (("filter", 'Node==""'),)),
)

# Only checks that don't pass make an instance less than passing. The index is that of all checks, whatever the filter.
_NOT_PASSING: Parameters = (("filter", 'Status!="passing"'),)

Names = dict[str, list[str] | None]


class Scope(Struct, frozen=True, kw_only=True):
    """One segment and what is selected of it.

    datacenter: as the segment calls it. parameters: what every request carries (dc, ns, partition, peer).
    services: globs; literal: they are literal names, which are read without listing the catalog.
    """

    datacenter: str
    parameters: Parameters = ()
    services: tuple[str, ...] = ("*",)
    literal: bool = False
    namespace: str | None = None
    partition: str | None = None
    peer: str = ""


class Listing(Struct, frozen=True):
    """The selected names, sorted; how many the catalog has in all; the index of services before they were listed."""

    names: tuple[str, ...]
    total: int = 0
    index: int = 0


Tick = Callable[[int], Callable[[int], None]]
"""How many answers are expected -> what is called with how many came."""

Read = dict[str, tuple[list[Found], int]]
"""A service's name -> its instances, and the index of that answer."""


class Taken(Struct, frozen=True):
    """What one way found, and the names that it must have found."""

    registrations: Sequence[Registration]
    names: Iterable[str]


def registrations_of(client: Client, scope: Scope, progress: Progress | None = None) -> tuple[Registration, ...]:
    """All registrations of the selected services, sorted by service, node and id. SourceError: not to be proved."""

    def tick(expected: int) -> Callable[[int], None]:
        return lambda done: progress(scope.datacenter, done, expected) if progress else None

    listing = listed(client, scope)
    if not listing.names:
        return ()
    taken = None
    if all(is_addressable(name) for name in listing.names):
        many = len(listing.names) > _FEW and len(listing.names) * 3 > listing.total
        way = by_node if many and not scope.literal and not scope.peer else by_service
        try:
            taken = way(client, scope, listing, tick)
        except StatusError as error:
            # A name that this Consul refuses in a path: which characters are printable depends on its age.
            if error.code not in (301, 400):
                raise
    if taken is None:
        taken = by_dump(client, scope, listing, tick)
    return _in_order(client, scope, taken)


def listed(client: Client, scope: Scope) -> Listing:
    """The names that are selected now. catalog/services lists each spelling of a name."""
    if scope.literal:
        return Listing(tuple(sorted(set(scope.services))))
    # The list's own index is another one than the probe's, which counts nodes too.
    index = _indexes(client, scope, _PROBES[:1])[0] if client.proves else 0
    names: Names = client.in_parallel(lambda path: client.indexed(path, Names, scope.parameters), [_SERVICES])[0][0]
    return Listing(tuple(sorted(name for name in names if matches(scope.services, name))), len(names), index)


def by_service(client: Client, scope: Scope, listing: Listing, tick: Tick) -> Taken | None:
    """Each service by its name; None where it moved in every read.

    The proof: read each service, list the names, read each service again. What did not move between its two answers
    was so while the names were listed; so all is as it was at that moment, and nothing more was selected. The index
    alone does not prove it: an instance that is registered anew under another name leaves the index of its old one
    as it is, and the last one that does so sends it back (Consul 1.8).
    """
    read: Read = {}
    for _ in range(_READS):
        missing = [name for name in listing.names if name not in read]
        answers = client.in_parallel(lambda name: _service(client, scope, name), missing, tick(len(missing)))
        read.update(zip(missing, answers, strict=True))
        now = listed(client, scope)
        moved = _moved(client, scope, read) if client.proves else _vanished(read)
        if now.names == listing.names and not moved:
            found = (each for instances, _ in read.values() for each in instances)
            return Taken([_registration(client, scope, each) for each in found], now.names)
        listing = now
        read = {name: read[name] for name in now.names if name in read and name not in moved}
    return None


def by_node(client: Client, scope: Scope, listing: Listing, tick: Tick) -> Taken | None:
    """Every node's services, and the checks that don't pass; None where the catalog moved in every read.

    The proof: the lists of services, nodes and checks come first, and their indexes are still the same after all else.
    So no table moved since its list was read, and at the end all is as it was read.
    """
    for again in range(_READS):
        if again:
            listing = listed(client, scope)
        taken, before = _nodes(client, scope, listing, tick)
        if client.proves:
            after = _indexes(client, scope, _PROBES)
            _check_forward(client, [path for path, _ in _PROBES], before, after)
            if taken is not None and after == before:
                return taken
        elif taken is not None:
            return Taken(taken.registrations, _still_listed(client, scope, listing))
    return None


def by_dump(client: Client, scope: Scope, listing: Listing, tick: Tick) -> Taken:
    """All in one answer. Names that were listed before and after it must be in it."""
    dump: list[DumpedNode] = client.in_parallel(
        lambda path: client.indexed(path, list[DumpedNode], scope.parameters), [_DUMP], tick(1)
    )[0][0]
    found = [
        each
        for node in dump
        if node.peer_name == scope.peer  # it holds the nodes of every peer too (Consul 1.14)
        for each in found_on_node(node, node.services or (), node.checks or ())
    ]
    chosen = {name for name in {each.service.name for each in found} if matches(scope.services, name)}
    found = [each for each in found if each.service.name in chosen]
    _check_untranslated(client, scope, found)
    return Taken([_registration(client, scope, each) for each in found], _still_listed(client, scope, listing))


def _still_listed(client: Client, scope: Scope, listing: Listing) -> set[str]:
    """The names that were listed before something was read, and are after it: what was read must have them."""
    return set(listing.names) & set(listed(client, scope).names)


def agent_of(client: Client) -> AgentSelf | None:
    """What the agent says of itself; None: the token may not ask (agent:read)."""
    try:
        agent: AgentSelf = client.plain(SELF, AgentSelf)
    except StatusError as error:
        if error.code != 403:
            raise
        return None
    return agent


def _check_untranslated(client: Client, scope: Scope, found: Iterable[Found]) -> None:
    """SourceError: all other answers would have other addresses. An agent with translate_wan_addrs puts tagged ones in
    the place of those of other datacenters, but not in the dump (Consul 1.8)."""
    if scope.peer or not any(map(has_other_addresses, found)):
        return
    agent = agent_of(client)
    if agent and (agent.config.datacenter == scope.datacenter or not agent.debug_config.translates):
        return
    may = "translates" if agent else "may translate"
    raise client.error(
        _DUMP,
        f"the agent {may} addresses of other datacenters (translate_wan_addrs), but never in this answer, which is all "
        "that is left where the catalog does not rest or a service's name fits into no path",
        help="try again, leave such services out of select.services, or ask an agent of that datacenter",
    )


async def _service(client: Client, scope: Scope, name: str) -> tuple[list[Found], int]:
    """The instances of exactly this name: Consul ignores case."""
    entries, index = await client.indexed(segment_path(_SERVICE, name), list[ServiceEntry], scope.parameters)
    return [found for found in found_in_entries(entries) if found.service.name == name], index


def _moved(client: Client, scope: Scope, read: Read) -> set[str]:
    """The services that answer otherwise than when they were read, or with another index."""
    again = client.in_parallel(lambda name: _service(client, scope, name), list(read))
    return {name for name, now in zip(read, again, strict=True) if now != read[name]}


def _vanished(read: Read) -> set[str]:
    return {name for name, (found, _) in read.items() if not found}


def _check_forward(client: Client, paths: Iterable[str], before: Iterable[int], after: Iterable[int]) -> None:
    for path, old, new in zip(paths, before, after, strict=True):
        if new < old:
            raise client.error(
                path, f"X-Consul-Index went back from {old} to {new}", help="was the catalog restored? Read it again"
            )


def _nodes(client: Client, scope: Scope, listing: Listing, tick: Tick) -> tuple[Taken | None, list[int]]:
    """One reading by node, and the indexes of services, nodes and checks when it began.

    None where a node vanished meanwhile, or has a name that no path can hold.
    """
    (nodes, at), (checks, checked_at) = client.in_parallel(
        lambda asked: client.indexed(asked[0], asked[1], (*asked[2], *scope.parameters)),
        [(_NODES, list[Node], ()), (_STATES, list[Check], _NOT_PASSING)],
    )
    indexes = [listing.index, at, checked_at]
    if not all(is_addressable(node.name) for node in nodes):
        return None, indexes
    names = frozenset(listing.names)
    of_node: dict[str, list[Check]] = {}
    for check in checks:
        of_node.setdefault(check.node.lower(), []).append(check)

    async def of(node: Node) -> list[Registration] | None:
        answer, _ = await client.indexed(segment_path(_NODE, node.name), NodeServices, scope.parameters)
        if answer.node is None or answer.node.name != node.name:
            return None
        services = [service for service in answer.services or () if service.name in names]
        found = found_on_node(answer.node, services, of_node.get(node.name.lower(), ()))
        return [_registration(client, scope, each) for each in found]

    registrations: list[Registration] = []
    for each in client.in_parallel(of, nodes, tick(len(nodes))):
        if each is None:
            return None, indexes
        registrations.extend(each)
    return Taken(registrations, listing.names), indexes


def _indexes(client: Client, scope: Scope, probes: Sequence[tuple[str, Parameters]]) -> list[int]:
    """The indexes that these requests have now."""

    answers = client.in_parallel(lambda probe: client.indexed(probe[0], object, (*probe[1], *scope.parameters)), probes)
    return [index for _, index in answers]


def _in_order(client: Client, scope: Scope, taken: Taken) -> tuple[Registration, ...]:
    """What was taken, sorted by service, node and id. SourceError: it lacks a name."""
    by_name: dict[str, list[Registration]] = {name: [] for name in sorted(taken.names)}
    for registration in taken.registrations:
        by_name.setdefault(registration.service, []).append(registration)
    for name, registrations in by_name.items():
        if not registrations:
            raise client.error(
                segment_path(_SERVICE, name),
                f"no instance answers for {name!r}, which is {'selected by name' if scope.literal else 'listed'}",
                help="let the token read its nodes too (node:read), or leave it out of select.services",
            )
        registrations.sort(key=_ORDER)
    return tuple(registration for name in sorted(by_name) for registration in by_name[name])


_ORDER = attrgetter("node", "id")


def _registration(client: Client, scope: Scope, found: Found) -> Registration:
    _check_place(client, scope, found)
    try:
        return registration_of(found)
    except Unfit as unfit:
        path = segment_path(_SERVICE, found.service.name)
        raise client.error(path, str(unfit), help="correct that registration, or leave the service out") from None


def _check_place(client: Client, scope: Scope, found: Found) -> None:
    """Servers that do not know a parameter ignore it (peer before 1.13; partition without Enterprise)."""
    node, service = found.node, found.service
    if scope.namespace is None and scope.partition is None and scope.peer == (service.peer_name or node.peer_name):
        return
    places = (
        ("peers", scope.peer, service.peer_name or node.peer_name),
        ("partitions", scope.partition, service.partition or node.partition or "default"),
        ("namespaces", scope.namespace, service.namespace or "default"),
    )
    for what, asked, given in places:
        if asked is not None and asked != given:
            raise client.error(
                segment_path(_SERVICE, service.name),
                f"the server does not know {what}: asked for {asked!r}, it answered with {given or 'its own'!r}",
                help=f"leave the key for {what} out, or ask a Consul that knows them",
            )
