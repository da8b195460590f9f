"""Runs a program, mostly a verifier, in a private folder and under a supervisor, and reports how it ended.

The supervisor (supervisor.py) is a separate process. It ends all processes that the program has started and removes
the folder, even if this process is killed: its standard input is a pipe that closes with this process.
"""

from __future__ import annotations

import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir
from typing import Literal

from msgspec import Struct

from frostline.errors import PublishError

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_MARGIN = 30.0
"""Seconds that the supervisor has besides the verifier's own time: to start, to end processes, to remove the folder."""


class Outcome(Struct, frozen=True, kw_only=True):
    """How a program ended. ending `lost`: the supervisor did not report, because the program ended or stopped it.

    number: its exit status, the signal that ended it, or the errno with which starting it failed. said: its output,
    shortened in the middle. left: True if some of its processes could not be ended.
    """

    ending: Literal["exit", "signal", "timeout", "errno", "lost"]
    number: int = 0
    said: bytes = b""
    left: bool = False


def signal_name(number: int) -> str:
    """`the signal SIGKILL`, or `the signal 99` for one without a name."""
    try:
        return f"the signal {signal.Signals(number).name}"
    except ValueError:
        return f"the signal {number}"


def new_folder_path(root: Path) -> Path:
    """A new, unique path for a private folder outside of this root. Raises PublishError if there is no place for it."""
    real = Path(os.path.realpath(root))
    places: list[str] = []
    with suppress(OSError):
        places.append(gettempdir())
    for place in map(Path, map(os.path.realpath, [*places, "/tmp", "/var/tmp", "/dev/shm"])):  # noqa: S108
        if not place.is_relative_to(real) and os.access(place, os.W_OK | os.X_OK):
            return place / f"frostline-verify-{secrets.token_hex(8)}"
    raise PublishError(
        "there is no folder outside of `root` in which copies for verifiers can be written",
        help="set the environment variable TMPDIR to one",
    )


def run(
    folder: Path,
    fill: Callable[[], None],
    words: Sequence[str],
    *,
    current: Path,
    environment: Mapping[str, str],
    seconds: float,
) -> Outcome:
    """Make this folder (0700), let `fill` write the copy into it, and run the program.

    When this function ends, also by an exception, the program's processes have ended and the folder is gone.
    words: the program, as a name in $PATH or a path, and its arguments. current: the folder in which it starts.
    seconds: its time. Raises PublishError if the folder cannot be made or the supervisor cannot be started.
    """
    command = [sys.executable, "-I", "-S", str(_SUPERVISOR), str(folder), repr(seconds), str(current), *words]
    _make(folder)
    try:
        try:
            process = subprocess.Popen(  # noqa: S603 - the configuration names it; no shell reads it
                command,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise PublishError(
                f"the process that supervises programs cannot be started: {error.strerror}",
                help=f"make sure that this user can run {sys.executable}, and that neither the program's words nor the "
                "environment variables are too long, then rerun",
            ) from None
        try:
            fill()
            return _outcome_of(_report(process, seconds + _MARGIN))
        finally:
            _end(process)
    finally:
        rmtree(folder, ignore_errors=True)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(0o700)
    except OSError as error:
        message = f"the private folder for a program, `{folder}`, cannot be made: {error.strerror}"
        raise PublishError(message, help="set the environment variable TMPDIR to a folder that has space") from None


def _report(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """Tell the supervisor that the copy is complete, and return its report; b"" if none comes within this time."""
    if process.stdin is None or process.stdout is None:
        return b""
    with suppress(BrokenPipeError):
        process.stdin.write(b"1")
    until, report = time.monotonic() + seconds, b""
    ready = select.poll()
    ready.register(process.stdout, select.POLLIN)
    while (left := until - time.monotonic()) > 0:
        if not ready.poll(min(left, 3600.0) * 1000 + 1):
            continue
        data = os.read(process.stdout.fileno(), 65536)
        if not data:
            return report
        report += data
    return b""


def _outcome_of(report: bytes) -> Outcome:
    line, _, said = report.partition(b"\n")
    words = line.decode().split()
    match words:
        case ["timeout", *rest]:
            return Outcome(ending="timeout", said=said, left=bool(rest))
        case ["exit" | "signal" | "errno" as ending, number, *rest]:
            return Outcome(ending=ending, number=int(number), said=said, left=bool(rest))
    return Outcome(ending="lost")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the supervisor clean up by closing its input, and wait for its end."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    try:
        process.wait(_MARGIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
