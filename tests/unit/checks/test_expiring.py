"""What is said of waivers, overrides and entries of `guards.accept` before their last day is over."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from frostline.checks.expiring import expiring_findings
from frostline.checks.guards.consent import consent_help
from frostline.cli.commands import override as command
from frostline.model import FileOrigin
from frostline.settings import Override, Waiver

PLACE = FileOrigin("frostline.yaml", 70, 9)
LAST = date(2027, 1, 31)
WAIVER = Waiver(rule="tags", until=LAST.isoformat(), why="x", origin=PLACE)
OVERRIDE = Override(service="svc", until=LAST.isoformat(), why="x", origin=PLACE)


@pytest.mark.parametrize(
    ("today", "warns"),
    [("2027-01-24", False), ("2027-01-25", True), ("2027-01-31", True), ("2027-02-01", False)],
)
def test_each_kind_of_entry_is_a_warning_in_its_last_seven_days_and_not_before_or_after(
    today: str, warns: bool
) -> None:
    day = date.fromisoformat(today)
    for entries in (([WAIVER], [], []), ([], [OVERRIDE], []), ([], [], [WAIVER])):
        found = list(expiring_findings(*entries, day))
        assert [(one.severity, one.value, one.origin) for one in found] == [("warning", "2027-01-31", PLACE)] * warns


def test_what_frostline_itself_prints_is_not_warned_of_on_the_day_it_is_written() -> None:
    today = LAST - timedelta(days=command.DAYS)
    assert not list(expiring_findings([], [OVERRIDE], [], today))
    printed = re.search(r"until: ([0-9-]+),", consent_help("guard-delete", ["svc"], today))
    assert printed is not None
    assert not list(expiring_findings([], [], [replace(WAIVER, until=printed[1])], today))


def test_an_entry_of_the_first_days_of_the_calendar_is_no_warning() -> None:
    assert not list(expiring_findings([replace(WAIVER, until="0001-01-03")], [], [], LAST))
