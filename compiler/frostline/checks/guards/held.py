"""The findings about held services: `guards.refused: hold` keeps what the guard `instances` refuses as in the lock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from shlex import quote

from msgspec import Struct

from frostline.checks.guards.changes import INSTANCES
from frostline.checks.guards.consent import consent_help
from frostline.model import Finding
from frostline.rules import Rule
from frostline.service_keys import glob_of
from frostline.text import list_names, pluralize
from frostline.text import quote as quote_name

_ENDS = "the hold ends when the service recovers, or with consent: "
# Runs that ask no source report a hold too, and so does `check`. Both cannot take the consent, hence the other command.
_WAY = "run `frostline compile --allow {}` where its source can be read"

HELD = Rule(
    name="guard-held",
    severity="warning",
    summary="a service that `guards.instances` refuses is kept as the committed lock has it",
    why="With `guards.refused: hold` a failing service does not stop the run: its instances stay in the lock as they "
    "were, and the rest of the registry is updated. They differ from what the source says now.",
    example="warning[guard-held]: svc25: 0 passing, 6 critical; held as in the lock: 6 instances in `dc1` and `dc2`\n"
    f"  help: {_ENDS}{consent_help('guard-instances', ['svc25'], date(2026, 1, 1), _WAY)}",
    mend=f"{_ENDS}if this is intended, {_WAY.format('deletes')}, or accept it until a day with `guards.accept`",
)
RULES = (HELD,)


class Held(Struct, frozen=True):
    """A held service. instances: the number of kept lines of the lock. datacenters: where they are, sorted.

    why: what became of its instances (`Loss.why`); "" if the service's source was not asked.
    """

    service: str
    instances: int
    datacenters: tuple[str, ...]
    why: str = ""


def held_findings(held: Iterable[Held], today: date) -> tuple[Finding, ...]:
    """A warning for each held service, sorted; the line of `accept` is written out for the first one."""
    ordered = sorted(held, key=lambda held_service: held_service.service)
    return tuple(_finding(service, _way(service.service, ordered[0].service, today)) for service in ordered)


def _way(service: str, first: str, today: date) -> str:
    if service == first:
        return f"{_ENDS}{consent_help(INSTANCES.name, [service], today, _WAY)}"
    scope = quote(f"deletes={glob_of(service)}")
    return f"{_ENDS}if this is intended, {_WAY.format(scope)}, or `accept` it as shown for {quote_name(first)}"


def _finding(held: Held, way: str) -> Finding:
    kept = f"held as in the lock: {pluralize(held.instances, 'instance')} in {list_names(held.datacenters)}"
    return HELD.finding(
        f"{held.why}; {kept}" if held.why else f"{kept} (the reason is unknown: the source was not asked)",
        service=held.service,
        value=str(held.instances),
        help=way,
    )
