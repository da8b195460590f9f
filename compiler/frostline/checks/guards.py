"""Guards: a registry that shrank or changed more than anybody meant it to is not published.

They compare what is published (the manifest, else the old lock) with what would be. `--allow` lets a change pass once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from shlex import quote

from msgspec import Struct

from frostline.checks.keys import fits, key_text
from frostline.model import Finding, InstanceOrigin, Key
from frostline.settings import Allow, Guards
from frostline.text import name_first, pluralize, shorten

Segment = tuple[str, str, str]
"""(source, datacenter, namespace)."""


class Published(Struct, frozen=True):
    """One (service, version): the digest of its content and how many endpoints it has (0: only declared)."""

    digest: str
    endpoints: int


Publication = Mapping[Key, Published]
"""What is, or would be, published."""

# Consul with ACLs answers a request without a token with 200 and an empty list.
_EMPTY_HELP = (
    "an empty answer is what a missing token gets: see `frostline sources`; "
    "if it is true, run it again with `--allow empty`"
)


def guard_findings(
    old: Publication | None,
    new: Publication,
    guards: Guards,
    allow: Allow,
    needed: Mapping[Key, tuple[str, ...]],
) -> tuple[Finding, ...]:
    """Why `new` is not to be published in place of `old` (None: a first publication); () where nothing speaks against.

    needed: who declares this (service, version) as an upstream; such a one never vanishes by itself.
    """
    if not new and not needed and not allow.empty and guards.empty == "refuse":
        return (_empty(),)
    if old is None:
        return ()
    found = list(_missing_upstreams(old, new, allow, needed))
    if new or not allow.empty:
        found += [*_deletes(old, new, guards, allow), *_updates(old, new, guards, allow)]
        found += _lost_instances(old, new, guards, allow)
    return tuple(sorted(found, key=Finding.sort_key))


def emptied_segments(
    old: Mapping[Segment, int], new: Mapping[Segment, int], guards: Guards, allow: Allow
) -> tuple[Finding, ...]:
    """A finding for each segment that had something (instances and declared services, counted) and now has nothing.

    old: the segments of the old lock whose sources are still configured and were read now.
    """
    if allow.empty or guards.empty != "refuse":
        return ()
    return tuple(
        Finding(
            rule="guard-segment",
            message=f"it had {pluralize(number, 'instance')} (declared services counted) and now has nothing",
            value=str(number),
            origin=InstanceOrigin(*segment),
            help=_EMPTY_HELP,
        )
        for segment, number in sorted(old.items())
        if number > 0 and new.get(segment, 0) == 0
    )


def silent_sources(new: Mapping[Segment, int], guards: Guards, allow: Allow) -> tuple[Finding, ...]:
    """A finding for each source that answered nothing in any of its segments, on the first run too.

    new: how much each segment has, instances and declared services counted, for the live sources that were read.
    """
    if allow.empty or guards.empty != "refuse":
        return ()
    sizes: dict[str, int] = {}
    for segment, number in new.items():
        sizes[segment[0]] = sizes.get(segment[0], 0) + number
    return tuple(
        Finding(
            rule="guard-source",
            message=f"the source `{source}` answered nothing that is selected",
            value=source,
            help=_EMPTY_HELP,
        )
        for source, size in sorted(sizes.items())
        if size == 0
    )


def _empty() -> Finding:
    return Finding(
        rule="guard-empty",
        message="the registry would be empty: no endpoint and no declared service",
        value="0",
        help=_EMPTY_HELP,
    )


def _exceeds(part: int, whole: int, share: float) -> bool:
    """Whether part of whole is more than the share as it is written: 3 of 10 are not more than 0.3."""
    return part > Fraction(str(share)) * whole


def _percent(share: float) -> str:
    """`30%`, `12.5%`."""
    number = Fraction(str(share)) * 100
    return f"{int(number)}%" if number.denominator == 1 else f"{float(number):g}%"


def _is_allowed(key: Key, allow: Allow) -> bool:
    return allow.deletes is not None and fits(allow.deletes, key)


def _vanished(key: Key, old: Publication, new: Publication) -> bool:
    """Whether it had an endpoint and has none now."""
    return old[key].endpoints > 0 and (key not in new or new[key].endpoints == 0)


def _ordered(published: Publication) -> Iterator[Key]:
    return iter(sorted(published, key=Key.sort_key))


def _deletes(old: Publication, new: Publication, guards: Guards, allow: Allow) -> list[Finding]:
    served = sum(1 for published in old.values() if published.endpoints > 0)
    gone = [key for key in _ordered(old) if _vanished(key, old, new) and not _is_allowed(key, allow)]
    if len(gone) <= guards.floor or not _exceeds(len(gone), served, guards.delete):
        return []
    names = name_first([key_text(key) for key in gone])
    return [
        Finding(
            rule="guard-delete",
            message=(
                f"{len(gone)} of {served} services would be gone or left without an endpoint, "
                f"more than the {_percent(guards.delete)} of `guards.delete`: {names}"
            ),
            value=str(len(gone)),
            help="if they are meant to go, run it again with `--allow deletes`, or `deletes=GLOB`",
        )
    ]


def _updates(old: Publication, new: Publication, guards: Guards, allow: Allow) -> list[Finding]:
    changed = [
        key
        for key in _ordered(old)
        if key in new and new[key].digest != old[key].digest and not _vanished(key, old, new)
    ]
    if allow.updates or len(changed) <= guards.floor or not _exceeds(len(changed), len(old), guards.update):
        return []
    names = name_first([key_text(key) for key in changed])
    return [
        Finding(
            rule="guard-update",
            message=(
                f"{len(changed)} of {len(old)} services would change, "
                f"more than the {_percent(guards.update)} of `guards.update`: {names}"
            ),
            value=str(len(changed)),
            help="if they are meant to change, run it again with `--allow updates`",
        )
    ]


def _lost_instances(old: Publication, new: Publication, guards: Guards, allow: Allow) -> list[Finding]:
    before, after = _endpoints(old, allow), _endpoints(new, allow)
    lost = [
        (service, number, after.get(service, 0))
        for service, number in sorted(before.items())
        if number - after.get(service, 0) > 1 and _exceeds(number - after.get(service, 0), number, guards.instances)
    ]
    return [_lost_finding(lost, guards)] if lost else []


def _lost_finding(lost: Sequence[tuple[str, int, int]], guards: Guards) -> Finding:
    shown = ", ".join(f"`{shorten(service)}` ({number} to {left})" for service, number, left in lost[:10])
    more = f" and {len(lost) - 10} more" if len(lost) > 10 else ""
    return Finding(
        rule="guard-instances",
        message=(
            f"{pluralize(len(lost), 'service')} would lose more than the {_percent(guards.instances)} of endpoints "
            f"that `guards.instances` lets go: {shown}{more}"
        ),
        value=str(len(lost)),
        help="if they are meant to shrink, run it again with `--allow deletes`, or `deletes=GLOB`",
    )


def _endpoints(published: Publication, allow: Allow) -> dict[str, int]:
    """Endpoints of each service, all versions together, without the versions that may vanish."""
    numbers: dict[str, int] = {}
    for key, entry in published.items():
        if not _is_allowed(key, allow):
            numbers[key[0]] = numbers.get(key[0], 0) + entry.endpoints
    return numbers


def _missing_upstreams(
    old: Publication, new: Publication, allow: Allow, needed: Mapping[Key, tuple[str, ...]]
) -> Iterator[Finding]:
    for key in _ordered(old):
        if key in needed and (key not in new or _vanished(key, old, new)) and not _is_allowed(key, allow):
            flag = quote(f"deletes={key_text(key)}")
            yield Finding(
                rule="guard-upstream",
                service=key[0],
                version=key[1],
                message=f"it would vanish while it is an upstream of {name_first(sorted(needed[key]))}",
                value=key_text(key),
                help=f"if it is meant to go, run it again with `--allow {flag}`",
            )
