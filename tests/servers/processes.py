"""Server processes of the tests: find free ports, start, wait until ready, stop."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

ATTEMPTS = 3
READY_WITHIN = 60.0
"""Seconds that a server may take to become ready, on a machine that is busy with other tests."""


class NotStartedError(Exception):
    """The server ended, or was not ready in time. The message has the end of its log."""


def free_port() -> int:
    """Find a port on loopback on which nothing listens, for TCP and UDP.

    It is below the range of outgoing connections on Linux (from 32768), so that no client of another test takes it
    before the server starts. It is random, because other test processes also look for one.
    """
    source = random.SystemRandom()
    while True:
        port = source.randrange(20000, 32000)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as attempt:
                    attempt.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port


class Server:
    """A server process. It ends with `stop()` and, on Linux, with the test process."""

    def __init__(self, command: Sequence[str], log: Path, cwd: Path) -> None:
        # If the test process is killed (by a timeout of CI), the kernel sends TERM to the server, so it does not stay.
        setpriv = shutil.which("setpriv")
        guard = [setpriv, "--pdeathsig", "TERM"] if setpriv else []
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [*guard, *command], cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def wait_until(self, ready: Callable[[], bool], what: str) -> None:
        """Wait until `ready()` is true. An OSError in it means not yet. Raises NotStartedError."""
        end = time.monotonic() + READY_WITHIN
        while True:
            with suppress(OSError):
                if ready():
                    return
            if self.ended:
                raise NotStartedError(f"{what}: the server ended with {self.process.returncode}\n{self.log_end()}")
            if time.monotonic() > end:
                raise NotStartedError(f"{what}: not within {READY_WITHIN:.0f} s\n{self.log_end()}")
            time.sleep(0.02)

    def log_end(self) -> str:
        """Return the last 3000 characters of the server's log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]

    def stop(self, *, politely: bool = True) -> None:
        """Stop the process (with KILL unless politely), and wait until it has ended."""
        if politely:
            self.process.terminate()
        else:
            self.process.kill()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_on_free_ports(start: Callable[[], T]) -> T:
    """Call `start()`, which picks free ports. Try again with other ports if one was taken in between."""
    for _ in range(ATTEMPTS - 1):
        with suppress(NotStartedError):
            return start()
    return start()
