"""Parse a JSON file to a tree of values with their places."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from frostline.hcl.source import HclError, Source
from frostline.hcl.syntax import SAVE_HELP
from frostline.model import FileOrigin

_MOST_LEVELS = 200
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*"|[\[\]{}:,]|[^ \t\n\r\[\]{}:,"]++')
"""Matches a token of a text that is valid JSON."""


class Node(Struct, frozen=True):
    """A JSON value and the offset of its first byte. Objects are Members, arrays tuples of Nodes."""

    value: Any
    offset: int


class Members(Struct, frozen=True):
    """The members of an object, in the order of the file. A key may repeat."""

    items: tuple[tuple[str, Node], ...]


def to_plain(node: Node) -> Any:
    """Return the value without places. The last of several members with the same key wins."""
    match node.value:
        case Members(items):
            return {key: to_plain(inner) for key, inner in items}
        case tuple():
            return [to_plain(inner) for inner in node.value]
        case value:
            return value


def parse_json_tree(source: Source) -> Node:
    """Parse the file. HclError: the file is not JSON.

    The standard library checks the text, but tells no places, so these come from the text's tokens.
    """
    try:
        json.loads(source.data.decode(), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise HclError("the text is not UTF-8", source.place(error.start), SAVE_HELP) from None
    except json.JSONDecodeError as error:
        place = FileOrigin(source.path, error.lineno, error.colno)
        raise HclError(f"this is not JSON: {error.msg[0].lower()}{error.msg[1:]}", place) from None
    except RecursionError:
        raise HclError("values are nested too deeply", source.place(0)) from None
    except ValueError as error:
        raise HclError(f"this is not JSON: {error}", source.place(0)) from None
    tokens = _TOKEN.finditer(source.data)
    return _node(next(tokens), tokens, source, 0)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number in JSON")


def _node(token: re.Match[bytes], tokens: Iterator[re.Match[bytes]], source: Source, level: int) -> Node:
    """Build the value that starts with this token. tokens: those after it."""
    if level > _MOST_LEVELS:
        raise HclError("values are nested too deeply", source.place(token.start()))
    if token[0] == b"{":
        members: list[tuple[str, Node]] = []
        for key in _up_to(b"}", tokens):
            next(tokens)  # the colon
            members.append((_text(key, source), _node(next(tokens), tokens, source, level + 1)))
        return Node(Members(tuple(members)), token.start())
    if token[0] == b"[":
        items = [_node(first, tokens, source, level + 1) for first in _up_to(b"]", tokens)]
        return Node(tuple(items), token.start())
    value = _text(token, source) if token[0].startswith(b'"') else json.loads(token[0])
    return Node(value, token.start())


def _text(token: re.Match[bytes], source: Source) -> str:
    text: str = json.loads(token[0])
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise HclError("half a surrogate pair is not a character", source.place(token.start()))
    return text


def _up_to(closing: bytes, tokens: Iterator[re.Match[bytes]]) -> Iterator[re.Match[bytes]]:
    """Yield the first token of each element, up to the closing bracket."""
    for token in tokens:
        if token[0] == closing:
            return
        if token[0] != b",":
            yield token
