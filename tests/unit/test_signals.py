"""Signals end the command like an interrupt, and without a traceback after its work is done."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence

import pytest

from frostline import __main__ as command
from frostline.cli import main as cli

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "argv", ["frostline", "check"])
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    before = {number: signal.signal(number, signal.SIG_DFL) for number in NUMBERS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def status() -> int:
    with pytest.raises(SystemExit) as ended:
        command.main()
    return int(str(ended.value.code))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_that_comes_while_a_finalizer_runs_is_not_lost(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dying:
        def __del__(self) -> None:
            os.kill(os.getpid(), number)

    def run(arguments: Sequence[str]) -> int:
        Dying()
        for _ in range(300):
            time.sleep(0.01)
        return 0

    monkeypatch.setattr(cli, "run", run)
    assert status() == 130


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_during_a_run_interrupts_it(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(arguments: Sequence[str]) -> int:
        os.kill(os.getpid(), number)
        return 0

    monkeypatch.setattr(cli, "run", run)
    assert status() == 130
    assert signal.getsignal(number) == signal.SIG_DFL


@pytest.mark.parametrize("ignored", [False, True])
def test_a_signal_after_a_run_ends_the_process_at_once_unless_it_is_ignored(
    ignored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "run", lambda arguments: 0)
    expected = signal.SIG_IGN if ignored else signal.SIG_DFL
    for number in NUMBERS:
        signal.signal(number, expected)
    assert status() == 0
    assert [signal.getsignal(number) for number in NUMBERS] == [expected] * 3


def test_errors_of_half_made_objects_after_a_signal_are_not_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class HalfMade:
        def __del__(self) -> None:
            raise AttributeError("_ssock")

    def run(arguments: Sequence[str]) -> int:
        made = HalfMade()
        os.kill(os.getpid(), signal.SIGTERM)
        return hash(made)

    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    monkeypatch.setattr(cli, "run", run)
    assert status() == 130
    assert capsys.readouterr().err == ""
