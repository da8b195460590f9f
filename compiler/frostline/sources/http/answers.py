"""What the clients of live sources share: typed answers, and paths and queries that hold any name."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from frostline.canonical import json_fault

Parameters = tuple[tuple[str, str], ...]
"""The names and values of a query, in order."""


class Malformed(Exception):
    """A body that is not the JSON it should be. Its text is the reason."""


def typed(body: bytes | bytearray, kind: Any) -> Any:
    """The body, which is JSON, as a value of this type; unknown fields are ignored. Malformed: it is none."""
    try:
        return decoder(kind).decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Malformed(json_fault(error, body)) from None


def segment_path(folder: str, name: str) -> str:
    """`folder/name` with every byte of the name escaped that is not a letter, a digit or one of `_.-~`."""
    return f"{folder}/{quote(name, safe='', errors='replace')}"


def with_query(path: str, parameters: Parameters) -> str:
    """`path?name=value&…`, names and values escaped."""
    return f"{path}?{_query(parameters)}" if parameters else path


@lru_cache(maxsize=64)
def _query(parameters: Parameters) -> str:
    return urlencode(parameters, errors="replace")


def is_addressable(name: str) -> bool:
    """Whether a path can name it: Go cleans paths, escaped or not, and Consul refuses what is not printable."""
    return name.isprintable() and not any(part in {"", ".", ".."} for part in name.split("/"))


@lru_cache(maxsize=32)
def decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """The decoder of this type."""
    return msgspec.json.Decoder(kind)
