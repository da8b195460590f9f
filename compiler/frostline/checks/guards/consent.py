"""Consent to what a guard would refuse: `--allow` once, `guards.accept` in git until a day."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, timedelta
from shlex import quote

from msgspec import Struct

from frostline.checks.waivers import last_days
from frostline.globs import matches
from frostline.model import Finding, Key
from frostline.rules import Rule
from frostline.service_keys import glob_of, key_names, key_text, matches_key
from frostline.settings import Allow, Waiver
from frostline.text import closest, escape_json, shorten

EXPIRED = Rule(
    name="guard-accept-expired",
    severity="warning",
    summary="an entry of `guards.accept` is past its last day",
    why=(
        "Consent to a change ends on a day, so that it does not let the next accident pass too. After that day "
        "the guard judges the service again."
    ),
    example="frostline.yaml:60:7: warning[guard-accept-expired]: "
    "`guards.accept` of `guard-instances` for `svc29` expired after 2027-01-31 (retired)\n"
    "  help: remove the entry, or give it a later `until`",
    mend="remove the entry, or give it a later `until`",
)
UNUSED = Rule(
    name="guard-accept-unused",
    severity="warning",
    summary="an entry of `guards.accept` matches no service",
    why="Either its glob is misspelt and the guard will refuse what it was written for, or the service is gone and "
    "nobody needs the entry any more.",
    example="frostline.yaml:60:7: warning[guard-accept-unused]: "
    "`guards.accept` of `guard-delete` for `svc29` matches no service, published or new\n"
    "  help: remove the entry, or correct its `service`: did you mean `svc2`?",
    mend="remove the entry, or correct its `service`",
)
RULES = (EXPIRED, UNUSED)

ACCEPTED_RULES = ("guard-delete", "guard-instances", "guard-move", "guard-update", "guard-upstream")
"""The rules that `guards.accept` takes: those that judge services."""

_WORDS = {"guard-move": "moves", "guard-update": "updates"}
_DAYS = 14
_MOST_SCOPED = 6


class Consent(Struct, frozen=True):
    """The changes that may pass on a day. accepted: the entries of `guards.accept` that hold on that day."""

    allow: Allow
    accepted: tuple[Waiver, ...] = ()

    def covers(self, rule: str, key: Key) -> bool:
        """Whether the guard of this rule must not count this (service, version)."""
        if any(matches_key(glob, key) for glob in getattr(self.allow, allow_word(rule))):
            return True
        return any(entry.rule == rule and matches_key(entry.service, key) for entry in self.accepted)


def consent_on(allow: Allow, entries: Sequence[Waiver], today: date) -> Consent:
    """The consent that holds today. An entry holds through its day `until`.

    Raises UsageError, or ErrorGroup, if an `until` is not a date.
    """
    days = last_days(entries)
    return Consent(allow, tuple(entry for entry, last in zip(entries, days, strict=True) if today <= last))


def entry_findings(entries: Sequence[Waiver], keys: Collection[Key], today: date) -> Iterator[Finding]:
    """A warning for each entry of `guards.accept` that has expired, or matches none of these (service, version)s."""
    for entry, last in zip(entries, last_days(entries), strict=True):
        named = f"`guards.accept` of `{entry.rule}` for `{shorten(entry.service)}`"
        if today > last:
            yield EXPIRED.finding(
                f"{named} expired after {last.isoformat()} ({shorten(entry.why)})",
                value=last.isoformat(),
                origin=entry.origin,
            )
        elif not any(matches_key(entry.service, key) for key in keys):
            near = closest(entry.service, {name for key in keys for name in key_names(key)})
            way = f"{UNUSED.mend}: did you mean `{near}`?" if near else None
            message = f"{named} matches no service, published or new"
            yield UNUSED.finding(message, value=entry.service, origin=entry.origin, help=way)


def allow_word(rule: str) -> str:
    """The word of `--allow` that accepts what this rule refuses: `deletes`, `updates` or `moves`."""
    return _WORDS.get(rule, "deletes")


def allows_segment(allow: Allow, source: str, datacenter: str) -> bool:
    """Whether `--allow empty` covers this segment: `empty`, `empty=SOURCE` or `empty=SOURCE/DATACENTER`."""
    return any(matches((glob,), name) for glob in allow.empty for name in (source, f"{source}/{datacenter}"))


def consent_help(rule: str, names: Iterable[str], today: date, way: str = "rerun with `--allow {}`") -> str:
    """The help line that says how to consent: by the option, or by entries of `guards.accept`, as items of a YAML list.

    An item can be pasted below those of other refusals. Up to `_MOST_SCOPED` services are named one by one: consent to
    all of them, which is what more get, also lets pass what other guards refuse.

    names: those of the refused services, as `key_text` writes them; () for all. way: what to do with the option; `{}`
    stands for the option's value.
    """
    listed = sorted({glob_of(name) for name in names})
    if not listed or len(listed) > _MOST_SCOPED:
        listed = ["*"]
    word = allow_word(rule)
    option = word if listed == ["*"] else quote(",".join(f"{word}={name}" for name in listed))
    until = (today + timedelta(days=_DAYS)).isoformat()
    entries = [
        f'`- {{rule: {rule}, service: {escape_json(json.dumps(name))}, until: {until}, why: "say why"}}`'
        for name in listed
    ]
    of_all = ", for all services" if listed == ["*"] else ""
    return (
        f"if this is intended, {way.format(option)}{of_all}, "
        f"or have it reviewed: add {', '.join(entries)} to the list `guards.accept` in frostline.yaml"
    )


def key_names_of(keys: Iterable[Key]) -> list[str]:
    """The (service, version)s as `consent_help` takes them."""
    return [key_text(key) for key in keys]
