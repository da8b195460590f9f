"""From the text of an HCL2 file to its syntax tree.

tree-sitter reads the text; what it takes and HCL does not (two arguments on a line, an expression that goes on on the
next line, a bad escape) is refused here, with the place that HCL's own parser points to.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from frostline.hcl.diagnosis import check_expression, readable
from frostline.hcl.expressions import Builder
from frostline.hcl.lines import check_lines
from frostline.hcl.nodes import AttributeNode, BlockNode, Body, Expression, Parenthesized
from frostline.hcl.source import HclError, Source

MOST_BYTES = 2**20
"""The largest text that is read; a tree of it takes 150 times that."""

MOST_LEVELS = 100
"""How deep blocks nest at most; HCL has no such limit, and no file comes near it."""

_MISREAD = re.compile(
    rb"(?P<name>[A-Za-z_\x80-\xff.][\w\-\x80-\xff]*)|(?P<plain>[0-9]+(?:\.[0-9]+)?(?![\w.]))"
    rb"|[0-9](?:\.*(?:[0-9]|[eE][+-]?[0-9]))*|\$+(?=\$\$\{)|%+(?=%%\{)"
)
"""Numbers that are none to the grammar (1e5), and `$$$`, which it takes for an escape and a `$`."""

_UNSURE = re.compile(rb"\r(?!\n)|::|%\{|/\*(?:[^*\n]|\*(?!/))*\n")
"""Where the grammar takes what HCL does not, or takes it for something else."""


@cache
def _language() -> Any:
    import tree_sitter_hcl
    from tree_sitter import Language

    return Language(tree_sitter_hcl.language())


def parse(source: Source) -> Body:
    """The body of a file. HclError: the first thing in it that is no HCL."""
    _check_text(source)
    if not _UNSURE.search(source.data):
        try:
            return _read(_without_misread(source.data), source)
        except HclError:
            # What is wrong, if anything, and where, is said by HCL's rules; the grammar's are others.
            pass
    return _read(_without_misread(readable(source)), source)


def _without_misread(text: bytes) -> bytes:
    """Nodes give offsets only, so digits do as well as what the grammar would misread."""
    return _MISREAD.sub(_digits, text)


def _read(text: bytes, source: Source) -> Body:
    from tree_sitter import Parser

    root = Parser(_language()).parse(text).root_node
    if root.has_error:
        raise _syntax_error(root, source)
    for child in root.named_children:
        if child.type == "body":
            return _body(child, 0, source, Builder(source, text), 0)
        if child.type == "object":
            raise HclError("an argument or a block begins here", source.place(child.start_byte))
    return Body(0, source, {}, ())


def _digits(found: re.Match[bytes]) -> bytes:
    return found[0] if found["name"] or found["plain"] else b"0" * len(found[0])


def parse_expression(source: Source) -> tuple[Expression, Source]:
    """A text that is one expression and nothing else, and the source that its offsets are in. HclError: it is none."""
    _check_text(source)
    check_expression(source)
    # In parentheses newlines are spaces, as they are in a text of its own.
    wrapped = Source(source.path, b"x = (\n" + source.data + b"\n)\n", lines_before=1)
    found = parse(wrapped).attributes["x"].expression
    assert isinstance(found, Parenthesized)
    return found.inner, wrapped


def _check_text(source: Source) -> None:
    data = source.data
    if len(data) > MOST_BYTES:
        raise HclError(f"the text is larger than {MOST_BYTES // 2**20} MiB", source.place(0))
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise HclError("this is no UTF-8", source.place(error.start)) from None
    if (nul := data.find(b"\0")) >= 0:
        raise HclError("the text holds a NUL character", source.place(nul))


def _syntax_error(root: Any, source: Source) -> HclError:
    """Where the grammar first met something that it did not expect."""
    node = root
    while not (node.is_error or node.is_missing):
        node = next(child for child in node.children if child.has_error or child.is_missing or child.is_error)
    return HclError("this can't be read as HCL", source.place(node.start_byte))


def _body(node: Any, at: int, source: Source, builder: Builder, level: int) -> Body:
    if level > MOST_LEVELS:
        raise HclError("blocks are nested too deeply", source.place(node.start_byte))
    attributes: dict[str, AttributeNode] = {}
    blocks: list[BlockNode] = []
    last = -1
    for child in node.named_children:
        kind = child.type
        if kind == "comment":
            continue
        start = child.start_byte
        if last >= 0 and b"\n" not in builder.text[last:start]:
            raise HclError("an argument or a block begins on a line of its own", source.place(start))
        last = child.end_byte
        if kind == "attribute":
            attribute = _attribute(child, source, builder)
            if attribute.name in attributes:
                first = source.place(attributes[attribute.name].at)
                message = f"the argument `{attribute.name}` stands twice, first at {first}"
                raise HclError(message, source.place(attribute.at))
            attributes[attribute.name] = attribute
        else:
            blocks.append(_block(child, source, builder, level + 1))
    return Body(at, source, attributes, tuple(blocks))


def _attribute(node: Any, source: Source, builder: Builder) -> AttributeNode:
    children = node.children
    name, expression = children[0], children[-1]
    start, end = expression.start_byte, expression.end_byte
    data = builder.text
    if b"\n" in data[name.end_byte : start]:
        at = name.start_byte if b"\n" in data[name.end_byte : children[1].start_byte] else children[1].end_byte
        raise HclError("an argument's value begins on the line of its name", source.place(at))
    if b"\n" in data[start:end]:
        check_lines(expression, builder.text, source)
    text = source.data[name.start_byte : name.end_byte].decode()
    return AttributeNode(name.start_byte, text, builder.expression(expression), start, end)


def _block(node: Any, source: Source, builder: Builder, level: int) -> BlockNode:
    kind: Any = None
    labels: list[tuple[str, int]] = []
    body: Body | None = None
    opening = closing = inner = node
    for child in node.children:
        match child.type:
            case "identifier":
                if kind is None:
                    kind = child
                else:
                    labels.append((source.data[child.start_byte : child.end_byte].decode(), child.start_byte))
            case "string_lit":
                labels.append((builder.label(child), child.start_byte))
            case "block_start":
                opening = child
            case "block_end":
                closing = child
            case "body":
                body = _body(child, opening.start_byte, source, builder, level)
                inner = child
    head = builder.text[kind.start_byte : opening.start_byte]
    if b"\n" in head:
        at = kind.start_byte if not labels else kind.start_byte + head.index(b"\n")
        raise HclError("a block's opening brace is on the line of its name", source.place(at))
    if body is None:
        body = Body(opening.start_byte, source, {}, ())
    else:
        _check_braces(opening.end_byte, inner, closing.start_byte, body, builder)
    name = source.data[kind.start_byte : kind.end_byte].decode()
    return BlockNode(kind.start_byte, name, tuple(labels), body)


def _check_braces(opening: int, node: Any, closing: int, body: Body, builder: Builder) -> None:
    """Both braces are on lines of their own; or there is one argument, and all is on one line."""
    data, source = builder.text, builder.source
    newline = data.find(b"\n", node.end_byte, closing)
    if data.find(b"\n", opening, node.start_byte) >= 0:
        if newline < 0:
            raise HclError("a block's closing brace is on a line of its own", source.place(closing))
        return
    if body.blocks or len(body.attributes) > 1:
        wrong = body.blocks[0].at if body.blocks else list(body.attributes.values())[1].at
        raise HclError("a block in one line has one argument only", source.place(wrong))
    if newline >= 0:
        raise HclError("a block whose argument is on its first line ends on that line", source.place(newline))
