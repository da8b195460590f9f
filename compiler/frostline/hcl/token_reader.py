"""Reading tokens one by one, with a look-ahead of one."""

from __future__ import annotations

from frostline.hcl.source import HclError, Source
from frostline.hcl.tokens import scan

MOST_LEVELS = 100
"""The limit for nested blocks and expressions. HCL has none, but no real file comes near this one."""


class TokenReader:
    """A position among the tokens of a source. Raises HclError if the source has text that is not a token.

    kind: the kind of the token at the position.
    newlines: whether newlines are tokens, as they are outside brackets. A change takes effect with the next `advance`,
    so make it before moving past the bracket.
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
        """The start offset of the token at the position."""
        return self._starts[self._index]

    @property
    def end(self) -> int:
        """The end offset of the token at the position."""
        return self._ends[self._index]

    def advance(self) -> None:
        """Move to the next token. Must not be called at `eof`."""
        kinds = self._kinds
        index = self._index + 1
        kind = kinds[index]
        while kind == "newline" and not self.newlines:
            index += 1
            kind = kinds[index]
        self._index = index
        self.kind = kind

    def take(self, kind: str) -> bool:
        """Move on if the token is of this kind; return whether it was."""
        if self.kind != kind:
            return False
        self.advance()
        return True

    def check(self, kind: str, message: str, start: int | None = None) -> None:
        """Raise HclError, at this offset or at the token, if the token is not of this kind."""
        if self.kind != kind:
            raise self.error(message, start)

    def expect(self, kind: str, message: str, start: int | None = None) -> None:
        """Check the token's kind, and move on."""
        self.check(kind, message, start)
        self.advance()

    def next_kind(self) -> str:
        """Return the kind of the token after this one."""
        index = self._index + 1
        while self._kinds[index] == "newline" and not self.newlines:
            index += 1
        return self._kinds[index]

    def open_bracket(self) -> bool:
        """Move past an opening bracket and ignore newlines from there on. Returns the old value of `newlines`."""
        newlines = self.newlines
        self.newlines = False
        self.advance()
        return newlines

    def close_bracket(self, newlines: bool) -> None:
        """Move past the closing bracket. newlines: what `open_bracket` returned."""
        self.newlines = newlines
        self.advance()

    def text(self) -> str:
        """Return the text of the token."""
        return self._data[self._starts[self._index] : self._ends[self._index]].decode()

    def word(self) -> str:
        """Return the text of the token if it is a name, else ""."""
        return self.text() if self.kind == "name" else ""

    def error(self, message: str, start: int | None = None, help: str | None = None) -> HclError:
        """Make an error at this offset, or at the token."""
        return HclError(message, self.source.place(self.start if start is None else start), help)

    def enter_level(self) -> None:
        """Enter a level of nesting; `leave_level` ends it. Raises HclError if it is one too many."""
        self._level += 1
        self.check_depth(0)

    def leave_level(self) -> None:
        self._level -= 1

    def check_depth(self, height: int) -> None:
        """Raise HclError if a tree of this height is too deep at the current level."""
        if self._level + height > MOST_LEVELS:
            raise self.error("this is nested too deeply")
