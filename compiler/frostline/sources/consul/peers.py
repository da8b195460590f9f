"""A cluster peer as this cluster's servers see it: whether it can be read now, and which services it exports.

The names cannot come from catalog/services, which ignores the parameter `peer` (Consul 1.14).
"""

from __future__ import annotations

import re
import shlex

from frostline.errors import SourceError
from frostline.sources.consul.client import Catalog, peering_path
from frostline.sources.consul.wire import Peering
from frostline.sources.http.session import Session
from frostline.sources.http.transport import StatusError, UnreachableError
from frostline.text import list_names, quote

_ACTIVE = "ACTIVE"
# api.PeeringState. An inactive peering still lists what it imported last, which may be out of date.
_STATES = {
    "PENDING": "the other cluster has not established it yet",
    "ESTABLISHING": "it is being established",
    "FAILING": "the connection to the other cluster is lost",
    "TERMINATED": "the other cluster has ended it",
    "DELETING": "it is being deleted",
}


def list_peer_services(session: Session, catalog: Catalog, peer: str) -> tuple[str, ...]:
    """List the names of the services that this peer exports, sorted; some may have no instance.

    UnreachableError: there is no such peering, or it is not active. SourceError: this Consul knows no peers, or the
    token may see neither the peering nor anything that it imports.
    """
    peering = _read_peering(session, catalog, peer)
    if peering is not None and peering.state != _ACTIVE:
        why = _STATES.get(peering.state, "only an active one is up to date")
        raise _unreachable(
            session,
            peering_path(peer),
            f"the peering with {quote(peer)} is {peering.state}: {why}",
            f"repair it (`consul peering read -name {shlex.quote(peer)}` says more), or leave it out of `peers`",
        )
    names = _list_imported(session, catalog, is_needed=peering is None)
    if peering is not None:
        names.update(peering.stream.imported or ())
    elif not names:
        raise session.error(
            peering_path(peer),
            f"the token may not read the peering with {quote(peer)}, and sees none of its services: the peer may be "
            "unknown, or export nothing",
            help='give the token `peering = "read"`, or leave it out of `peers`',
        )
    return tuple(sorted(names))


def _list_imported(session: Session, catalog: Catalog, *, is_needed: bool) -> set[str]:
    """List the names from the UI's endpoint, which reads the catalog.

    The peering's own list is the leader's memory of the connection, so it is empty after each change of leader.
    is_needed: there is no other list, so StatusError is raised. Otherwise a blocked path (by ACLs or a proxy) gives
    none.
    """
    try:
        return {service.name for service in session.run(catalog.imported_services()).value}
    except StatusError as error:
        if is_needed or error.code not in (403, 404):
            raise
        return set()


def _read_peering(session: Session, catalog: Catalog, peer: str) -> Peering | None:
    """Read the peering. Returns None if the token lacks peering:read."""
    try:
        peering: Peering = session.run(catalog.peering(peer)).value
    except StatusError as error:
        if error.code == 403:
            return None
        raise _explain(session, catalog, peer, error) from None
    return peering


def _explain(session: Session, catalog: Catalog, peer: str, error: StatusError) -> SourceError:
    path = peering_path(peer)
    if error.code == 404 and re.search("peering", error.text, re.IGNORECASE):
        known = sorted(peering.name for peering in session.run(catalog.peerings()).value)
        others = f"only {list_names(known)}" if known else "and no other"
        return _unreachable(
            session,
            path,
            f"Consul knows no peer {quote(peer)}, {others}",
            "correct `peers`, or establish the peering",
        )
    if error.code == 404:
        return session.error(
            path, "this Consul knows no peers", help="remove `peers`, or ask Consul 1.13 or later, which knows them"
        )
    if error.code == 500 and "peering must be enabled" in error.text:
        return session.error(
            path, "peering is disabled in this Consul", help="remove `peers`, or enable `peering` in the servers"
        )
    return error


def _unreachable(session: Session, path: str, reason: str, help_text: str) -> UnreachableError:
    error = session.error(path, reason, help=help_text)
    return UnreachableError(error.message, origin=error.origin, help=error.help)
