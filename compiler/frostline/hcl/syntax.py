"""Parsing an HCL2 file into its syntax tree: bodies with arguments and blocks, following hclsyntax/parser.go."""

from __future__ import annotations

from frostline.hcl.escapes import unescape
from frostline.hcl.expressions import ExpressionParser
from frostline.hcl.nodes import AttributeNode, BlockNode, Body, Embedded, Expression
from frostline.hcl.source import EmbeddedSource, HclError, Source

MOST_BYTES = 2**20
"""The size limit of a text."""


def parse(source: Source) -> Body:
    """Parse a file. Raises HclError for the first syntax error."""
    _check_text(source)
    return _BodyParser(source, newlines=True).body()


def parse_expression(source: Source) -> Expression:
    """Parse a text that is one expression, on any number of lines. Raises HclError if it is not an expression."""
    _check_text(source)
    parser = ExpressionParser(source, newlines=False)
    expression = parser.expression()
    parser.check("eof", "the expression ends here, but more text follows")
    return expression


def parse_template(text: str, file: Source, start: int) -> Embedded:
    """Parse a string as a template. start: the offset in the file where its text begins. Raises HclError."""
    marker = "EOT"
    while marker in text:
        marker += "T"
    lead = f"<<{marker}\n".encode()
    source = EmbeddedSource(file, start, lead + f"{text}\n{marker}\n".encode(), len(lead))
    _check_text(source)
    return Embedded(start, ExpressionParser(source, newlines=False).template(), source)


def parse_embedded(text: str, file: Source, start: int) -> Embedded:
    """Parse a string as an expression. start: as for `parse_template`. Raises HclError."""
    source = EmbeddedSource(file, start, text.encode())
    return Embedded(start, parse_expression(source), source)


SAVE_HELP = "save the file as UTF-8"


def _check_text(source: Source) -> None:
    data = source.data
    if len(data) > MOST_BYTES:
        raise HclError(f"the text is larger than {MOST_BYTES // 2**20} MiB", source.place(0))
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise HclError("the text is not UTF-8", source.place(error.start), SAVE_HELP) from None
    if (nul := data.find(b"\0")) >= 0:
        raise HclError(
            "the text contains a NUL character: it is UTF-16, or not a text file", source.place(nul), SAVE_HELP
        )


class _BodyParser(ExpressionParser):
    """Parses bodies."""

    def body(self, opening: int | None = None) -> Body:
        """Parse the body of the file or, if `opening` is the offset of an opening brace, up to its closing brace."""
        attributes: dict[str, AttributeNode] = {}
        blocks: list[BlockNode] = []
        closing = "eof" if opening is None else "}"
        while self.kind != closing:
            match self.kind:
                case "newline":
                    self.advance()
                case "name":
                    self._item(attributes, blocks)
                case "eof":
                    raise self.error("the block has no closing brace", opening, "write a `}` for each `{`")
                case "quote" | "string":
                    raise self.error("the name of an argument or a block cannot have quotes")
                case _:
                    raise self.error("an argument or a block is expected here")
        if opening is not None:
            self.advance()
        return Body(opening or 0, self.source, attributes, tuple(blocks))

    def _item(self, attributes: dict[str, AttributeNode], blocks: list[BlockNode]) -> None:
        """Parse an argument or a block, and the end of its line."""
        start, name = self.start, self.text()
        self.advance()
        match self.kind:
            case "=":
                attribute = self._attribute(start, name)
                self._end_line()
                if name in attributes:
                    first = self.source.place(attributes[name].offset)
                    raise self.error(f"the argument `{name}` is defined twice, first at {first}", start)
                attributes[name] = attribute
            case "quote" | "string" | "{" | "name":
                self.enter_level()
                blocks.append(self._block(start, name))
                self.leave_level()
                self._end_line()
            case _:
                help_line = f"write `{name} = …`" if self.kind == ":" else None
                raise self.error(
                    "this is neither an argument (`name = value`) nor a block (`name {…}`)", start, help_line
                )

    def _end_line(self) -> None:
        if self.kind != "eof":
            self.expect("newline", "an argument or a block must end with its line")

    def _attribute(self, start: int, name: str) -> AttributeNode:
        self.advance()
        value = self.start
        return AttributeNode(start, name, self.expression(), value)

    def _block(self, start: int, kind: str) -> BlockNode:
        labels: list[tuple[str, int]] = []
        while self.kind != "{":
            if self.kind == "newline":
                raise self.error(
                    "the opening brace of a block must be on the line of its name",
                    help=f"if `{kind}` is an argument, write `{kind} = …`",
                )
            label_start = self.start
            labels.append((self._label(), label_start))
        opening = self.start
        self.advance()
        body = self.body(opening) if self.kind in ("newline", "eof", "}") else self._one_line_body(opening)
        return BlockNode(start, kind, tuple(labels), body)

    def _label(self) -> str:
        match self.kind:
            case "name":
                label = self.text()
            case "string":
                label = self.text()[1:-1]
            case "quote":
                label = self._quoted_label()
            case _:
                raise self.error("a label or the opening brace of the block is expected here")
        self.advance()
        return label

    def _quoted_label(self) -> str:
        """Parse a quoted label without interpolations; the position stays at its closing quote."""
        self.advance()
        label = ""
        while self.kind != "unquote":
            if self.kind == "eof":
                raise self.error("the text has no closing quote")
            self.check("text", "a label cannot have interpolations")
            label += unescape(self.source, self.start, self.end)
            self.advance()
        return label

    def _one_line_body(self, opening: int) -> Body:
        """Parse the body of a block on one line, which has one argument."""
        self.check("name", "an argument or a block is expected here")
        start, name = self.start, self.text()
        self.advance()
        self.check("=", "a block on one line can have one argument only", start)
        attribute = self._attribute(start, name)
        if self.kind == "eof":
            raise self.error("the block has no closing brace", opening, "write a `}` for each `{`")
        self.expect("}", "a block on one line must be closed on that line, after one argument")
        return Body(opening, self.source, {name: attribute}, ())
