"""The source `consul`: reads a catalog over Consul's HTTP API (1.8 and later), one segment a datacenter or peer.

A peer's services are a segment of their own, whose datacenter is called `peer:NAME`: no datacenter of Consul's can be
called so, and the peer's own datacenter name may be the same as one that is read here.
"""

from __future__ import annotations

import os
import re
from typing import Any

from frostline.errors import SourceError, UsageError
from frostline.globs import is_literal, matches
from frostline.model import SegmentAnswer
from frostline.sources.base import Progress, ReadResult
from frostline.sources.consul.client import Client
from frostline.sources.consul.reading import SELF, Scope, agent_of, registrations_of
from frostline.sources.consul.settings import SCHEMA, ConsulSettings, configure
from frostline.sources.consul.wire import TokenSelf
from frostline.sources.http.access import consul_address, token_source
from frostline.sources.http.answers import Parameters
from frostline.sources.http.live import is_unreachable, kept, selection_shape, transport_of
from frostline.sources.http.transport import StatusError

__all__ = ["SCHEMA", "configure", "read", "shape"]

_DATACENTERS = "/v1/catalog/datacenters"
_TOKEN = "/v1/acl/token/self"  # noqa: S105 - a path
_ANONYMOUS = "00000000-0000-0000-0000-000000000002"  # structs.ACLTokenAnonymousID
_PEER = "peer:"


def read(
    settings: ConsulSettings, *, datacenters: tuple[str, ...] = (), progress: Progress | None = None
) -> ReadResult:
    """Ask Consul for everything that select.services names. The other filters are the selection's.

    datacenters: only these, which may be `peer:NAME` too. See base.LiveSource.
    """
    _check_usable(settings)
    address = consul_address(settings.address, os.environ, settings.origin)
    with transport_of(settings, address, "X-Consul-Token") as transport:
        client = Client(
            transport,
            max_stale=settings.max_stale if settings.consistency == "eventual" else None,
            strict_acl=settings.acl == "strict",
        )
        _check_token(client, settings)
        names, unreachable, warnings = _segments(client, settings, datacenters)
        answers: list[SegmentAnswer] = []
        for name in names:
            try:
                answers.append(_answer(client, settings, name, progress))
            except SourceError as error:
                if not (settings.partial and is_unreachable(error)):
                    raise
                unreachable.append(name)
                warnings.append(f"{error.message}; {kept(name)}")
    if unreachable and not answers:
        raise SourceError(
            f"source {settings.name}: nothing answered of {', '.join(sorted(unreachable))}",
            origin=settings.origin,
            help="check the agent's connection to these datacenters; `partial` needs one that answers",
        )
    return ReadResult(answers=tuple(answers), warnings=tuple(warnings), unreachable=tuple(sorted(unreachable)))


def shape(settings: ConsulSettings) -> dict[str, Any]:
    """What of the settings shapes the answer: not the token, TLS, limits and the naming patterns."""
    return {
        "type": settings.type,
        "address": settings.address,
        "datacenters": list(settings.datacenters),
        "namespace": settings.namespace,
        "partition": settings.partition,
        "peers": sorted(settings.peers),
        **selection_shape(settings),
    }


def _check_usable(settings: ConsulSettings) -> None:
    if settings.acl == "scoped" and not (settings.select.services and all(map(is_literal, settings.select.services))):
        raise UsageError(
            f"source {settings.name}: `acl: scoped` reads literal service names only",
            origin=settings.origin,
            help="name each service in select.services, without globs and exclusions",
        )


def _check_token(client: Client, settings: ConsulSettings) -> None:
    """With ACLs on, Consul answers a token that it does not know with less, or with nothing, and status 200."""
    if settings.acl != "strict":
        return
    try:
        token = client.plain(_TOKEN, TokenSelf)
    except StatusError as error:
        if error.code == 401 and "ACL support disabled" in error.words:
            return
        # Any server that is no Consul answers 404; Consul's own speaks of the token.
        of_acls = re.search("token|acl", error.words, re.IGNORECASE)
        if error.code not in (401, 403, 404) or (error.code == 404 and not of_acls):
            raise
        refused = error.message
    else:
        if token.accessor != _ANONYMOUS:
            return
        refused = f"source {settings.name}: GET {_TOKEN}: it stands for the anonymous token"
    raise SourceError(
        f"{refused}: ACLs are on, and {_unaccepted(settings)}",
        origin=settings.origin,
        help="give a valid token (`token: {env: CONSUL_HTTP_TOKEN}`), or `acl: scoped` with literal service names",
    )


def _unaccepted(settings: ConsulSettings) -> str:
    if settings.token is None:
        return "there is no key `token`"
    return f"Consul does not accept {token_source(settings.token)}"


def _segments(
    client: Client, settings: ConsulSettings, only: tuple[str, ...]
) -> tuple[list[str], list[str], list[str]]:
    """Which segments to read, datacenters before peers; which of them Consul does not know; and warnings of those."""
    peers = [f"{_PEER}{name}" for name in sorted(set(settings.peers))]
    if not only:
        names, unknown, warnings = _datacenters(client, settings, ())
        return names + peers, unknown, warnings
    chosen = tuple(sorted(set(only)))
    within = tuple(name for name in chosen if not name.startswith(_PEER))
    names, unknown, warnings = _datacenters(client, settings, within) if within else ([], [], [])
    for name in chosen:
        if name.startswith(_PEER) and name not in peers:
            raise _not_read(settings, name, f"it reads {', '.join(peers) or 'no peers'}")
    return names + [name for name in peers if name in chosen], unknown, warnings


def _datacenters(
    client: Client, settings: ConsulSettings, only: tuple[str, ...]
) -> tuple[list[str], list[str], list[str]]:
    patterns = settings.datacenters
    if not patterns:
        own = _own_datacenter(client, settings)
        for name in only:
            if name != own:
                raise _not_read(settings, name, f"it reads the agent's own, {own}")
        return [own], [], []
    for name in only:
        if not matches(patterns, name):
            raise _not_read(settings, name, f"`datacenters` is {', '.join(patterns)}")
    known: list[str] = client.plain(_DATACENTERS, list[str])
    named = only or tuple(name for name in patterns if is_literal(name) and matches(patterns, name))
    unknown = sorted(set(named) - set(known))
    names = sorted(name for name in set(known) if matches(patterns, name) and (not only or name in only))
    if (unknown and not settings.partial) or not (names or unknown):
        what = ", ".join(unknown or patterns)
        raise client.error(
            _DATACENTERS,
            f"Consul knows no datacenter {what}, only {', '.join(sorted(known))}",
            help="correct `datacenters`, or join the datacenter over WAN",
        )
    return (
        names,
        unknown,
        [f"source {settings.name}: datacenter {name} is not known now; {kept(name)}" for name in unknown],
    )


def _own_datacenter(client: Client, settings: ConsulSettings) -> str:
    agent = agent_of(client)
    if agent:
        return agent.config.datacenter
    known: list[str] = client.plain(_DATACENTERS, list[str])
    if len(known) == 1:
        return known[0]
    raise client.error(
        SELF,
        f"the token may not ask for the agent's own datacenter, one of {', '.join(sorted(known))}",
        help="name it in `datacenters`, or give the token agent:read",
    )


def _not_read(settings: ConsulSettings, name: str, instead: str) -> UsageError:
    return UsageError(
        f"source {settings.name} does not read the datacenter {name}: {instead}",
        origin=settings.origin,
        help="name one that it reads, or add it to the configuration",
    )


def _answer(client: Client, settings: ConsulSettings, name: str, progress: Progress | None) -> SegmentAnswer:
    peer = name.removeprefix(_PEER) if name.startswith(_PEER) else ""
    place: Parameters = (("peer", peer),) if peer else (("dc", name),)
    given = (("ns", settings.namespace), ("partition", settings.partition))
    scope = Scope(
        datacenter=name,
        parameters=(*place, *((key, value) for key, value in given if value is not None)),
        services=settings.select.services,
        literal=settings.acl == "scoped",
        namespace=settings.namespace,
        partition=settings.partition,
        peer=peer,
    )
    try:
        registrations = registrations_of(client, scope, progress)
    except StatusError as error:
        keys = [f"`{key}`" for key in ("namespace", "partition") if getattr(settings, key) is not None]
        if error.code != 400 or not keys:
            raise
        raise SourceError(
            error.message,
            origin=error.origin,
            help=f"leave out {' and '.join(keys)} unless the server is Consul Enterprise",
        ) from None
    return SegmentAnswer(
        source=settings.name,
        datacenter=name,
        namespace=settings.namespace or "default",
        registrations=registrations,
    )
