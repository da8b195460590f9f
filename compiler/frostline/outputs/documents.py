"""Plain values as whole YAML or JSON files, made piece by piece each time they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from json.encoder import encode_basestring
from typing import Any

import msgspec
from msgspec import Struct

from frostline.outputs.base import Endpoints
from frostline.outputs.endpoint_text import Style, join_lines
from frostline.outputs.yaml.text import Pairs, yaml_pieces
from frostline.text import escape_json

_CHUNK = 1 << 16
"""Characters that a chunk has at least, but the last."""

_encode = msgspec.json.Encoder().encode


class Document(Struct, frozen=True):
    """The bytes of a file that holds one mapping, in chunks; the same ones each time it is iterated.

    members: makes the mapping's members (`yaml_text.Pairs`). format: yaml or json.
    """

    members: Callable[[], Pairs]
    format: str = "yaml"

    def __iter__(self) -> Iterator[bytes]:
        pieces = _json_pieces(self.members()) if self.format == "json" else _yaml_pieces(self.members())
        waiting: list[str] = []
        length = 0
        for piece in pieces:
            waiting.append(piece)
            length += len(piece)
            if length >= _CHUNK:
                yield "".join(waiting).encode()
                waiting.clear()
                length = 0
        if waiting:
            yield "".join(waiting).encode()


def _yaml_pieces(pairs: Pairs) -> Iterator[str]:
    pieces = yaml_pieces(pairs)
    yield next(pieces, "{}\n")
    yield from pieces


def _json_pieces(pairs: Pairs) -> Iterator[str]:
    yield from _json_object(pairs, "")
    yield "\n"


def _json_object(pairs: Pairs, indent: str) -> Iterator[str]:
    """An object with a line a member; mappings and lists of mappings within it on lines of their own as in YAML."""
    inner = indent + "  "
    separator = ""
    yield "{"
    for key, value in pairs:
        lead = f"{separator}\n{inner}{_quoted(key)}: "
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
    """Adds the text of a value within an object: in pieces, so that a long one is not copied at each level."""
    start = f"\n{indent}  "
    if isinstance(value, dict) and value:
        separator = "{"
        for key, member in value.items():
            pieces.append(f"{separator}{start}{_quoted(key)}: ")
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
    """`value` as JSON in one line."""
    if type(value) is str:
        return _quoted(value)
    line = msgspec.json.format(_encode(value), indent=0).decode()
    return line if line.isascii() and "\x7f" not in line else escape_json(line)


def _quoted(text: str) -> str:
    line = encode_basestring(text)
    return line if line.isascii() and "\x7f" not in line else escape_json(line)


_STYLE = Style(_quoted, _inline, lambda name: f'"{name}": ')
