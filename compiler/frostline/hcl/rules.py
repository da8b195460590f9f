"""How expressions and templates are written, by HCL's own rules (hclsyntax, parser.go and parser_template.go).

Nothing is made of them: asked only of texts that tree-sitter may not read as HCL does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from frostline.hcl.number import Number, NumberError
from frostline.hcl.source import Source
from frostline.hcl.templates import unescaped
from frostline.hcl.tokens import Cursor, Token

_MOST_LEVELS = 100
_OPERATORS = frozenset({"||", "&&", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%"})
_CLOSING = {"quote": "unquote", "heredoc": "unheredoc"}


class Rules(Cursor):
    """Reads expressions. HclError: the first thing that does not belong."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.edits: list[tuple[int, bytes]] = []
        """Bytes at offsets that tell tree-sitter the same, where it would misread what is written."""
        self._level = 0

    @contextmanager
    def deeper(self) -> Iterator[None]:
        self._level += 1
        if self._level > _MOST_LEVELS:
            raise self.error("this is nested too deeply")
        yield
        self._level -= 1

    # --- expressions --------------------------------------------------------------------------------------------------

    def expression(self) -> None:
        with self.deeper():
            self._operand()
            while self.peek().kind in _OPERATORS:
                self.read()
                self._operand()
            if self.takes("?"):
                self.expression()
                if not self.takes(":"):
                    raise self.error("a conditional has a colon: `condition ? yes : no`")
                self.expression()

    def _operand(self) -> None:
        while self.peek().kind in ("-", "!"):
            self.read()
        self._primary()
        while self._step():
            pass

    def _primary(self) -> None:
        match self.peek().kind:
            case "number":
                self._number()
            case "quote" | "heredoc":
                self._template()
            case "(":
                self.read()
                with self.with_newlines(False):
                    self.expression()
                    self._close(")", "parentheses are closed by `)`")
            case "[":
                self._tuple()
            case "{":
                self._object()
            case "name":
                self._name()
            case _:
                raise self.error("an expression belongs here")

    def _number(self) -> None:
        token = self.read()
        try:
            Number.parse(self.text(token))
        except NumberError as error:
            raise self.error(str(error), token.start) from None
        self.edits.append((token.start, b"0" * (token.end - token.start)))

    def _name(self) -> None:
        start = self.read().start
        scoped = False
        while self.takes("::"):
            scoped = True
            if not self.takes("name"):
                raise self.error("a name belongs behind `::`")
        if self.peek().kind == "(":
            self._call(start)
        elif scoped:
            raise self.error("a name with `::` is a function's, and a call has parentheses")

    def _call(self, start: int) -> None:
        self.read()
        with self.with_newlines(False):
            while not self.takes(")"):
                self.expression()
                token = self.read()
                if token.kind == ")":
                    return
                if token.kind == "...":
                    if not self.takes(")"):
                        raise self.error("behind `...` the call is closed by `)`", token.start)
                    return
                if token.kind == "eof":
                    raise self.error("the call has no closing `)`", start)
                if token.kind != ",":
                    raise self.error("arguments have commas between them", token.start)

    def _close(self, closing: str, message: str) -> None:
        if not self.takes(closing):
            raise self.error(message)

    def _step(self) -> bool:
        if self.peek().kind == ".":
            self.read()
            self._dotted()
            return True
        opening = self.peek().start
        if self.takes("["):
            if self.takes("*"):
                end = self.peek().end
                self._close("]", "`[*` is closed by `]`")
                self.edits.append((opening, b"[*]".ljust(end - opening)))
                return True
            with self.with_newlines(False):
                self.expression()
                self._close("]", "an index is closed by `]`")
            return True
        return False

    def _dotted(self) -> None:
        star = self.peek().start
        if self.takes("*"):
            while self.takes("."):
                if self.peek().kind == "*":
                    raise self.error("a `.*` can't follow another one", help="write [*]")
                if self.peek().kind not in ("name", "number"):
                    raise self.error("a name or a number belongs behind the dot", star)
                self._attribute(star)
        elif self.peek().kind in ("name", "number"):
            self._attribute(star)
        else:
            raise self.error("a name, a number or `*` belongs behind the dot")

    def _attribute(self, at: int) -> None:
        token = self.peek()
        if token.kind == "number" and "." in self.text(token):
            raise self.error("two indexes with dots can't follow each other", at, help="write [0][1]")
        if token.kind == "number":
            self._number()
        else:
            self.read()

    def _tuple(self) -> None:
        opening = self.read().start
        with self.with_newlines(False):
            if self.word() == "for":
                self._for("]")
                return
            while not self.takes("]"):
                self.expression()
                if self.peek().kind == "eof":
                    raise self.error("`[` is not closed by `]`", opening)
                if not self.takes(",") and self.peek().kind != "]":
                    raise self.error("items have commas between them")

    def _object(self) -> None:
        opening = self.read().start
        with self.with_newlines(False):
            if self.word() == "for":
                self._for("}")
                return
        with self.with_newlines(True):
            while not self.takes("}"):
                if self.takes("newline"):
                    continue
                self.expression()
                self._check_closed(opening)
                if not (self.takes("=") or self.takes(":")):
                    raise self.error("a key and its value have `=` between them")
                self.expression()
                self._check_closed(opening)
                if not (self._ends_line() or self.takes(",") or self.peek().kind == "}"):
                    raise self.error("elements have commas between them, or are on lines of their own")

    def _ends_line(self) -> bool:
        """Whether a newline is next. The grammar takes it for a space: a comma tells it that the element ends."""
        start, end = self.peek().start, self.peek().end
        behind_heredoc = self.last == "unheredoc"
        if not self.takes("newline"):
            return False
        if not behind_heredoc:
            self.edits.append((start, b",".ljust(end - start - 1) + b"\n" if end - start > 1 else b","))
        return True

    def _check_closed(self, opening: int) -> None:
        if self.peek().kind == "eof":
            raise self.error("`{` is not closed by `}`", opening)

    def _for(self, closing: str) -> None:
        self.read()
        self._variables()
        self.expression()
        self._close(":", "a colon belongs behind the collection")
        result, key, group = self.peek().start, None, None
        self.expression()
        if self.takes("=>"):
            key = result
            self.expression()
        if self.peek().kind == "...":
            group = self.read().start
        if self.word() == "if":
            self.read()
            self.expression()
        self._close(closing, f"the `for` is closed by `{closing}`")
        if closing == "}" and key is None:
            raise self.error("an object's `for` has a key and a value: `key => value`", result)
        if closing == "]" and key is not None:
            raise self.error("a tuple's `for` has no keys", key)
        if closing == "]" and group is not None:
            raise self.error("`...` is of an object's `for`", group)

    def _variables(self) -> None:
        """`key, value in`, behind the word `for`."""
        if not self.takes("name"):
            raise self.error("the name of a variable belongs behind `for`")
        if self.takes(",") and not self.takes("name"):
            raise self.error("the name of a variable belongs behind the comma")
        if self.word() != "in":
            raise self.error("the word `in` belongs here")
        self.read()

    # --- templates ----------------------------------------------------------------------------------------------------

    def _template(self) -> None:
        opening = self.read()
        closing = _CLOSING[opening.kind]
        first = self.peek().start
        directives: list[tuple[str, int]] = []
        while (token := self.read()).kind != closing:
            match token.kind:
                case "text":
                    if closing == "unquote":
                        self.check_escapes(token)
                case "${":
                    with self.with_newlines(False):
                        self.expression()
                        self._end_interpolation(first, closing)
                case "%{":
                    with self.with_newlines(False):
                        directives.append((self._directive(), token.start))
                case _:
                    raise self.error("the text has no end: a quote, or the line that its `<<` names", token.start)
        self._check_directives(directives, token.start)

    def _end_interpolation(self, first: int, closing: str) -> None:
        if self.takes("end"):
            return
        kind = self.peek().kind
        unclosed = kind == "eof" or (kind in ("quote", "unquote") and closing == "unquote")
        help_line = "write $${ where the text itself has ${ in it"
        raise self.error("an interpolation is closed by `}`", first if unclosed else None, help_line)

    def _directive(self) -> str:
        word = self.word()
        if word not in ("if", "for", "else", "endif", "endfor"):
            raise self.error("a directive is if, else, endif, for or endfor")
        self.read()
        if word == "for":
            self._variables()
        if word in ("if", "for"):
            self.expression()
        self._close("end", "a directive is closed by `}`")
        return word

    def _check_directives(self, directives: list[tuple[str, int]], end: int) -> None:
        opened: list[tuple[str, int]] = []
        for word, start in directives:
            if word in ("if", "for"):
                opened.append((word, start))
                continue
            fitting = {"else": ("if",), "endif": ("if", "else"), "endfor": ("for",)}[word]
            if not opened or opened[-1][0] not in fitting:
                raise self.error(f"the directive `{word}` has no `{fitting[0]}` that it belongs to", start)
            _, first = opened.pop()
            if word == "else":
                opened.append((word, first))
        if opened:
            word, start = opened[-1]
            closing = "endfor" if word == "for" else "endif"
            raise self.error(f"the directive at {self.source.place(start)} has no `{closing}`", end)

    def check_escapes(self, token: Token) -> None:
        unescaped(self.source.data[token.start : token.end], token.start, self.source)
