"""Splitting a text into tokens, like HCL's scanner (hclsyntax/scan_tokens.rl)."""

from __future__ import annotations

import re
from typing import NamedTuple

from frostline.hcl.source import HclError, Source

MOST_TOKENS = 250_000
"""The limit of one text. The largest allowed file has about four bytes for each token, and takes a second."""
_SPLIT = "is it a job file? Split one that has so many services"


class Tokens(NamedTuple):
    """The tokens of a text, in three parallel lists: kinds, and the offsets where each starts and ends.

    The kind of a symbol is the symbol itself. The other kinds are

    - `name` and `number`;
    - `string`: a whole quoted string, with its quotes, that has no escapes and sequences;
    - `quote` … `unquote` and `heredoc` … `unheredoc`: a template. Within it, `text` (escapes as written), and the
      sequences `${` … `end` and `%{` … `end`. A strip marker (`${~`, `~}`) is part of its token;
    - `newline`: one or more newlines, or a comment that ends with its line. Other comments and spaces are not tokens;
    - `eof`: the last token.
    """

    kinds: list[str]
    starts: list[int]
    ends: list[int]


# No group has a possessive quantifier, `(…)*+`: Python before 3.11.5 matches too much with it (python/cpython#106052).
# At the end of a pattern it would make no difference anyway.
_NAME = rb"[A-Za-z_\x80-\xff][A-Za-z0-9_\-\x80-\xff]*+"
_TOKEN = re.compile(
    rb"[ \t]*+(?:"
    rb"(?P<name>[A-Za-z_][A-Za-z0-9_\-]*+(?![\x80-\xff]))"
    rb"|(?P<newline>\r?\n(?:[ \t]*+\r?\n)*)"
    rb'|(?P<string>"[^"\\$%\r\n]*+")'
    rb"|(?P<quote>\")"
    rb"|(?P<number>[0-9](?:\.*(?:[0-9]|[eE][+-]?[0-9]))*)"
    rb"|(?P<comment>(?:#|//)[^\n]*+\n?)|(?P<block>/\*)"
    rb"|(?P<heredoc><<-?(?P<marker>" + _NAME + rb")\r?\n)"
    rb"|(?P<close>~?\})"
    rb"|(?P<symbol>==|!=|>=|<=|&&|\|\||::|\.\.\.|=>|[\[\](){.,*/%+\-=<>!?:])"
    rb"|(?P<unicode>" + _NAME + rb")"
    rb"|(?P<eof>\Z)|(?P<bad>.))",
    re.DOTALL,
)
_TEXT = rb"\$\$\{~?|%%\{~?|[$%](?=[^{])"
_QUOTED = re.compile(
    rb"(?P<text>(?:\\[^\r\n]|[^$%\"\\\r\n]++|" + _TEXT + rb")+)"
    rb"|(?P<open>[$%]\{~?)|(?P<unquote>\")|(?P<bad>.)",
    re.DOTALL,
)
_LINE = re.compile(rb"(?:[^$%\r\n]++|" + _TEXT + rb")*")
_SEQUENCE = re.compile(rb"[$%]\{~?")


def scan(source: Source) -> Tokens:
    """Split a text into tokens. Raises HclError for the first text that is not a token, before any syntax error."""
    return _Scanner(source).scan()


class _Scanner:
    """The scanner's position, and the nesting of expressions, quoted templates and heredocs around it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._data = source.data
        self._offset = 0
        self._tokens = Tokens([], [], [])
        self._open_braces = 0
        self._sequences: list[int] = []
        """For each open `${` and `%{`, the number of braces that were open after it."""
        self._modes: list[bytes | None] = [None]
        """The innermost is last: None in an expression, `\"` in a quoted template, else the marker of a heredoc."""
        self._may_find_comment_end = True

    def scan(self) -> Tokens:
        while self._offset < len(self._data):
            match self._modes[-1]:
                case None:
                    self._scan_expression()
                case b'"':
                    self._scan_quoted()
                case marker:
                    self._scan_heredoc(marker)
        self._add("eof", len(self._data))
        return self._tokens

    def _add(self, kind: str, start: int) -> None:
        """Add the token from `start` to the scanner's position."""
        if len(self._tokens.kinds) >= MOST_TOKENS:
            raise HclError(f"the text has more than {MOST_TOKENS} words and signs", self._source.place(start), _SPLIT)
        self._tokens.kinds.append(kind)
        self._tokens.starts.append(start)
        self._tokens.ends.append(self._offset)

    def _scan_expression(self) -> None:
        """Scan up to the start of a template, or the end of the sequence around this expression."""
        while self._modes[-1] is None:
            token = _TOKEN.match(self._data, self._offset)
            assert token is not None
            kind = str(token.lastgroup)
            start = token.start(kind)
            self._offset = token.end()
            match kind:
                case "eof":
                    return
                case "comment":
                    self._add_line_comment(start)
                    continue
                case "block":
                    self._add_block_comment(start)
                    continue
                case "bad":
                    raise _bad_token(self._source, start)
                case "unicode":
                    self._end_name(start)
                    kind = "name"
                case "quote":
                    self._modes.append(b'"')
                case "heredoc":
                    kind = self._open_heredoc(token)
                case "close":
                    kind = self._close_brace(token["close"])
                case "symbol":
                    kind = token["symbol"].decode()
                    self._open_braces += kind == "{"
            self._add(kind, start)

    def _add_line_comment(self, start: int) -> None:
        if self._data[self._offset - 1] == 10:
            self._add("newline", start)

    def _add_block_comment(self, start: int) -> None:
        """Skip a block comment; `/*` without `*/` is the tokens `/` and `*`."""
        end = self._data.find(b"*/", self._offset) if self._may_find_comment_end else -1
        if end >= 0:
            self._offset = end + 2
            return
        self._may_find_comment_end = False  # don't search the rest of the text again
        self._offset = start + 1
        self._add("/", start)

    def _end_name(self, start: int) -> None:
        """End a name that has non-ASCII characters before the first one that names cannot have."""
        text = self._data[start : self._offset].decode()
        length = next((index for index, char in enumerate(text) if not _is_in_name(char, index == 0)), len(text))
        if length == 0:
            raise _bad_token(self._source, start)
        self._offset = start + len(text[:length].encode())

    def _open_heredoc(self, token: re.Match[bytes]) -> str:
        marker = token["marker"]
        if not all(_is_in_name(char, index == 0) for index, char in enumerate(marker.decode())):
            self._offset = token.start("heredoc") + 1
            return "<"
        self._modes.append(marker)
        return "heredoc"

    def _close_brace(self, text: bytes) -> str:
        ends_sequence = bool(self._sequences) and self._sequences[-1] == self._open_braces
        self._open_braces -= 1
        if ends_sequence:
            self._sequences.pop()
            self._modes.pop()
        return "end" if ends_sequence or text == b"~}" else "}"

    def _open_sequence(self, token: re.Match[bytes]) -> None:
        self._offset = token.end()
        self._open_braces += 1
        self._sequences.append(self._open_braces)
        self._modes.append(None)
        self._add(token[0][:2].decode(), token.start())

    def _scan_quoted(self) -> None:
        """Scan up to the next sequence or the closing quote."""
        while self._offset < len(self._data):
            token = _QUOTED.match(self._data, self._offset)
            assert token is not None
            if token.lastgroup == "bad":
                raise _bad_token(self._source, token.start())
            if token.lastgroup == "open":
                self._open_sequence(token)
                return
            self._offset = token.end()
            self._add(str(token.lastgroup), token.start())
            if token.lastgroup == "unquote":
                self._modes.pop()
                return

    def _scan_heredoc(self, marker: bytes) -> None:
        """Scan lines up to the next sequence or the closing marker."""
        data = self._data
        while self._offset < len(data):
            start = self._offset
            line = _LINE.match(data, start)
            assert line is not None
            self._offset = line.end()
            if data.startswith((b"\n", b"\r\n"), self._offset):
                if data[start - 1] == 10 and line[0].strip() == marker:
                    self._add("unheredoc", start)
                    self._modes.pop()
                    return
                self._offset = data.index(b"\n", self._offset) + 1
                self._add("text", start)
                continue
            if self._offset > start:
                self._add("text", start)
            if sequence := _SEQUENCE.match(data, self._offset):
                self._open_sequence(sequence)
                return
            if self._offset < len(data):
                raise _bad_token(self._source, self._offset)


def _is_in_name(char: str, first: bool) -> bool:
    return char.isidentifier() if first else char == "-" or f"a{char}".isidentifier()


def _bad_token(source: Source, start: int) -> HclError:
    place, byte = source.place(start), source.data[start : start + 1]
    if byte in (b"\n", b"\r"):
        return HclError("a quoted text must end on its line", place, "write a text of several lines as <<EOT … EOT")
    if byte in b"'`":
        return HclError("quotes must be double quotes", place, 'write "…"')
    if byte in b"&|^~":
        return HclError("there are no bitwise operators", place, "`&&`, `||` and `!` are for true and false")
    char = source.data[start : start + 4].decode(errors="ignore")[0]
    return HclError(f"the character `{char}` has no meaning here", place)
