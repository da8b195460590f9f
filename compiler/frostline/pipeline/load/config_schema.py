"""The JSON Schema of the configuration, assembled from the parts of sources, checks and outputs.

`make schemas` writes it to schemas/config.schema.json; a test compares the two. Assembling imports every source, check
and output, so a run reads that file instead, and adds only the parts of the plug-ins that the configuration uses.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

import frostline.checks.base as checks
import frostline.outputs.base as outputs
import frostline.sources.base as sources
from frostline.checks import configuring
from frostline.checks.policies import keys as policy_keys
from frostline.config import definitions
from frostline.config.definitions import ref
from frostline.errors import UsageError
from frostline.outputs import output_keys
from frostline.plug_ins import PlugIn
from frostline.registry.overrides import keys as override_keys
from frostline.resources import resource_folder, schema_text
from frostline.sources import naming_keys, server_keys
from frostline.text import list_names
from frostline.value_types import MisfitError

_TOP: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://frostline.invalid/schemas/config.schema.json",
    "title": "frostline.yaml",
    "description": (
        "The configuration of frostline. Relative paths are relative to the folder of this file. ${VAR} is not "
        "expanded."
    ),
    "type": "object",
    "additionalProperties": False,
    "required": ["sources"],
    "properties": {
        "version": {
            "description": "The version of this file's format.",
            "type": "integer",
            "const": 1,
            "default": 1,
            "x-help": "write `version: 1`; another one needs another release of frostline",
        },
        "root": {
            "description": (
                "All outputs stay inside this folder, and frostline.manifest is in it. frostline makes the "
                "folder if it is missing."
            ),
            **ref("path"),
            "default": ".",
        },
        "lock": {
            "description": (
                "The file that keeps the answers of the live sources; commit it. A path that ends with a "
                "slash is a folder with one file for each segment (source, datacenter, namespace)."
            ),
            **ref("path"),
            "default": "frostline.lock",
        },
        "confirmed": {
            "description": (
                "A file that says when each segment (source, datacenter, namespace) of the lock was last "
                "read; commit it. compile and freeze write it; outputs never depend on it. `check --max-age` "
                "and `partial: {max_age: …}` need it. Default: none."
            ),
            **ref("path"),
        },
        "sources": {
            "description": (
                "Where services come from. You choose the name of each source; messages, the lock, "
                "`precedence` and the registry use it."
            ),
            "type": "object",
            "minProperties": 1,
            "propertyNames": ref("name"),
            "additionalProperties": ref("source"),
        },
        "precedence": {
            "description": (
                "The first source listed provides the whole (service, version); sources in brackets are "
                "merged. If two sources bring the same (service, version) and are not both listed here, that "
                "is an error finding."
            ),
            "type": "array",
            "default": [],
            "items": {
                "type": ["string", "array"],
                "minLength": 1,
                "minItems": 1,
                "items": ref("name"),
                "x-expected": "the name of a source, or a list of them",
            },
        },
        "checks": ref("checks"),
        "overrides": override_keys.OVERRIDES,
        "merge": {
            "description": (
                "What may differ between the endpoints of one (service, version). Without `namespace`, a "
                "(service, version) with endpoints in two namespaces is an error finding."
            ),
            "type": "array",
            "default": [],
            "items": {"enum": ["namespace"]},
        },
        "guards": ref("guards"),
        "consumers": {
            "description": (
                "Who calls what, if no job and no sidecar says so: the name of a consumer -> globs of SERVICE "
                "or SERVICE/VERSION; `!` excludes, the last match wins. For `graph`, `explain`, plans and "
                "guards; no output holds it."
            ),
            "type": "object",
            "default": {},
            "propertyNames": ref("name"),
            "additionalProperties": ref("globs"),
        },
        "outputs": {
            "description": (
                "The files and folders to write. Without outputs, `frostline list` and `frostline explain` still work."
            ),
            "type": "array",
            "default": [],
            "items": ref("output"),
        },
    },
}


def assembled_schema() -> dict[str, Any]:
    """Return the schema with all sources, checks and outputs of frostline, as JSON values."""
    source_schemas = {name: sources.source_module(name).SCHEMA for name in sources.TABLE}
    output_schemas = {name: outputs.output_module(name).SCHEMA for name in outputs.TABLE}
    shared = (definitions, naming_keys, server_keys, policy_keys, output_keys, override_keys)
    return {
        **_TOP,
        "$defs": {
            **{name: part for module in shared for name, part in module.DEFINITIONS.items()},
            "source": _source(tuple(source_schemas)),
            **{name: _closed(name, schema, {}) for name, schema in source_schemas.items()},
            "plug_in_source": {
                "description": (
                    "A source of another package. Where it asks a server, these keys are those of consul; others are "
                    "its own."
                ),
                "properties": {**naming_keys.LIVE_KEYS, "address_from": ref("address_from")},
            },
            "checks": {
                "description": "The conditions that the registry must meet before it is published.",
                "type": "object",
                "default": {},
                "additionalProperties": False,
                "properties": {
                    **{
                        name: module.SCHEMA
                        for name, module in ((name, checks.check_module(name)) for name in checks.TABLE)
                        if hasattr(module, "SCHEMA")
                    },
                    "waivers": configuring.WAIVERS,
                },
            },
            "guards": configuring.GUARDS,
            "output": _output(tuple(output_schemas)),
            **{name: _closed(name, schema, output_keys.OUTPUT_KEYS) for name, schema in output_schemas.items()},
        },
    }


def _source(types: Sequence[str]) -> dict[str, Any]:
    known = {"type": {"not": {"enum": list(types)}}}
    return {
        "type": "object",
        "required": ["type"],
        "x-help": f"a source has a type: {_in_words(types)}",
        "properties": {
            "type": {
                "description": f"What kind of source it is: {', '.join(types)}, or one that another package brings.",
                "type": "string",
                "examples": list(types),
            },
        },
        "allOf": [
            *(_for_type(name, ref(name)) for name in types),
            {"if": {"required": ["type"], "properties": known}, "then": ref("plug_in_source")},
        ],
    }


def _output(types: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "path"],
        "x-help": f"an output has a type ({_in_words(types)}) and a path",
        "properties": {
            "type": {
                "description": f"What kind of output it is: {', '.join(types)}, or one that another package brings.",
                "type": "string",
                "examples": list(types),
            },
            **output_keys.OUTPUT_KEYS,
        },
        "allOf": [_for_type(name, ref(name)) for name in types],
    }


def _in_words(names: Sequence[str]) -> str:
    return list_names(names, "or").replace("`", "")


def _for_type(name: str, then: Mapping[str, Any]) -> dict[str, Any]:
    return {"if": {"required": ["type"], "properties": {"type": {"const": name}}}, "then": then}


def _closed(name: str, schema: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of one type that takes its own keys, `type` and `more`, and no others."""
    properties = {"type": {"const": name}, **more, **schema.get("properties", {})}
    return {"additionalProperties": False, **schema, "properties": properties}


def schema_for(document: Any) -> bytes:
    """Return the schema for this configuration: the committed one with the parts of the plug-ins that it names."""
    source_schemas = _schemas(sources.source_module, set(_types(document, "sources")) - set(sources.TABLE))
    output_schemas = _schemas(outputs.output_module, set(_types(document, "outputs")) - set(outputs.TABLE))
    check_schemas = _schemas(checks.check_module, set(_keys(document, "checks")) - set(checks.TABLE))
    committed = schema_text("config")
    if not (source_schemas or output_schemas or check_schemas):
        return committed
    schema = json.loads(committed)
    parts = schema["$defs"]
    parts["source"]["allOf"][-1]["if"]["properties"]["type"]["not"]["enum"] += list(source_schemas)
    parts["source"]["allOf"] += [_for_type(name, _closed(name, part, {})) for name, part in source_schemas.items()]
    parts["output"]["allOf"] += [
        _for_type(name, _closed(name, part, output_keys.OUTPUT_KEYS)) for name, part in output_schemas.items()
    ]
    parts["checks"]["properties"] |= check_schemas
    return json.dumps(schema).encode()


def _schemas(load: Callable[[str], Any], names: Collection[str]) -> dict[str, Any]:
    """Return name -> SCHEMA of the installed plug-ins of these names that have a SCHEMA."""
    found: dict[str, Any] = {}
    for name in sorted(names):
        with suppress(KeyError):  # no plug-in has this name: the schema of types reports it
            module = load(name)
            if hasattr(module, "SCHEMA"):
                found[name] = _checked_schema(module)
    return found


def _checked_schema(plug_in: PlugIn) -> Mapping[str, Any]:
    """Return the SCHEMA of this plug-in.

    Raises UsageError if it is not a JSON Schema, or refers to a definition that does not exist.
    """
    import jsonschema_rs

    with plug_in.blamed("SCHEMA", UsageError):
        schema: Mapping[str, Any] = json.loads(json.dumps(plug_in.SCHEMA))
        for key, kind in (("properties", dict), ("required", list)):
            if not isinstance(schema.get(key, kind()), kind):
                raise MisfitError(f"`{key}` must be a {kind.__name__}")
        try:
            parts = json.loads(schema_text("config"))["$defs"]
            jsonschema_rs.Draft202012Validator({**schema, "$defs": parts}, retriever=_fetch_nothing)
        except Exception as error:  # noqa: BLE001 - the validator raises exceptions of many kinds
            raise MisfitError(f"it is not a JSON Schema: {str(error).partition(chr(10))[0]}") from None
    return schema


def _fetch_nothing(uri: str) -> Any:
    raise KeyError(uri)


def _types(document: Any, key: str) -> list[str]:
    """Return the types that the sources or outputs of a document name. The document may be wrong in any way."""
    part = document.get(key) if isinstance(document, dict) else None
    items = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    types = [item.get("type") for item in items if isinstance(item, dict)]
    return [name for name in types if isinstance(name, str)]


def _keys(document: Any, key: str) -> list[str]:
    part = document.get(key) if isinstance(document, dict) else None
    return list(part) if isinstance(part, dict) else []


_WIDTH = 88


def schema_lines(value: Any, indent: str = "") -> str:
    """Write `value` as JSON for people: on one line if it fits, else one item per line."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or (len(indent) + len(line) <= _WIDTH):
        return line
    inner = indent + "  "
    if isinstance(value, list):
        items = [inner + schema_lines(item, inner) for item in value]
        return "[\n" + ",\n".join(items) + f"\n{indent}]"
    items = [f"{inner}{json.dumps(key)}: {schema_lines(item, inner)}" for key, item in value.items()]
    return "{\n" + ",\n".join(items) + f"\n{indent}}}"


def main() -> None:
    """Write schemas/config.schema.json."""
    path = resource_folder("schemas") / "config.schema.json"
    path.write_text(schema_lines(assembled_schema()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
