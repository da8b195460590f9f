"""Why a text is no HCL, and where: asked only of texts that tree-sitter refuses, or may read otherwise than HCL.

A generalized parser recovers from an error wherever it can, which is seldom where a person would look. This one reads
as HCL's own does, makes nothing, and stops at the first thing that does not belong.
"""

from __future__ import annotations

from frostline.hcl.rules import Rules
from frostline.hcl.source import Source
from frostline.hcl.tokens import Token, long_comments


def readable(source: Source) -> bytes:
    """The text as tree-sitter reads it rightly, with the same offsets. HclError: the first thing in it that is no HCL.

    As in HCL, that is what is no token, wherever it is; then all else.
    """
    comments = long_comments(source)
    reader = _Text(source)
    reader.body(None)
    text = bytearray(source.data)
    for at, replacement in comments + reader.edits:
        text[at : at + len(replacement)] = replacement
    return bytes(text)


def check_expression(source: Source) -> None:
    """HclError: the first thing that makes this text not one expression, on as many lines as it likes."""
    long_comments(source)
    _Text(source).whole()


class _Text(Rules):
    """Reads bodies, or one expression."""

    def whole(self) -> None:
        """An expression, and nothing else."""
        with self.with_newlines(False):
            self.expression()
            if self.peek().kind != "eof":
                raise self.error("the expression ends here, and more follows")

    def body(self, opening: int | None) -> None:
        """A body, to the end of the text; or, behind the opening brace at this offset, to the closing one."""
        names: dict[str, int] = {}
        while True:
            token = self.peek()
            if token.kind == ("eof" if opening is None else "}"):
                self.read()
                return
            if token.kind == "newline":
                self.read()
            elif token.kind == "name":
                self._item(names)
            elif token.kind == "eof":
                raise self.error("a block has no closing brace", opening)
            elif token.kind == "quote":
                raise self.error("the name of an argument or a block has no quotes")
            else:
                raise self.error("an argument or a block belongs here")

    def _item(self, names: dict[str, int]) -> None:
        name = self.read()
        if self.peek().kind == "=":
            self._argument()
            if self.peek().kind not in ("newline", "eof"):
                raise self.error("an argument or a block ends with its line")
            self._once(name, names)
        elif self.peek().kind in ("quote", "{", "name"):
            with self.deeper():
                self._block()
            if self.peek().kind not in ("newline", "eof"):
                raise self.error("an argument or a block ends with its line")
        else:
            raise self.error("this is neither an argument (`name = value`) nor a block (`name {…}`)", name.start)

    def _once(self, token: Token, names: dict[str, int]) -> None:
        name = self.text(token)
        first = names.setdefault(name, token.start)
        if first != token.start:
            message = f"the argument `{name}` stands twice, first at {self.source.place(first)}"
            raise self.error(message, token.start)

    def _argument(self) -> None:
        self.read()
        self.expression()

    def _block(self) -> None:
        while self.peek().kind != "{":
            token = self.read()
            if token.kind == "quote":
                self._label()
            elif token.kind == "newline":
                raise self.error("a block's opening brace is on the line of its name", token.start)
            elif token.kind != "name":
                raise self.error("a label or a block's opening brace belongs here", token.start)
        opening = self.read().start
        if self.peek().kind in ("newline", "eof", "}"):
            self.body(opening)
            return
        name = self.peek()
        if name.kind != "name":
            raise self.error("an argument or a block belongs here")
        self.read()
        if self.peek().kind != "=":
            raise self.error("a block in one line has one argument, and nothing else", name.start)
        self._argument()
        if self.peek().kind == "eof":
            raise self.error("a block has no closing brace", opening)
        if not self.takes("}"):
            raise self.error("a block in one line has one argument, and its closing brace is on that line")

    def _label(self) -> None:
        while (token := self.read()).kind != "unquote":
            if token.kind == "eof":
                raise self.error("the text has no closing quote", token.start)
            if token.kind != "text":
                raise self.error("this text is taken as it is, without interpolation", token.start)
            self.check_escapes(token)
