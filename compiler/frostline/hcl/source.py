"""The text of a file, and positions in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from frostline.model import FileOrigin

_BOM = b"\xef\xbb\xbf"
_BLOCK = 1024
_CONTINUATION = bytes(range(0x80, 0xC0))
"""The UTF-8 bytes that continue a character."""


def _count_characters(data: bytes) -> int:
    return len(data.translate(None, _CONTINUATION))


class Source:
    """A file's UTF-8 bytes, without a byte order mark.

    Nodes hold byte offsets; lines and columns are counted when an error needs them.
    """

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data.removeprefix(_BOM)
        self._line_starts: list[int] | None = None
        self._block_characters: list[int] | None = None
        """For each block of _BLOCK bytes, how many characters precede it."""

    def place(self, offset: int) -> FileOrigin:
        """Return the position of this byte. Lines end at \\n; columns count characters."""
        if self._line_starts is None:
            self._line_starts = [0]
            newline = self.data.find(b"\n")
            while newline >= 0:
                self._line_starts.append(newline + 1)
                newline = self.data.find(b"\n", newline + 1)
        line = bisect_right(self._line_starts, offset)
        return FileOrigin(self.path, line, self._characters(offset) - self._characters(self._line_starts[line - 1]) + 1)

    def _characters(self, offset: int) -> int:
        """Count the characters that begin before this byte. Counts are cached: one long line may have many errors."""
        if self._block_characters is None:
            self._block_characters = [0]
            for start in range(0, len(self.data), _BLOCK):
                self._block_characters.append(
                    self._block_characters[-1] + _count_characters(self.data[start : start + _BLOCK])
                )
        block = min(offset, len(self.data)) // _BLOCK
        return self._block_characters[block] + _count_characters(self.data[block * _BLOCK : offset])


class EmbeddedSource(Source):
    """A text inside a file, such as a JSON string. Its positions are positions in the file.

    start: the offset in the file where the text begins. lead: the number of bytes before the text in `data`.
    Columns after a character that the file writes as an escape are too small.
    """

    def __init__(self, file: Source, start: int, data: bytes, lead: int = 0) -> None:
        super().__init__(file.path, data)
        self._file = file
        self._start = start
        self._lead = lead

    def place(self, offset: int) -> FileOrigin:
        return self._file.place(self._start + max(offset - self._lead, 0))


class HclError(Exception):
    """An error in an HCL file. message: a sentence without a full stop. help: what to do about it.

    The help may be a function, which runs only when the help is read: `try` may drop thousands of errors.
    """

    def __init__(self, message: str, place: FileOrigin, help: str | Callable[[], str | None] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self._help = help

    @property
    def help(self) -> str | None:
        return self._help() if callable(self._help) else self._help
