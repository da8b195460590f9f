"""Waivers: findings that somebody accepts until a given day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from msgspec.structs import replace

from frostline.errors import ErrorGroup, UsageError
from frostline.globs import matches
from frostline.model import Finding, Key
from frostline.rules import Rule
from frostline.service_keys import matches_key
from frostline.settings import Waiver
from frostline.text import shorten

EXPIRED = Rule(
    name="waiver-expired",
    summary="a waiver is past its last day",
    why="A waiver accepts a problem until a day. After it the problem is shown again, and the waiver itself has to go, "
    "so that no list of forgotten exceptions grows.",
    example="frostline.yaml:60:7: error[waiver-expired]: "
    "the waiver of `min_instances` for `legacy/*` expired after 2027-01-31 (moves in January)\n"
    "  help: remove the waiver, or give it a later `until`",
    mend="remove the waiver, or give it a later `until`",
)
RULES = (EXPIRED,)


def apply_waivers(findings: Iterable[Finding], waivers: Sequence[Waiver], today: date) -> tuple[Finding, ...]:
    """The findings that no waiver silences on `today`, followed by one for each expired waiver.

    A waiver is valid through its day `until`. A waiver that silences nothing is not reported: its problem is solved.
    Raises UsageError where an `until` is not a date.
    """
    days = last_days(waivers)
    valid = [waiver for waiver, last in zip(waivers, days, strict=True) if today <= last]
    kept = [finding for finding in findings if not any(_silences(waiver, finding) for waiver in valid)]
    kept += [_expired(waiver, last) for waiver, last in zip(waivers, days, strict=True) if today > last]
    return tuple(kept)


def waiver_of(finding: Finding, waivers: Iterable[Waiver]) -> Waiver | None:
    """The waiver of this finding, whether its last day is over or not; of several the one that lasts longest."""
    return max((one for one in waivers if _silences(one, finding)), key=lambda one: one.until, default=None)


def with_way_past(finding: Finding) -> Finding:
    """The finding with help that names the waiver that would accept it. Warnings stop nothing, so need none."""
    if finding.severity == "warning" or finding.rule == EXPIRED.name or "waiver" in (finding.help or ""):
        return finding
    accept = f"accept it until a day with a waiver of `{finding.rule}`"
    if not finding.help:
        return replace(finding, help=accept)
    joined = "" if finding.help.endswith("?") else ";"
    return replace(finding, help=f"{finding.help}{joined} or {accept}")


def last_days(waivers: Sequence[Waiver]) -> tuple[date, ...]:
    """The last day of each waiver. Raises UsageError, or ErrorGroup, where one is not a date."""
    days: list[date] = []
    errors: list[UsageError] = []
    for waiver in waivers:
        try:
            days.append(date.fromisoformat(waiver.until))
        except ValueError:
            errors.append(
                UsageError(
                    f"`until` is `{shorten(waiver.until)}`, which is not a date",
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
    return matches_key(waiver.service, Key(finding.service, finding.version))


def _expired(waiver: Waiver, last: date) -> Finding:
    return EXPIRED.finding(
        f"the waiver of `{shorten(waiver.rule)}` for `{shorten(waiver.service)}` "
        f"expired after {last.isoformat()} ({shorten(waiver.why)})",
        value=last.isoformat(),
        origin=waiver.origin,
    )
