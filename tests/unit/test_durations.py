from __future__ import annotations

import pytest

from frostline.durations import describe_duration, parse_duration, without_durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("5s", 5),
        ("1.5m", 90),
        ("72h", 259200),
        ("3d", 259200),
        ("0s", 0),
        ("999999999d", 86399999913600),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "s", "-5s", "5 s", "5S", "1h30m", "5s\n", "٥s", "1e3s", "9" * 10 + "s", "inf"]
)
def test_other_texts_are_not_durations(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (1.9, "1 second"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (7199, "119 minutes"),
        (7200, "2 hours"),
        (172799, "47 hours"),
        (172800, "2 days"),
        (30 * 86400, "30 days"),
    ],
)
def test_an_age_is_written_in_the_largest_unit_that_gives_at_least_two(seconds: float, text: str) -> None:
    assert describe_duration(seconds) == text


def test_texts_that_differ_only_in_ages_are_equal_without_durations() -> None:
    ages = (1, 17, 300, 7300, 900000)
    assert len({without_durations(f"dc2 was confirmed {describe_duration(age)} ago") for age in ages}) == 1
    assert without_durations("dc2 is 3 days old") != without_durations("dc3 is 3 days old")
