"""Running a verifier: a private folder with a copy, a supervisor, and how it ended.

The supervisor (supervisor.py) is a process of its own that ends all that the verifier has started and removes the
folder, whatever becomes of this one: its standard input is a pipe that closes with this process.
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
"""Seconds that the supervisor has beside the verifier's own time: to start, to end processes, to remove the folder."""


class Outcome(Struct, frozen=True, kw_only=True):
    """How a verifier ended, and what it said, cut where it is long.

    number: its exit status, the signal that ended it, or the error (errno) for which it could not be started.
    lost: the supervisor did not report, for the verifier has ended or stopped it. left: some processes could not be
    ended.
    """

    ending: Literal["exit", "signal", "timeout", "errno", "lost"]
    number: int = 0
    said: bytes = b""
    left: bool = False


def signal_name(number: int) -> str:
    """`the signal SIGKILL`; by its number where it has no name."""
    try:
        return f"the signal {signal.Signals(number).name}"
    except ValueError:
        return f"the signal {number}"


def new_folder_path(root: Path) -> Path:
    """A path for a private folder outside of this root, which nobody else has. PublishError: there is no place."""
    real = Path(os.path.realpath(root))
    places: list[str] = []
    with suppress(OSError):
        places.append(gettempdir())
    for place in map(Path, map(os.path.realpath, [*places, "/tmp", "/var/tmp", "/dev/shm"])):  # noqa: S108
        if not place.is_relative_to(real) and os.access(place, os.W_OK | os.X_OK):
            return place / f"frostline-verify-{secrets.token_hex(8)}"
    raise PublishError(
        "there is no folder outside of `root` that the copies for verifiers could be written to",
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
    """Make this folder (0700), let `fill` write the copy into it, and run the verifier, whose first word is its name
    in $PATH or its path. At the end, also by an exception, its processes have ended and the folder is gone.

    current: the folder in which it starts. PublishError: the folder cannot be made, or the supervisor not started.
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
                f"the process that watches over a program cannot be started: {error.strerror}",
                help=f"let this user run {sys.executable}, with so many words and variables, then rerun",
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
        message = f"the private folder of a program, `{folder}`, cannot be made: {error.strerror}"
        raise PublishError(message, help="set the environment variable TMPDIR to a folder that has space") from None


def _report(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """What the supervisor reports within this time once it is told that the copy is complete."""
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
    """Let the supervisor clean up, and wait until it has."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    try:
        process.wait(_MARGIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
