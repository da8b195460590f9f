"""Where newlines matter: outside brackets they end an expression, and an object's elements stand between them.

The grammar of tree-sitter does not mind them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from frostline.hcl.source import HclError, Source

_MOST_LEVELS = 100
_COMMENT = re.compile(rb"/\*.*?\*/|(?:\#|//)[^\n]*", re.DOTALL)

_BRACKETED = frozenset(
    {"tuple", "object", "for_tuple_expr", "for_object_expr", "new_index", "template_expr", "function_arguments"}
)


def check_lines(node: Any, text: bytes, source: Source) -> None:
    """Outside brackets a newline ends an expression; the grammar of tree-sitter does not mind them."""
    for before, after in _neighbours(node, 0):
        newline = text.find(b"\n", before, after)
        if newline >= 0:
            raise HclError("the expression ends with the line, and is not complete", source.place(newline))


def _neighbours(node: Any, level: int) -> Iterator[tuple[int, int]]:
    """The gaps between tokens that no bracket encloses."""
    if level > _MOST_LEVELS:
        return  # the builder refuses it
    last: int | None = None
    parentheses = 0
    for child in node.children:
        kind = child.type
        if last is not None and not parentheses:
            yield last, child.start_byte
        if kind == "(":
            parentheses += 1
        elif kind == ")":
            parentheses -= 1
        elif not parentheses and kind not in _BRACKETED and child.child_count:
            yield from _neighbours(child, level + 1)
        last = child.end_byte


def check_gap(start: int, end: int, text: bytes, source: Source, *, last: bool) -> None:
    """Between an object's elements, and behind the last one, is a comma, or else a newline."""
    gap = text[start:end]
    if b"#" in gap or b"/" in gap:
        gap = _COMMENT.sub(b"", gap)
    found = gap.strip(b" \t\r")
    if (found[:1] != b"," and b"," in found) or (not last and found[:1] not in (b",", b"\n")):
        raise HclError("elements of an object are on lines of their own, or have commas between", source.place(start))
