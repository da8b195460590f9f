"""Values as canonical JSON: the same value gives the same bytes, and a reviewer sees every character."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from frostline.model import FileOrigin, Origin
from frostline.text import escape_json

_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines


def canonical_line(value: Any) -> bytes:
    """`value` as one line of JSON: compact, fields in their given order, UTF-8, safe to review; without its newline."""
    line = _encode(value)
    if line.isascii() and b"\x7f" not in line:
        return line
    return escape_json(line.decode()).encode()


_LINES = 1000
"""Values that are encoded in one call."""


def canonical_lines(values: Sequence[Any]) -> Iterator[bytes]:
    """`canonical_line` of each value with its newline, many lines at a time."""
    for start in range(0, len(values), _LINES):
        part = values[start : start + _LINES]
        lines = _encode_lines(part)
        if lines.isascii() and b"\x7f" not in lines:
            yield lines
        else:
            yield b"".join([canonical_line(value) + b"\n" for value in part])


def digest_of_json(value: Any) -> str:
    """`sha256:…` of a value as JSON with sorted keys; equal values give equal digests."""
    return f"sha256:{sha256(msgspec.json.encode(msgspec.to_builtins(value), order='sorted')).hexdigest()}"


def json_fault(error: Exception, data: bytes | bytearray) -> str:
    """Why msgspec could not decode `data`, in words that stay the same with every version of msgspec and Python.

    Where the JSON is valid but a value does not fit its type, this is msgspec's own message: it names the place.
    """
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    try:
        data.decode()
    except UnicodeDecodeError as fault:
        return f"byte {fault.start + 1} is not UTF-8"
    return str(error) if isinstance(error, msgspec.ValidationError) else f"it is not JSON: {error}"


def origin_value(origin: Origin | None) -> dict[str, Any] | None:
    """An origin as JSON values (schemas/report.schema.json)."""
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
