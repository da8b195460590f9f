"""The key `overrides` of a configuration: its JSON Schema and its reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frostline.addresses import InvalidAddress, host_of
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.readers import as_is, day, glob, integer
from frostline.config.urls import absolute_url
from frostline.model import FileOrigin
from frostline.patterns import has_dot_segment, host_and_port
from frostline.settings import EndpointMatch, Override, Replacement

_ONE_OF = "at least one of `drop`, `add` and `replace`"

_MATCH: Mapping[str, Any] = {
    "minProperties": 1,
    "additionalProperties": False,
    "properties": {
        "address": {"description": "The IP address, in any spelling, or the host name.", **ref("text")},
        "port": {"description": "The port.", "type": "integer", "minimum": 0, "maximum": 65535},
        "datacenter": {"description": "The datacenter.", **ref("text")},
        "namespace": {"description": "The namespace.", **ref("text")},
        "node": {"description": "The node, if `keep.nodes` keeps it.", **ref("text")},
        "id": {"description": "The instance's id, if `keep.ids` keeps it.", **ref("text")},
        "url": {"description": "The URL, as `frostline explain` shows it.", **ref("text")},
    },
}

DEFINITIONS: Mapping[str, Any] = {
    "endpoint_match": {"type": "object", **_MATCH},
    "override": {
        "type": "object",
        "additionalProperties": False,
        "required": ["service", "until", "why"],
        "properties": {
            "service": {"description": "A glob of SERVICE or SERVICE/VERSION.", **ref("text")},
            "drop": {
                "description": "Endpoints to leave out: a mapping whose values all match, or a list of mappings.",
                "type": ["object", "array"],
                "minItems": 1,
                "items": ref("endpoint_match"),
                **_MATCH,
            },
            "add": {
                "description": (
                    "URLs to add. They get the datacenter, namespace, tags, meta and weight that the endpoints dropped "
                    "by this entry have in common, or, if it drops none, all endpoints of the service."
                ),
                "type": "array",
                "minItems": 1,
                "items": ref("text"),
            },
            "replace": {
                "description": "The URL of an endpoint -> its new URL. It keeps all but address and port.",
                "type": "object",
                "minProperties": 1,
                "additionalProperties": ref("text"),
            },
            "until": {
                "description": "The last day. After it, the entry is an error finding, but applies until removed.",
                **ref("day"),
            },
            "why": {"description": "The reason, for whoever reads this later.", **ref("text")},
        },
        "x-help": f"an override has `service`, `until`, `why`, and {_ONE_OF}",
    },
}

OVERRIDES: Mapping[str, Any] = {
    "description": (
        "Manual changes of what the sources say, such as for one wrong address: a list, or the path of a YAML "
        "file that holds the list. Applied offline, after the lock."
    ),
    "type": ["array", "string"],
    "minLength": 1,
    "pattern": "^[^\\u0000-\\u001f\\u007f]*$",
    "default": [],
    "items": ref("override"),
    "x-expected": "a list of overrides, or the path of a file that holds it",
}
"""The JSON Schema of `overrides`."""


def read_overrides(cursor: Cursor) -> tuple[Override, ...]:
    """The overrides of a list: the value of `overrides`, or the content of the file that it names."""
    return tuple(override for item in cursor.items() if (override := _override(item)) is not None)


def _override(cursor: Cursor) -> Override | None:
    fields = cursor.present(service=glob, until=day, why=as_is, drop=_matches, add=_urls, replace=_replacements)
    if not {"drop", "add", "replace"} & cursor.value.keys():
        cursor.refuse(f"an override needs {_ONE_OF}", "say what it changes: `drop: {address: 10.0.0.9}`")
    complete = {"service", "until", "why"} <= fields.keys()
    return Override(origin=cursor.origin, **fields) if complete else None


def _matches(cursor: Cursor) -> tuple[EndpointMatch, ...]:
    items = [cursor] if isinstance(cursor.value, dict) else cursor.items()
    fields = ("address", "datacenter", "namespace", "node", "id", "url")
    return tuple(
        EndpointMatch(origin=item.origin, **item.present(port=integer, **dict.fromkeys(fields, as_is)))
        for item in items
    )


def _urls(cursor: Cursor) -> tuple[tuple[str, FileOrigin], ...]:
    return tuple((url, item.origin) for item in cursor.items() if (url := _callable_url(item)) is not None)


def _replacements(cursor: Cursor) -> tuple[Replacement, ...]:
    replacements = []
    for entry in cursor.entries():
        old, new = _url(entry.as_value()), _callable_url(entry)
        if old is not None and old == new:
            entry.refuse("the URL would be replaced by itself", "write the new URL after the colon")
        elif old is not None and new is not None:
            replacements.append(Replacement(old, new, entry.key_origin))
    return tuple(replacements)


def _callable_url(cursor: Cursor) -> str | None:
    """An absolute URL as of `_url` whose host is an IP address or a host name."""
    url = _url(cursor)
    if url is None:
        return None
    try:
        host_of(host_and_port(url)[0])
    except InvalidAddress as invalid:
        cursor.refuse(f"the URL's host {invalid}", "write an IP address or a host name")
        return None
    return url


def _url(cursor: Cursor) -> str | None:
    """An absolute URL that all clients read in the same way."""
    url = absolute_url(cursor)
    if url is not None and has_dot_segment(url):
        cursor.refuse("the URL has a path segment `.` or `..`, which clients remove", "write the path without it")
        return None
    return url
