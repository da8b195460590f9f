"""Read the source `nomad`: choose regions and namespaces, then read each of them."""

from __future__ import annotations

import os
from collections.abc import Callable

from frostline.globs import is_literal, matches
from frostline.model import SegmentAnswer, Upstream
from frostline.sources.base import Progress, ReadResult
from frostline.sources.http.address import nomad_address
from frostline.sources.http.credentials import exposure_warnings
from frostline.sources.http.segments import (
    ChosenSegments,
    SegmentKind,
    check_configured,
    choose_own_segment,
    choose_segments,
    read_segments,
)
from frostline.sources.http.session import Parameters, open_session
from frostline.sources.http.transport import StatusError
from frostline.sources.nomad.allocations import drop_canaries, make_registrations
from frostline.sources.nomad.client import NOMAD, REGIONS, SELF, Client
from frostline.sources.nomad.reading import RegionQuery, RegionState, is_askable, read_region
from frostline.sources.nomad.settings import NomadSettings
from frostline.sources.nomad.wire import AgentSelf, Namespace
from frostline.text import list_names, quote

_NAMESPACES = "/v1/namespaces"
_REGION = SegmentKind(noun="region", path=REGIONS, join_help="federate the region")


def read_regions(
    settings: NomadSettings, *, datacenters: tuple[str, ...] = (), progress: Progress | None = None
) -> ReadResult:
    """Read the services that select.services names, and what jobs declare.

    datacenters: read only these, which are regions. See base.LiveSource.
    """
    address = nomad_address(settings.address, os.environ, settings.origin)
    with open_session(settings, address, NOMAD) as session:
        client = Client(session)
        chosen = choose_regions(client, settings, datacenters)

        def read_region(region: str) -> tuple[list[SegmentAnswer], list[str]]:
            return _read_region(client, settings, region, progress)

        return read_segments(settings, _REGION, chosen, read_region, exposure_warnings(settings, address))


def known_regions(settings: NomadSettings) -> tuple[str, ...]:
    """The regions that the agent knows, sorted. SourceError: it cannot be asked."""
    with open_session(settings, nomad_address(settings.address, os.environ, settings.origin), NOMAD) as session:
        return tuple(sorted(_list_regions(Client(session))))


def _list_regions(client: Client) -> list[str]:
    known: list[str] = client.session.run(client.read_plain(_REGION.path, list[str]))
    return known


def choose_regions(client: Client, settings: NomadSettings, only: tuple[str, ...]) -> ChosenSegments:
    """Choose the regions to read."""
    known = _list_regions(client)
    if not settings.regions:
        return choose_own_segment(settings, _REGION, _own_region(client, known), only)
    check_configured(settings, _REGION, settings.regions, only)
    return choose_segments(client.session, _REGION, settings.regions, only, known, partial=settings.partial)


def _own_region(client: Client, known: list[str]) -> str:
    """Return the agent's own region. This needs a right (agent:read) only if there are several regions."""
    if len(known) == 1:
        return known[0]
    try:
        itself: AgentSelf = client.session.run(client.read_plain(SELF, AgentSelf))
    except StatusError as error:
        if error.code != 403:
            raise
        raise client.session.error(
            SELF,
            f"the token may not read the agent's own region, one of {list_names(sorted(known))}",
            help="name it in `regions`, or give the token agent:read",
        ) from None
    return itself.config.region


def _choose_namespaces(client: Client, settings: NomadSettings, parameters: Parameters) -> tuple[str, ...]:
    """Choose the namespaces to read, sorted, from those that the token can see."""
    listing = client.session.run(client.read_indexed(_NAMESPACES, list[Namespace] | None, parameters))
    known = {namespace.name for namespace in listing.value or ()}
    patterns = settings.namespaces
    unknown = sorted({name for name in patterns if is_literal(name) and matches(patterns, name)} - known)
    names = sorted(name for name in known if matches(patterns, name))
    if unknown or not names:
        visible = f"only {list_names(sorted(known))}" if known else "and no other"
        raise client.session.error(
            _NAMESPACES,
            f"Nomad shows no namespace {list_names(unknown or patterns)}, {visible}",
            help=f"correct `namespaces`; {NOMAD.rights_help}",
        )
    return tuple(names)


def make_query(client: Client, settings: NomadSettings, region: str) -> RegionQuery:
    """Make the query for this region. Asks Nomad for the namespaces."""
    # Without the parameter, an agent answers for its own region.
    parameters: Parameters = (("region", region),) if settings.regions else ()
    return RegionQuery(
        region=region,
        parameters=parameters,
        namespaces=_choose_namespaces(client, settings, parameters),
        services=settings.select.services if settings.services else None,
        upstreams=settings.upstreams,
    )


def _read_region(
    client: Client, settings: NomadSettings, region: str, progress: Progress | None
) -> tuple[list[SegmentAnswer], list[str]]:
    """Read a region. Returns an answer for each of its chosen namespaces, and warnings."""

    def tick(expected: int) -> Callable[[int], None]:
        return lambda done: progress(region, done, expected) if progress else None

    query = make_query(client, settings, region)
    state = read_region(client, query, tick)
    instances = [instance for _, found in sorted(state.services.items()) for instance in found]
    if not settings.canaries:
        instances = drop_canaries(client, query, instances)
    registrations, warnings = make_registrations(client, query, instances)
    warnings += _warn_of_unknown_instances(state)
    upstreams: dict[str, set[Upstream]] = {namespace: set() for namespace in query.namespaces}
    for (namespace, _), declared in state.upstreams.items():
        upstreams[namespace].update(declared)
    answers = [
        SegmentAnswer(
            source=settings.name,
            datacenter=region,
            namespace=namespace,
            registrations=tuple(
                sorted(registrations[namespace], key=lambda found: (found.service, found.node, found.id))
            ),
            upstreams=tuple(sorted(upstreams[namespace], key=Upstream.sort_key)),
        )
        for namespace in query.namespaces
    ]
    return answers, [f"source {settings.name}: {warning}" for warning in warnings]


def _warn_of_unknown_instances(state: RegionState) -> list[str]:
    """Warn of each selected service that Nomad lists, but cannot be asked for."""
    return [
        f"the service {quote(name)} in the namespace {quote(namespace)} is listed, but Nomad cannot be asked for "
        "such a name. Its instances are unknown and left out: register it under a name without `/`, or leave it out of "
        "`select.services`"
        for namespace, name in sorted(state.services)
        if not is_askable(name)
    ]
