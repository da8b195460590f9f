"""The keys that sources with an HTTP server share (connection, limits, consistency), and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.paths import path_reader
from frostline.config.readers import as_is, duration, integer, positive_age, positive_duration
from frostline.config.urls import server_address
from frostline.settings import LiveLimits, Tls, Token
from frostline.sources.naming_keys import LIVE_KEYS, live_fields

DEFINITIONS: Mapping[str, Any] = {
    "token": {
        "description": (
            "Where to read the ACL token: an environment variable or a file. The token itself does not belong "
            "here, and frostline writes it nowhere. If it is unset or empty, the run stops. Without this key, no token "
            "is sent."
        ),
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {
            "env": {
                "description": "The name of an environment variable.",
                "type": "string",
                "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
                "x-expected": "the name of an environment variable",
                "x-help": "a name has letters, digits and _; the token itself does not belong here",
            },
            "file": {"description": "The path of a file that holds the token.", **ref("path")},
        },
        "x-expected": "{env: NAME} or {file: path}",
        "x-help": "write {env: NAME} or {file: path}; a token in this file would be committed with it",
    },
    "tls": {
        "description": "The settings of TLS for an https address.",
        "type": "object",
        "default": {},
        "additionalProperties": False,
        "properties": {
            "ca_file": {
                "description": "Certificate authorities (PEM) to trust in place of the system's.",
                **ref("path"),
            },
            "cert_file": {"description": "The client's certificate (PEM).", **ref("path")},
            "key_file": {"description": "The client's private key (PEM).", **ref("path")},
            "server_name": {
                "description": ("The name that the server's certificate must have. Default: the host of the address."),
                **ref("name"),
            },
            "verify": {
                "description": "Whether to verify the server's certificate. If false, others can pose as it.",
                "type": "boolean",
                "default": True,
            },
        },
    },
    "partial": {
        "description": (
            "True: an unreachable datacenter keeps its part of the lock, with a warning. {max_age: 72h}: only "
            "if this part was confirmed within this time, as the file `confirmed` records. False: the run "
            "fails."
        ),
        "type": ["boolean", "object"],
        "default": False,
        "required": ["max_age"],
        "additionalProperties": False,
        "properties": {"max_age": {"description": "How old what the lock has may be.", **ref("age")}},
        "x-expected": "true, false or {max_age: 72h}",
        "x-help": "write true, false or {max_age: 72h}, without quotes",
    },
    "consistency": {
        "description": (
            "snapshot: frostline proves that it froze one moment of each datacenter. eventual: stale reads, no proof."
        ),
        "enum": ["snapshot", "eventual"],
        "default": "snapshot",
    },
    "max_stale": {
        "description": "How old an answer may be with `consistency: eventual`.",
        **ref("duration"),
        "default": "2s",
    },
    "connections": {
        "description": "How many requests run at once. An agent refuses more than 200 connections from one client.",
        "type": "integer",
        "minimum": 1,
        "maximum": 200,
        "default": 8,
    },
    "connect_timeout": {"description": "How long connecting may take.", **ref("duration"), "default": "5s"},
    "timeout": {
        "description": "How long a whole request may take, even if the answer arrives slowly.",
        **ref("duration"),
        "default": "10s",
    },
    "deadline": {"description": "How long the whole source may take.", **ref("duration"), "default": "5m"},
    "retries": {
        "description": "How often a request is repeated after a connection fault, 429 or 5xx.",
        "type": "integer",
        "minimum": 0,
        "maximum": 100,
        "default": 4,
    },
}

SERVER_KEYS: Mapping[str, Any] = {**{name: ref(name) for name in DEFINITIONS}, **LIVE_KEYS}
"""The keys that `server_fields` reads, except `address`, whose default differs."""


def server_fields(cursor: Cursor, folder: Path) -> dict[str, Any]:
    """Read these keys of the source at `cursor`, as fields of ServerSettings. folder: where relative paths start."""
    path = path_reader(folder)
    written = {key: part for key in ("address", "token", "tls") if (part := cursor.get(key)) is not None}
    return {
        **{f"{key}_origin": part.key_origin for key, part in written.items()},
        "limits": _limits(cursor),
        **_partial_max_age(cursor.get("partial")),
        **live_fields(cursor),
        **cursor.present(
            address=server_address,
            token=lambda token: Token(**token.present(env=as_is, file=path)),
            tls=lambda tls: Tls(
                **tls.present(ca_file=path, cert_file=path, key_file=path, server_name=as_is, verify=as_is)
            ),
            partial=lambda partial: partial.value is not False,
            consistency=as_is,
            max_stale=duration,
        ),
    }


def _partial_max_age(cursor: Cursor | None) -> dict[str, Any]:
    if cursor is None or isinstance(cursor.value, bool):
        return {}
    limits = cursor.present(max_age=positive_age)
    return {"partial_max_age": limits["max_age"]} if limits else {}


def _limits(cursor: Cursor) -> LiveLimits:
    return LiveLimits(
        **cursor.present(
            connections=integer,
            connect_timeout=positive_duration,
            timeout=positive_duration,
            deadline=positive_duration,
            retries=integer,
        )
    )
