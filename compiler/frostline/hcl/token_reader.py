"""Reads a list of tokens, one ahead."""

from __future__ import annotations

from frostline.hcl.source import HclError, Source
from frostline.hcl.tokens import scan

MOST_LEVELS = 100
"""How deep blocks and expressions nest at most. HCL has no such limit, and no file comes near it."""


class TokenReader:
    """A position among the tokens of a source. HclError: the first thing in the source that is not a token.

    kind: of the token at the position.
    newlines: whether newlines are tokens, as they are outside of brackets. A change counts from the next `advance` on,
    so it is made before moving over the bracket.
    """

    def __init__(self, source: Source, newlines: bool) -> None:
        self.source = source
        self.newlines = newlines
        self._data = source.data
        self._kinds, self._starts, self._ends = scan(source)
        self._index = -1
        self._level = 0
        self.kind = ""
        self.advance()

    @property
    def start(self) -> int:
        """The offset of the token at the position."""
        return self._starts[self._index]

    @property
    def end(self) -> int:
        """The offset after the token at the position."""
        return self._ends[self._index]

    def advance(self) -> None:
        """Move to the next token. There is none after `eof`."""
        kinds = self._kinds
        index = self._index + 1
        kind = kinds[index]
        while kind == "newline" and not self.newlines:
            index += 1
            kind = kinds[index]
        self._index = index
        self.kind = kind

    def take(self, kind: str) -> bool:
        """Move on if the token is of this kind."""
        if self.kind != kind:
            return False
        self.advance()
        return True

    def check(self, kind: str, message: str, start: int | None = None) -> None:
        """HclError, at this offset or at the token: the token is not of this kind."""
        if self.kind != kind:
            raise self.error(message, start)

    def expect(self, kind: str, message: str, start: int | None = None) -> None:
        """Check the token's kind, and move on."""
        self.check(kind, message, start)
        self.advance()

    def next_kind(self) -> str:
        """The kind of the token after this one."""
        index = self._index + 1
        while self._kinds[index] == "newline" and not self.newlines:
            index += 1
        return self._kinds[index]

    def open_bracket(self) -> bool:
        """Move after an opening bracket; newlines are spaces there. Returns whether they are tokens around it."""
        newlines = self.newlines
        self.newlines = False
        self.advance()
        return newlines

    def close_bracket(self, newlines: bool) -> None:
        """Move after the closing bracket. newlines: whether they are tokens there."""
        self.newlines = newlines
        self.advance()

    def text(self) -> str:
        """The text of the token."""
        return self._data[self._starts[self._index] : self._ends[self._index]].decode()

    def word(self) -> str:
        """The text of the token if it is a name, else nothing."""
        return self.text() if self.kind == "name" else ""

    def error(self, message: str, start: int | None = None, help: str | None = None) -> HclError:
        """An error that points to this offset, or to the token."""
        return HclError(message, self.source.place(self.start if start is None else start), help)

    def enter_level(self) -> None:
        """Count a level of nesting, up to `leave_level`. HclError: it is one too many."""
        self._level += 1
        self.check_depth(0)

    def leave_level(self) -> None:
        self._level -= 1

    def check_depth(self, height: int) -> None:
        """HclError: a tree of this height is too deep below the present level."""
        if self._level + height > MOST_LEVELS:
            raise self.error("this is nested too deeply")
