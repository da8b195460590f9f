from __future__ import annotations

import re
import sys
from collections.abc import Callable

import pytest

from frostline.cli import progress
from frostline.cli.console import Invocation
from frostline.cli.progress import Bars, Timings, bars_for


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, as the only item of a list."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


def run_stage(timings: Timings, name: str, clock: list[float], seconds: float) -> None:
    timings.started(name)
    clock[0] += seconds
    timings.finished(name)


def test_timings_have_each_stage_in_order_the_rest_and_the_total(clock: list[float]) -> None:
    timings = Timings()
    run_stage(timings, "reading", clock, 2)
    clock[0] += 0.5
    run_stage(timings, "checking", clock, 1)
    run_stage(timings, "reading", clock, 3)
    assert [line.split() for line in timings.lines() if line.endswith(" s")] == [
        ["reading", "5.00", "s"],
        ["checking", "1.00", "s"],
        ["everything", "else", "0.50", "s"],
        ["total", "6.50", "s"],
    ]


def test_timings_end_with_the_peak_memory() -> None:
    assert any(re.fullmatch(r"memory +[1-9]\d* MiB", line) for line in Timings().lines())


def test_the_name_of_a_stage_is_escaped_in_timings(clock: list[float]) -> None:
    timings = Timings()
    run_stage(timings, "reading source \x1b[1m", clock, 1)
    assert timings.lines()[0].startswith("reading source \\x1b[1m ")


def test_a_bar_is_drawn_only_for_progress_and_vanishes_with_its_stage(capsys: pytest.CaptureFixture[str]) -> None:
    bars = Bars(color=False)
    bars.started("checking")
    bars.finished("checking")
    assert capsys.readouterr().err == ""
    bars.started("reading")
    bars.progressed("dc1\x1b[1m", 1, 2)
    assert bars._bar is not None
    bars.finished("reading")
    assert bars._bar is None
    assert "\x1b[1m" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("terminal", "term", "options", "expected"),
    [
        (True, "xterm", {}, 1),
        (False, "xterm", {}, 0),
        (True, "dumb", {}, 0),
        (True, "xterm", {"quiet": True}, 0),
        (True, "xterm", {"verbose": 1}, 0),
    ],
)
def test_bars_are_drawn_only_on_a_terminal_without_other_output(
    terminal: bool,
    term: str,
    options: dict[str, object],
    expected: int,
    invocation: Callable[..., Invocation],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("TERM", term)
    assert len(bars_for(invocation(**options))) == expected
