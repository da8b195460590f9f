"""Plain values as YAML text that YAML 1.1 and 1.2 readers, libyaml and Psych take for the same values.

Written directly: block mappings, two spaces deep; a list of mappings one flow mapping a line, so that a changed
endpoint is one changed line; every other list in one line. Lines are never folded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

from frostline.outputs.base import Endpoints
from frostline.outputs.endpoint_text import Style, join_lines

Pairs = Iterable[tuple[str, Any]]
"""The members of a mapping, in order. A value is str, int, bool, None, a list or a dict of such, `Endpoints`, or an
iterator of (key, value): a mapping that is written while it is made."""

_LONGEST_IMPLICIT_KEY = 1024
"""In characters as written (YAML 1.2.2, 7.4.2); PyYAML and libyaml stop at a longer one."""

_PLAIN_KEY = re.compile(r"_*[A-Za-z][A-Za-z0-9_-]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})

# What YAML may not hold raw (C1, U+FFFE, U+FFFF), what a reader may take for a line break (NEL, LS, PS), and what a
# reviewer could not see: blanks, zero-width and bidirectional controls (CVE-2021-42574), tags and variation selectors
# beyond the BMP; those of the BMP stay, emoji have them.
_UNSAFE = re.compile(
    "[\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u205f-\u206f\u3164"
    "\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
_SHORT_ESCAPES = {0x85: "\\N", 0xA0: "\\_", 0x2028: "\\L", 0x2029: "\\P"}


def yaml_pieces(pairs: Pairs, indent: str = "") -> Iterator[str]:
    """A block mapping of these members, a line or a few at a time; nothing at all if there are none."""
    for key, value in pairs:
        lead = indent + _block_key(key, indent)
        if isinstance(value, Iterator):
            nested = yaml_pieces(value, indent + "  ")
            first = next(nested, None)
            yield f"{lead} {{}}\n" if first is None else f"{lead}\n{first}"
            yield from nested
        else:
            pieces = [lead]
            _add_block(pieces, value, indent)
            yield "".join(pieces)


def _add_block(pieces: list[str], value: Any, indent: str) -> None:
    """Adds what follows the key of a block mapping's member, with the line's end: in pieces, so that a long text is not
    copied at each level."""
    if isinstance(value, dict) and value:
        pieces.append("\n")
        inner = f"{indent}  "
        for key, member in value.items():
            pieces.append(inner + _block_key(key, inner))
            _add_block(pieces, member, inner)
    elif isinstance(value, Endpoints):
        start = f"\n{indent}  - "
        pieces += (start, join_lines(value, _STYLE, start), "\n")
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        pieces.append("\n")
        pieces += [f"{indent}  - {flow(item)}\n" for item in value]
    else:
        pieces.append(f" {flow(value)}\n")


def flow(value: Any) -> str:
    """`value` (str, int, bool, None, list or dict of such) in one line of flow style."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, dict):
        return "{" + ", ".join([f"{_flow_key(key)} {flow(member)}" for key, member in value.items()]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([flow(item) for item in value]) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def quote(text: str) -> str:
    """`text` double-quoted, in one line: a string to every reader, and nothing in it invisible.

    JSON's escapes are YAML's too but for surrogate pairs, which this never writes.
    """
    written = encode_basestring(text)
    if written.isascii() and "\x7f" not in written:
        return written
    return _UNSAFE.sub(_escape, written)


def _escape(found: re.Match[str]) -> str:
    point = ord(found.group())
    if point in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[point]
    if point <= 0xFF:
        return f"\\x{point:02X}"
    return f"\\u{point:04X}" if point <= 0xFFFF else f"\\U{point:08X}"


@lru_cache(maxsize=4096)
def _key(text: str) -> str:
    """A key as written, without what follows it: plain where no reader could take it for anything but a string."""
    if text == "<<":
        return '!!str "<<"'  # Psych merges even a quoted `<<` unless it is tagged
    if _PLAIN_KEY.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return quote(text)


def _block_key(text: str, indent: str) -> str:
    key = _key(text)
    return f"{key}:" if len(key) <= _LONGEST_IMPLICIT_KEY else f"? {key}\n{indent}:"


@lru_cache(maxsize=4096)
def _flow_key(text: str) -> str:
    key = _key(text)
    return f"{key}:" if len(key) <= _LONGEST_IMPLICIT_KEY else f"? {key} :"


_STYLE = Style(quote, flow, lambda name: f"{name}: ")
