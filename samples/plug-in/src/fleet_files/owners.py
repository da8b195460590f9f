"""The check `owners`: every endpoint has an owner, who is one of the teams that the configuration lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from frostline.checks.base import Context as CheckContext
from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.model import Finding, Registry
from frostline.rules import Rule
from frostline.settings import CheckSettings
from frostline.text import list_names, quote

UNKNOWN_OWNER = Rule(
    name="owner-unknown",
    summary="the owner of an endpoint is none of the teams under `checks.owners`",
    why="At night somebody must know whom to call.",
    example="fleet.csv:2:1: error[owner-unknown]: payments v1: its owner `shopp` is no team\n"
    "  help: correct it where the service is registered: the teams are `shop` and `ledger`",
    mend="correct the owner where the service is registered, or add the team",
)
RULES = (UNKNOWN_OWNER,)

SCHEMA: Mapping[str, Any] = {
    "description": "Who may own a service.",
    "type": "object",
    "required": ["teams"],
    "additionalProperties": False,
    "properties": {
        "teams": {
            "description": "The teams.",
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "minLength": 1},
        },
    },
}


def configure(cursor: Cursor, context: Context) -> tuple[str, ...] | None:
    """The teams. What SCHEMA cannot say is refused here, at its place."""
    teams = cursor.get("teams")
    if teams is None:
        return None
    seen: list[str] = []
    for team in teams.items():
        if team.value in seen:
            team.refuse(f"the team {quote(team.value)} is listed twice", "keep one of them")
        seen.append(team.value)
    return tuple(seen)


def findings(registry: Registry, settings: CheckSettings, context: CheckContext) -> Iterator[Finding]:
    """A finding for each endpoint without a known owner; none where `checks.owners` is not configured."""
    teams: tuple[str, ...] = settings.options.get("owners") or ()
    if not teams:
        return
    for key, entry in registry.entries():
        for endpoint in entry.endpoints:
            owner = endpoint.meta.get("owner", "")
            if owner not in teams:
                yield UNKNOWN_OWNER.finding(
                    f"its owner {quote(owner)} is no team" if owner else "it has no owner",
                    service=key.service,
                    version=key.version,
                    value=owner,
                    origin=endpoint.origin,
                    help=f"correct it where the service is registered: the teams are {list_names(teams)}",
                )
