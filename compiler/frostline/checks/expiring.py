"""What holds until a day and is in its last week: waivers, overrides, entries of `guards.accept`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from frostline.checks.waivers import last_days
from frostline.model import FileOrigin, Finding
from frostline.rules import Rule
from frostline.settings import Override, Waiver
from frostline.text import shorten

DAYS = 7
"""How many days before its end an entry is warned of, its last day included.

Below the 14 days of an entry of `guards.accept` that a refusal prints, and the 7 days from today of `frostline
override`: what was written today is not warned of today.
"""

_MEND = "remove the entry if it has done its work, or give it a later `until`"

EXPIRES_SOON = Rule(
    name="expires-soon",
    severity="warning",
    summary=f"a waiver, an override or an entry of `guards.accept` is in its last {DAYS} days",
    why="The day after, an expired waiver or override stops every run, and a guard judges again what an entry of "
    "`guards.accept` let pass, although nobody changed anything. This warning leaves time to decide.",
    example="frostline.yaml:60:7: warning[expires-soon]: the waiver of `min_instances` for `legacy/*` expires after "
    "2027-01-31 (moves in January); from the next day it is an error\n"
    f"  help: {_MEND}",
    mend=_MEND,
)
RULES = (EXPIRES_SOON,)


def expiring_findings(
    waivers: Sequence[Waiver], overrides: Sequence[Override], accepted: Sequence[Waiver], today: date
) -> Iterator[Finding]:
    """A warning for each entry that is in its last `DAYS` days. accepted: the entries of `guards.accept`.

    Raises UsageError where an `until` of a waiver or an accepted entry is not a date.
    """
    for waiver, last in zip(waivers, last_days(waivers), strict=True):
        name = f"the waiver of `{shorten(waiver.rule)}` for `{shorten(waiver.service)}`"
        yield from _expiring(name, last, waiver.why, "from the next day it is an error", waiver.origin, today)
    for override in overrides:
        name = f"the override of `{shorten(override.service)}`"
        then = "from the next day it is an error, and still applies"
        yield from _expiring(name, date.fromisoformat(override.until), override.why, then, override.origin, today)
    for entry, last in zip(accepted, last_days(accepted), strict=True):
        name = f"`guards.accept` of `{entry.rule}` for `{shorten(entry.service)}`"
        then = "from the next day the guard judges the service again"
        yield from _expiring(name, last, entry.why, then, entry.origin, today)


def _expiring(name: str, last: date, why: str, then: str, origin: FileOrigin, today: date) -> Iterator[Finding]:
    if 0 <= (last - today).days < DAYS:
        message = f"{name} expires after {last.isoformat()} ({shorten(why)}); {then}"
        yield EXPIRES_SOON.finding(message, value=last.isoformat(), origin=origin)
