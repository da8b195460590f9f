"""Rendered files: made once where there is room to keep them; some by a second process where that is worth it.

The second process takes files from the front, this one, when it has done what else there is to do, from the back. The
bytes are the same whoever makes them; what the second one does not make, for whatever reason, this one does.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from hashlib import sha256
from mmap import ACCESS_READ, mmap
from types import TracebackType

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from frostline.errors import FrostlineError
from frostline.events import report_progress
from frostline.files.targets import BLOCK, digest_of_chunks
from frostline.pipeline.child import Child, cpus
from frostline.publish.ownership import DesiredFile

MOST_KEPT = 1 << 28
"""Bytes of rendered files that one run keeps in memory; what is more is rendered again where it is written."""

FEWEST_SHARED, MOST_SHARED = 20_000, 2_000_000
"""Endpoints of a registry that two processes render: below, a process costs more time than it saves; above, memory:
whatever both touch is there twice."""

_MOST_PARTS = 1000  # of the files; a number for each fits into any pipe


class Room(Struct):
    """How many bytes may still be kept."""

    left: int = MOST_KEPT


class Kept:
    """The bytes of a file, rendered once and kept if there is room, else rendered each time they are asked for."""

    def __init__(self, chunks: Iterable[bytes], room: Room) -> None:
        self._chunks = chunks
        self._room = room
        self._kept: tuple[bytes, ...] | None = None

    def __iter__(self) -> Iterator[bytes]:
        if self._kept is not None:
            yield from self._kept
            return
        keeping: list[bytes] = []
        taken = 0
        for chunk in self._chunks:
            taken += len(chunk)
            if taken <= self._room.left:
                keeping.append(chunk)
            else:
                keeping.clear()
            yield chunk
        if taken <= self._room.left:
            self._room.left -= taken
            self._kept = tuple(keeping)


class _Line(Struct, frozen=True, array_like=True):
    """A file that the second process made: its digest (hex), and its place among their bytes."""

    sha256: str
    start: int
    stop: int


class _Slice(Struct, frozen=True):
    """The bytes of a file that the second process made."""

    whole: mmap | bytes
    start: int
    stop: int

    def __iter__(self) -> Iterator[bytes]:
        for at in range(self.start, self.stop, BLOCK):
            yield self.whole[at : min(at + BLOCK, self.stop)]


class Spool:
    """Files while they are rendered. As a context manager it ends the second process, whatever happens."""

    def __init__(self, files: Sequence[DesiredFile], endpoints: int, *, keep: bool = True) -> None:
        """endpoints: of the registry that is rendered. keep: whether the bytes will be asked for, not only digests."""
        self._files = files
        self._keep = keep
        self._child: Child | None = None
        self._ends = ExitStack()
        if len(files) > 1 and FEWEST_SHARED <= endpoints <= MOST_SHARED and cpus() > 1:
            with suppress(OSError):  # no room, no folder for temporary files, no more open files
                self._begin()

    def _begin(self) -> None:
        size = -(-len(self._files) // _MOST_PARTS)
        self._parts = [self._files[at : at + size] for at in range(0, len(self._files), size)]
        self._file = self._ends.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - closed by `_ends`
        self._turns, turn = os.pipe()
        self._ends.callback(os.close, self._turns)
        os.write(turn, bytes(len(self._parts)))
        os.close(turn)
        self._child = self._ends.enter_context(Child(self._spooled, [self._turns, self._file.fileno()]))

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def _my_turn(self) -> bool:
        """Whether a part is left for whoever asks. A byte of the pipe is one part, and only one process gets it."""
        return os.read(self._turns, 1) != b""

    def _spooled(self) -> bytes:
        """In the second process: renders parts from the front, and says which files are where."""
        lines: list[_Line] = []
        taken = at = 0
        while self._my_turn():
            for file in self._parts[taken]:
                start, hashed = at, sha256()
                for chunk in file.chunks:
                    at += self._file.write(chunk) if self._keep else 0
                    hashed.update(chunk)
                lines.append(_Line(hashed.hexdigest(), start, at))
            taken += 1
        self._file.flush()
        return msgspec.json.encode(lines)

    def finished(self) -> tuple[DesiredFile, ...]:
        """The files, in their order; those that are rendered by now with their digest.

        An error of rendering is none here: it comes when the bytes are asked for.
        """
        room = Room()
        files = [replace(file, chunks=Kept(file.chunks, room)) if self._keep else file for file in self._files]
        if self._child is None:
            return tuple(files)
        end = len(files)
        with suppress(FrostlineError):
            while self._my_turn():
                part = self._parts[-1]
                self._parts.pop()
                for at in range(end - len(part), end):
                    files[at] = replace(files[at], sha256=digest_of_chunks(files[at].chunks))
                end -= len(part)
                report_progress("", len(files) - end, len(files))
        lines = msgspec.json.decode(self._child.result() or b"[]", type=list[_Line])
        whole = mmap(self._file.fileno(), 0, access=ACCESS_READ) if lines and lines[-1].stop else b""
        for at, line in enumerate(lines):
            chunks = _Slice(whole, line.start, line.stop) if self._keep else files[at].chunks
            files[at] = replace(files[at], chunks=chunks, sha256=line.sha256)
        return tuple(files)
