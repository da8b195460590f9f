"""Guards: a registry that shrank or changed more than anybody intended is not published.

They compare what is published (the manifest, else the old lock) with what would be. `--allow` accepts a change once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from shlex import quote

from msgspec import Struct

from frostline.keys import key_text, matches_key
from frostline.model import Finding, InstanceOrigin, Key
from frostline.rules import Rule
from frostline.settings import Allow, Guards
from frostline.text import name_first, pluralize, shorten

Segment = tuple[str, str, str]
"""(source, datacenter, namespace)."""


class Published(Struct, frozen=True):
    """A (service, version): the digest of its content and how many endpoints it has (0: only declared)."""

    digest: str
    endpoints: int


Publication = Mapping[Key, Published]
"""What is, or would be, published."""

# Consul with ACLs answers a request without a token with 200 and an empty list.
_EMPTY_HELP = (
    "a missing token also produces an empty answer: check with `frostline sources`; "
    "if there really is nothing, rerun with `--allow empty`"
)
_DELETES_HELP = "if this is intended, rerun with `--allow deletes` or `--allow deletes=GLOB`"

EMPTY = Rule(
    name="guard-empty",
    summary="the whole registry would be empty",
    why="Nothing at all is nearly always a wrong address, a missing token or a `select` that matches nothing. "
    "Published, it would take every service away from every program.",
    example="error[guard-empty]: the registry would be empty: no endpoint and no declared service\n"
    f"  help: {_EMPTY_HELP}",
    mend=_EMPTY_HELP,
)
EMPTY_SEGMENT = Rule(
    name="guard-segment",
    summary="a segment (source, datacenter, namespace) had services and now has none",
    why="A server without a leader, with a wrong token or with an empty state answers an empty list like a server that "
    "really has nothing.",
    example="mesh(datacenter=dc1, namespace=ops): error[guard-segment]: "
    f"it had 12 instances (declared services included) and now has none\n  help: {_EMPTY_HELP}",
    mend=_EMPTY_HELP,
)
EMPTY_SOURCE = Rule(
    name="guard-source",
    summary="a live source returned no selected service",
    why="On a first run there is nothing to compare with, and an agent with ACLs answers a request that has no token "
    "with success and an empty list.",
    example=f"error[guard-source]: source `mesh` returned no selected service\n  help: {_EMPTY_HELP}",
    mend=_EMPTY_HELP,
)
DELETE = Rule(
    name="guard-delete",
    summary="more services than `guards.delete` allows would be gone or left without an endpoint",
    why="That many services rarely go at once. More often a datacenter, a network or a token is in trouble.",
    example="error[guard-delete]: 10 of 12 services would be gone or left without an endpoint, "
    f"more than the 30% that `guards.delete` allows: `service-1/v1`, …\n  help: {_DELETES_HELP}",
    mend=_DELETES_HELP,
)
UPDATE = Rule(
    name="guard-update",
    summary="more services than `guards.update` allows would change",
    why="A change of nearly everything at once is mostly a change of the configuration, or of how a server answers.",
    example="error[guard-update]: 12 of 12 services would change, "
    "more than the 60% that `guards.update` allows: `service-0/v1`, …\n"
    "  help: if this is intended, rerun with `--allow updates`",
    mend="if this is intended, rerun with `--allow updates`",
)
INSTANCES = Rule(
    name="guard-instances",
    summary="a service would lose more of its endpoints than `guards.instances` allows",
    why="A service that keeps its name but loses most of its endpoints would send all its traffic to the few that are "
    "left. A deployment or a health check in trouble looks like that.",
    example="error[guard-instances]: 1 service would lose more endpoints than the 60% that `guards.instances` allows: "
    f"`service-3` (4 to 1)\n  help: {_DELETES_HELP}",
    mend=_DELETES_HELP,
)
UPSTREAM = Rule(
    name="guard-upstream",
    summary="a (service, version) would vanish although somebody declares it as an upstream",
    why="Its consumers are known: they would have nothing to call. Such a service never vanishes without consent, "
    "however few go.",
    example="error[guard-upstream]: service-11 v1: it would vanish, but it is an upstream of `shop/cron`, `shop/web`\n"
    "  help: if this is intended, rerun with `--allow deletes=service-11/v1`",
    mend=_DELETES_HELP,
)
RULES = (EMPTY, EMPTY_SEGMENT, EMPTY_SOURCE, DELETE, UPDATE, INSTANCES, UPSTREAM)


def guard_findings(
    old: Publication | None,
    new: Publication,
    guards: Guards,
    allow: Allow,
    upstream_consumers: Mapping[Key, tuple[str, ...]],
) -> tuple[Finding, ...]:
    """Why `new` must not be published in place of `old` (None: a first publication); () where nothing is wrong.

    upstream_consumers: who declares each (service, version) as an upstream; such a one never vanishes by itself.
    """
    if not new and not upstream_consumers and not allow.empty and guards.empty == "refuse":
        return (EMPTY.finding("the registry would be empty: no endpoint and no declared service", value="0"),)
    if old is None:
        return ()
    findings = list(_missing_upstreams(old, new, allow, upstream_consumers))
    if new or not allow.empty:
        findings += [*_deletes(old, new, guards, allow), *_updates(old, new, guards, allow)]
        findings += _lost_instances(old, new, guards, allow)
    return tuple(sorted(findings, key=Finding.sort_key))


def emptied_segments(
    old: Mapping[Segment, int], new: Mapping[Segment, int], guards: Guards, allow: Allow
) -> tuple[Finding, ...]:
    """A finding for each segment that had something (instances plus declared services) and now has nothing.

    old: the segments of the old lock whose sources are still configured and were read now.
    """
    if allow.empty or guards.empty != "refuse":
        return ()
    return tuple(
        EMPTY_SEGMENT.finding(
            f"it had {pluralize(number, 'instance')} (declared services included) and now has none",
            value=str(number),
            origin=InstanceOrigin(*segment),
        )
        for segment, number in sorted(old.items())
        if number > 0 and new.get(segment, 0) == 0
    )


def empty_sources(new: Mapping[Segment, int], guards: Guards, allow: Allow) -> tuple[Finding, ...]:
    """A finding for each source that returned nothing in any of its segments, on the first run too.

    new: the size of each segment (instances plus declared services) of the live sources that were read.
    """
    if allow.empty or guards.empty != "refuse":
        return ()
    sizes: dict[str, int] = {}
    for (source, _, _), number in new.items():
        sizes[source] = sizes.get(source, 0) + number
    return tuple(
        EMPTY_SOURCE.finding(f"source `{source}` returned no selected service", value=source)
        for source, size in sorted(sizes.items())
        if size == 0
    )


def _exceeds(part: int, whole: int, share: float) -> bool:
    """Whether part of whole is more than the share as written: 3 of 10 do not exceed 0.3."""
    return part > Fraction(str(share)) * whole


def _percent(share: float) -> str:
    """`30%`, `12.5%`."""
    number = Fraction(str(share)) * 100
    return f"{int(number)}%" if number.denominator == 1 else f"{float(number):g}%"


def _may_vanish(key: Key, allow: Allow) -> bool:
    return allow.deletes is not None and matches_key(allow.deletes, key)


def _vanishes(key: Key, old: Publication, new: Publication) -> bool:
    """Whether it has an endpoint in `old` and none in `new`."""
    return old[key].endpoints > 0 and (key not in new or new[key].endpoints == 0)


def _in_order(publication: Publication) -> list[Key]:
    return sorted(publication, key=Key.sort_key)


def _deletes(old: Publication, new: Publication, guards: Guards, allow: Allow) -> list[Finding]:
    served = sum(1 for published in old.values() if published.endpoints > 0)
    gone = [key for key in _in_order(old) if _vanishes(key, old, new) and not _may_vanish(key, allow)]
    if len(gone) <= guards.floor or not _exceeds(len(gone), served, guards.delete):
        return []
    return [
        DELETE.finding(
            f"{len(gone)} of {served} services would be gone or left without an endpoint, more than the "
            f"{_percent(guards.delete)} that `guards.delete` allows: {name_first([key_text(key) for key in gone])}",
            value=str(len(gone)),
        )
    ]


def _updates(old: Publication, new: Publication, guards: Guards, allow: Allow) -> list[Finding]:
    changed = [
        key
        for key in _in_order(old)
        if key in new and new[key].digest != old[key].digest and not _vanishes(key, old, new)
    ]
    if allow.updates or len(changed) <= guards.floor or not _exceeds(len(changed), len(old), guards.update):
        return []
    return [
        UPDATE.finding(
            f"{len(changed)} of {len(old)} services would change, more than the {_percent(guards.update)} "
            f"that `guards.update` allows: {name_first([key_text(key) for key in changed])}",
            value=str(len(changed)),
        )
    ]


def _lost_instances(old: Publication, new: Publication, guards: Guards, allow: Allow) -> list[Finding]:
    before, after = _endpoint_counts(old, allow), _endpoint_counts(new, allow)
    shrunk = [
        (service, number, after.get(service, 0))
        for service, number in sorted(before.items())
        if number - after.get(service, 0) > 1 and _exceeds(number - after.get(service, 0), number, guards.instances)
    ]
    return [_lost_finding(shrunk, guards)] if shrunk else []


def _lost_finding(shrunk: Sequence[tuple[str, int, int]], guards: Guards) -> Finding:
    shown = ", ".join(f"`{shorten(service)}` ({before} to {after})" for service, before, after in shrunk[:10])
    more = f" and {len(shrunk) - 10} more" if len(shrunk) > 10 else ""
    return INSTANCES.finding(
        f"{pluralize(len(shrunk), 'service')} would lose more endpoints than the {_percent(guards.instances)} "
        f"that `guards.instances` allows: {shown}{more}",
        value=str(len(shrunk)),
    )


def _endpoint_counts(publication: Publication, allow: Allow) -> dict[str, int]:
    """The number of endpoints of each service, all versions together, without the versions that may vanish."""
    counts: dict[str, int] = {}
    for key, published in publication.items():
        if not _may_vanish(key, allow):
            counts[key.service] = counts.get(key.service, 0) + published.endpoints
    return counts


def _missing_upstreams(
    old: Publication, new: Publication, allow: Allow, upstream_consumers: Mapping[Key, tuple[str, ...]]
) -> Iterator[Finding]:
    for key in _in_order(old):
        vanishes = key not in new or _vanishes(key, old, new)
        if key in upstream_consumers and vanishes and not _may_vanish(key, allow):
            yield UPSTREAM.finding(
                f"it would vanish, but it is an upstream of {name_first(sorted(upstream_consumers[key]))}",
                service=key.service,
                version=key.version,
                value=key_text(key),
                help=f"if this is intended, rerun with `--allow {quote(f'deletes={key_text(key)}')}`",
            )
