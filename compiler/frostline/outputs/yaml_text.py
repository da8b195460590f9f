"""Plain values as YAML text that YAML 1.1 and 1.2 readers, libyaml and Psych read as the same values.

Mappings are blocks, indented by two spaces. A list of mappings has one flow mapping per line, so that a changed
endpoint is one changed line; any other list is on one line. Lines are never folded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

from frostline.outputs.endpoint_text import Style, join_lines
from frostline.outputs.values import Endpoints

Pairs = Iterable[tuple[str, Any]]
"""The members of a mapping, in order. A value is str, int, bool, None, a list or dict of these, `Endpoints`, or an
iterator of (key, value): a nested mapping that is written while it is generated."""

_LONGEST_IMPLICIT_KEY = 1024
"""In characters as written, with quotes and escapes (YAML 1.2.2, 7.4.2). PyYAML and libyaml refuse a longer one."""

_PLAIN_KEY = re.compile(r"_*[A-Za-z][A-Za-z0-9_-]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})

# Characters that YAML allows only as escapes (C1, U+FFFE, U+FFFF), that readers may take for a line break (NEL, LS,
# PS), and that a reviewer could not see: blanks, zero-width and bidirectional controls (CVE-2021-42574), tags, and
# variation selectors beyond the BMP. Those of the BMP stay, because emoji use them.
_UNSAFE = re.compile(
    "[\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u205f-\u206f\u3164"
    "\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
_SHORT_ESCAPES = {0x85: "\\N", 0xA0: "\\_", 0x2028: "\\L", 0x2029: "\\P"}


def yaml_pieces(pairs: Pairs, indent: str = "") -> Iterator[str]:
    """The text of a block mapping, a line or a few at a time; nothing if it has no members."""
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
    """Appends what follows the key of a member of a block mapping, including the line's end: as pieces, so that a long
    text is not copied at each level."""
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
    """`value` (str, int, bool, None, or a list or dict of these) in flow style, on one line."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, dict):
        return "{" + ", ".join([f"{flow_key(key)} {flow(member)}" for key, member in value.items()]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([flow(item) for item in value]) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def quote(text: str) -> str:
    """`text` in double quotes, on one line: every reader takes it for a string, and nothing in it is invisible.

    YAML has the escapes of JSON except for surrogate pairs, which are never written here.
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
    """A key as written, without the colon: unquoted if every reader takes it for a string."""
    if text == "<<":
        return '!!str "<<"'  # Psych merges even a quoted `<<` unless it is tagged
    if _PLAIN_KEY.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return quote(text)


def _block_key(text: str, indent: str) -> str:
    key = _key(text)
    return f"{key}:" if len(key) <= _LONGEST_IMPLICIT_KEY else f"? {key}\n{indent}:"


@lru_cache(maxsize=4096)
def flow_key(text: str) -> str:
    """A key in flow style, with its colon."""
    key = _key(text)
    return f"{key}:" if len(key) <= _LONGEST_IMPLICIT_KEY else f"? {key} :"


_STYLE = Style(quote, flow, lambda name: f"{name}: ")
