"""Read the source `consul`: check the agent and its token, then read each chosen datacenter or peer."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from frostline.errors import SourceError, UsageError
from frostline.globs import is_literal
from frostline.model import SegmentAnswer
from frostline.sources.base import Progress, ReadResult
from frostline.sources.consul.client import CONSUL, DATACENTERS, SELF, SERVICE, TOKEN, Agent
from frostline.sources.consul.reading import NO_INSTANCE_HELP, SegmentQuery, SegmentReader, SegmentState
from frostline.sources.consul.settings import PEER, ConsulSettings
from frostline.sources.consul.wire import RegistrationMaker
from frostline.sources.http.address import consul_address
from frostline.sources.http.credentials import describe_token, exposure_warnings
from frostline.sources.http.segments import (
    ChosenSegments,
    SegmentKind,
    check_configured,
    choose_own_segment,
    choose_segments,
    not_configured,
    read_segments,
)
from frostline.sources.http.session import Session, open_session, segment_path
from frostline.sources.http.transport import StatusError
from frostline.text import list_names, quote

_ANONYMOUS = "00000000-0000-0000-0000-000000000002"  # structs.ACLTokenAnonymousID
_DATACENTER = SegmentKind(noun="datacenter", path=DATACENTERS, join_help="join the datacenter over WAN")


def read_catalog(
    settings: ConsulSettings, *, datacenters: tuple[str, ...] = (), progress: Progress | None = None
) -> ReadResult:
    """Read every service that select.services names; the selection applies the other filters.

    datacenters: read only these, which may also be `peer:NAME`. See base.LiveSource.
    """
    _check_usable(settings)
    address = consul_address(settings.address, os.environ, settings.origin)
    with open_session(settings, address, CONSUL) as session:
        agent = Agent(session)
        _check_token(agent, settings)
        chosen = choose_datacenters_and_peers(session, agent, settings, datacenters)
        registrations = RegistrationMaker(settings.select.node_meta)

        def read_segment(name: str) -> tuple[list[SegmentAnswer], list[str]]:
            query = make_query(settings, name)
            agent.check_leader(query.dc, settings.limits.retries)
            reader = SegmentReader(session, query, registrations=registrations, progress=progress)
            state = _read(reader, settings)
            answer = SegmentAnswer(
                source=settings.name,
                datacenter=name,
                namespace=settings.namespace or "default",
                registrations=state.registrations,
                upstreams=state.declared.upstreams,
            )
            warnings = [*state.declared.warnings, *_warn_of_hidden_sidecars(name, state.hidden_sidecars)]
            more = [f"source {settings.name}: {warning}" for warning in warnings]
            return [answer], [*_warn_of_no_exports(settings, query, answer), *more]

        result = read_segments(settings, _DATACENTER, chosen, read_segment, exposure_warnings(settings, address))
        if not datacenters and not result.unreachable:
            _check_all_answered(session, settings, result)
        return result


def known_datacenters(settings: ConsulSettings) -> tuple[str, ...]:
    """The datacenters that the agent knows, sorted. SourceError: it cannot be asked."""
    with open_session(settings, consul_address(settings.address, os.environ, settings.origin), CONSUL) as session:
        return tuple(sorted(Agent(session).list_datacenters()))


def _warn_of_hidden_sidecars(datacenter: str, services: Sequence[str]) -> list[str]:
    """Warn that the token may not read the sidecars of these services."""
    if not services:
        return []
    return [
        f"ACLs hide sidecars in {quote(datacenter)}, and so the upstreams of {list_names(services)}: let the token "
        "read them (`frostline sources --policy` has the rules), or set `upstreams: false`"
    ]


def _warn_of_no_exports(settings: ConsulSettings, query: SegmentQuery, answer: SegmentAnswer) -> list[str]:
    """Warn that a peer exports no selected service."""
    if not query.peer or answer.registrations:
        return []
    return [f"source {settings.name}: the peer {quote(query.peer)} exports no service that `select.services` takes"]


def _check_all_answered(session: Session, settings: ConsulSettings, result: ReadResult) -> None:
    """SourceError: with `acl: scoped` and peers, a name has an instance neither in a datacenter nor in a peer.

    Without peers, SegmentReader checks this for each datacenter.
    """
    if settings.acl != "scoped" or not settings.peers:
        return
    answered = {registration.service for answer in result.answers for registration in answer.registrations}
    for name in sorted(set(settings.select.services) - answered):
        raise session.error(
            segment_path(SERVICE, name),
            f"no instance answers for {quote(name)}, which is selected by name, here or in a peer",
            help=NO_INSTANCE_HELP,
        )


def _check_usable(settings: ConsulSettings) -> None:
    if settings.acl == "scoped" and not (settings.select.services and all(map(is_literal, settings.select.services))):
        raise UsageError(
            f"source {settings.name}: `acl: scoped` reads literal service names only",
            origin=settings.origin,
            help="list each service in `select.services`, without globs and exclusions",
        )


def _check_token(agent: Agent, settings: ConsulSettings) -> None:
    """SourceError: with `acl: strict`, Consul does not accept the token.

    With ACLs enabled, Consul answers an unknown token with status 200, but with less data or none.
    """
    if settings.acl != "strict":
        return
    try:
        token = agent.read_token()
    except StatusError as error:
        if error.code == 401 and "ACL support disabled" in error.text:
            return
        # A server that is not Consul also answers 404; Consul's own 404 mentions the token.
        mentions_acls = re.search("token|acl", error.text, re.IGNORECASE)
        if error.wants_login or error.code not in (401, 403, 404) or (error.code == 404 and not mentions_acls):
            raise
        refused = error.message
    else:
        if token.accessor != _ANONYMOUS:
            return
        refused = f"source {settings.name}: GET {TOKEN}: Consul takes it for the anonymous token"
    if settings.token:
        cause = f"Consul does not accept {describe_token(settings.token)}"
        remedy = "it has expired, was deleted, or belongs to another cluster: give a valid token there"
    else:
        cause, remedy = "there is no key `token`", "give a valid token (`token: {env: CONSUL_HTTP_TOKEN}`)"
    raise SourceError(
        f"{refused}: ACLs are enabled, and {cause}",
        origin=settings.origin,
        help=f"{remedy}, or set `acl: scoped` with literal service names",
    )


def choose_datacenters_and_peers(
    session: Session, agent: Agent, settings: ConsulSettings, only: tuple[str, ...]
) -> ChosenSegments:
    """Choose the segments to read: the datacenters, then the peers."""
    peers = tuple(f"{PEER}{name}" for name in sorted(set(settings.peers)))
    if not only:
        chosen = _choose_datacenters(session, agent, settings, ())
        return ChosenSegments(chosen.names + peers, chosen.unknown)
    only = tuple(sorted(set(only)))
    only_datacenters = tuple(name for name in only if not name.startswith(PEER))
    chosen = ChosenSegments(())
    if only_datacenters:
        chosen = _choose_datacenters(session, agent, settings, only_datacenters)
    for name in only:
        if name.startswith(PEER) and name not in peers:
            raise not_configured(settings, _DATACENTER, name, f"it reads {list_names(peers) or 'no peers'}")
    return ChosenSegments(chosen.names + tuple(name for name in peers if name in only), chosen.unknown)


def _choose_datacenters(
    session: Session, agent: Agent, settings: ConsulSettings, only: tuple[str, ...]
) -> ChosenSegments:
    if not settings.datacenters:
        return choose_own_segment(settings, _DATACENTER, _own_datacenter(session, agent), only)
    check_configured(settings, _DATACENTER, settings.datacenters, only)
    known = agent.list_datacenters()
    return choose_segments(session, _DATACENTER, settings.datacenters, only, known, partial=settings.partial)


def _own_datacenter(session: Session, agent: Agent) -> str:
    """Return the agent's own datacenter.

    Without agent:read: the only one that exists, or the one that its nodes name.
    """
    itself = agent.read_self()
    if itself:
        return itself.config.datacenter
    known = agent.list_datacenters()
    if len(known) == 1:
        return known[0]
    own = agent.find_own_datacenter()
    if own in known:
        return own
    raise session.error(
        SELF,
        f"the token may not read the agent's own datacenter, one of {list_names(sorted(known))}",
        help="name it in `datacenters`, or give the token node:read",
    )


def make_query(settings: ConsulSettings, name: str) -> SegmentQuery:
    """Make the query for the segment of this name."""
    peer = name.removeprefix(PEER) if name.startswith(PEER) else ""
    return SegmentQuery(
        datacenter=name,
        dc=None if peer else name,
        services=settings.select.services,
        literal=settings.acl == "scoped",
        namespace=settings.namespace,
        partition=settings.partition,
        peer=peer,
        may_be_empty=bool(peer) or (settings.acl == "scoped" and bool(settings.peers)),
        describes_nodes=bool(settings.select.node_meta),
        upstreams=settings.upstreams and not peer,
    )


def _read(reader: SegmentReader, settings: ConsulSettings) -> SegmentState:
    try:
        return reader.read()
    except StatusError as error:
        keys = [f"`{key}`" for key in ("namespace", "partition") if getattr(settings, key) is not None]
        if error.code != 400 or not keys:
            raise
        raise SourceError(
            error.message,
            origin=error.origin,
            help=f"leave out {' and '.join(keys)} unless the server is Consul Enterprise",
        ) from None
