"""The guards that refuse a registry which shrinks or changes more than anybody intended.

They compare what is published (by the manifest, else by the old lock) with what would be published. `--allow` accepts a
change once, `guards.accept` until a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import Literal

from msgspec import Struct

from frostline.allow_words import say_words_for_all
from frostline.checks.guards.consent import (
    Consent,
    allow_word,
    consent_help,
    consent_on,
    entry_findings,
    key_names_of,
)
from frostline.checks.guards.segments import empty_help
from frostline.endpoint_runs import properties_of
from frostline.model import Entry, Finding, Key
from frostline.rules import Rule
from frostline.service_keys import key_text
from frostline.settings import Allow, Guards
from frostline.text import name_first, pluralize


class Published(Struct, frozen=True):
    """A (service, version): the digest of its content and the number of its endpoints (0: only declared).

    entry: its content; None if only digest and number are known. properties: see `ManifestEntry`.
    """

    digest: str
    endpoints: int
    entry: Entry | None = None
    properties: str = ""


Publication = Mapping[Key, Published]
"""The (service, version)s that are, or would be, published."""

Unhealthy = Mapping[Key, Mapping[str, int]]
"""(service, version) -> health -> the number of instances that selection leaves out because of that health."""


_EXAMPLE_DAY = date(2026, 1, 1)


def _mend(word: str) -> str:
    return f"if this is intended, rerun with `--allow {word}`, or accept it until a day with `guards.accept`"


EMPTY = Rule(
    name="guard-empty",
    summary="the whole registry would be empty",
    why=(
        "An empty registry nearly always comes from a wrong address, a missing token or a `select` that matches "
        "nothing. If it were published, every program would lose every service."
    ),
    example="error[guard-empty]: the registry would be empty: no endpoint and no declared service\n"
    f"  help: {empty_help()}",
    mend=empty_help(),
)
DELETE = Rule(
    name="guard-delete",
    summary="more services than `guards.delete` allows are not registered any more",
    why="Services rarely vanish in such numbers. More often a datacenter, a network or a token is in trouble.",
    example="error[guard-delete]: 10 of 12 services are not registered any more, "
    "more than the 30% that `guards.delete` allows: `service-1/v1`, …\n"
    f"  help: {consent_help('guard-delete', (), _EXAMPLE_DAY)}",
    mend=_mend("deletes"),
)
UPDATE = Rule(
    name="guard-update",
    summary="more services than `guards.update` allows would have fewer endpoints or other properties",
    why="If nearly everything has fewer endpoints, or other tags, meta, weights, schemes, auth or sources at once, the "
    "cause is mostly a changed configuration or a server that answers differently.",
    example="error[guard-update]: 12 of 12 services would have fewer endpoints, or other tags, meta, weights, schemes, "
    "auth or sources, more than the 60% that `guards.update` allows: `service-0/v1`, …\n"
    f"  help: {consent_help('guard-update', (), _EXAMPLE_DAY)}",
    mend=_mend("updates"),
)
MOVE = Rule(
    name="guard-move",
    summary="more services than `guards.move` allows would have other endpoints, as many as before",
    why="Services on dynamic ports move whenever they are rescheduled, so by default all may move. Where addresses are "
    "stable, a share below 100% detects that they change.",
    example="error[guard-move]: 12 of 12 services would move to other endpoints, more than the 20% that `guards.move` "
    f"allows: `service-0/v1`, …\n  help: {consent_help('guard-move', (), _EXAMPLE_DAY)}",
    mend=_mend("moves"),
)
INSTANCES = Rule(
    name="guard-instances",
    summary="a registered service would lose more of its endpoints than `guards.instances` allows",
    why="A service that is still registered but loses most of its endpoints sends all its traffic to the few that are "
    "left. That is what a failing deployment or health check looks like.",
    example="error[guard-instances]: svc25: 0 passing, 6 critical; it had 6 endpoints, and `guards.instances` lets a "
    f"service lose 60% of them\n  help: {consent_help('guard-instances', ['svc25'], _EXAMPLE_DAY)}",
    mend=_mend("deletes"),
)
UPSTREAM = Rule(
    name="guard-upstream",
    summary="a (service, version) would vanish although a consumer declares to call it",
    why="Its consumers are known, and they would have nothing to call. Such a service never vanishes without consent, "
    "however few services go.",
    example="error[guard-upstream]: service-11 v1: not registered, but it is an upstream of `shop/cron`, `shop/web`\n"
    f"  help: {consent_help('guard-upstream', ['service-11/v1'], _EXAMPLE_DAY)}",
    mend=_mend("deletes"),
)
RULES = (EMPTY, DELETE, UPDATE, MOVE, INSTANCES, UPSTREAM)


class _Change(Struct, frozen=True):
    """What the guards compare, and the consent to it. unhealthy: None if no source was asked.

    names_only: see `guard_findings`.
    """

    old: Publication
    new: Publication
    guards: Guards
    consent: Consent
    unhealthy: Unhealthy | None
    today: date
    names_only: bool = False


def guard_findings(
    old: Publication | None,
    new: Publication,
    guards: Guards,
    allow: Allow,
    upstream_consumers: Mapping[Key, tuple[str, ...]],
    *,
    configured_consumers: Mapping[Key, tuple[str, ...]] = {},
    today: date,
    unhealthy: Unhealthy | None = None,
    names_only: bool = False,
) -> tuple[Finding, ...]:
    """Why `new` must not be published in place of `old` (None: a first publication), and warnings of `guards.accept`.

    upstream_consumers: who declares each (service, version) as an upstream. configured_consumers: who calls it by the
    configuration's `consumers`. A (service, version) in either of them never vanishes without consent.
    today: decides which entries of `guards.accept` hold. unhealthy: why endpoints are lost; None if unknown (offline).
    names_only: True if a source freezes names without endpoints; deleting a declared service then counts too.
    """
    warnings = tuple(entry_findings(guards.accept, {*(old or ()), *new}, today))
    if not new and not upstream_consumers and "*" not in allow.empty and guards.empty == "refuse":
        return (EMPTY.finding("the registry would be empty: no endpoint and no declared service", value="0"), *warnings)
    if old is None:
        return warnings
    consumers = {
        key: (*upstream_consumers.get(key, ()), *configured_consumers.get(key, ()))
        for key in {**upstream_consumers, **configured_consumers}
    }
    change = _Change(old, new, guards, consent_on(allow, guards.accept, today), unhealthy, today, names_only)
    findings = [*warnings, *_missing_upstreams(change, consumers)]
    if new or not allow.empty:
        findings += [*_deletes(change), *_changes(change), *_lost_instances(change)]
    return tuple(sorted(findings, key=Finding.sort_key))


def _exceeds(part: int, whole: int, share: float) -> bool:
    """Whether part of whole is more than the share as written, without rounding: 3 of 10 do not exceed 0.3."""
    return part > Fraction(str(share)) * whole


def _percent(share: float) -> str:
    """The share as messages write it: `30%`, `12.5%`."""
    number = Fraction(str(share)) * 100
    return f"{int(number)}%" if number.denominator == 1 else f"{float(number):g}%"


def _in_order(publication: Iterable[Key]) -> list[Key]:
    return sorted(publication, key=Key.sort_key)


Kind = Literal["equal", "grow", "move", "update"]


def kind_of_change(before: Published, after: Published) -> Kind:
    """How a (service, version) changes that stays known.

    update: fewer endpoints, or other tags, meta, weights, schemes, auth or sources. move: other endpoints with the same
    properties. grow: all endpoints stay, and more with the same properties join them. If the endpoints of either are
    unknown, the digests of their properties decide; without these digests it is an update.
    """
    if after.digest == before.digest:
        return "equal"
    if after.endpoints < before.endpoints:
        return "update"
    if not before.endpoints:
        return "grow" if after.endpoints else "update"
    if before.entry is not None and after.entry is not None:
        return _kind_of_entries(before.entry, after.entry)
    if after.endpoints > before.endpoints:
        return "grow"
    return "move" if before.properties and before.properties == after.properties else "update"


def _kind_of_entries(before: Entry, after: Entry) -> Kind:
    had, has = properties_of(before), properties_of(after)
    if (before.sources, before.auth) != (after.sources, after.auth) or not (had <= has and set(has) <= set(had)):
        return "update"
    stay = {endpoint.url for endpoint in before.endpoints} <= {endpoint.url for endpoint in after.endpoints}
    return "grow" if stay and len(after.endpoints) > len(before.endpoints) else "move"


def _deletes(change: _Change) -> list[Finding]:
    """The finding of the guard `delete`. A service that is registered without endpoints counts in `_lost_instances`."""
    served = [key for key in _in_order(change.old) if change.names_only or change.old[key].endpoints > 0]
    gone = [key for key in served if key not in change.new and not change.consent.covers(DELETE.name, key)]
    verb = "is" if len(gone) == 1 else "are"
    return _share_finding(change, DELETE, gone, len(served), f"{verb} not registered any more")


def _changes(change: _Change) -> list[Finding]:
    """The findings of the guards `update` and `move`. They share the kinds, which are slow to compute."""
    old, new = change.old, change.new
    kinds = {key: kind_of_change(old[key], new[key]) for key in _in_order(old) if key in new}

    def changed(rule: Rule, kind: Kind) -> list[Key]:
        return [
            key for key, key_kind in kinds.items() if key_kind == kind and not change.consent.covers(rule.name, key)
        ]

    update = "would have fewer endpoints, or other tags, meta, weights, schemes, auth or sources"
    return [
        *_share_finding(change, UPDATE, changed(UPDATE, "update"), len(old), update),
        *_share_finding(change, MOVE, changed(MOVE, "move"), len(old), "would move to other endpoints"),
    ]


def _share_finding(change: _Change, rule: Rule, keys: list[Key], whole: int, text: str) -> list[Finding]:
    """The finding that these keys exceed the rule's share of `whole`; [] if they do not, or `floor` lets them pass."""
    setting = rule.name.removeprefix("guard-")
    share: float = getattr(change.guards, setting)
    if len(keys) <= change.guards.floor or not _exceeds(len(keys), whole, share):
        return []
    return [
        rule.finding(
            f"{len(keys)} of {whole} services {text}, more than the {_percent(share)} that `guards.{setting}` allows: "
            f"{name_first(key_names_of(keys))}",
            value=str(len(keys)),
            help=consent_help(rule.name, key_names_of(keys), change.today),
        )
    ]


class Loss(Struct, frozen=True):
    """A registered service that loses more than `guards.instances` allows.

    had, lost: numbers of endpoints. why: what became of its instances, such as `0 passing, 6 critical`.
    """

    service: str
    had: int
    lost: int
    why: str


def instance_losses(
    old: Publication, new: Publication, guards: Guards, allow: Allow, *, today: date, unhealthy: Unhealthy | None
) -> tuple[Loss, ...]:
    """The services that the guard `instances` refuses, sorted. For the parameters see `guard_findings`."""
    consent = consent_on(allow, guards.accept, today)
    return tuple(_losses(_Change(old, new, guards, consent, unhealthy, today)))


def _losses(change: _Change) -> Iterator[Loss]:
    """The losses. A service of which no version is registered any more counts in `_deletes`."""
    before, after = (_endpoint_counts(publication, change.consent) for publication in (change.old, change.new))
    for service, number in sorted(before.items()):
        lost = number - after.get(service, 0)
        if service in after and lost > 1 and _exceeds(lost, number, change.guards.instances):
            keys = [key for key in {*change.old, *change.new} if key.service == service]
            yield Loss(service, number, lost, _reason(change, keys))


def _lost_instances(change: _Change) -> tuple[Finding, ...]:
    losses = tuple(_losses(change))
    findings = [
        INSTANCES.finding(
            f"{loss.why}; it had {pluralize(loss.had, 'endpoint')}, "
            f"and `guards.instances` lets a service lose {_percent(change.guards.instances)} of them"
            f"{_NOT_HELD if change.guards.refused == 'hold' else ''}",
            service=loss.service,
            value=str(loss.lost),
            help=consent_help(INSTANCES.name, [loss.service], change.today),
        )
        for loss in losses
    ]
    return say_words_for_all(findings, allow_word(INSTANCES.name), [loss.service for loss in losses])


_NOT_HELD = (
    "; it cannot be held: the committed lock holds no more instances of it in the segments that answered, "
    "or was frozen with other settings"
)


def _endpoint_counts(publication: Publication, consent: Consent) -> dict[str, int]:
    """The number of endpoints of each service, all versions together, except where consent covers the loss."""
    counts: dict[str, int] = {}
    for key, published in publication.items():
        if not consent.covers(INSTANCES.name, key):
            counts[key.service] = counts.get(key.service, 0) + published.endpoints
    return counts


def _reason(change: _Change, keys: Iterable[Key]) -> str:
    """Why these (service, version)s have fewer endpoints: `0 passing, 6 critical`, `not registered`."""
    known = [*keys]
    before, after = (
        sum(publication[key].endpoints for key in known if key in publication)
        for publication in (change.old, change.new)
    )
    if not any(key in change.new for key in known):
        return "not registered"
    if change.names_only and not after:
        return "0 endpoints (a source has `endpoints: false` under `keep`)"
    if change.unhealthy is None:
        return f"{pluralize(after, 'endpoint')} (the reason is unknown offline: the lock holds only passing instances)"
    numbers: dict[str, int] = {}
    for key in known:
        for health, number in change.unhealthy.get(key, {}).items():
            numbers[health] = numbers.get(health, 0) + number
    missing = before - after - sum(numbers.values())
    parts = [f"{after} passing", *(f"{number} {health}" for health, number in sorted(numbers.items()))]
    return ", ".join([*parts, f"{missing} not registered"] if missing > 0 else parts)


def _missing_upstreams(change: _Change, consumers: Mapping[Key, tuple[str, ...]]) -> tuple[Finding, ...]:
    findings: list[Finding] = []
    for key in _in_order(key for key in consumers if key in change.old):
        had = change.old[key].endpoints
        vanishes = key not in change.new or (had > 0 and change.new[key].endpoints == 0)
        if vanishes and not change.consent.covers(UPSTREAM.name, key):
            finding = UPSTREAM.finding(
                f"{_reason(change, [key])}, but it is an upstream of {name_first(sorted(consumers[key]))}",
                service=key.service,
                version=key.version,
                value=key_text(key),
                help=consent_help(UPSTREAM.name, [key_text(key)], change.today),
            )
            findings.append(finding)
    return say_words_for_all(findings, allow_word(UPSTREAM.name), [finding.value or "" for finding in findings])
