"""The tokens of a text, as HCL's scanner makes them (hclsyntax, scan_tokens.rl): names, numbers, symbols, templates.

Asked only of texts that are refused, to say where: the grammar of tree-sitter has tokens of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from frostline.hcl.source import HclError, Source


class Token(NamedTuple):
    """A token's offsets, and what it is.

    kind: a symbol is its own kind; else name, number, comment, newline, quote and unquote, heredoc and unheredoc, text
    (of a template, escapes as written), `${`, `%{` and `end` (of those two), bad (what no token begins with), eof.
    """

    kind: str
    start: int
    end: int


_NAME = rb"[A-Za-z_\x80-\xff][A-Za-z0-9_\-\x80-\xff]*"
_TOKEN = re.compile(
    rb"(?P<space>[ \t]+)|(?P<name>" + _NAME + rb")"
    rb"|(?P<number>[0-9](?:\.*(?:[0-9]|[eE][+-]?[0-9]))*)"
    rb"|(?P<newline>\r?\n)|(?P<comment>(?:#|//)[^\n]*\n?)|(?P<block>/\*)"
    rb"|(?P<heredoc><<-?(?P<marker>" + _NAME + rb")\r?\n)|(?P<quote>\")|(?P<close>~?\})"
    rb"|(?P<symbol>==|!=|>=|<=|&&|\|\||::|\.\.\.|=>|[\[\](){.,*/%+\-=<>!?:])|(?P<bad>.)",
    re.DOTALL,
)
_TEXT = rb"\$\$\{~?|%%\{~?|[$%](?=[^{])"
_QUOTED = re.compile(
    rb"(?P<text>(?:\\[^\r\n]|[^$%\"\\\r\n]|" + _TEXT + rb")+)|(?P<open>[$%]\{~?)|(?P<unquote>\")|.", 16
)
_LINE = re.compile(rb"(?:[^$%\r\n]|" + _TEXT + rb")*")
_SEQUENCE = re.compile(rb"[$%]\{~?")


def long_comments(source: Source) -> list[tuple[int, bytes]]:
    """The comments of several lines, by offset, as spaces: their newlines are none to HCL.

    HclError: the first thing in the text that is no token of HCL, whatever stands before it.
    """
    found: list[tuple[int, bytes]] = []
    for kind, start, end in tokens(source.data):
        if kind == "bad":
            raise _reason(source, start)
        if kind == "comment" and source.data.startswith(b"/*", start) and b"\n" in source.data[start:end]:
            found.append((start, b" " * (end - start)))
    return found


def _reason(source: Source, at: int) -> HclError:
    place, found = source.place(at), source.data[at : at + 1]
    if found in (b"\n", b"\r"):
        return HclError("a quoted string ends on its line", place, "a text of several lines is written <<EOT … EOT")
    if found in b"'`":
        return HclError("quotes are double quotes", place)
    if found in b"&|^~":
        return HclError("there are no operators on bits", place, "`&&`, `||` and `!` are on true and false")
    return HclError(f"the character `{source.data[at : at + 4].decode(errors='ignore')[0]}` has no meaning here", place)


def tokens(data: bytes) -> Iterator[Token]:
    """All tokens but spaces; the last one is eof, at the end of the text."""
    yield from _Scanner(data).tokens()
    yield Token("eof", len(data), len(data))


class _Scanner:
    """Where the scanner is, and in what: expressions, quoted templates and heredocs are in one another."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._braces = 0
        self._sequences: list[int] = []
        """For each open `${` and `%{`, how many braces are open in it."""
        self._within: list[bytes | None] = [None]
        """What is open: None an expression, `\"` a quoted template, else a heredoc's marker."""
        self._comments_end = True

    def tokens(self) -> Iterator[Token]:
        while self._at < len(self._data):
            match self._within[-1]:
                case None:
                    yield from self._expression()
                case b'"':
                    yield from self._quoted()
                case marker:
                    yield from self._heredoc(marker)

    def _expression(self) -> Iterator[Token]:
        """To the beginning of a template, or the end of the sequence that the expression is in."""
        data = self._data
        while self._at < len(data) and self._within[-1] is None:
            found = _TOKEN.match(data, self._at)
            assert found is not None
            kind, start = str(found.lastgroup), self._at
            self._at = found.end()
            match kind:
                case "space":
                    continue
                case "name":
                    kind = self._name(start)
                case "block":
                    kind = self._block_comment(start)
                case "quote":
                    self._within.append(b'"')
                case "heredoc":
                    kind = self._open_heredoc(found)
                case "close":
                    kind = self._close(found[0])
                case "symbol":
                    kind = found[0].decode()
                    self._braces += kind == "{"
            yield Token(kind, start, self._at)

    def _name(self, start: int) -> str:
        """A name of other letters than a to z ends at the first character that is none."""
        found = self._data[start : self._at]
        if found.isascii():
            return "name"
        text = found.decode()
        length = next((at for at, char in enumerate(text) if not _is_of_name(char, first=at == 0)), len(text))
        self._at = start + len(text[: length or 1].encode())
        return "name" if length else "bad"

    def _block_comment(self, start: int) -> str:
        """One without an end is a `/` and a `*`."""
        end = self._data.find(b"*/", self._at) if self._comments_end else -1
        self._comments_end = end >= 0
        self._at = end + 2 if end >= 0 else start + 1
        return "comment" if end >= 0 else "/"

    def _open_heredoc(self, found: re.Match[bytes]) -> str:
        if not _is_name(found["marker"].decode()):
            self._at = found.start() + 1
            return "<"
        self._within.append(found["marker"])
        return "heredoc"

    def _close(self, text: bytes) -> str:
        ends = bool(self._sequences) and self._sequences[-1] == self._braces
        self._braces -= 1
        if ends:
            self._sequences.pop()
            self._within.pop()
        return "end" if ends or text == b"~}" else "}"

    def _open_sequence(self, found: re.Match[bytes]) -> Token:
        self._at = found.end()
        self._braces += 1
        self._sequences.append(self._braces)
        self._within.append(None)
        return Token(found[0][:2].decode(), found.start(), found.end())

    def _quoted(self) -> Iterator[Token]:
        while self._at < len(self._data):
            found = _QUOTED.match(self._data, self._at)
            assert found is not None
            if found.lastgroup == "open":
                yield self._open_sequence(found)
                return
            self._at = found.end()
            yield Token(found.lastgroup or "bad", found.start(), found.end())
            if found.lastgroup == "unquote":
                self._within.pop()
                return

    def _heredoc(self, marker: bytes) -> Iterator[Token]:
        data = self._data
        while self._at < len(data):
            start = self._at
            found = _LINE.match(data, start)
            assert found is not None
            end = found.end()
            is_line = data.startswith((b"\n", b"\r\n"), end)
            if is_line and data[start - 1 : start] == b"\n" and found[0].strip() == marker:
                yield Token("unheredoc", start, end)
                self._at = end
                self._within.pop()
                return
            if is_line:
                end = data.index(b"\n", end) + 1
            if end > start:
                yield Token("text", start, end)
            self._at = end
            if is_line:
                continue
            if sequence := _SEQUENCE.match(data, end):
                yield self._open_sequence(sequence)
                return
            if end < len(data):
                yield Token("bad", end, end + 1)
                self._at = end + 1


def _is_name(text: str) -> bool:
    return all(_is_of_name(char, first=at == 0) for at, char in enumerate(text))


def _is_of_name(char: str, *, first: bool) -> bool:
    return char.isidentifier() if first else char == "-" or f"a{char}".isidentifier()


class Cursor:
    """Reads tokens. Within brackets newlines are no tokens; comments never are, though one may end a line."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._tokens = tokens(source.data)
        self._ahead: list[Token] = []
        self._newlines = [True]
        self.last = ""
        """The kind of the token that was read last."""

    def error(self, message: str, at: int | None = None, help: str | None = None) -> HclError:  # noqa: A002
        return HclError(message, self.source.place(self.peek().start if at is None else at), help)

    def _find(self) -> int:
        """Which token ahead is the next one."""
        at = 0
        while True:
            if at == len(self._ahead):
                self._ahead.append(next(self._tokens))
            token = self._ahead[at]
            if token.kind == "comment" and self._newlines[-1] and self.source.data[token.end - 1] == 10:
                token = self._ahead[at] = Token("newline", token.start, token.end)
            if token.kind != "comment" and (self._newlines[-1] or token.kind != "newline"):
                return at
            at += 1

    def peek(self) -> Token:
        return self._ahead[self._find()]

    def read(self) -> Token:
        at = self._find()
        token = self._ahead[at]
        if token.kind != "eof":
            del self._ahead[: at + 1]
        self.last = token.kind
        return token

    def takes(self, kind: str) -> bool:
        if self.peek().kind != kind:
            return False
        self.read()
        return True

    def text(self, token: Token) -> str:
        return self.source.data[token.start : token.end].decode()

    def word(self) -> str:
        """The next token if it is a name, else nothing."""
        token = self.peek()
        return self.text(token) if token.kind == "name" else ""

    @contextmanager
    def with_newlines(self, count: bool) -> Iterator[None]:
        self._newlines.append(count)
        yield
        self._newlines.pop()
