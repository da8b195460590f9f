"""The keys that every output has: their JSON Schema and their reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.paths import resolved
from frostline.config.readers import as_is, condition_map, conditions, globs, texts
from frostline.config.urls import endpoint_url, unversioned_endpoint_url
from frostline.outputs import verifier_keys
from frostline.outputs.url_keys import check_patterns
from frostline.settings import OutputConsumer, OutputSelect, OutputSettings, UrlPatterns

DEFINITIONS: Mapping[str, Any] = {
    "output_path": {
        "description": (
            "The file to write. A folder for hiera, puppet-module and yaml with `split`; a pattern of files for "
            "template with `split`. It must be inside root."
        ),
        **ref("path"),
    },
    "output_name": {
        "description": "The output's name in messages, --only and the manifest. Default: its path as written here.",
        **ref("name"),
    },
    "output_select": {
        "description": (
            "The services in this output: a glob or a list of globs; ! excludes, the last match wins. Or a "
            "mapping, whose other keys select endpoints; a (service, version) without a selected endpoint is "
            "left out."
        ),
        "type": ["string", "array", "object"],
        "minLength": 1,
        "items": ref("text"),
        "additionalProperties": False,
        "properties": {
            "services": {"description": "Globs of services.", **ref("globs"), "minItems": 1, "default": ["*"]},
            "tags": {
                "description": (
                    "Globs. For each glob, a tag of the endpoint must match; with ! before the glob, no tag may match."
                ),
                **ref("texts"),
                "default": [],
            },
            "meta": {
                "description": (
                    "Key -> glob that the endpoint's value must match; with ! before the glob, the value must "
                    "not match, and may be missing."
                ),
                "type": "object",
                "additionalProperties": {"type": "string"},
                "default": {},
            },
            "datacenters": {
                "description": "Globs of datacenters; * also takes endpoints without one, such as those of static.",
                **ref("globs"),
                "minItems": 1,
                "default": ["*"],
            },
        },
        "default": ["*"],
        "x-expected": "a glob, a list of globs, or {services, tags, meta, datacenters}",
    },
    "output_sources": {
        "description": "The sources whose services this output has. Default: all.",
        "type": "array",
        "items": ref("name"),
        "minItems": 1,
    },
    "output_prefer": {
        "description": 'The order of datacenters for choosing the one URL of a service; "*": all others.',
        "type": "array",
        "items": ref("name"),
        "default": [],
    },
    "output_consumer": {
        "description": (
            "The consumer of this output: the group of a job, JOB/GROUP or NAMESPACE:JOB/GROUP, or {service: "
            "NAME} for a Consul service with sidecars. The endpoints of the services that the consumer calls "
            "are the binds of its upstreams."
        ),
        "type": ["string", "object"],
        "minLength": 1,
        "required": ["service"],
        "additionalProperties": False,
        "properties": {
            "service": {"description": "The registered name of the service.", **ref("name")},
            "namespace": {
                "description": "The service's namespace, if several namespaces have such a service.",
                **ref("name"),
            },
            "datacenter": {
                "description": "The service's datacenter, if its sidecars differ between datacenters.",
                **ref("name"),
            },
        },
        "x-expected": "JOB/GROUP or {service: NAME}",
    },
    "output_url": {
        "description": (
            "Another URL pattern for the same endpoints of live sources and job files, written as `url` of a "
            "source. It does not change the URLs of static and router sources and of overrides."
        ),
        **ref("text"),
    },
    "output_unversioned_url": {
        "description": "The pattern for services without a version.",
        **ref("text"),
    },
    **verifier_keys.DEFINITIONS,
    "output_format": {"description": "The format of the files.", "enum": ["yaml", "json"], "default": "yaml"},
}

OUTPUT_KEYS: Mapping[str, Any] = {
    name: ref(f"output_{name}")
    for name in (
        "path",
        "name",
        "select",
        "sources",
        "prefer",
        "consumer",
        "url",
        "unversioned_url",
        "verify",
        "verify_timeout",
    )
}
"""The keys that `output_settings` and `verifier_of` read; they are added to the `SCHEMA` of every output."""


def output_settings(cursor: Cursor, context: Context, options: Mapping[str, Any]) -> OutputSettings | None:
    """The settings of the output at `cursor`, with these options of its type; None if its path is refused."""
    fields = cursor.present(
        path=lambda path: resolved(context.folder, path.value),
        select=_select,
        sources=context.source_names,
        prefer=texts,
        consumer=_consumer,
    )
    patterns = cursor.present(url=endpoint_url, unversioned_url=unversioned_endpoint_url)
    check_patterns(cursor, patterns, fields.get("sources") or tuple(context.source_types), context)
    if "path" not in fields:
        return None
    name = str(cursor.value.get("name", cursor.value["path"]))
    return OutputSettings(
        name=name,
        type=cursor.value["type"],
        origin=cursor.origin,
        urls=UrlPatterns(**patterns),
        options=options,
        **fields,
    )


def _select(cursor: Cursor) -> OutputSelect:
    if not isinstance(cursor.value, dict):
        return OutputSelect(services=globs(cursor))
    return OutputSelect(
        **cursor.present(services=globs, tags=conditions, meta=condition_map, datacenters=globs),
    )


def _consumer(cursor: Cursor) -> OutputConsumer:
    if isinstance(cursor.value, str):
        return OutputConsumer(group=cursor.value)
    return OutputConsumer(**cursor.present(service=as_is, namespace=as_is, datacenter=as_is))


def text_list(cursor: Cursor) -> list[str]:
    """A list of strings, as a plain value."""
    return list(texts(cursor))
