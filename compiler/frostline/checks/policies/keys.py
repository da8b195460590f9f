"""The keys of `checks.policies`, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from frostline.checks.policies.address_sets import InvalidPolicyValue, addresses, port_ranges
from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.readers import glob, integer, regex, texts
from frostline.settings import PolicySetting

SCHEMA: Mapping[str, Any] = {
    "description": (
        "What is asked of every service. Each policy is an error, or a warning with `severity: warning` beside its "
        "keys; a list or a text is then written as {value: …, severity: warning}."
    ),
    "type": "object",
    "default": {},
    "additionalProperties": False,
    "properties": {
        "min_instances": {
            "description": (
                "How many endpoints each (service, version) has at least: a number, or numbers by glob of SERVICE "
                "or SERVICE/VERSION with `default` for the rest; the last glob that fits wins."
            ),
            "type": ["integer", "object"],
            "minimum": 0,
            "minProperties": 1,
            "propertyNames": ref("text"),
            "properties": {
                "severity": ref("severity"),
                "default": {
                    "description": "For what no glob fits.",
                    "type": "integer",
                    "minimum": 0,
                    "default": 0,
                },
            },
            "additionalProperties": {"type": "integer", "minimum": 0},
        },
        "required": {
            "description": "Services that must have an endpoint: SERVICE, SERVICE/VERSION or a glob.",
            "type": ["array", "object"],
            "items": ref("text"),
            "additionalProperties": False,
            "required": ["value"],
            "properties": {
                "value": {"description": "The services.", **ref("texts")},
                "severity": ref("severity"),
            },
        },
        "addresses": {
            "description": "Addresses that endpoints may have: networks, addresses, globs of host names.",
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "allow": {"description": "Only these. Default: all.", **ref("texts")},
                "deny": {"description": "None of these.", **ref("texts"), "default": []},
                "severity": ref("severity"),
            },
        },
        "ports": {
            "description": 'Ports that endpoints may have, such as 443 or "1024-65535".',
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "allow": {"description": "Only these. Default: all.", **ref("ports")},
                "deny": {"description": "None of these.", **ref("ports"), "default": []},
                "severity": ref("severity"),
            },
        },
        "meta": {
            "description": "Meta that each registered instance has.",
            "type": "object",
            "additionalProperties": False,
            "required": ["required"],
            "properties": {
                "required": {"description": "Meta keys.", **ref("texts")},
                "severity": ref("severity"),
            },
        },
        "tags": {
            "description": "Tags that each registered instance has.",
            "type": "object",
            "additionalProperties": False,
            "required": ["required"],
            "properties": {"required": {"description": "Tags.", **ref("texts")}, "severity": ref("severity")},
        },
        "names": {
            "description": "A regular expression (Python's) that the whole name of each service fits.",
            "type": ["string", "object"],
            "minLength": 1,
            "additionalProperties": False,
            "required": ["value"],
            "properties": {
                "value": {"description": "The regular expression.", **ref("text")},
                "severity": ref("severity"),
            },
        },
        "upstreams": {
            "description": (
                "resolve: each declared upstream is served or declared in this registry, peers and "
                "prepared queries aside."
            ),
            "type": ["string", "object"],
            "pattern": "^resolve$",
            "x-expected": "resolve, or {value: resolve, severity: warning}",
            "additionalProperties": False,
            "required": ["value"],
            "properties": {
                "value": {"description": "The word `resolve`.", "const": "resolve"},
                "severity": ref("severity"),
            },
        },
    },
}

DEFINITIONS: Mapping[str, Any] = {
    "ports": {
        "type": "array",
        "items": {
            "type": ["string", "integer"],
            "minimum": 0,
            "maximum": 65535,
            "pattern": "^[0-9]{1,5}(-[0-9]{1,5})?$",
            "x-expected": "a port such as 443, or a range such as 1024-65535",
        },
    },
}


def configure(cursor: Cursor, context: Context) -> dict[str, PolicySetting]:
    """The value of `checks.policies`: name -> policy."""
    return {entry.key: setting for entry in cursor.entries() if (setting := _policy_setting(entry)) is not None}


def _policy_setting(cursor: Cursor) -> PolicySetting | None:
    """The policy's value without its severity: what is beside `severity`, or below `value`."""
    if not isinstance(cursor.value, dict):
        value = _policy_value(cursor, cursor)
        return None if value is None else PolicySetting(value=value, origin=cursor.origin)
    severity = cursor.get("severity")
    word: Any = "error" if severity is None else severity.value
    if cursor.key in ("required", "names"):
        inner = cursor.get("value")
        value = None if inner is None else _policy_value(cursor, inner)
    else:
        value = {entry.key: _policy_value(cursor, entry) for entry in cursor.entries() if entry.key != "severity"}
    return None if value is None else PolicySetting(value=value, origin=cursor.origin, severity=word)


def _policy_value(policy: Cursor, cursor: Cursor) -> Any:
    """A value in a policy."""
    if policy.key == "min_instances":
        if cursor is policy:
            return {"default": integer(cursor)}
        if cursor.key != "default":
            _check_glob_key(cursor)
        return integer(cursor)
    if policy.key == "names":
        return regex(cursor)
    if policy.key == "required":
        return [text for item in cursor.items() if (text := glob(item)) is not None]
    if policy.key == "ports":
        return [str(item.value) for item in cursor.items() if _is_set(item, port_ranges)]
    if policy.key == "addresses":
        return [item.value for item in cursor.items() if _is_set(item, addresses)]
    return list(texts(cursor))


def _is_set(cursor: Cursor, read: Callable[[Sequence[str]], object]) -> bool:
    """Whether `read` makes a set of this text; says why not."""
    try:
        read((str(cursor.value),))
    except InvalidPolicyValue as problem:
        cursor.refuse(problem.message, problem.help)
        return False
    return True


def _check_glob_key(cursor: Cursor) -> None:
    if cursor.key.startswith("!"):
        cursor.refuse(
            "a glob that excludes cannot have a number", "give the services that it is about a number", at_key=True
        )
