"""Waivers: findings that somebody accepts until a given day."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date

from msgspec.structs import replace

from frostline.errors import ErrorGroup, UsageError
from frostline.globs import matches
from frostline.model import Finding, Key
from frostline.rules import Rule
from frostline.service_keys import matches_key
from frostline.settings import Waiver
from frostline.text import did_you_mean, shorten

EXPIRED = Rule(
    name="waiver-expired",
    summary="a waiver is past its last day",
    why="A waiver accepts a problem until a day. After that day the problem is shown again, and the waiver itself must "
    "be removed, so that no list of forgotten exceptions grows.",
    example="frostline.yaml:60:7: error[waiver-expired]: "
    "the waiver of `min_instances` for `legacy/*` expired after 2027-01-31 (moves in January)\n"
    "  help: remove the waiver, or give it a later `until`",
    mend="remove the waiver, or give it a later `until`",
)
INEFFECTIVE = Rule(
    name="waiver-ineffective",
    severity="warning",
    summary="a waiver names a rule that waivers cannot silence, or that seems to be misspelt",
    why="Such a waiver accepts nothing: what it was written for is still refused.",
    example="frostline.yaml:60:7: warning[waiver-ineffective]: the waiver of `prot-zero`: there is no such rule\n"
    "  help: did you mean `port-zero`?",
    mend="write the name of a rule as findings show it and `frostline rule` lists it",
)
RULES = (EXPIRED, INEFFECTIVE)


def apply_waivers(findings: Iterable[Finding], waivers: Sequence[Waiver], today: date) -> tuple[Finding, ...]:
    """The findings that no waiver silences on `today`, followed by one for each expired waiver.

    A waiver is valid through its day `until`. A waiver that silences nothing is not reported: its problem is solved.
    Raises UsageError, or ErrorGroup, if an `until` is not a date.
    """
    days = last_days(waivers)
    valid = [waiver for waiver, last in zip(waivers, days, strict=True) if today <= last]
    kept = [finding for finding in findings if not any(_silences(waiver, finding) for waiver in valid)]
    kept += [_expired(waiver, last) for waiver, last in zip(waivers, days, strict=True) if today > last]
    return tuple(kept)


def ineffective_waivers(
    waivers: Iterable[Waiver], rules: Collection[str], unwaivable: Collection[str]
) -> Iterator[Finding]:
    """A warning for each waiver that cannot silence anything.

    rules: the names of all known rules. A waiver of a name that resembles none of them gets no warning: a plug-in may
    find things by rules that it does not list. unwaivable: the names of the rules that waivers cannot silence.
    """
    for waiver in waivers:
        name = shorten(waiver.rule)
        if waiver.rule in unwaivable:
            way = "remove it: the help of such a finding says how to consent to it"
            yield INEFFECTIVE.finding(f"waivers cannot silence the rule `{name}`", origin=waiver.origin, help=way)
        elif waiver.rule not in rules and (hint := did_you_mean(waiver.rule, rules, "")):
            message = f"the waiver of `{name}`: there is no such rule"
            yield INEFFECTIVE.finding(message, origin=waiver.origin, help=hint)


def waiver_of(finding: Finding, waivers: Iterable[Waiver]) -> Waiver | None:
    """The waiver of this finding, expired or not; the one that lasts longest if there are several."""
    silencing = (waiver for waiver in waivers if _silences(waiver, finding))
    return max(silencing, key=lambda waiver: waiver.until, default=None)


def with_waiver_help(finding: Finding) -> Finding:
    """The finding with help that names the waiver that would accept it. Warnings stop nothing, so they need none."""
    if finding.severity == "warning" or finding.rule == EXPIRED.name or "waiver" in (finding.help or ""):
        return finding
    accept = f"accept it until a day with a waiver of `{finding.rule}`"
    if not finding.help:
        return replace(finding, help=accept)
    joined = "" if finding.help.endswith("?") else ";"
    return replace(finding, help=f"{finding.help}{joined} or {accept}")


def last_days(waivers: Sequence[Waiver]) -> tuple[date, ...]:
    """The last day of each waiver. Raises UsageError, or ErrorGroup, if one is not a date."""
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
