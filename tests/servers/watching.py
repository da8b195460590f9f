"""Run `frostline watch`, and wait for what it says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from project import Project

QUIET = "0.2s"
SHORT_HOUR = """
from frostline import __main__
from frostline.cli.commands import watch as command
from frostline.pipeline import watch
watch.CONFIRM = command.CONFIRM = watch.UNTIL_MENDED = {}
__main__.main()
"""


class Watch:
    """A running `frostline watch`, and the lines that it has written so far."""

    def __init__(
        self, folder: Path, *options: str, env: dict[str, str] | None = None, hour: float | None = None
    ) -> None:
        """hour: how many seconds an hour lasts."""
        self._log = folder.parent / "watch.log"
        start = ["-m", "frostline"] if hour is None else ["-c", SHORT_HOUR.format(hour)]
        words = [sys.executable, *start, "watch", "-v", "--quiet-for", QUIET, *options]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                words, cwd=folder, stderr=log, stdout=log, env={**os.environ, **(env or {})}
            )

    def output(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def count(self, text: str) -> int:
        return self.output().count(text)

    def until(self, text: str, times: int = 1) -> None:
        """Wait until it has written this text so many times."""
        end = time.monotonic() + 60
        while self.count(text) < times:
            assert time.monotonic() < end, f"{text!r} not said {times} times:\n{self.output()}"
            assert self.process.poll() is None, self.output()
            time.sleep(0.02)

    def turns(self) -> int:
        """Return how often it has read the source."""
        return self.count("reading source mesh")

    def settle(self) -> None:
        """Wait until it has read nothing for about three times QUIET."""
        seen, since = self.turns(), time.monotonic()
        while time.monotonic() - since < 0.7:
            time.sleep(0.05)
            if self.turns() != seen:
                seen, since = self.turns(), time.monotonic()

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def assert_nothing_staged(project: Project) -> None:
    assert [path.name for path in project.folder.rglob("*") if path.name.startswith(".frostline")] == []
