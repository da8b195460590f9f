"""The source `nomad`: native services and the upstreams of jobs, over Nomad's HTTP API (1.3 and later).

A segment is a namespace of a region; an instance has a datacenter of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from frostline.errors import SourceError, UsageError
from frostline.globs import is_literal, matches
from frostline.model import SegmentAnswer, Upstream
from frostline.sources.base import Progress, ReadResult
from frostline.sources.http.access import nomad_address
from frostline.sources.http.answers import Parameters
from frostline.sources.http.live import is_unreachable, kept, selection_shape, transport_of
from frostline.sources.http.transport import StatusError
from frostline.sources.nomad.allocations import registrations_of, without_canaries
from frostline.sources.nomad.client import RIGHTS_HELP, Client
from frostline.sources.nomad.reading import Scope, found_in
from frostline.sources.nomad.settings import SCHEMA, NomadSettings, configure
from frostline.sources.nomad.wire import AgentSelf, Namespace

__all__ = ["SCHEMA", "configure", "read", "shape"]

_SELF = "/v1/agent/self"
_REGIONS = "/v1/regions"
_NAMESPACES = "/v1/namespaces"


def read(settings: NomadSettings, *, datacenters: tuple[str, ...] = (), progress: Progress | None = None) -> ReadResult:
    """Ask Nomad for the services that select.services names, and for what jobs declare.

    datacenters: only these, which are regions. See base.LiveSource.
    """
    address = nomad_address(settings.address, os.environ, settings.origin)
    with transport_of(settings, address, "X-Nomad-Token") as transport:
        client = Client(transport, max_stale=settings.max_stale if settings.consistency == "eventual" else None)
        names, unreachable, warnings = _regions(client, settings, datacenters)
        answers: list[SegmentAnswer] = []
        for name in names:
            try:
                region_answers, region_warnings = _answers(client, settings, name, progress)
            except SourceError as error:
                if not (settings.partial and is_unreachable(error)):
                    raise
                unreachable.append(name)
                warnings.append(f"{error.message}; {kept(name)}")
            else:
                answers += region_answers
                warnings += region_warnings
    if unreachable and not answers:
        raise SourceError(
            f"source {settings.name}: nothing answered of {', '.join(sorted(unreachable))}",
            origin=settings.origin,
            help="check the agent's connection to these regions; `partial` needs one that answers",
        )
    return ReadResult(answers=tuple(answers), warnings=tuple(warnings), unreachable=tuple(sorted(unreachable)))


def shape(settings: NomadSettings) -> dict[str, Any]:
    """What of the settings shapes the answer: not the token, TLS, limits and the naming patterns."""
    return {
        "type": settings.type,
        "address": settings.address,
        "regions": list(settings.regions),
        "namespaces": list(settings.namespaces),
        "services": settings.services,
        "upstreams": settings.upstreams,
        "canaries": settings.canaries,
        **selection_shape(settings),
    }


def _regions(client: Client, settings: NomadSettings, only: tuple[str, ...]) -> tuple[list[str], list[str], list[str]]:
    """Which regions to read; which of them Nomad does not know; and warnings of those."""
    known: list[str] = client.alone(client.plain(_REGIONS, list[str]))
    patterns = settings.regions
    if not patterns:
        own = _own_region(client, known)
        for name in only:
            if name != own:
                raise _not_read(settings, name, f"it reads the agent's own, {own}")
        return [own], [], []
    for name in only:
        if not matches(patterns, name):
            raise _not_read(settings, name, f"`regions` is {', '.join(patterns)}")
    named = only or tuple(name for name in patterns if is_literal(name) and matches(patterns, name))
    unknown = sorted(set(named) - set(known))
    names = sorted(name for name in set(known) if matches(patterns, name) and (not only or name in only))
    if (unknown and not settings.partial) or not (names or unknown):
        raise client.error(
            _REGIONS,
            f"Nomad knows no region {', '.join(unknown or patterns)}, only {', '.join(sorted(known))}",
            help="correct `regions`, or federate the region",
        )
    return (
        names,
        unknown,
        [f"source {settings.name}: region {name} is not known now; {kept(name)}" for name in unknown],
    )


def _own_region(client: Client, known: list[str]) -> str:
    """The agent's own. Where there is only one it needs no right."""
    if len(known) == 1:
        return known[0]
    try:
        own: AgentSelf = client.alone(client.plain(_SELF, AgentSelf))
    except StatusError as error:
        if error.code != 403:
            raise
        raise client.error(
            _SELF,
            f"the token may not ask for the agent's own region, one of {', '.join(sorted(known))}",
            help="name it in `regions`, or give the token agent:read",
        ) from None
    return own.config.region


def _not_read(settings: NomadSettings, name: str, instead: str) -> UsageError:
    return UsageError(
        f"source {settings.name} does not read the region {name}: {instead}",
        origin=settings.origin,
        help="name one that it reads, or add it to the configuration",
    )


def _namespaces(client: Client, settings: NomadSettings, parameters: Parameters) -> tuple[str, ...]:
    """The namespaces to read, sorted: of those that the token sees."""
    listing = client.alone(client.indexed(_NAMESPACES, list[Namespace] | None, parameters))
    known = {each.name for each in listing.value or ()}
    patterns = settings.namespaces
    unknown = sorted({name for name in patterns if is_literal(name) and matches(patterns, name)} - known)
    names = sorted(name for name in known if matches(patterns, name))
    if unknown or not names:
        shown = ", ".join(sorted(known)) or "none at all"
        raise client.error(
            _NAMESPACES,
            f"Nomad shows no namespace {', '.join(unknown or patterns)}, only {shown}",
            help=f"correct `namespaces`; {RIGHTS_HELP}",
        )
    return tuple(names)


def _answers(
    client: Client, settings: NomadSettings, region: str, progress: Progress | None
) -> tuple[list[SegmentAnswer], list[str]]:
    """One answer for each namespace of the region that is read, and warnings."""

    def tick(expected: int) -> Callable[[int], None]:
        return lambda done: progress(region, done, expected) if progress else None

    # An agent that is asked for nothing else answers for its own region.
    parameters: Parameters = (("region", region),) if settings.regions else ()
    scope = Scope(
        region=region,
        parameters=parameters,
        namespaces=_namespaces(client, settings, parameters),
        services=settings.select.services if settings.services else None,
        upstreams=settings.upstreams,
    )
    found = found_in(client, scope, tick)
    instances = [each for _, those in sorted(found.services.items()) for each in those]
    if not settings.canaries:
        instances = without_canaries(client, scope, instances)
    registrations, warnings = registrations_of(client, scope, instances)
    upstreams: dict[str, set[Upstream]] = {namespace: set() for namespace in scope.namespaces}
    for (namespace, _), those in found.upstreams.items():
        upstreams[namespace].update(those)
    answers = [
        SegmentAnswer(
            source=settings.name,
            datacenter=region,
            namespace=namespace,
            registrations=tuple(sorted(registrations[namespace], key=lambda each: (each.service, each.node, each.id))),
            upstreams=tuple(sorted(upstreams[namespace], key=Upstream.sort_key)),
        )
        for namespace in scope.namespaces
    ]
    return answers, [f"source {settings.name}: {warning}" for warning in warnings]
