from __future__ import annotations

from datetime import date

import pytest

from frostline.checks.waivers import EXPIRED, apply_waivers, with_waiver_help
from frostline.errors import ErrorGroup, UsageError
from frostline.model import FileOrigin, Finding
from frostline.settings import Waiver

PLACE = FileOrigin("frostline.yaml", 70, 9)
DAY = date(2027, 1, 31)


def finding(service: str | None = "legacy", version: str | None = "v1", rule: str = "min_instances") -> Finding:
    return Finding(rule=rule, service=service, version=version, message="it has no endpoint")


def waiver(service: str = "legacy/*", rule: str = "min_instances", until: str = "2027-01-31") -> Waiver:
    return Waiver(rule=rule, service=service, until=until, why="moves in January", origin=PLACE)


def test_a_waiver_silences_through_its_last_day() -> None:
    assert apply_waivers([finding()], [waiver()], DAY) == ()


def test_a_waiver_past_its_day_silences_nothing_and_is_a_finding_itself() -> None:
    kept = apply_waivers([finding()], [waiver()], date(2027, 2, 1))
    assert [one.rule for one in kept] == ["min_instances", EXPIRED.name]
    assert (kept[1].origin, kept[1].severity, kept[1].value) == (PLACE, "error", "2027-01-31")


def test_a_waiver_that_silences_nothing_is_no_finding() -> None:
    assert apply_waivers([], [waiver()], DAY) == ()


@pytest.mark.parametrize(
    ("glob", "found", "silenced"),
    [
        ("legacy/*", finding(), True),
        ("legacy/v1", finding(), True),
        ("legacy", finding(), True),
        ("*", finding(), True),
        ("legacy/*", finding(version=None), True),
        ("legacy/unversioned", finding(version=None), True),
        ("legacy/v2", finding(), False),
        ("leg", finding(), False),
        ("LEGACY/*", finding(), False),
        ("*", finding(service=None, version=None), True),
        ("legacy/*", finding(service=None, version=None), False),
        ("*", finding(rule="required"), False),
    ],
)
def test_a_waiver_silences_only_what_it_names(glob: str, found: Finding, silenced: bool) -> None:
    assert (apply_waivers([found], [waiver(glob)], DAY) == ()) == silenced


def test_an_expired_waivers_finding_can_not_be_waived() -> None:
    kept = apply_waivers([], [waiver(until="2026-01-01"), waiver("*", rule=EXPIRED.name)], DAY)
    assert [one.rule for one in kept] == [EXPIRED.name]


@pytest.mark.parametrize("until", ["", "soon", "2027-02-30", "31.01.2027"])
def test_a_day_that_is_none_is_a_usage_error_at_the_waiver(until: str) -> None:
    with pytest.raises(UsageError) as raised:
        apply_waivers([], [waiver(until=until)], DAY)
    assert raised.value.origin == PLACE


def test_all_wrong_days_are_reported_together() -> None:
    with pytest.raises(ErrorGroup):
        apply_waivers([], [waiver(until="x"), waiver(until="y")], DAY)


@pytest.mark.parametrize(
    ("finding", "help_text"),
    [
        (
            Finding(rule="tags", message="m", help="register it"),
            "register it; or accept it until a day with a waiver of `tags`",
        ),
        (Finding(rule="tags", message="m"), "accept it until a day with a waiver of `tags`"),
        (Finding(rule="tags", message="m", help="write a waiver of it"), "write a waiver of it"),
        (Finding(rule="tags", message="m", severity="warning", help="register it"), "register it"),
        (Finding(rule="waiver-expired", message="m", help="remove it"), "remove it"),
    ],
)
def test_help_names_the_waiver_that_would_accept_an_error(finding: Finding, help_text: str) -> None:
    assert with_waiver_help(finding).help == help_text


def test_the_waiver_follows_a_question_without_a_semicolon() -> None:
    asking = Finding(rule="port-label", message="x", help="did you mean `http`?")
    assert (
        with_waiver_help(asking).help == "did you mean `http`? or accept it until a day with a waiver of `port-label`"
    )
