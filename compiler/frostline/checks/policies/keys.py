"""The keys of `checks.policies`: their JSON Schema and their reader."""

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
        "Requirements on every service. A violation is an error, or a warning with `severity: warning` beside the "
        "policy's keys; a list or a text is then written as {value: …, severity: warning}."
    ),
    "type": "object",
    "default": {},
    "additionalProperties": False,
    "properties": {
        "min_instances": {
            "description": (
                "The least number of endpoints of each (service, version): a number, or numbers by glob of SERVICE "
                "or SERVICE/VERSION with `default` for the rest; the last glob that matches wins."
            ),
            "type": ["integer", "object"],
            "minimum": 0,
            "minProperties": 1,
            "propertyNames": ref("text"),
            "properties": {
                "severity": ref("severity"),
                "default": {
                    "description": "The number for services that no glob matches.",
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
            "description": "Meta that each registered instance must have.",
            "type": "object",
            "additionalProperties": False,
            "required": ["required"],
            "properties": {
                "required": {"description": "Meta keys.", **ref("texts")},
                "severity": ref("severity"),
            },
        },
        "tags": {
            "description": "Tags that each registered instance must have.",
            "type": "object",
            "additionalProperties": False,
            "required": ["required"],
            "properties": {"required": {"description": "Tags.", **ref("texts")}, "severity": ref("severity")},
        },
        "names": {
            "description": "A Python regular expression that the whole name of each service must match.",
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
                "resolve: this registry must serve or declare the destination of each upstream, peers and prepared "
                "queries aside."
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
    """A policy's setting. Its value is what stands beside `severity`, or under `value`."""
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
    """The value at `cursor`, which is the policy's own or that of one of its keys."""
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
        return [str(item.value) for item in cursor.items() if _is_valid(item, port_ranges)]
    if policy.key == "addresses":
        return [item.value for item in cursor.items() if _is_valid(item, addresses)]
    return list(texts(cursor))


def _is_valid(cursor: Cursor, read: Callable[[Sequence[str]], object]) -> bool:
    """Whether `read` accepts this text. Refuses the text if it does not."""
    try:
        read((str(cursor.value),))
    except InvalidPolicyValue as problem:
        cursor.refuse(problem.message, problem.help)
        return False
    return True


def _check_glob_key(cursor: Cursor) -> None:
    if cursor.key.startswith("!"):
        cursor.refuse(
            "a glob that excludes cannot have a number", "write a glob of the services that need a number", at_key=True
        )
