"""Templates: quoted ones and heredocs, with interpolations, directives, strip markers and flushed indentation.

A template is first a flat row of parts: literals, interpolations, directives (hclsyntax, parser_template.go). Strip
markers and the indentation of `<<-` work on the literals of that row, then it becomes a tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from frostline.hcl.nodes import Expression, Literal, Template, TemplateFor, TemplateIf, Wrapped
from frostline.hcl.source import HclError, Source
from frostline.hcl.values import string

Build = Callable[[Any], Expression]
"""From a node `expression` to an Expression."""

_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_LEADING = re.compile(f"[{_SPACE}]+")
_TRAILING = re.compile(f"[{_SPACE}]+\\Z")
_ESCAPES = re.compile(rb"\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[nrt\"\\])|\\.?|\$\$\{|%%\{", re.DOTALL)
_HEREDOC = re.compile(rb"<<-?[A-Za-z_\x80-\xff][\w\-\x80-\xff]*\r?\n")
_SIMPLE = {b"\\n": "\n", b"\\r": "\r", b"\\t": "\t", b'\\"': '"', b"\\\\": "\\", b"$${": "${", b"%%{": "%{"}
_CONTROLS = {
    "template_if_intro": "if",
    "template_else_intro": "else",
    "template_if_end": "endif",
    "template_for_start": "for",
    "template_for_end": "endfor",
}


class _Part(Struct):
    """A part of the row. kind: text, value (an interpolation), if, else, endif, for, endfor, end."""

    kind: str
    at: int
    text: str = ""
    node: Any = None


def quoted_template(node: Any, source: Source, build: Build) -> Expression:
    """A node `quoted_template`."""
    start, end = node.start_byte + 1, node.end_byte - 1
    row = _row(node, start, end, source, lambda at, to: [_Part("text", at, unescaped(source.data[at:to], at, source))])
    return _tree(row, node.start_byte, source, build)


def heredoc_template(node: Any, source: Source, build: Build) -> Expression:
    """A node `heredoc_template`: from the line behind its marker to the line before the closing one."""
    data = source.data
    if not _HEREDOC.match(data, node.start_byte):
        raise HclError("`<<` is followed by a name, and that by a new line", source.place(node.start_byte))
    start = data.index(b"\n", node.start_byte) + 1
    closing = node.named_children[-1].start_byte
    end = max(data.rfind(b"\n", start, closing) + 1, start)
    row = _row(node, start, end, source, lambda at, to: _lines(at, to, source))
    if data.startswith(b"<<-", node.start_byte):
        _flush(row)
    return _tree(row, node.start_byte, source, build)


def unescaped(data: bytes, at: int, source: Source) -> str:
    """The text of a quoted literal, which begins at this offset. HclError: an escape that there is none of."""
    if b"\\" not in data and b"{" not in data:
        if b"\n" in data:
            raise HclError("a quoted string ends on its line", source.place(at + data.index(b"\n")))
        return data.decode()
    if b"\n" in data:
        raise HclError("a quoted string ends on its line", source.place(at + data.index(b"\n")))
    pieces: list[str] = []
    last = 0
    for match in _ESCAPES.finditer(data):
        pieces.append(data[last : match.start()].decode())
        pieces.append(_escape(match[0], at + match.start(), source))
        last = match.end()
    pieces.append(data[last:].decode())
    return "".join(pieces)


def _escape(escape: bytes, at: int, source: Source) -> str:
    if escape in _SIMPLE:
        return _SIMPLE[escape]
    if escape[:2] in (b"\\u", b"\\U") and len(escape) > 2:
        code = int(escape[2:], 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise HclError("there is no such character", source.place(at))
        return chr(code)
    raise HclError(
        "there is no such escape",
        source.place(at),
        help='the escapes are \\n \\r \\t \\" \\\\ \\uNNNN \\UNNNNNNNN, and $${ and %%{',
    )


def _lines(at: int, to: int, source: Source) -> list[_Part]:
    """A heredoc's literal: a part a line, without escapes but those of the markers."""
    parts: list[_Part] = []
    while at < to:
        newline = source.data.find(b"\n", at, to)
        end = to if newline < 0 else newline + 1
        text = source.data[at:end].decode()
        parts.append(_Part("text", at, text.replace("$${", "${").replace("%%{", "%{")))
        at = end
    return parts


def _row(node: Any, start: int, end: int, source: Source, literal: Callable[[int, int], list[_Part]]) -> list[_Part]:
    """The parts between these offsets. The literals are what lies between all others: the grammar strips their ends."""
    specials: list[Any] = []
    _collect(node, specials)
    row: list[_Part] = []
    at = start
    strip = False
    for special in [*specials, None]:
        to = end if special is None else special.start_byte
        found = literal(at, to) if to > at else []
        if strip and found:
            found[0].text = _LEADING.sub("", found[0].text, count=1) if _LEADING.match(found[0].text) else found[0].text
        row += found
        if special is None:
            break
        markers = [child for child in special.children if child.type == "strip_marker"]
        if found and any(marker.start_byte == special.start_byte + 2 for marker in markers):
            found[-1].text = _TRAILING.sub("", found[-1].text)
        strip = any(marker.end_byte == special.end_byte - 1 for marker in markers)
        row.append(_Part(_CONTROLS.get(special.type, "value"), special.start_byte, "", special))
        at = special.end_byte
    row.append(_Part("end", end))
    return row


def _collect(node: Any, specials: list[Any]) -> None:
    for child in node.named_children:
        match child.type:
            case "template_interpolation":
                specials.append(child)
            case "template_directive" | "template_if" | "template_for":
                _collect(child, specials)
            case kind if kind in _CONTROLS:
                specials.append(child)


def _flush(row: list[_Part]) -> None:
    """Take the least indentation of all lines from each. Blank lines don't count; a line that begins with an
    interpolation has none."""
    least: int | None = None
    adjusted: list[_Part] = []
    newline = True
    for part in row:
        if newline:
            newline = False
            if part.kind == "end":
                break
            spaces = 0
            if part.kind == "text":
                leading = _LEADING.match(part.text)
                spaces = leading.end() if leading else 0
                if spaces == len(part.text) and part.text.endswith("\n"):
                    newline = True
                    continue
                adjusted.append(part)
            least = spaces if least is None else min(least, spaces)
        if part.kind == "text" and part.text.endswith("\n"):
            newline = True
    for part in adjusted:
        part.text = part.text[least or 0 :]
        part.at += least or 0


def _tree(row: list[_Part], at: int, source: Source, build: Build) -> Expression:
    if len(row) == 2 and row[0].kind == "value":
        return Wrapped(at, build(_inner(row[0].node, source)))
    reader = _Reader(row, source, build)
    parts = reader.until("end")
    if not parts:
        return Literal(at, string(""))
    return Template(at, parts)


def _inner(node: Any, source: Source) -> Any:
    for child in node.named_children:
        if child.type == "expression":
            return child
    raise HclError("an expression belongs here", source.place(node.end_byte - 1))


class _Reader:
    """Reads the tree from a row of parts."""

    def __init__(self, row: list[_Part], source: Source, build: Build) -> None:
        self._row = row
        self._source = source
        self._build = build
        self._at = 0

    def until(self, *ends: str) -> tuple[Expression, ...]:
        """The expressions up to one of these parts, which is left to be read."""
        found: list[Expression] = []
        texts: list[_Part] = []
        while True:
            part = self._row[self._at]
            if part.kind == "text":
                texts.append(part)
                self._at += 1
                continue
            if texts:
                found.append(Literal(texts[0].at, string("".join(one.text for one in texts))))
                texts = []
            if part.kind in ends:
                return tuple(found)
            self._at += 1
            match part.kind:
                case "value":
                    found.append(self._build(_inner(part.node, self._source)))
                case "if":
                    found.append(self._if(part))
                case "for":
                    found.append(self._for(part))
                case _:
                    raise HclError("the template's directives do not fit together", self._source.place(part.at))

    def _if(self, part: _Part) -> Expression:
        condition = self._build(_inner(part.node, self._source))
        yes = self.until("else", "endif", "end")
        no: tuple[Expression, ...] = ()
        if self._row[self._at].kind == "else":
            self._at += 1
            no = self.until("endif", "end")
        self._close("endif", part)
        return TemplateIf(part.at, condition, _joined(yes, part.at), _joined(no, part.at))

    def _for(self, part: _Part) -> Expression:
        data = self._source.data
        named = [child for child in part.node.named_children if child.type == "identifier"]
        names = [data[child.start_byte : child.end_byte].decode() for child in named]
        collection = self._build(_inner(part.node, self._source))
        body = self.until("endfor", "end")
        self._close("endfor", part)
        key = names[0] if len(names) == 2 else None
        return TemplateFor(part.at, key, names[-1], collection, _joined(body, part.at))

    def _close(self, kind: str, part: _Part) -> None:
        if self._row[self._at].kind != kind:
            raise HclError(f"the directive `{part.kind}` has no `{kind}`", self._source.place(self._row[self._at].at))
        self._at += 1


def _joined(parts: tuple[Expression, ...], at: int) -> Expression:
    return Template(at, parts) if parts else Literal(at, string(""))
