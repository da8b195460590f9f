"""Reads `checks` and `guards` of a configuration. Each check reads the key of its own name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frostline.checks.base import check_module, check_names
from frostline.checks.guards.consent import ACCEPTED_RULES
from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.readers import as_is, day, glob, integer, share
from frostline.settings import CheckSettings, Guards, Waiver

WAIVERS: Mapping[str, Any] = {
    "description": "Findings that are accepted until a day.",
    "type": "array",
    "default": [],
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["rule", "until", "why"],
        "properties": {
            "rule": {"description": "The rule of the findings, as reports name it.", **ref("text")},
            "service": {
                "description": "A glob of SERVICE or SERVICE/VERSION.",
                **ref("text"),
                "default": "*",
            },
            "until": {
                "description": "The last day that the waiver holds.",
                **ref("day"),
            },
            "why": {"description": "The reason, for whoever reads this later.", **ref("text")},
        },
    },
}
"""The JSON Schema of `checks.waivers`."""

GUARDS: Mapping[str, Any] = {
    "description": "How much may change at once before a run is refused and asks for --allow.",
    "type": "object",
    "default": {},
    "additionalProperties": False,
    "properties": {
        "delete": {
            "description": "The share of (service, version)s that may vanish.",
            **ref("share"),
            "default": "30%",
        },
        "update": {
            "description": "The share of (service, version)s that may have fewer endpoints, "
            "or other tags, meta, weights, schemes, auth or sources.",
            **ref("share"),
            "default": "60%",
        },
        "move": {
            "description": "The share of (service, version)s that may move: other endpoints, as many as before.",
            **ref("share"),
            "default": "100%",
        },
        "instances": {
            "description": "The share of its endpoints that a service may lose while it is still registered.",
            **ref("share"),
            "default": "60%",
        },
        "floor": {
            "description": "This many changes, or fewer, always pass.",
            "type": "integer",
            "minimum": 0,
            "default": 3,
        },
        "empty": {
            "description": "Whether an empty registry is refused or may be published.",
            "enum": ["refuse", "allow"],
            "default": "refuse",
        },
        "refused": {
            "description": (
                "What happens to a service that `instances` refuses. stop: the run is refused. hold: the service stays "
                "as the committed lock has it, with a warning, and the run goes on."
            ),
            "enum": ["stop", "hold"],
            "default": "stop",
        },
        "accept": {
            "description": "Reviewed changes, which the guard of the entry's rule does not count until a day.",
            "type": "array",
            "default": [],
            "items": {
                **WAIVERS["items"],
                "properties": {
                    **WAIVERS["items"]["properties"],
                    "rule": {"description": "The rule of the guard.", "enum": list(ACCEPTED_RULES)},
                    "until": {
                        **WAIVERS["items"]["properties"]["until"],
                        "description": "The last day that the entry holds.",
                    },
                },
            },
        },
    },
}
"""The JSON Schema of `guards`."""


def checks_of(cursor: Cursor | None, context: Context) -> CheckSettings:
    """The value of `checks`, or the default."""
    if cursor is None:
        return CheckSettings()
    own = {name: _check(name, part, context) for name in check_names() if (part := cursor.get(name)) is not None}
    fields = {name: own.pop(name) for name in CheckSettings.__struct_fields__ if name in own}
    return CheckSettings(options=own, **fields, **cursor.present(waivers=_waivers))


def _check(name: str, cursor: Cursor, context: Context) -> Any:
    module = check_module(name)
    return module.configure(cursor, context) if hasattr(module, "configure") else cursor.value


def guards_of(cursor: Cursor | None) -> Guards:
    """The value of `guards`, or the default."""
    if cursor is None:
        return Guards()
    return Guards(
        **cursor.present(
            delete=share,
            update=share,
            move=share,
            instances=share,
            floor=integer,
            empty=as_is,
            refused=as_is,
            accept=_waivers,
        )
    )


def _waivers(cursor: Cursor) -> tuple[Waiver, ...]:
    return tuple(waiver for item in cursor.items() if (waiver := _waiver(item)) is not None)


def _waiver(cursor: Cursor) -> Waiver | None:
    fields = cursor.present(rule=as_is, until=day, why=as_is, service=glob)
    return Waiver(origin=cursor.origin, **fields) if {"rule", "until", "why"} <= fields.keys() else None
