"""The text of a file, and places in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from frostline.model import FileOrigin

_BOM = b"\xef\xbb\xbf"
_BLOCK = 1024
_CONTINUATION = bytes(range(0x80, 0xC0))
"""The bytes of UTF-8 that begin no character."""


def _starts(data: bytes) -> int:
    return len(data.translate(None, _CONTINUATION))


class Source:
    """A file's UTF-8 bytes, without a byte order mark.

    Nodes hold byte offsets; lines and columns are counted when an error needs them.
    """

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data.removeprefix(_BOM)
        self._line_starts: list[int] | None = None
        self._counted: list[int] | None = None

    def place(self, offset: int) -> FileOrigin:
        """The place of this byte. Lines end at \\n; columns count characters."""
        if self._line_starts is None:
            self._line_starts = [0]
            newline = self.data.find(b"\n")
            while newline >= 0:
                self._line_starts.append(newline + 1)
                newline = self.data.find(b"\n", newline + 1)
        line = bisect_right(self._line_starts, offset)
        return FileOrigin(self.path, line, self._characters(offset) - self._characters(self._line_starts[line - 1]) + 1)

    def _characters(self, offset: int) -> int:
        """How many characters begin before this byte. A file of one long line may be asked for many places."""
        if self._counted is None:
            self._counted = [0]
            for start in range(0, len(self.data), _BLOCK):
                self._counted.append(self._counted[-1] + _starts(self.data[start : start + _BLOCK]))
        block = min(offset, len(self.data)) // _BLOCK
        return self._counted[block] + _starts(self.data[block * _BLOCK : offset])


class EmbeddedSource(Source):
    """A text inside of a file, such as a string of JSON. Places are those in the file.

    start: the offset in the file where the text begins; lead: the number of bytes before it in `data`. Where the file
    writes characters of the text as escapes, columns after them are too small.
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

    The help may be given as a function, which is called when it is read: `try` drops errors by the thousand.
    """

    def __init__(self, message: str, place: FileOrigin, help: str | Callable[[], str | None] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self._help = help

    @property
    def help(self) -> str | None:
        return self._help() if callable(self._help) else self._help
