"""Show the stages of a run: bars on a terminal during the run, and a table of timings after it."""

from __future__ import annotations

import os
import resource
import sys
import time
from typing import Any

from frostline.cli.console import Invocation, print_err
from frostline.events import Listener
from frostline.text import escape_for_log

_EVERY = 0.1
"""Seconds between two redraws of a bar."""


class Timings:
    """Measures how long each stage takes, in the order in which the stages start."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._stage_began = 0.0
        self._took: dict[str, float] = {}

    def started(self, stage: str) -> None:
        self._stage_began = time.perf_counter()

    def progressed(self, what: str, done: int, expected: int) -> None:
        """Ignored: only the end of a stage counts."""

    def finished(self, stage: str) -> None:
        took = time.perf_counter() - self._stage_began
        self._took[stage] = self._took.get(stage, 0.0) + took

    def tried(self, source: str, datacenter: str) -> None:
        """Ignored."""

    def lines(self) -> list[str]:
        """Return a line for each stage, then for the rest, the total and the peak memory of the process."""
        total = time.perf_counter() - self._began
        rows = [(escape_for_log(name), took) for name, took in self._took.items()]
        rows += [("everything else", total - sum(self._took.values())), ("total", total)]
        width = max(len(name) for name, _ in rows)
        lines = [f"{name:{width}} {took:8.2f} s" for name, took in rows]
        # getrusage(2): kibibytes; on macOS bytes
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
        lines.append(f"{'memory':{width}} {peak:8.0f} MiB")
        return lines


class Bars:
    """Shows a bar for the current stage on stderr. It vanishes when the stage ends."""

    def __init__(self, *, color: bool) -> None:
        self._color = color
        self._stage = ""
        self._next = 0.0
        self._bar: Any = None
        self._task: Any = None

    def started(self, stage: str) -> None:
        self._close()
        self._stage = stage
        self._next = 0.0

    def progressed(self, what: str, done: int, expected: int) -> None:
        now = time.monotonic()
        if now < self._next and done < expected:
            return
        self._next = now + _EVERY
        label = escape_for_log(f"{self._stage}, {what}" if what else self._stage)
        if self._bar is None:
            self._open(label, expected)
        self._bar.update(self._task, description=label, completed=done, total=expected, refresh=True)

    def finished(self, stage: str) -> None:
        self._close()

    def tried(self, source: str, datacenter: str) -> None:
        """Ignored: the bar of the next try replaces that of the last one."""

    def _open(self, label: str, expected: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        class WithCursor(Console):
            def show_cursor(self, show: bool = True) -> bool:
                """Never hide the cursor: after a SIGKILL nobody would show it again."""
                return False

        console = WithCursor(file=sys.stderr, no_color=not self._color, markup=False, highlight=False)
        columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn()
        # No refresh thread: we redraw on progress.
        self._bar = Progress(*columns, console=console, transient=True, auto_refresh=False)
        self._task = self._bar.add_task(label, total=expected)
        self._bar.start()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def bars_for(invocation: Invocation) -> list[Listener]:
    """Return a bar if stderr is a terminal and nothing else is printed there during the run; else []."""
    is_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    if not is_terminal or invocation.quiet or invocation.verbose:
        return []
    return [Bars(color=invocation.color != "never" and not os.environ.get("NO_COLOR"))]


def print_timings(timings: Timings) -> None:
    """Print the table to stderr."""
    for line in timings.lines():
        print_err(line)
