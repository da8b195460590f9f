"""Endpoints whose port Nomad chose for one allocation: frozen, they are wrong as soon as it is placed again.

What is known of an instance is the id that Nomad registers in Consul and in its own catalog alike
(MakeAllocServiceID: `_nomad-task-ALLOCATION-TASK-SERVICE-LABEL`), and the range that its clients take dynamic ports
from unless they are told otherwise (`min_dynamic_port`, `max_dynamic_port`). A static port in that range looks the
same, except where the job writes the number itself, which then ends the id. Without ids (`keep: {ids: false}`) the
range alone says it of a source of type nomad, and nothing of any other.
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
    "freeze the URL of a router before them (a source of type `router`), give the jobs static ports, where a name such "
    "as `NAME.service.consul` finds them, or freeze as often as they move; `frostline check --reach` shows which did"
)

PORT_DYNAMIC = Rule(
    name="port-dynamic",
    severity="warning",
    summary="a source has endpoints on ports that Nomad chose for one allocation",
    why="Each deployment, and each restart on another client, moves such an endpoint to another port, which nobody who "
    "reads a frozen file learns. It is known by the id `_nomad-task-…` and a port between 20000 and 32000, the range "
    "that Nomad takes dynamic ports from; of a source of type `nomad` by the port alone.",
    example="live(datacenter=global, node=n1, id=_nomad-task-7b1e-web-payments-v1-http): "
    "warning[port-dynamic]: search: 1 endpoint from `live` has a port that Nomad chose for one allocation\n"
    f"  help: {_MEND}",
    mend=_MEND,
)
RULES = (PORT_DYNAMIC,)


def findings(registry: Registry, settings: CheckSettings, context: Context) -> Iterator[Finding]:
    """One for each (service, version) and source, which waivers judge; `fold` makes one a source of what is left."""
    for key, entry in registry.entries():
        by_source: dict[str, list[Endpoint]] = {}
        for endpoint in _dynamic(entry, context.allocating):
            by_source.setdefault(endpoint.source, []).append(endpoint)
        for source, endpoints in sorted(by_source.items()):
            yield _finding(key, source, endpoints)


def _dynamic(entry: Entry, allocating: Container[str]) -> Iterator[Endpoint]:
    """The endpoints on a dynamic port. A URL that does not have the port freezes none; nor does one of an override."""
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
    """One finding a source; what waivers silence is not in `found`. The only one of its source keeps its service."""
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
