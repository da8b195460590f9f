"""The rules of findings about overrides, and the findings that depend on the day or on the whole registry."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import date

from frostline.model import FileOrigin, Finding, Registry
from frostline.registry.overrides.effects import Effect
from frostline.rules import Rule
from frostline.service_keys import key_names, key_text, matches_key
from frostline.settings import EndpointMatch, Override
from frostline.text import closest, name_first, pluralize, shorten

_PLACE = "frostline.yaml:30:5"

AT_WORK = Rule(
    name="override",
    severity="warning",
    summary="an override changes what is published",
    why=(
        "The published registry differs from what the sources say. Everybody who reads a plan or a report should "
        "know that, until when, and why."
    ),
    example=f"{_PLACE}: warning[override]: an override of `payments/v1` drops 1 endpoint, replaces 1, adds 1 until "
    "2027-01-31 (disk)\n"
    "  help: remove the entry when the sources are right again; `frostline explain payments/v1` shows what it changes",
    mend="remove the entry when the sources are right again; `frostline explain SERVICE` shows what it changes",
)
EXPIRED = Rule(
    name="override-expired",
    summary="an override is past its last day",
    why=(
        "An override is a short-term measure. It still applies, because the published registry must not change by "
        "itself at midnight. But somebody has to decide what to do with it."
    ),
    example=f"{_PLACE}: error[override-expired]: the override of `payments/v1` expired after 2027-01-31 (disk); "
    "it still applies\n  help: remove the entry, or give it a later `until`",
    mend="remove the entry, or give it a later `until`",
)
UNUSED = Rule(
    name="override-unused",
    severity="warning",
    summary="an override, or a part of it, changes nothing",
    why=(
        "Either the override is misspelt and does not change the intended endpoint, or the sources are right "
        "again and nobody needs the override any more."
    ),
    example="frostline.yaml:30:10: warning[override-unused]: "
    "the override of `payments/v1` would drop endpoints with address `10.0.0.99`, but there are none\n"
    "  help: remove it, or correct it: `frostline explain SERVICE` shows the endpoints",
    mend="remove it, or correct it: `frostline explain SERVICE` shows the endpoints",
)
CONFLICT = Rule(
    name="override-conflict",
    summary="two overrides contradict each other",
    why="Only one of them can apply. Until somebody decides, the first one does.",
    example="frostline.yaml:30:10: error[override-conflict]: payments v1: an override drops `http://10.0.0.7:8080/v1`, "
    "but the one at frostline.yaml:29:5 replaces it by `http://10.0.0.8:8080/v1`\n"
    "  help: keep one of the two",
    mend="keep one of the two",
)
NO_ENDPOINT = Rule(
    name="override-no-endpoint",
    summary="overrides leave a (service, version) without an endpoint",
    why="Its consumers would have nothing to call. That is rarely intended.",
    example=f"{_PLACE}: error[override-no-endpoint]: payments v1: "
    "overrides leave it without an endpoint; it has 2 without them\n"
    "  help: drop less or add a URL; if this is intended, accept it with a waiver of `override-no-endpoint`",
    mend="drop less or add a URL; if this is intended, accept it with a waiver of `override-no-endpoint`",
)
RULES = (AT_WORK, EXPIRED, UNUSED, CONFLICT, NO_ENDPOINT)


def findings_on(overrides: Sequence[Override], effects: Sequence[Effect], today: date) -> Iterator[Finding]:
    """A warning for each override that changes something, and an error for each one whose last day is over."""
    for override in overrides:
        names = f"`{shorten(override.service)}`"
        if today.isoformat() > override.until:
            yield EXPIRED.finding(
                f"the override of {names} expired after {override.until} ({shorten(override.why)}); it still applies",
                value=override.until,
                origin=override.origin,
            )
        own = [effect for effect in effects if effect.override == override and effect.is_at_work]
        if own:
            yield AT_WORK.finding(
                f"an override of {name_first([key_text(effect.key) for effect in own])} {describe(own)} "
                f"until {override.until} ({shorten(override.why)})",
                value=override.service,
                origin=override.origin,
                help=AT_WORK.mend.replace("SERVICE", shlex.quote(key_text(own[0].key))),
            )


def describe(effects: Sequence[Effect]) -> str:
    """What these effects do together: `drops 1 endpoint, adds 1`."""
    numbers = {
        "drops": sum(len(effect.dropped) for effect in effects),
        "replaces": sum(len(effect.replaced) for effect in effects),
        "adds": sum(len(effect.added) for effect in effects),
    }
    first, *others = [(verb, number) for verb, number in numbers.items() if number]
    return ", ".join([f"{first[0]} {pluralize(first[1], 'endpoint')}", *(f"{verb} {count}" for verb, count in others)])


def unused_findings(overrides: Sequence[Override], effects: Sequence[Effect], registry: Registry) -> Iterator[Finding]:
    """A warning for each part of an override that changes nothing.

    registry: before or after the overrides; only its keys count.
    """
    keys = [key for key, _ in registry.entries()]
    for override in overrides:
        name = f"the override of `{shorten(override.service)}`"
        if not any(matches_key(override.service, key) for key in keys):
            near = closest(override.service, {name for key in keys for name in key_names(key)})
            way = f"remove it, or correct its `service`: did you mean `{near}`?" if near else None
            yield _unused(f"{name} matches no service", override.origin, override.service, way)
            continue
        used = {place for effect in effects if effect.override == override for place in effect.parts}
        for match in override.drop:
            if match.origin not in used:
                yield _unused(f"{name} would drop endpoints with {_values(match)}, but there are none", match.origin)
        for part in override.replace:
            if part.origin not in used:
                message = f"{name} would replace `{shorten(part.old)}`, but no endpoint has this URL"
                yield _unused(message, part.origin, part.old)
        for url, place in override.add:
            if place not in used:
                yield _unused(f"{name} would add `{shorten(url)}`, but an endpoint has this URL already", place, url)


def _unused(message: str, origin: FileOrigin, value: str | None = None, help: str | None = None) -> Finding:
    return UNUSED.finding(message, value=value, origin=origin, help=help)


def _values(match: EndpointMatch) -> str:
    names = ("address", "port", "datacenter", "namespace", "node", "id", "url")
    written = [(name, getattr(match, name)) for name in names if getattr(match, name) is not None]
    return ", ".join(f"{name} `{shorten(str(value))}`" for name, value in written)
