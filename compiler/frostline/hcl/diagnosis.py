"""Why a text is no HCL, and where: asked only of texts that the grammar does not take.

A generalized parser recovers from an error wherever it can, which is seldom where a person would look. This one reads
as HCL's own does (hclsyntax, spec.md), makes nothing, and stops at the first thing that does not belong.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from frostline.hcl.source import HclError, Source

_MOST_LEVELS = 100
_NAME = re.compile(rb"[A-Za-z_\x80-\xff][A-Za-z0-9_\-\x80-\xff]*")
_NUMBER = re.compile(rb"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_OPERATOR = re.compile(rb"\|\||&&|==|!=|<=|>=|[<>+\-*/%]")
_ESCAPE = re.compile(rb"\\([nrt\"\\]|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})")
_HEREDOC = re.compile(rb"<<-?([A-Za-z_\x80-\xff][A-Za-z0-9_\-\x80-\xff]*)\r?\n")
_SPACES = re.compile(rb"[ \t]+|/\*.*?\*/|(?:\#|//)[^\n]*|\r(?=\n)", re.DOTALL)
_SPACES_AND_LINES = re.compile(rb"[ \t\n]+|/\*.*?\*/|(?:\#|//)[^\n]*|\r(?=\n)", re.DOTALL)


def diagnosed(source: Source) -> HclError | None:
    """The first error in this text; None where none is found."""
    reader = _Reader(source)
    try:
        reader.body(nested=False)
    except HclError as error:
        return error
    return None


class _Reader:
    """Reads from `at` on. lines: whether newlines are spaces, as they are within brackets."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._data = source.data
        self._at = 0
        self._level = 0

    def _error(self, message: str, at: int | None = None, help: str | None = None) -> HclError:  # noqa: A002
        return HclError(message, self._source.place(self._at if at is None else at), help)

    def _skip(self, lines: bool) -> None:
        pattern = _SPACES_AND_LINES if lines else _SPACES
        while match := pattern.match(self._data, self._at):
            self._at = match.end()

    def _sees(self, text: bytes) -> bool:
        return self._data.startswith(text, self._at)

    def _takes(self, text: bytes) -> bool:
        if not self._sees(text):
            return False
        self._at += len(text)
        return True

    def _name(self) -> bytes:
        match = _NAME.match(self._data, self._at)
        if match is None:
            return b""
        self._at = match.end()
        return match[0]

    @property
    def _ended(self) -> bool:
        return self._at >= len(self._data)

    def _deeper(self, read: Callable[[], None]) -> None:
        self._level += 1
        if self._level > _MOST_LEVELS:
            raise self._error("this is nested too deeply")
        read()
        self._level -= 1

    # --- bodies -------------------------------------------------------------------------------------------------------

    def body(self, *, nested: bool, opening: int = 0) -> None:
        while True:
            self._skip(lines=True)
            if self._ended:
                if nested:
                    raise self._error("a block has no closing brace", opening)
                return
            if nested and self._takes(b"}"):
                return
            self._item()
            self._skip(lines=False)
            if not (self._ended or self._sees(b"\n")):
                raise self._unexpected("an argument or a block ends with its line")

    def _item(self) -> None:
        start = self._at
        if self._sees(b'"'):
            raise self._error("the name of an argument or a block has no quotes")
        if not self._name():
            raise self._unexpected("an argument or a block belongs here")
        self._skip(lines=False)
        if self._sees(b"=") and not self._sees(b"=="):
            self._at += 1
            self._expression(lines=False)
            return
        labels = 0
        while not self._takes(b"{"):
            if self._sees(b'"'):
                self._quoted()
            elif not self._name():
                where = self._at if labels else start
                raise self._error("this is neither an argument (`name = value`) nor a block (`name {…}`)", where)
            labels += 1
            self._skip(lines=False)
        self._deeper(lambda: self._braces(self._at - 1))

    def _braces(self, opening: int) -> None:
        """A block's body, behind its opening brace."""
        self._skip(lines=False)
        if self._sees(b"\n"):
            self.body(nested=True, opening=opening)
            return
        if self._takes(b"}"):
            return
        start = self._at
        if self._ended:
            raise self._error("a block has no closing brace", opening)
        self._name()
        self._skip(lines=False)
        if self._at == start or not self._sees(b"=") or self._sees(b"=="):
            raise self._error("a block in one line has one argument, and nothing else", start)
        self._at += 1
        self._expression(lines=False)
        self._skip(lines=False)
        if not self._takes(b"}"):
            raise self._unexpected("a block in one line has one argument, and its closing brace is on that line")

    def _unexpected(self, message: str) -> HclError:
        """What is here is in the way; some characters have reasons of their own."""
        found = self._data[self._at : self._at + 1]
        if found in b"'`" and found:
            return self._error("quotes are double quotes")
        if found in b"&|^~" and found:
            return self._error("there are no operators on bits", help="`&&`, `||` and `!` are on true and false")
        if found in b"$@;?" and found:
            return self._error(f"the character `{found.decode()}` has no meaning here")
        return self._error(message)

    # --- expressions --------------------------------------------------------------------------------------------------

    def _expression(self, *, lines: bool) -> None:
        self._level += 1
        if self._level > _MOST_LEVELS:
            raise self._error("the expression is nested too deeply")
        self._operand(lines)
        while True:
            self._skip(lines)
            match = _OPERATOR.match(self._data, self._at)
            if match is None:
                break
            self._at = match.end()
            self._operand(lines)
        if self._takes(b"?"):
            self._expression(lines=lines)
            self._skip(lines)
            if not self._takes(b":"):
                raise self._unexpected("a conditional has a colon: `condition ? yes : no`")
            self._expression(lines=lines)
        self._level -= 1

    def _operand(self, lines: bool) -> None:
        self._skip(lines)
        while self._sees(b"-") or (self._sees(b"!") and not self._sees(b"!=")):
            self._at += 1
            self._skip(lines)
        self._primary(lines)
        while self._step(lines):
            pass

    def _primary(self, lines: bool) -> None:
        if match := _NUMBER.match(self._data, self._at):
            self._at = match.end()
        elif self._sees(b'"'):
            self._quoted()
        elif match := _HEREDOC.match(self._data, self._at):
            self._heredoc(match)
        elif self._takes(b"("):
            self._expression(lines=True)
            self._close(b")", "parentheses are closed by `)`")
        elif self._takes(b"["):
            self._tuple()
        elif self._takes(b"{"):
            self._object()
        elif self._name():
            while self._takes(b"::"):
                if not self._name():
                    raise self._unexpected("a name belongs behind `::`")
            self._call(lines)
        else:
            raise self._unexpected("an expression belongs here")

    def _call(self, lines: bool) -> None:
        before = self._at
        self._skip(lines)
        if not self._takes(b"("):
            self._at = before
            return
        self._skip(lines=True)
        while not self._takes(b")"):
            self._expression(lines=True)
            self._skip(lines=True)
            ellipsis = self._at
            if self._takes(b"..."):
                self._skip(lines=True)
                if not self._takes(b")"):
                    raise self._error("behind `...` the call is closed by `)`", ellipsis)
                return
            if not self._takes(b",") and not self._sees(b")"):
                raise self._unexpected("arguments have commas between them")
            self._skip(lines=True)

    def _close(self, closing: bytes, message: str) -> None:
        self._skip(lines=True)
        if not self._takes(closing):
            raise self._unexpected(message)

    def _step(self, lines: bool) -> bool:
        before = self._at
        self._skip(lines)
        if self._sees(b".") and not self._sees(b"..."):
            self._at += 1
            self._skip(lines)
            if not (self._takes(b"*") or self._name() or self._digits()):
                raise self._unexpected("a name, a number or `*` belongs behind the dot")
            return True
        if self._takes(b"["):
            self._skip(lines=True)
            if self._takes(b"*"):
                self._close(b"]", "`[*` is closed by `]`")
                return True
            self._expression(lines=True)
            self._close(b"]", "an index is closed by `]`")
            return True
        self._at = before
        return False

    def _digits(self) -> bool:
        match = re.compile(rb"[0-9]+(\.[0-9]+)?").match(self._data, self._at)
        self._at = match.end() if match else self._at
        return match is not None

    def _tuple(self) -> None:
        self._skip(lines=True)
        if self._is_for():
            self._for(b"]", is_object=False)
            return
        while not self._takes(b"]"):
            self._expression(lines=True)
            self._skip(lines=True)
            if not self._takes(b",") and not self._sees(b"]"):
                raise self._unexpected("items have commas between them")
            self._skip(lines=True)

    def _object(self) -> None:
        self._skip(lines=True)
        if self._is_for():
            self._for(b"}", is_object=True)
            return
        while not self._takes(b"}"):
            self._expression(lines=False)
            self._skip(lines=False)
            if self._sees(b"\n") or not (self._takes(b"=") or self._takes(b":")):
                raise self._unexpected("a key and its value have `=` between them")
            self._expression(lines=False)
            self._skip(lines=False)
            if not (self._sees(b"\n") or self._takes(b",") or self._sees(b"}")):
                raise self._unexpected("elements have commas between them, or are on lines of their own")
            self._skip(lines=True)

    def _is_for(self) -> bool:
        match = _NAME.match(self._data, self._at)
        return match is not None and match[0] == b"for"

    def _for(self, closing: bytes, *, is_object: bool) -> None:
        self._at += len(b"for")
        self._names()
        self._expression(lines=True)
        self._close(b":", "a colon belongs behind the collection")
        self._skip(lines=True)
        result = self._at
        self._expression(lines=True)
        self._skip(lines=True)
        if is_object:
            if not self._takes(b"=>"):
                raise self._error("an object's `for` has a key and a value: `key => value`", result)
            self._expression(lines=True)
            self._skip(lines=True)
            self._takes(b"...")
            self._skip(lines=True)
        match = _NAME.match(self._data, self._at)
        if match is not None and match[0] == b"if":
            self._at = match.end()
            self._expression(lines=True)
        self._close(closing, f"the `for` is closed by `{closing.decode()}`")

    def _names(self) -> None:
        """`key, value in`, behind the word `for`."""
        self._skip(lines=True)
        if not self._name():
            raise self._unexpected("the name of a variable belongs behind `for`")
        self._skip(lines=True)
        if self._takes(b","):
            self._skip(lines=True)
            if not self._name():
                raise self._unexpected("the name of a variable belongs behind the comma")
            self._skip(lines=True)
        match = _NAME.match(self._data, self._at)
        if match is None or match[0] != b"in":
            raise self._unexpected("the word `in` belongs here")
        self._at = match.end()

    # --- templates ----------------------------------------------------------------------------------------------------

    def _quoted(self) -> None:
        start = self._at
        self._at += 1
        opened: list[tuple[bytes, int]] = []
        while not self._sees(b'"'):
            if self._ended or self._sees(b"\n"):
                raise self._error("a quoted string ends on its line", None if not self._ended else start)
            if self._sees(b"\\"):
                match = _ESCAPE.match(self._data, self._at)
                if match is None:
                    raise self._error("there is no such escape")
                self._at = match.end()
            else:
                self._template(opened)
        self._balanced(opened)
        self._at += 1

    def _heredoc(self, match: re.Match[bytes]) -> None:
        marker = match[1]
        self._at = match.end()
        opened: list[tuple[bytes, int]] = []
        line = True
        while True:
            if self._ended:
                raise self._error(f"the text has no line `{marker.decode()}` that ends it")
            if line:
                end = self._data.find(b"\n", self._at)
                text = self._data[self._at : end if end >= 0 else len(self._data)]
                if text.strip() == marker:
                    break
            line = self._sees(b"\n")
            self._template(opened)
        self._balanced(opened)
        self._at += len(text.rstrip())

    def _template(self, opened: list[tuple[bytes, int]]) -> None:
        """One character, escape, interpolation or directive."""
        if self._takes(b"$${") or self._takes(b"%%{"):
            return
        if self._takes(b"${"):
            self._takes(b"~")
            self._expression(lines=True)
            self._skip(lines=True)
            self._takes(b"~")
            if not self._takes(b"}"):
                raise self._error(
                    "an interpolation is closed by `}`", help="write $${ where the text itself has ${ in it"
                )
        elif self._sees(b"%{"):
            self._directive(opened)
        else:
            self._at += 1

    def _directive(self, opened: list[tuple[bytes, int]]) -> None:
        start = self._at
        self._at += 2
        self._takes(b"~")
        self._skip(lines=True)
        at = self._at
        match word := self._name():
            case b"if":
                self._expression(lines=True)
                opened.append((word, start))
            case b"for":
                self._names()
                self._expression(lines=True)
                opened.append((word, start))
            case b"else" | b"endif" | b"endfor":
                self._continue(word, opened, start)
            case _:
                raise self._error("a directive is if, else, endif, for or endfor", at)
        self._skip(lines=True)
        self._takes(b"~")
        if not self._takes(b"}"):
            raise self._error("a directive is closed by `}`")

    def _continue(self, word: bytes, opened: list[tuple[bytes, int]], start: int) -> None:
        fitting = {b"else": b"if", b"endif": b"if", b"endfor": b"for"}[word]
        last = opened[-1][0] if opened else b""
        if last != fitting and not (word == b"endif" and last == b"else"):
            raise self._error(f"the directive `{word.decode()}` has no `{fitting.decode()}` that it belongs to", start)
        opened.pop()
        if word == b"else":
            opened.append((b"else", start))

    def _balanced(self, opened: list[tuple[bytes, int]]) -> None:
        if opened:
            word, start = opened[-1]
            end = "endfor" if word == b"for" else "endif"
            raise self._error(f"the directive at {self._source.place(start)} has no `{end}`")
