"""Selection: which of the registered instances are frozen, and what of them. Says of each one left out why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache, partial
from operator import attrgetter

from msgspec import Struct

from frostline.globs import matches
from frostline.model import Declared, Instance, InstanceOrigin, Registration, SegmentAnswer, Snapshot, Upstream
from frostline.settings import Keep, LiveSettings, Select, VersionFrom


class LeftOut(Struct, frozen=True, kw_only=True):
    """An instance that was not taken, and why: a sentence without a full stop."""

    service: str
    origin: InstanceOrigin
    reason: str
    unhealthy: bool = False


Verdict = Callable[[Registration], str | None]
"""Why a registration is left out; None where it is taken."""


def snapshot_of(answer: SegmentAnswer, settings: LiveSettings, digest: str) -> Snapshot:
    """The snapshot of this answer: what `select` takes, with what `keep` keeps, sorted."""
    keeping = Keeping(settings.keep)
    unhealthy: list[Registration] = []
    healthy = _healthy(answer.registrations, settings.select, unhealthy)
    taken = _in_order([*_instances_of(healthy, settings.address_from, keeping)])
    return Snapshot(
        source=answer.source,
        datacenter=answer.datacenter,
        namespace=answer.namespace,
        settings=digest,
        instances=tuple(taken),
        declared=_declared(taken, unhealthy, settings.naming.version_from, keeping),
        upstreams=tuple(sorted(set(answer.upstreams), key=Upstream.sort_key)),
    )


def _healthy(
    registrations: Iterable[Registration], select: Select, unhealthy: list[Registration]
) -> Iterator[Registration]:
    """Those that are taken. Those that only their health leaves out are added to `unhealthy`."""
    excluded, sick = verdict_of(select), health_verdict_of(select)
    asks_more_than_names = bool(select.tags or select.meta)
    seen: tuple[str, str] | None = None
    reason: str | None = None
    for registration in registrations:
        # Of a service's registrations, which mostly follow each other, the verdict is mostly the same.
        named = (registration.service, registration.kind)
        if asks_more_than_names or named != seen:
            seen, reason = named, excluded(registration)
        if reason is not None:
            continue
        if sick(registration) is not None:
            unhealthy.append(registration)
        else:
            yield registration


def left_out(answer: SegmentAnswer, select: Select) -> Iterator[LeftOut]:
    """Each registration of the answer that selection does not take, in its order."""
    excluded, sick = verdict_of(select), health_verdict_of(select)
    for registration in answer.registrations:
        reason = excluded(registration)
        unhealthy = reason is None
        reason = reason or sick(registration)
        if reason is not None:
            datacenter = registration.datacenter or answer.datacenter
            origin = InstanceOrigin(answer.source, datacenter, answer.namespace, registration.node, registration.id)
            yield LeftOut(service=registration.service, origin=origin, reason=reason, unhealthy=unhealthy)


def verdict_of(select: Select) -> Verdict:
    """Everything that `select` asks but health: service, kind, tags, meta."""

    @cache
    def named(service: str) -> bool:
        return matches(select.services, service)

    def verdict(registration: Registration) -> str | None:
        if not named(registration.service):
            return "`select.services` leaves its name out"
        if registration.kind not in select.kinds:
            return f"its kind is {registration.kind}, and `select.kinds` takes {', '.join(select.kinds)}"
        for tag in select.tags:
            if tag not in registration.tags:
                return f"it has no tag `{tag}`, which `select.tags` asks for"
        for key, value in select.meta.items():
            if registration.meta.get(key) != value:
                return f"its meta `{key}` is not `{value}`, which `select.meta` asks for"
        return None

    return verdict


def health_verdict_of(select: Select) -> Verdict:
    def verdict(registration: Registration) -> str | None:
        if registration.health in select.health:
            return None
        return f"its health is {registration.health}, and `select.health` takes {', '.join(select.health)}"

    return verdict


_ORDER = attrgetter("service", "node", "id")  # Instance.sort_key, as fast as it goes


def _in_order(instances: list[Instance]) -> list[Instance]:
    """The instances, sorted. They mostly are already, and to see that is cheaper than to sort them again."""
    before = ("", "", "")
    for instance in instances:
        key = (instance.service, instance.node, instance.id)
        if key < before:
            return sorted(instances, key=_ORDER)
        before = key
    return instances


def _instances_of(registrations: Iterable[Registration], address_from: str, keeping: Keeping) -> Iterator[Instance]:
    tags: tuple[str, ...] = ()
    kept_tags = tags
    meta: Mapping[str, str] = {}
    kept_meta: dict[str, str] = {}
    for registration in registrations:
        # A service's registrations mostly have the same tags and meta: to compare is cheaper than to look up.
        if registration.tags != tags:
            tags, kept_tags = registration.tags, keeping.tags(registration.tags)
        if registration.meta != meta:
            meta, kept_meta = registration.meta, keeping.meta(tuple(registration.meta.items()))
        address, port = chosen_address(registration, address_from)
        passing, warning = registration.weights
        yield Instance(
            service=registration.service,
            node=registration.node,
            id=registration.id,
            address=address,
            port=port,
            tags=kept_tags,
            meta=kept_meta,
            weight=warning if registration.health == "warning" else passing,
            health=registration.health,
            datacenter=registration.datacenter,
        )


def chosen_address(registration: Registration, address_from: str) -> tuple[str, int]:
    """The address and port that `address_from` names; ("", port) where the instance has no such address.

    A tagged address without a port of its own has the service's.
    """
    if address_from == "service":
        return registration.address or registration.node_address, registration.port
    if address_from == "node":
        return registration.node_address, registration.port
    address, port = registration.tagged_addresses.get(address_from, ("", 0))
    return address, port or registration.port


class Keeping:
    """What `keep` leaves of tags and meta. Equal ones are one value: a fleet repeats them."""

    def __init__(self, keep: Keep) -> None:
        self.tags = lru_cache(maxsize=65536)(partial(_kept_tags, keep))
        self.meta = lru_cache(maxsize=65536)(partial(_kept_meta, keep))


def _kept_tags(keep: Keep, tags: tuple[str, ...]) -> tuple[str, ...]:
    """The tags that are frozen, each once, sorted: their order in an answer is no information."""
    return tuple(sorted({tag for tag in tags if matches(keep.tags, tag)}))


def _kept_meta(keep: Keep, meta: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return {key: value for key, value in sorted(meta) if matches(keep.meta, key)}


def _declared(
    taken: Iterable[Instance], unhealthy: Iterable[Registration], version_from: VersionFrom, keeping: Keeping
) -> tuple[Declared, ...]:
    """What only unhealthy instances stand for: known, but nothing to call. Sorted, each once."""
    sick = {
        declared
        for registration in unhealthy
        for declared in declarations(
            registration.service,
            keeping.tags(registration.tags),
            keeping.meta(tuple(registration.meta.items())),
            version_from,
        )
    }
    if not sick:
        return ()
    names = {service for service, _, _ in sick}
    healthy = {
        declared
        for instance in taken
        if instance.service in names
        for declared in declarations(instance.service, instance.tags, instance.meta, version_from)
    }
    return tuple(
        Declared(service=service, tags=tags, meta=dict(meta)) for service, tags, meta in sorted(sick - healthy)
    )


Declaration = tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]


def declarations(
    service: str, tags: tuple[str, ...], meta: dict[str, str], version_from: VersionFrom
) -> list[Declaration]:
    """What of an instance decides its (service, version)s: one (service, tags, meta) for each."""
    if version_from.meta is not None:
        value = meta.get(version_from.meta, "")
        return [(service, (), ((version_from.meta, value),) if value else ())]
    if version_from.tag is not None:
        fitting = [tag for tag in tags if re.fullmatch(version_from.tag, tag)]
        return [(service, (tag,), ()) for tag in fitting] or [(service, (), ())]
    return [(service, (), ())]
