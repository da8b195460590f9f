"""The program that watches over one verifier: starts it, limits it, and ends all that it has started.

    python -I -S supervisor.py FOLDER SECONDS CURRENT WORD…

It runs in a process of its own, of which every process that the verifier leaves behind becomes a child
(PR_SET_CHILD_SUBREAPER, prctl(2)), whatever session it has made for itself. It uses the standard library alone.

Standard input: a byte says that the copy is complete; its end, also where frostline was killed, that nobody waits any
more. Standard output: a line that says how the verifier ended, then what it said. Before that line all of its processes
have ended and FOLDER is gone.
"""

from __future__ import annotations

import os
import select
import signal
import stat
import sys
import time
from contextlib import suppress

TYPE_CHECKING = False  # importing typing takes as long as all else here
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    Prctl = Callable[[int, int], int]

HEAD = TAIL = 8192
"""Bytes that are kept of what the verifier says: of its beginning and of its end."""
GIVE_UP = 10.0
"""Seconds after which a process that cannot be ended (another user's, or one that a dead disk holds) is left."""

_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # who ends frostline ends this by its standard input
_CHILD_SUBREAPER, _PDEATHSIG = 36, 1


def main(folder: str, seconds: float, current: str, words: list[str]) -> None:
    """Wait for the copy, judge it, clean up, report."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    prctl = _prctl()
    prctl(_CHILD_SUBREAPER, 1)
    report = None
    try:
        if os.read(0, 1):
            report = _judge(words, current, seconds, prctl)
    finally:
        with suppress(OSError, RecursionError):  # frostline removes it too
            _remove(folder)
    if report is not None:
        with suppress(OSError):  # nobody reads it any more
            while report:
                report = report[os.write(1, report) :]


def _prctl() -> Prctl:
    """prctl(2); where there is none, only the verifier's process group can be ended."""
    try:
        import ctypes

        function = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return lambda *arguments: -1
    nothing = [ctypes.c_ulong(0)] * 3
    return lambda option, value: int(function(option, ctypes.c_ulong(value), *nothing))


class _Said:
    """The beginning and the end of what the verifier says; what lies between them is dropped."""

    def __init__(self) -> None:
        self.head, self.tail, self.dropped = bytearray(), bytearray(), False

    def take(self, data: bytes) -> None:
        room = HEAD - len(self.head)
        self.head += data[:room]
        self.tail += data[room:] if room > 0 else data
        if len(self.tail) > TAIL:
            del self.tail[:-TAIL]
            self.dropped = True

    def whole(self) -> bytes:
        return bytes(self.head + (b"\n\xe2\x80\xa6\n" if self.dropped else b"") + self.tail)


def _judge(words: list[str], current: str, seconds: float, prctl: Prctl) -> bytes | None:
    """Run the verifier; the report, or None where frostline has gone."""
    wake, notify = os.pipe()
    for end in (wake, notify):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(notify, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    output, its_output = os.pipe()
    fault, its_fault = os.pipe()
    us = os.getpid()
    child = os.fork()
    if child == 0:
        _become(words, current, its_output, its_fault, us, prctl)
    until = time.monotonic() + seconds
    os.close(its_output)
    os.close(its_fault)
    os.set_blocking(output, False)
    said = _Said()
    unstarted = os.read(fault, 16)  # ends when the program has started: the descriptor is closed on exec
    ending = f"errno {int(unstarted)}" if unstarted else _wait(child, until, output, wake, said)
    has_ended = _end_all(child)
    if ending is None:
        return None
    _drain(output, said)
    return f"{ending}{'' if has_ended else ' left'}\n".encode() + said.whole()


def _become(words: list[str], current: str, output: int, fault: int, parent: int, prctl: Prctl) -> NoReturn:
    """Become the verifier, or say by `fault` why not."""
    try:
        os.setsid()  # no terminal to ask questions on, and a process group that can be ended at once
        prctl(_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before this could be told
            os._exit(127)
        signal.set_wakeup_fd(-1)
        for number in (*_IGNORED, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):  # what is ignored stays so on exec
            signal.signal(number, signal.SIG_DFL)
        _forbid_core_dumps()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in enumerate((nothing, output, output)):
            os.dup2(source, target)
        os.chdir(current)
        os.execvpe(words[0], words, {**os.environ, "PWD": current})  # noqa: S606 - that is what it is for
    except OSError as error:
        os.write(fault, str(error.errno).encode())
    finally:
        os._exit(127)


def _forbid_core_dumps() -> None:
    """They would be written into the folder of the configuration."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _wait(child: int, until: float, output: int, wake: int, said: _Said) -> str | None:
    """Read what the verifier says until it ends, is out of time, or (None) frostline has gone."""
    ready = select.poll()
    for source in (0, output, wake):
        ready.register(source, select.POLLIN)
    while True:
        status = _reap(child)[0]
        if status is not None:
            return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"
        left = until - time.monotonic()
        if left <= 0:
            return "timeout"
        for source, _ in ready.poll(min(left, 3600.0) * 1000 + 1):
            if source == 0:
                return None
            try:
                data = os.read(source, 65536)
            except BlockingIOError:
                continue
            if source == output and data:
                said.take(data)
            elif source == output:
                ready.unregister(output)  # it has closed its output, and may run on


def _reap(child: int) -> tuple[int | None, bool]:
    """(the wait status of the verifier if it was reaped now, whether any child is left)."""
    status = None
    while True:
        try:
            found, its_status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status, False
        if found == 0:
            return status, True
        if found == child:
            status = its_status


def _end_all(child: int) -> bool:
    """End every process that the verifier has started; whether none is left.

    The group goes at once. What has made groups of its own is stopped first, so that it forks no more, then ended.
    """
    _kill(-child, signal.SIGKILL)
    until, pause = time.monotonic() + GIVE_UP, 0.001
    while _reap(child)[1]:
        if time.monotonic() > until:
            return False
        time.sleep(pause)
        pause = min(2 * pause, 0.05)
        stopped: set[int] = set()
        while new := _descendants() - stopped:
            for process in new:
                _kill(process, signal.SIGSTOP)
            stopped |= new
            if time.monotonic() > until:
                break
        for process in stopped:
            _kill(process, signal.SIGKILL)
    return True


def _kill(process: int, number: int) -> None:
    with suppress(OSError):  # it has ended, or is another user's
        os.kill(process, number)


def _descendants() -> set[int]:
    """All processes below this one, zombies aside (proc_pid_stat(5))."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, _names_in_proc()):
        with suppress(OSError, ValueError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
            state, parent = file.read().rpartition(b")")[2].split()[:2]
            if state != b"Z":
                children.setdefault(int(parent), []).append(int(name))
    found: set[int] = set()
    below = children.get(os.getpid(), [])
    while below:
        found.update(below)
        below = [child for process in below for child in children.get(process, ()) if child not in found]
    return found


def _names_in_proc() -> list[str]:
    with suppress(OSError):
        return os.listdir("/proc")  # noqa: PTH208
    return []


def _drain(output: int, said: _Said) -> None:
    """Take what is still in the pipe; no more than a process that could not be ended may add in the meantime."""
    for _ in range(64):
        try:
            data = os.read(output, 65536)
        except BlockingIOError:
            return
        if not data:
            return
        said.take(data)


def _remove(folder: str) -> None:
    """Remove the folder, whatever rights a verifier has left in it. Importing shutil would take 20 ms."""
    for _, folders, _, fd in os.fwalk(folder):
        for name in filter(lambda name: _is_folder(name, fd), folders):
            os.chmod(name, 0o700, dir_fd=fd)
    for _, folders, files, fd in os.fwalk(folder, topdown=False):
        for name in (*folders, *files):
            with suppress(OSError):
                (os.rmdir if _is_folder(name, fd) else os.unlink)(name, dir_fd=fd)
    with suppress(OSError):
        os.rmdir(folder)  # noqa: PTH106


def _is_folder(name: str, fd: int) -> bool:
    """Whether it is a folder; a link to one, which may be anybody's, is none."""
    return stat.S_ISDIR(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4:])
