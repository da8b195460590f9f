"""The settings of a source of type nomad, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.readers import as_is, texts
from frostline.settings import ServerSettings
from frostline.sources.server_keys import SERVER_KEYS, server_fields

SCHEMA: Mapping[str, Any] = {
    "description": "A Nomad agent, asked over HTTP: native services, and what jobs declare.",
    "properties": {
        **SERVER_KEYS,
        "address": {
            "description": (
                "http://HOST:PORT, https://HOST:PORT, HOST:PORT or unix:///PATH. Default: $NOMAD_ADDR, else "
                "http://127.0.0.1:4646."
            ),
            **ref("text"),
        },
        "regions": {
            "description": 'The regions to read. "*": all that the agent knows. Default: the agent\'s own.',
            "type": "array",
            "default": [],
            "items": ref("name"),
        },
        "namespaces": {
            "description": 'The namespaces to read. "*": all that the token may see.',
            "type": "array",
            "minItems": 1,
            "default": ["default"],
            "items": ref("name"),
        },
        "services": {
            "description": ('Whether to read native services (`provider = "nomad"`), with the state of their checks.'),
            "type": "boolean",
            "default": True,
        },
        "upstreams": {
            "description": "Whether to read the upstreams that running jobs declare.",
            "type": "boolean",
            "default": True,
        },
        "canaries": {
            "description": (
                "Whether to take the services of canaries: allocations that a deployment has not promoted yet."
            ),
            "type": "boolean",
            "default": False,
        },
    },
}


class NomadSettings(ServerSettings, frozen=True, kw_only=True):
    """address None: $NOMAD_ADDR, else http://127.0.0.1:4646. regions (): the agent's own."""

    type: str = "nomad"
    regions: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ("default",)
    services: bool = True
    upstreams: bool = True
    canaries: bool = False


def configure(cursor: Cursor, context: Context) -> NomadSettings:
    """The settings of the source at `cursor`."""
    select = cursor.get("select")
    if select and (node_meta := select.get("node_meta")):
        node_meta.refuse(
            "`node_meta` is for Consul: Nomad does not list the metadata of its nodes with services",
            "let the job register a tag, and select by `tags`",
            at_key=True,
        )
    return NomadSettings(
        name=cursor.key,
        origin=cursor.key_origin,
        **server_fields(cursor, context.folder),
        **cursor.present(regions=texts, namespaces=texts, services=as_is, upstreams=as_is, canaries=as_is),
    )
