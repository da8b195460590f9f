"""Definitions that many keys share in the configuration's JSON Schema.

The schema has keywords of its own, from which messages are made: `x-expected` completes "must be …"; `x-help` is the
help line; `x-pattern-help` is the help line for a text that does not match its `pattern`; `x-elsewhere` maps keys that
belong somewhere else to a help line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def ref(name: str) -> dict[str, Any]:
    """Return a reference to the shared definition of this name."""
    return {"$ref": f"#/$defs/{name}"}


DEFINITIONS: Mapping[str, Any] = {
    "name": {
        "type": "string",
        "minLength": 1,
        "pattern": "^[^\\u0000-\\u001f\\u007f]*$",
        "x-expected": "a name without control characters",
        "x-pattern-help": "write a name of at least one character, without a newline or the like in it",
    },
    "path": {
        "type": "string",
        "minLength": 1,
        "pattern": "^(?!~)(?![^\\n]*[$][{A-Za-z_])[^\\u0000-\\u001f\\u007f]*$",
        "x-expected": "a path without `~`, variables and control characters",
        "x-pattern-help": "`~` and variables are not expanded: write the whole path, or one relative to this file",
    },
    "text": {"type": "string", "minLength": 1},
    "texts": {"type": "array", "items": ref("text")},
    "globs": {"type": "array", "items": ref("text")},
    "duration": {
        "type": "string",
        "pattern": "^[0-9]{1,9}([.][0-9]{1,9})?(ms|s|m|h)$",
        "x-expected": "a duration such as 5s, 250ms or 5m",
        "x-help": "write a number and a unit: ms, s, m or h",
    },
    "age": {
        "type": "string",
        "pattern": "^[0-9]{1,9}([.][0-9]{1,9})?(s|m|h|d)$",
        "x-expected": "an age such as 72h or 3d",
        "x-help": "write a number and a unit: s, m, h or d",
    },
    "day": {
        "type": "string",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        "x-expected": "a day such as 2027-01-31",
        "x-help": "write YEAR-MONTH-DAY",
    },
    "share": {
        "type": "string",
        "pattern": "^([0-9]{1,2}([.][0-9]{1,6})?|100([.]0{1,6})?)%$",
        "x-expected": "a share between 0% and 100%",
        "x-help": "write a number and %, such as 30%",
    },
    "severity": {
        "description": "A warning is reported and never changes the exit status.",
        "enum": ["error", "warning"],
        "default": "error",
    },
    "source_names": {"type": "array", "items": ref("name")},
}
