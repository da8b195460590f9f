"""The keys that every output has, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.paths import resolved
from frostline.config.readers import as_is, globs, texts
from frostline.settings import OutputConsumer, OutputSettings

DEFINITIONS: Mapping[str, Any] = {
    "output_path": {
        "description": "The file to write, or the folder for hiera and for yaml with `split`. It stays inside root.",
        **ref("path"),
    },
    "output_name": {
        "description": "What messages, --only and the manifest call it. Default: its path as written here.",
        **ref("name"),
    },
    "output_select": {
        "description": "The services that it has: a glob or a list of them; ! excludes, the last match wins.",
        "type": ["string", "array"],
        "minLength": 1,
        "items": ref("text"),
        "default": ["*"],
        "x-expected": "a glob or a list of globs",
    },
    "output_sources": {
        "description": "The sources that it has. Default: all.",
        **ref("source_names"),
        "minItems": 1,
    },
    "output_prefer": {
        "description": 'Datacenters in the order in which the one URL of a service is chosen; "*": any.',
        "type": "array",
        "items": ref("name"),
        "default": [],
    },
    "output_consumer": {
        "description": (
            "Who this output is for: the group of a job, JOB/GROUP or NAMESPACE:JOB/GROUP, or {service: NAME} for a "
            "Consul service with sidecars. The binds of its upstreams are the endpoints of what it calls."
        ),
        "type": ["string", "object"],
        "minLength": 1,
        "required": ["service"],
        "additionalProperties": False,
        "properties": {
            "service": {"description": "The registered name of the service.", **ref("name")},
            "namespace": {"description": "Its namespace, where several have such a service.", **ref("name")},
            "datacenter": {"description": "Its datacenter, where its sidecars differ between them.", **ref("name")},
        },
        "x-expected": "JOB/GROUP or {service: NAME}",
    },
    "output_format": {"description": "The format of the files.", "enum": ["yaml", "json"], "default": "yaml"},
}

OUTPUT_KEYS: Mapping[str, Any] = {
    name: ref(f"output_{name}") for name in ("path", "name", "select", "sources", "prefer", "consumer")
}
"""The keys that `output_settings` reads; they are added to the `SCHEMA` of every output."""


def output_settings(cursor: Cursor, context: Context, options: Mapping[str, Any]) -> OutputSettings | None:
    """The settings of the output at `cursor`, with these options of its type; None without a usable path."""
    fields = cursor.present(
        path=lambda path: resolved(context.folder, path.value),
        select=globs,
        sources=context.source_names,
        prefer=texts,
        consumer=_consumer,
    )
    if "path" not in fields:
        return None
    name = str(cursor.value.get("name", cursor.value["path"]))
    return OutputSettings(name=name, type=cursor.value["type"], origin=cursor.origin, options=options, **fields)


def _consumer(cursor: Cursor) -> OutputConsumer:
    if isinstance(cursor.value, str):
        return OutputConsumer(group=cursor.value)
    return OutputConsumer(**cursor.present(service=as_is, namespace=as_is, datacenter=as_is))


def text_list(cursor: Cursor) -> list[str]:
    """A list of strings, as a plain value."""
    return list(texts(cursor))
