"""Canonical JSON: equal values give equal bytes, and a reviewer sees every character."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from frostline.model import FileOrigin, Origin
from frostline.text import escape_json, quote

_encode = msgspec.json.Encoder().encode
_sorting = msgspec.json.Encoder(order="deterministic")  # sorts mappings by key; fields of a struct keep their order


def canonical_line(value: Any) -> bytes:
    """Encode a value as one line of JSON: compact, fields in their given order, UTF-8, safe to review, no newline."""
    return _escape_invisible(_encode(value))


def _escape_invisible(line: bytes) -> bytes:
    """Escape the characters that a reviewer could not see in a line of JSON without its newline."""
    if line.isascii() and b"\x7f" not in line:
        return line
    return escape_json(line.decode()).encode()


_BATCH = 1000
"""How many values one call encodes."""


def canonical_lines(values: Sequence[Any]) -> Iterator[bytes]:
    """Encode each value as a line with its newline. Like `canonical_line`, but mappings are sorted by key.

    Yields many lines at a time.
    """
    for start in range(0, len(values), _BATCH):
        lines = _sorting.encode_lines(values[start : start + _BATCH])
        if lines.isascii() and b"\x7f" not in lines:
            yield lines
        else:
            yield b"".join([_escape_invisible(line) + b"\n" for line in lines.split(b"\n")[:-1]])


def digest_of_json(value: Any) -> str:
    """Return `sha256:…` of a value as JSON with sorted keys; equal values give equal digests."""
    return f"sha256:{sha256(msgspec.json.encode(msgspec.to_builtins(value), order='sorted')).hexdigest()}"


def json_fault(error: Exception, data: bytes | bytearray) -> str:
    """Say why msgspec could not decode `data`, in words that do not depend on the version of msgspec or Python.

    If the JSON is valid but a value has the wrong type, the words name the value's path.
    """
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    try:
        data.decode()
    except UnicodeDecodeError as fault:
        return f"byte {fault.start + 1} is not UTF-8"
    if isinstance(error, msgspec.ValidationError):
        return _value_fault(str(error))
    return f"it is not JSON: {_malformed(str(error))}"


def _malformed(message: str) -> str:
    """Reword msgspec's message about invalid JSON; bytes count from 1."""
    if match := re.fullmatch(r"JSON is malformed: (.*) \(byte ([0-9]+)\)", message):
        return f"{match[1]} at byte {int(match[2]) + 1}"
    return "it ends too early" if message == "Input data was truncated" else message


_KINDS = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "a boolean",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_OTHER_FORM = re.compile(r"Expected `str` matching regex .*?(?: - at `\$\.?(.*)`)?", re.DOTALL)
_WRONG_KIND = re.compile(r"Expected `([a-z| ]+)`, got `([a-z]+)`(?: - at `\$\.?(.*)`)?", re.DOTALL)
_OUT_OF_BOUNDS = re.compile(r"Expected `int` (>=|<=) (-?[0-9]+)(?: - at `\$\.?(.*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$\.?(.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*?)`(?: - at `\$\.?(.*)`)?", re.DOTALL)


def _value_fault(message: str) -> str:
    """Reword msgspec's message about a type, a bound or a key. Other messages stay as they are."""
    if match := _WRONG_KIND.fullmatch(message):
        wanted = " or ".join(_KINDS.get(kind, kind) for kind in match[1].split(" | "))
        return f"{f'`{match[3]}`' if match[3] else 'it'} must be {wanted}, not {_KINDS.get(match[2], match[2])}"
    if match := _OUT_OF_BOUNDS.fullmatch(message):
        bound = "at least" if match[1] == ">=" else "at most"
        return f"{f'`{match[3]}`' if match[3] else 'it'} must be {bound} {match[2]}"
    if match := _MISSING.fullmatch(message):
        return f"{f'`{match[2]}`' if match[2] else 'it'} has no `{match[1]}`"
    if match := _UNKNOWN.fullmatch(message):
        return f"{f'`{match[2]}`' if match[2] else 'it'} has the key {quote(match[1])}, which is unknown"
    if match := _OTHER_FORM.fullmatch(message):
        return f"{f'`{match[1]}`' if match[1] else 'it'} does not have the form that it must have"
    return message


def origin_value(origin: Origin | None) -> dict[str, Any] | None:
    """Convert an origin to JSON values (schemas/report.schema.json)."""
    if origin is None:
        return None
    if isinstance(origin, FileOrigin):
        return {"file": origin.path, "line": origin.line, "column": origin.column}
    return {
        "source": origin.source,
        "datacenter": origin.datacenter,
        "namespace": origin.namespace,
        "node": origin.node,
        "id": origin.id,
    }
