"""The program that supervises one verifier: starts it, limits its time, and ends all processes that it has started.

    python -I -S supervisor.py FOLDER SECONDS CURRENT WORD…

It runs as a process of its own. Every process that the verifier leaves behind becomes its child, even one that has made
its own session (PR_SET_CHILD_SUBREAPER, prctl(2)). It uses only the standard library.

Standard input: a byte says that the copy is complete. The end of the input says that nobody waits any more, also if
frostline was killed. Standard output: a line that says how the verifier ended, then the verifier's output. When that
line appears, all of the verifier's processes have ended and FOLDER is gone.
"""

from __future__ import annotations

import os
import select
import signal
import stat
import sys
import time
from contextlib import suppress

TYPE_CHECKING = False  # importing typing takes as long as everything else here
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    Prctl = Callable[[int, int], int]

HEAD = TAIL = 8192
"""The numbers of bytes that are kept of the verifier's output: its beginning and its end."""
GIVE_UP = 10.0
"""Seconds after which it gives up on a process that cannot be ended: another user's, or one that waits for a dead disk.
"""

_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # the end of standard input ends this program instead
_CHILD_SUBREAPER, _PDEATHSIG = 36, 1


def main(folder: str, seconds: float, current: str, words: list[str]) -> None:
    """Wait for the copy, run the verifier, clean up, report."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    prctl = _prctl()
    prctl(_CHILD_SUBREAPER, 1)
    report = None
    try:
        if os.read(0, 1):
            report = _judge(words, current, seconds, prctl)
    finally:
        with suppress(OSError, RecursionError):  # frostline also tries to remove it
            _remove(folder)
    if report is not None:
        with suppress(OSError):  # nobody reads the report any more
            while report:
                report = report[os.write(1, report) :]


def _prctl() -> Prctl:
    """prctl(2). On a system without it, only the verifier's process group can be ended."""
    try:
        import ctypes

        function = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return lambda *arguments: -1
    nothing = [ctypes.c_ulong(0)] * 3
    return lambda option, value: int(function(option, ctypes.c_ulong(value), *nothing))


class _Output:
    """The beginning and the end of the verifier's output. What lies between them is dropped."""

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
    """Run the verifier and return the report; None if frostline has gone."""
    wake, notify = os.pipe()
    for end in (wake, notify):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(notify, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    output_pipe, child_output = os.pipe()
    fault_pipe, child_fault = os.pipe()
    supervisor = os.getpid()
    child = os.fork()
    if child == 0:
        _become_verifier(words, current, child_output, child_fault, supervisor, prctl)
    deadline = time.monotonic() + seconds
    os.close(child_output)
    os.close(child_fault)
    os.set_blocking(output_pipe, False)
    output = _Output()
    fault = os.read(fault_pipe, 16)  # b"" once the verifier has started, because exec closes its end of the pipe
    ending = f"errno {int(fault)}" if fault else _wait(child, deadline, output_pipe, wake, output)
    has_ended = _end_all(child)
    if ending is None:
        return None
    _drain(output_pipe, output)
    return f"{ending}{'' if has_ended else ' left'}\n".encode() + output.whole()


def _become_verifier(words: list[str], current: str, output: int, fault: int, parent: int, prctl: Prctl) -> NoReturn:
    """Replace this process by the verifier. If that fails, write the errno to the pipe `fault`."""
    try:
        os.setsid()  # no terminal to ask questions on, and a process group that can be ended at once
        prctl(_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the supervisor died before prctl could take effect
            os._exit(127)
        signal.set_wakeup_fd(-1)
        for number in (*_IGNORED, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):  # exec keeps ignored signals ignored
            signal.signal(number, signal.SIG_DFL)
        _forbid_core_dumps()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in enumerate((nothing, output, output)):
            os.dup2(source, target)
        os.chdir(current)
        os.execvpe(words[0], words, {**os.environ, "PWD": current})  # noqa: S606 - this is the purpose of the program
    except OSError as error:
        os.write(fault, str(error.errno).encode())
    finally:
        os._exit(127)


def _forbid_core_dumps() -> None:
    """Forbid core dumps, which would be written into the folder of the configuration."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _wait(child: int, deadline: float, output_pipe: int, wake: int, output: _Output) -> str | None:
    """Read the verifier's output until it ends or is out of time, and say which; None if frostline has gone."""
    ready = select.poll()
    for source in (0, output_pipe, wake):
        ready.register(source, select.POLLIN)
    while True:
        status = _reap(child)[0]
        if status is not None:
            return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return "timeout"
        for source, _ in ready.poll(min(remaining, 3600.0) * 1000 + 1):
            if source == 0:
                return None
            try:
                data = os.read(source, 65536)
            except BlockingIOError:
                continue
            if source == output_pipe and data:
                output.take(data)
            elif source == output_pipe:
                ready.unregister(output_pipe)  # the verifier has closed its output, and may go on running


def _reap(child: int) -> tuple[int | None, bool]:
    """Reap all ended children: (wait status of the verifier if it is among them, whether a child is left)."""
    status = None
    while True:
        try:
            process, process_status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status, False
        if process == 0:
            return status, True
        if process == child:
            status = process_status


def _end_all(child: int) -> bool:
    """End every process that the verifier has started. Returns whether none is left.

    The verifier's process group ends at once. Processes with groups of their own are stopped first, so that they cannot
    fork any more, and then ended.
    """
    _kill(-child, signal.SIGKILL)
    deadline, pause = time.monotonic() + GIVE_UP, 0.001
    while _reap(child)[1]:
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(2 * pause, 0.05)
        stopped: set[int] = set()
        while new := _descendants() - stopped:
            for process in new:
                _kill(process, signal.SIGSTOP)
            stopped |= new
            if time.monotonic() > deadline:
                break
        for process in stopped:
            _kill(process, signal.SIGKILL)
    return True


def _kill(process: int, number: int) -> None:
    with suppress(OSError):  # the process has ended, or belongs to another user
        os.kill(process, number)


def _descendants() -> set[int]:
    """All processes below this one except zombies (proc_pid_stat(5))."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, _names_in_proc()):
        with suppress(OSError, ValueError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
            state, parent = file.read().rpartition(b")")[2].split()[:2]
            if state != b"Z":
                children.setdefault(int(parent), []).append(int(name))
    descendants: set[int] = set()
    below = children.get(os.getpid(), [])
    while below:
        descendants.update(below)
        below = [child for process in below for child in children.get(process, ()) if child not in descendants]
    return descendants


def _names_in_proc() -> list[str]:
    with suppress(OSError):
        return os.listdir("/proc")  # noqa: PTH208
    return []


def _drain(output_pipe: int, output: _Output) -> None:
    """Take what is still in the pipe. It is limited, because a process that could not be ended may write for ever."""
    for _ in range(64):
        try:
            data = os.read(output_pipe, 65536)
        except BlockingIOError:
            return
        if not data:
            return
        output.take(data)


def _remove(folder: str) -> None:
    """Remove the folder, whatever permissions a verifier has left in it. Importing shutil would take 20 ms."""
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
    """Whether the name is a folder. A link to a folder is not: it may lead anywhere."""
    return stat.S_ISDIR(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4:])
