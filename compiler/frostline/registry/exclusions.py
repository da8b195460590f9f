"""Which instances and endpoints the registry leaves out, and why. `frostline explain` shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from frostline.addresses import INVALID, PORT_INVALID
from frostline.model import Contribution, InstanceOrigin, Key, Origin, Registration, Registry, SegmentAnswer
from frostline.registry import url_values
from frostline.registry.named_ports import PORT_UNCHOSEN
from frostline.registry.naming import splitter_of
from frostline.registry.overrides.effects import Effect
from frostline.registry.selection.selecting import excluded_registrations, verdict_of
from frostline.rules import DOT_SEGMENT
from frostline.service_keys import key_text
from frostline.settings import LiveSettings
from frostline.text import quote

_NO_URL = {rule.name for rule in (*url_values.RULES, INVALID, PORT_INVALID, PORT_UNCHOSEN, DOT_SEGMENT)}


class Exclusion(Struct, frozen=True, kw_only=True):
    """An instance or endpoint of a (service, version) that the registry leaves out.

    name: the registered name, or the endpoint's URL. reason: a sentence without a full stop.
    """

    key: Key
    name: str
    origin: Origin
    reason: str


def excluded_instances(answers: Iterable[SegmentAnswer], live: Mapping[str, LiveSettings]) -> Iterator[Exclusion]:
    """The registrations that selection excludes from these answers, once for each (service, version) they stand for.

    live: the settings of the live sources by name.
    """
    for answer in answers:
        settings = live[answer.source]
        split = splitter_of(settings.naming)
        for registration, reason in _excluded(answer, settings):
            datacenter = registration.datacenter or answer.datacenter
            origin = InstanceOrigin(answer.source, datacenter, answer.namespace, registration.node, registration.id)
            for key in split(registration.service, registration.tags, registration.meta):
                yield Exclusion(key=key, name=registration.service, origin=origin, reason=reason)


def _excluded(answer: SegmentAnswer, settings: LiveSettings) -> Iterator[tuple[Registration, str]]:
    if settings.keep.endpoints:
        yield from excluded_registrations(answer, settings.select)
        return
    verdict = verdict_of(settings.select)
    for registration in answer.registrations:
        yield registration, verdict(registration) or "`endpoints: false` under `keep` freezes only its name"


def instances_without_url(contributions: Iterable[Contribution]) -> Iterator[Exclusion]:
    """The selected instances that cannot have an endpoint, whether or not a waiver silences the finding about them."""
    for contribution in contributions:
        upstream_origins = {upstream.origin for upstream in contribution.upstreams}
        for finding in contribution.findings:
            origin = finding.origin
            if finding.rule not in _NO_URL or finding.service is None or origin is None or origin in upstream_origins:
                continue
            key = Key(finding.service, finding.version)
            yield Exclusion(key=key, name=key_text(key), origin=origin, reason=finding.message)


def overridden_endpoints(effects: Iterable[Effect]) -> Iterator[Exclusion]:
    """The endpoints that overrides drop or replace."""
    for effect in effects:
        override = effect.override
        end = f"until {override.until} ({override.why})"
        outcomes = [(endpoint, "drops it") for endpoint in effect.dropped]
        outcomes += [(endpoint, f"replaces it by {replacement.url}") for endpoint, replacement in effect.replaced]
        for endpoint, outcome in outcomes:
            reason = f"the override at {override.origin} {outcome} {end}"
            yield Exclusion(key=effect.key, name=endpoint.url, origin=endpoint.origin, reason=reason)


def preceded_endpoints(contributions: Iterable[Contribution], registry: Registry) -> Iterator[Exclusion]:
    """The endpoints that another source, or another segment of their own source, precedes."""
    for contribution in contributions:
        for key, endpoints in contribution.preceded.items():
            winner = contribution.endpoints[key][0].datacenter
            for endpoint in endpoints:
                reason = f"{quote(winner)} precedes {quote(endpoint.datacenter)}"
                yield Exclusion(key=key, name=endpoint.url, origin=endpoint.origin, reason=reason)
        for key, endpoints in contribution.endpoints.items():
            winners = registry.services[key.service][key.version].sources
            if contribution.source in winners:
                continue
            reason = f"source {', '.join(map(quote, winners))} precedes {quote(contribution.source)}"
            for endpoint in endpoints:
                yield Exclusion(key=key, name=endpoint.url, origin=endpoint.origin, reason=reason)
