"""JSON as cty writes and reads it (cty, json package; strings as in Go's encoding/json)."""

from __future__ import annotations

import json
import re
from typing import Any

from frostline.hcl.functions.base import FunctionError
from frostline.hcl.functions.characters import check_size
from frostline.hcl.number import Number
from frostline.hcl.values import FALSE, NULL, TRUE, Value, number, object_value, string, tuple_value

_UNSAFE = re.compile("[<>&\u2028\u2029]")


def json_text(value: Value) -> str:
    """Encode a value as JSON, with members sorted by name and the special characters of HTML escaped."""
    parts: list[str] = []
    _write(value, parts)
    text = "".join(parts)
    check_size(len(text))
    return text


def _write(value: Value, parts: list[str]) -> None:
    data = value.data
    if data is None:
        parts.append("null")
        return
    match value.type.kind:
        case "string":
            parts.append(_quoted(data))
        case "number":
            if data.is_infinite:
                raise FunctionError("JSON has no infinity")
            parts.append(str(data))
        case "bool":
            parts.append("true" if data else "false")
        case "map" | "object":
            parts.append("{")
            for index, (name, item) in enumerate(data.items()):
                parts.append(f"{',' if index else ''}{_quoted(name)}:")
                _write(item, parts)
            parts.append("}")
        case _:
            parts.append("[")
            for index, item in enumerate(data):
                parts.append("," if index else "")
                _write(item, parts)
            parts.append("]")


def _quoted(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


def json_value(text: str) -> Value:
    """Decode a JSON text: arrays become tuples, numbers are exact. Raises FunctionError if the text is not JSON."""
    try:
        plain = json.loads(text, parse_int=Number.parse, parse_float=Number.parse, parse_constant=_refuse_constant)
        return _value(plain)
    except RecursionError:
        raise FunctionError("the JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        reason = error.msg[0].lower() + error.msg[1:]
        raise FunctionError(f"this is not JSON: {reason} at {error.lineno}:{error.colno}") from None


def _refuse_constant(name: str) -> Any:
    raise FunctionError(f"JSON has no {name}")


def _value(plain: Any) -> Value:
    match plain:
        case None:
            return NULL
        case bool():
            return TRUE if plain else FALSE
        case Number():
            return number(plain)
        case str():
            if any("\ud800" <= char <= "\udfff" for char in plain):
                plain = re.sub("[\ud800-\udfff]", "\ufffd", plain)
            return string(plain)
        case list():
            return tuple_value(map(_value, plain))
        case _:
            return object_value({string(name).data: _value(item) for name, item in plain.items()})
