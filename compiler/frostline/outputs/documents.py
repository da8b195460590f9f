"""Writes whole YAML and JSON files of plain values, generated in chunks at each iteration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from json.encoder import encode_basestring
from typing import Any

import msgspec
from msgspec import Struct

from frostline.outputs.endpoint_text import Style, join_lines
from frostline.outputs.values import Endpoints
from frostline.outputs.yaml_text import Pairs, yaml_pieces
from frostline.text import escape_json

_CHUNK = 1 << 16
"""Minimum number of characters of a chunk; the last one may have fewer."""

_encode = msgspec.json.Encoder().encode


class Document(Struct, frozen=True):
    """A file that holds one mapping, as chunks of bytes. Each iteration generates the same chunks again.

    members: returns the members of the mapping (`yaml_text.Pairs`). format: `yaml` or `json`.
    """

    members: Callable[[], Pairs]
    format: str = "yaml"

    def __iter__(self) -> Iterator[bytes]:
        pieces = _json_pieces(self.members()) if self.format == "json" else _yaml_pieces(self.members())
        buffer: list[str] = []
        length = 0
        for piece in pieces:
            buffer.append(piece)
            length += len(piece)
            if length >= _CHUNK:
                yield "".join(buffer).encode()
                buffer.clear()
                length = 0
        if buffer:
            yield "".join(buffer).encode()


def _yaml_pieces(pairs: Pairs) -> Iterator[str]:
    pieces = yaml_pieces(pairs)
    yield next(pieces, "{}\n")
    yield from pieces


def _json_pieces(pairs: Pairs) -> Iterator[str]:
    yield from _json_object(pairs, "")
    yield "\n"


def _json_object(pairs: Pairs, indent: str) -> Iterator[str]:
    """An object with one member per line. Mappings and lists of mappings within it span lines as they do in YAML."""
    inner = indent + "  "
    separator = ""
    yield "{"
    for key, value in pairs:
        lead = f"{separator}\n{inner}{_quote(key)}: "
        separator = ","
        if isinstance(value, Iterator):
            yield lead
            yield from _json_object(value, inner)
        else:
            pieces = [lead]
            _add_json(pieces, value, inner)
            yield "".join(pieces)
    yield f"\n{indent}}}" if separator else "}"


def _add_json(pieces: list[str], value: Any, indent: str) -> None:
    """Appends the text of a value within an object, as pieces, so that a long text is not copied at each level."""
    start = f"\n{indent}  "
    if isinstance(value, dict) and value:
        separator = "{"
        for key, member in value.items():
            pieces.append(f"{separator}{start}{_quote(key)}: ")
            _add_json(pieces, member, f"{indent}  ")
            separator = ","
        pieces.append(f"\n{indent}}}")
    elif isinstance(value, Endpoints):
        pieces += ("[", start, join_lines(value, _STYLE, f",{start}"), f"\n{indent}]")
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        pieces += ("[", ",".join([start + _inline(item) for item in value]), f"\n{indent}]")
    else:
        pieces.append(_inline(value))


def _inline(value: Any) -> str:
    """`value` as JSON on one line."""
    if type(value) is str:
        return _quote(value)
    return _escape_invisible(msgspec.json.format(_encode(value), indent=0).decode())


def _quote(text: str) -> str:
    return _escape_invisible(encode_basestring(text))


def _escape_invisible(line: str) -> str:
    # JSON has escaped the controls below U+0020 already.
    return line if line.isascii() and "\x7f" not in line else escape_json(line)


_STYLE = Style(_quote, _inline, lambda name: f'"{name}": ')
