"""A second process that works something out beside this one, for machines with more than one CPU.

It is a help and nothing more: it gives bytes, or nothing for whatever reason, and whoever asked then does the work
himself, errors and all. It writes nothing that anybody else sees.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NoReturn

_END = b"."
"""What only a whole result ends with."""

_inside = False
"""Whether this process is a child itself. It has none: nobody would end them."""


class Child:
    """Forks at once, and does `work` in the child. As a context manager it leaves no process behind.

    work: gives the result. keep: the file descriptors that it needs; all others are closed, so that no lock and no
    connection of this process lives on in a child of one that was killed.
    """

    def __init__(self, work: Callable[[], bytes], keep: Collection[int] = ()) -> None:
        self._pid = 0
        self._reading = -1
        if _inside:
            return
        with suppress(OSError):  # no more processes, files, or memory: there is no result
            self._reading, writing = os.pipe()
            try:
                self._pid = os.fork()
                if self._pid == 0:
                    _work(work, writing, {writing, *keep})
            finally:
                os.close(writing)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def result(self) -> bytes | None:
        """What `work` gave, once it is done; None where it failed."""
        if not self._pid:
            return None
        parts = []
        while part := os.read(self._reading, 1 << 20):
            parts.append(part)
        self._reap()
        said = b"".join(parts)
        return said[: -len(_END)] if said.endswith(_END) else None

    def end(self) -> None:
        """Ends it, if it is still at work."""
        if self._pid:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self._reap()
        if self._reading >= 0:
            os.close(self._reading)
            self._reading = -1

    def _reap(self) -> None:
        with suppress(ChildProcessError):  # whoever started this process may have it ignore SIGCHLD
            os.waitpid(self._pid, 0)
        self._pid = 0


def _work(work: Callable[[], bytes], writing: int, keep: Collection[int]) -> NoReturn:
    """The child's whole life. It never returns to the code that forked, nor to what would be done at the end of it."""
    global _inside
    try:
        _inside = True
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        gc.disable()  # it would write to every page that is shared with the parent
        _close_all_but(keep)
        left = memoryview(work() + _END)
        while left:
            left = left[os.write(writing, left) :]
    finally:
        os._exit(0)


def _close_all_but(keep: Collection[int]) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    open_ones = [int(path.name) for path in Path("/dev/fd").iterdir()]
    for fd in open_ones:  # the one that read the folder is among them, and closed by now
        if fd > 2 and fd not in keep:
            with suppress(OSError):
                os.close(fd)


def cpus() -> int:
    """How many CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
