"""Warns of endpoints whose port Nomad chose for one allocation. A frozen one is wrong as soon as Nomad places it again.

The check recognises such an endpoint by two things: the id that Nomad registers in Consul and in its own catalog
(MakeAllocServiceID: `_nomad-task-ALLOCATION-TASK-SERVICE-LABEL`), and the default range of its clients' dynamic ports
(`min_dynamic_port`, `max_dynamic_port`). A static port in that range looks the same, unless the job writes the number
as the port's label, with which the id then ends. Without ids (`keep: {ids: false}`) the range alone decides for a
source of type nomad; for other sources nothing can.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from frostline.checks.base import Context
from frostline.model import Endpoint, Entry, Finding, InstanceOrigin, Key, Registry
from frostline.rules import Rule
from frostline.service_keys import key_text
from frostline.settings import CheckSettings
from frostline.text import name_first, pluralize, quote

_NOMAD_ID = "_nomad-task-"
_DYNAMIC_PORTS = range(20000, 32001)  # client.min_dynamic_port and max_dynamic_port are included

_MEND = (
    "freeze the URL of a router before them (a source of type `router`), give the jobs static ports, so that a name "
    "such as `NAME.service.consul` is enough, or freeze whenever they move; `frostline check --reach` shows which did"
)

PORT_DYNAMIC = Rule(
    name="port-dynamic",
    severity="warning",
    summary="a source has endpoints on ports that Nomad chose for one allocation",
    why="Each deployment, and each restart on another client, moves such an endpoint to another port, and readers of a "
    "frozen file do not learn of it. The check recognises it by the id `_nomad-task-…` and a port between 20000 and "
    "32000, Nomad's default range of dynamic ports; for a source of type `nomad` by the port alone.",
    example="live(datacenter=global, node=n1, id=_nomad-task-7b1e-web-payments-v1-http): "
    "warning[port-dynamic]: search: 1 endpoint from `live` has a port that Nomad chose for one allocation\n"
    f"  help: {_MEND}",
    mend=_MEND,
)
RULES = (PORT_DYNAMIC,)


def findings(registry: Registry, settings: CheckSettings, context: Context) -> Iterator[Finding]:
    """One finding for each (service, version) and source. After the waivers, `fold` merges those of a source."""
    for key, entry in registry.entries():
        by_source: dict[str, list[Endpoint]] = {}
        for endpoint in _dynamic(entry, context.allocating):
            by_source.setdefault(endpoint.source, []).append(endpoint)
        for source, endpoints in sorted(by_source.items()):
            yield _finding(key, source, endpoints)


def _dynamic(entry: Entry, allocating: Container[str]) -> Iterator[Endpoint]:
    """The endpoints on a dynamic port, except those of overrides and those whose URL does not contain the port."""
    return (
        endpoint
        for endpoint in entry.endpoints
        if endpoint.port in _DYNAMIC_PORTS
        and endpoint.declared_at is None
        and (endpoint.id.startswith(_NOMAD_ID) or endpoint.source in allocating)
        and not endpoint.id.endswith(f"-{endpoint.port}")
        and f":{endpoint.port}" in endpoint.url
    )


def fold(found: Sequence[Finding]) -> Iterator[Finding]:
    """One finding a source. A source with a single finding keeps it as it is, with its service."""
    by_source: dict[str, list[Finding]] = {}
    for finding in found:
        if isinstance(finding.origin, InstanceOrigin):
            by_source.setdefault(finding.origin.source, []).append(finding)
    for source, group in sorted(by_source.items()):
        group.sort(key=lambda finding: Key(finding.service or "", finding.version).sort_key())
        if len(group) == 1:
            yield group[0]
            continue
        number = sum(int(finding.value or 0) for finding in group)
        names = [key_text(Key(finding.service or "", finding.version)) for finding in group]
        yield PORT_DYNAMIC.finding(
            f"{_count(number, source)}: {name_first(names)}",
            value=str(number),
            origin=group[0].origin,
        )


def _finding(key: Key, source: str, endpoints: Sequence[Endpoint]) -> Finding:
    return PORT_DYNAMIC.finding(
        _count(len(endpoints), source),
        service=key.service,
        version=key.version,
        value=str(len(endpoints)),
        origin=endpoints[0].origin,
    )


def _count(number: int, source: str) -> str:
    verb = "has" if number == 1 else "have"
    return f"{pluralize(number, 'endpoint')} from {quote(source)} {verb} a port that Nomad chose for one allocation"
