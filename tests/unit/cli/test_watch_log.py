"""What a watch says about its turns: each thing once, for as long as it lasts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from frostline.cli.console import Invocation
from frostline.cli.watch_log import WatchLog
from frostline.errors import PublishError, SourceError
from frostline.model import Finding


@pytest.fixture
def log(invocation: Callable[..., Invocation]) -> WatchLog:
    return WatchLog(invocation())


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """`said()`: the lines on stderr since the last call."""
    return lambda: capsys.readouterr().err.splitlines()


def warning(number: int, service: str = "payments") -> Finding:
    return Finding(rule="held", severity="warning", message=f"{number} instances are held", service=service)


def test_trouble_is_said_once_while_only_an_age_in_it_changes(log: WatchLog, said: Callable[[], list[str]]) -> None:
    for age in ("2 hours", "3 hours"):
        log.say_failed(SourceError(f"dc1 cannot be reached, confirmed {age} ago"))
    assert said() == [
        "Not published: dc1 cannot be reached, confirmed 2 hours ago; what is published stays as it is.",
    ]
    log.say_failed(SourceError("dc2 cannot be reached"))
    assert len(said()) == 1


def test_only_trouble_can_be_over(log: WatchLog, said: Callable[[], list[str]]) -> None:
    log.say_recovered()
    assert said() == []
    log.say_refused([Finding(rule="r", message="m"), Finding(rule="r", message="n")])
    assert said() == [
        "Refused: error[r]: m (and 1 more); what is published stays as it is. `frostline plan` says what to do."
    ]
    for _ in range(2):
        log.say_recovered()
    assert said() == ["Up to date again: nothing has changed."]


def test_a_warning_is_said_when_it_is_new_and_when_it_is_over(log: WatchLog, said: Callable[[], list[str]]) -> None:
    for number in (3, 2):
        log.say_warnings([warning(number)])
    assert said() == ["warning[held]: payments: 3 instances are held"]
    log.say_warnings([])
    assert said() == ["Over: warning[held]: payments: 2 instances are held"]


def test_the_first_of_many_warnings_are_said_and_the_others_counted(
    log: WatchLog, said: Callable[[], list[str]]
) -> None:
    log.say_warnings([warning(1, f"service-{number}") for number in range(12)])
    assert said()[10:] == ["2 warnings more; `frostline plan` shows all"]
    log.say_warnings([])
    assert said()[10:] == ["Over: 2 warnings more"]


def test_warnings_of_sources_are_said_once_and_when_they_are_over(log: WatchLog, said: Callable[[], list[str]]) -> None:
    for age in ("1 hour", "2 hours"):
        log.say_source_warnings((f"dc1 was confirmed {age} ago",))
    assert said() == ["warning: dc1 was confirmed 1 hour ago"]
    for _ in range(2):
        log.say_source_warnings(())
    assert said() == ["The sources were read without warnings again."]


def test_metrics_that_cannot_be_written_are_reported_until_they_can(
    log: WatchLog, said: Callable[[], list[str]]
) -> None:
    full = PublishError("no space left")
    for error in (full, full, None, full):
        log.say_metrics(error)
    assert said() == ["No metrics: no space left."] * 2
