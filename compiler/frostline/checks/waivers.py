"""Waivers: findings that somebody accepts until a day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from frostline.checks.keys import fits
from frostline.errors import ErrorGroup, UsageError
from frostline.globs import matches
from frostline.model import Finding, Key
from frostline.settings import Waiver
from frostline.text import shorten

EXPIRED = "waiver-expired"


def waived(findings: Iterable[Finding], waivers: Sequence[Waiver], today: date) -> tuple[Finding, ...]:
    """The findings that no waiver silences on `today`, then one for each waiver that is past its day.

    A waiver holds through its day `until`. One that silences nothing is no finding: what it waited for is done.
    Raises UsageError where an `until` is no day.
    """
    days = last_days(waivers)
    valid = [waiver for waiver, last in zip(waivers, days, strict=True) if today <= last]
    kept = [finding for finding in findings if not any(_silences(waiver, finding) for waiver in valid)]
    kept += [_expired(waiver, last) for waiver, last in zip(waivers, days, strict=True) if today > last]
    return tuple(kept)


def last_days(waivers: Sequence[Waiver]) -> tuple[date, ...]:
    """The last day of each waiver. Raises UsageError, or SeveralErrors, where one is no day."""
    days: list[date] = []
    errors: list[UsageError] = []
    for waiver in waivers:
        try:
            days.append(date.fromisoformat(waiver.until))
        except ValueError:
            errors.append(
                UsageError(
                    f"`until` is `{shorten(waiver.until)}`, which is no day",
                    origin=waiver.origin,
                    help="write the last day of the waiver as YEAR-MONTH-DAY, such as 2027-01-31",
                )
            )
    if errors:
        raise ErrorGroup(errors) if len(errors) > 1 else errors[0]
    return tuple(days)


def _silences(waiver: Waiver, finding: Finding) -> bool:
    if waiver.rule != finding.rule:
        return False
    if finding.service is None:
        return matches((waiver.service,), "")
    return fits(waiver.service, Key(finding.service, finding.version))


def _expired(waiver: Waiver, last: date) -> Finding:
    return Finding(
        rule=EXPIRED,
        message=(
            f"the waiver of `{shorten(waiver.rule)}` for `{shorten(waiver.service)}` "
            f"ended on {last.isoformat()} ({shorten(waiver.why)})"
        ),
        value=last.isoformat(),
        origin=waiver.origin,
        help="remove the waiver, or give it a later day `until`",
    )
