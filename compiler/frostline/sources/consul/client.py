"""The requests that frostline makes of Consul, each with the type of its answer.

python-consul2 makes the requests that it knows: path, parameters and consistency. Requests that it lacks (filters,
node-services, the dump, other parameters of health reads) go through its HTTP client, which is ours. Names are
percent-encoded before, because it does not escape `/`. Answers stay undecoded, because its decoder turns a 404 into
None.
"""

from __future__ import annotations

from asyncio import sleep
from collections.abc import Callable
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any

from msgspec import Raw, Struct

from frostline.errors import UsageError
from frostline.sources.consul.wire import (
    AgentSelf,
    Check,
    DescribedEntry,
    DumpedNode,
    ListedService,
    Node,
    NodeServices,
    Peering,
    PlacedNode,
    ServiceEntry,
    TokenSelf,
)
from frostline.sources.http.connection import Response
from frostline.sources.http.session import Api, Indexed, Parameters, Session, quote_segment, segment_path, with_query
from frostline.sources.http.transport import StatusError, retry_delay

SELF = "/v1/agent/self"
DATACENTERS = "/v1/catalog/datacenters"
TOKEN = "/v1/acl/token/self"  # noqa: S105 - a path
SERVICES = "/v1/catalog/services"
NODES = "/v1/catalog/nodes"
STATES = "/v1/health/state/any"
SERVICE = "/v1/health/service"
_SIDECARS = "/v1/health/connect"
_NODE_SERVICES = "/v1/catalog/node-services"  # since 1.7; cheaper than catalog/node, where the server sorts a map
DUMP = "/v1/internal/ui/nodes"
_UI_SERVICES = "/v1/internal/ui/services"
_PEERING = "/v1/peering"
_PEERINGS = "/v1/peerings"

_NO_NODE = (("filter", 'Node==""'),)
_ABSENT_META = "frostline-none"
CONSUL = Api(
    product="Consul",
    address_variable="CONSUL_HTTP_ADDR",
    small=(
        SELF,
        DATACENTERS,
        "/v1/status/leader",
        TOKEN,
        f"{_PEERING}/",
        f"={_ABSENT_META}",
        with_query("", _NO_NODE)[1:] + "&",
    ),
)
# Passing checks make no instance less healthy. The index is that of all checks, whatever the filter.
_NOT_PASSING = (("filter", 'Status!="passing"'),)

Names = dict[str, list[str] | None]
"""The answer of catalog/services: name -> tags."""


def peering_path(name: str) -> str:
    """The path of a cluster peering (Consul 1.13 and later)."""
    return segment_path(_PEERING, name)


class Exchange(Struct, frozen=True):
    """A request's target, for messages, and its answer."""

    target: str
    response: Response


class Agent:
    """What the agent itself knows. These answers have no index."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._consul = make_consul(session)

    def read_self(self) -> AgentSelf | None:
        """Read /v1/agent/self. Returns None if the token lacks agent:read."""
        try:
            agent: AgentSelf = self._read(self._consul.agent.self(), AgentSelf)
        except StatusError as error:
            if error.code != 403:
                raise
            return None
        return agent

    def list_datacenters(self) -> list[str]:
        """List the datacenters that the agent knows, nearest first."""
        known: list[str] = self._read(self._consul.catalog.datacenters(), list[str])
        return known

    def find_own_datacenter(self) -> str | None:
        """Return the datacenter of the nodes that the agent lists by default, or None if the token sees no node."""
        nodes: list[PlacedNode] = self._read(self._consul.catalog.nodes(), list[PlacedNode])
        return nodes[0].datacenter if nodes else None

    def read_token(self) -> TokenSelf:
        """Read the identity of the token. StatusError: Consul does not accept it, or has ACLs disabled (401)."""
        token: TokenSelf = self._read(self._consul.tokens.self(), TokenSelf)
        return token

    def check_leader(self, dc: str | None, retries: int) -> None:
        """NoLeaderError: after this many retries, the servers of this datacenter still have no leader.

        dc: None for the agent's own. Servers without a leader answer this request at once, but hold any other for 7 s
        (rpc_hold_timeout).
        """
        self._session.run(self._wait_for_leader(() if dc is None else (("dc", dc),), retries))

    async def _wait_for_leader(self, parameters: Parameters, retries: int) -> None:
        status = make_consul(self._session, parameters=parameters).status
        for attempt in range(retries + 1):
            try:
                exchange: Exchange = await status.leader()
            except StatusError as error:
                if error.unreachable:
                    raise
                return  # a proxy lets only some paths through; later answers also say in headers if there is no leader
            if exchange.response.body.strip() != b'""':
                return
            if attempt < retries:
                await sleep(retry_delay(attempt))
        raise self._session.no_leader(exchange.target)

    def _read(self, request: Any, kind: Any) -> Any:
        exchange: Exchange = self._session.run(request)
        return self._session.decode(exchange.target, exchange.response, kind)


class Catalog:
    """One segment's catalog, whose answers have an index. Await the requests in the work of `Session.in_parallel`.

    parameters: what every request carries besides the consistency (dc, ns, partition, peer). strict_acl: refuse an
    answer that ACLs filtered. hidden_sidecars: services whose sidecars ACLs hide, if that is tolerated.
    """

    def __init__(
        self, session: Session, parameters: Parameters, *, strict_acl: bool, describes_nodes: bool = False
    ) -> None:
        self._session = session
        self._strict_acl = strict_acl
        self.hidden_sidecars: set[str] = set()
        self._entries = list[DescribedEntry] if describes_nodes else list[ServiceEntry]
        self._consul = make_consul(session, "consistent" if session.is_snapshot else "stale", parameters)

    async def services(self) -> Indexed:
        """List the names of services (Names)."""
        return self._decode(await self._consul.catalog.services(), Names)

    async def service(self, name: str) -> Indexed:
        """Read the instances of a service (list[ServiceEntry]). Consul ignores the case of the name."""
        return self._decode(await self._consul.health.service(quote_segment(name)), self._entries)

    async def sidecars(self, name: str) -> Indexed:
        """Read the sidecars of a service and what else stands for it in the mesh (list[ServiceEntry]). Consul ignores
        the case of the name."""
        exchange = await self._get(segment_path(_SIDECARS, name))
        answer = self._decode(exchange, list[ServiceEntry])
        if _is_filtered(exchange):
            self.hidden_sidecars.add(name)
        return answer

    async def nodes(self) -> Indexed:
        """List the nodes (list[Node])."""
        return self._decode(await self._consul.catalog.nodes(), list[Node])

    async def node_services(self, name: str) -> Indexed:
        """Read a node's services (NodeServices). Consul ignores the case of the name."""
        return self._decode(await self._get(segment_path(_NODE_SERVICES, name)), NodeServices)

    async def failing_checks(self) -> Indexed:
        """List the checks that do not pass (list[Check])."""
        return self._decode(await self._get(STATES, _NOT_PASSING), list[Check])

    async def dump(self) -> Indexed:
        """Read all nodes with their services and checks (list[DumpedNode]): one request, one transaction."""
        return self._decode(await self._get(DUMP), list[DumpedNode])

    async def imported_services(self) -> Indexed:
        """List the services of the peer in the parameters (list[ListedService])."""
        return self._decode(await self._get(_UI_SERVICES), list[ListedService])

    async def peering(self, name: str) -> Indexed:
        """Read what this cluster knows of a peering (Peering). Its index does not change with what is imported."""
        return self._decode(await self._get(peering_path(name)), Peering)

    async def peerings(self) -> Indexed:
        """List the peerings (list[Peering])."""
        return self._decode(await self._get(_PEERINGS), list[Peering])

    # These requests are only for the index. They ask for an empty answer, and never decode it.

    async def services_index(self) -> int:
        """Ask for node metadata that no node has, because catalog/services ignores `filter`."""
        return self._decode(await self._consul.catalog.services(node_meta={_ABSENT_META: "none"}), Raw).index

    async def nodes_index(self) -> int:
        return self._decode(await self._get(NODES, _NO_NODE), Raw).index

    async def checks_index(self) -> int:
        return self._decode(await self._get(STATES, _NO_NODE), Raw).index

    async def _get(self, path: str, parameters: Parameters = ()) -> Exchange:
        exchange: Exchange = await self._consul.http.get(None, path, parameters)
        return exchange

    def _decode(self, exchange: Exchange, kind: Any) -> Indexed:
        answer = self._session.decode_indexed(exchange.target, exchange.response, kind)
        if self._strict_acl and _is_filtered(exchange):
            raise self._session.error(
                exchange.target,
                "ACLs hide a part of the answer",
                help="let the token read every node and service, or set `acl: scoped` and select literal names",
            )
        return answer


def _is_filtered(exchange: Exchange) -> bool:
    """Whether Consul (1.11 and later) says that ACLs filtered the answer."""
    return exchange.response.headers.get("x-consul-results-filtered-by-acls", "false") != "false"


def make_consul(session: Session, consistency: str = "default", parameters: Parameters = ()) -> Any:
    """Make python-consul2's client object on this session. Its methods return awaitables of Exchange.

    consistency: default, consistent or stale. parameters: every request carries them.
    """
    return _consul_class()(session, consistency, parameters)


@cache
def _consul_class() -> Callable[[Session, str, Parameters], Any]:
    base = _load_library()

    class HTTPClient(base.HTTPClient):  # type: ignore[misc, name-defined]
        """Sends requests through the session, which knows address, token and limits. Paths come escaped."""

        def __init__(self, session: Session, parameters: Parameters) -> None:
            self._session = session
            self._parameters = parameters

        async def get(self, callback: Any, path: str, params: Any = None, headers: Any = None) -> Exchange:
            """Ignores `callback`, which would decode the answer, and `headers`, which would hold a token."""
            given = params or []
            missing = [pair for pair in self._parameters if pair not in given]
            target = with_query(path, (*given, *missing))
            return Exchange(target, await self._session.get(target))

        def put(self, *_: Any, **__: Any) -> Any:
            raise NotImplementedError("frostline only reads")

        post = delete = put

    class Consul(base.Consul):  # type: ignore[misc, name-defined]
        """python-consul2's client, without its constructor: there $CONSUL_HTTP_ADDR and $CONSUL_HTTP_TOKEN override
        the arguments."""

        def __init__(self, session: Session, consistency: str, parameters: Parameters) -> None:
            self.token = None  # the session sends it
            self.dc = dict(parameters).get("dc")
            self.consistency = consistency
            # The methods for health checks do not know the consistency.
            mode: Parameters = ((consistency, "1"),) if consistency != "default" else ()
            self.http = self.http_connect(session, (*mode, *parameters))
            self.tokens = base.Consul.ACL.Tokens(self)  # ACL itself warns about its deprecated parts
            self.agent = base.Consul.Agent(self)
            self.catalog = base.Consul.Catalog(self)
            self.health = base.Consul.Health(self)
            self.status = base.Consul.Status(self)

        def http_connect(self, session: Session, parameters: Parameters) -> HTTPClient:
            return HTTPClient(session, parameters)

    return Consul


def _load_library() -> Any:
    """Load the module `consul.base` alone, in 3 ms: the package imports requests, which nothing here needs (50 ms)."""
    package = find_spec("consul")
    # A plain module `consul` has no locations of submodules; without them PathFinder would find any module `base`.
    locations = package.submodule_search_locations if package else None
    spec = PathFinder.find_spec("consul.base", locations) if locations else None
    if spec is None or spec.loader is None:
        raise _wrong_library(package)
    library = module_from_spec(spec)
    spec.loader.exec_module(library)
    if not all(hasattr(library.Consul, name) for name in ("ACL", "Agent", "Catalog", "Health", "Status")):
        raise _wrong_library(package)
    return library


def _wrong_library(found: ModuleSpec | None) -> UsageError:
    if found is None:
        return UsageError("python-consul2 is not installed", help="install frostline again: it brings what it needs")
    return UsageError(
        f"the Python package `consul` is not python-consul2{f': {found.origin}' if found.origin else ''}",
        help=(
            "py-consul installs a package of the same name: give frostline an environment of its own (`uv tool "
            "install`, pipx), or uninstall py-consul and run `pip install --force-reinstall python-consul2`"
        ),
    )
