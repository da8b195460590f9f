"""Decides which registered instances are frozen, and with which of their tags and meta; says why others are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache, partial
from operator import attrgetter
from typing import Any

from frostline.globs import matches
from frostline.model import Declared, Instance, InstanceOrigin, Key, Registration, SegmentAnswer, Snapshot, Upstream
from frostline.registry.named_ports import chosen_port
from frostline.registry.naming import splitter_of
from frostline.registry.selection.equal_instances import unique_instances, without_identity
from frostline.settings import Keep, LiveSettings, Select, VersionFrom
from frostline.text import pluralize, quote
from frostline.user_regexes import compiled as compiled_pattern

Verdict = Callable[[Registration], str | None]
"""registration -> why it is excluded (a sentence without a full stop); None if it is selected."""


def snapshot_of(
    answer: SegmentAnswer, settings: LiveSettings, digest: str, shaped_by: Mapping[str, Any] | None = None
) -> Snapshot:
    """The snapshot of this answer: the instances that `select` takes, with what `keep` keeps of them, sorted.

    digest: becomes `Snapshot.settings`. shaped_by: see `Snapshot`. Raises SourceError if an instance occurs twice.
    """
    kept = KeptValues(settings.keep)
    unhealthy: list[Registration] = []
    healthy = _healthy(answer.registrations, settings.select, unhealthy)
    instances: list[Instance] = []
    if settings.keep.endpoints:
        instances = _in_order([*_instances_of(healthy, settings, kept)], settings.keep, answer)
        declared = _declared(instances, unhealthy, settings.naming.version_from, kept)
        if not (settings.keep.ids and settings.keep.nodes):
            instances = sorted(without_identity(instances, settings.keep), key=Instance.sort_key)
    else:
        declared = _names([*healthy, *unhealthy], kept)
    return Snapshot(
        source=answer.source,
        datacenter=answer.datacenter,
        namespace=answer.namespace,
        settings=digest,
        shaped_by=shaped_by or {},
        instances=tuple(instances),
        declared=declared,
        upstreams=upstreams_of(answer.upstreams, map(_SERVICE, (*instances, *unhealthy, *declared))),
    )


_SERVICE = attrgetter("service")


def upstreams_of(upstreams: Iterable[Upstream], selected: Iterable[str]) -> tuple[Upstream, ...]:
    """The upstreams, sorted, each once, without those of sidecars whose own service is not selected.

    selected: the registered names of the selected services, whatever their health.
    """
    kept = set(upstreams)
    if any(upstream.service for upstream in kept):
        services = set(selected)
        kept = {upstream for upstream in kept if not upstream.service or upstream.service in services}
    return tuple(sorted(kept, key=Upstream.sort_key))


def _healthy(
    registrations: Iterable[Registration], select: Select, unhealthy: list[Registration]
) -> Iterator[Registration]:
    """The selected registrations. Those that only their health excludes are appended to `unhealthy`."""
    verdict, health_verdict = verdict_of(select), health_verdict_of(select)
    # Without required tags and meta, the verdict depends only on service and kind. The registrations of a service
    # mostly follow each other, so the last verdict can be reused.
    is_reusable = not (select.tags or select.meta or select.node_meta)
    previous: tuple[str, str] | None = None
    reason: str | None = None
    for registration in registrations:
        current = (registration.service, registration.kind)
        if not is_reusable or current != previous:
            previous, reason = current, verdict(registration)
        if reason is not None:
            continue
        if health_verdict(registration) is not None:
            unhealthy.append(registration)
        else:
            yield registration


def excluded_registrations(answer: SegmentAnswer, select: Select) -> Iterator[tuple[Registration, str]]:
    """Each registration of the answer that selection excludes, with the reason, in the answer's order."""
    verdict, health_verdict = verdict_of(select), health_verdict_of(select)
    for registration in answer.registrations:
        reason = verdict(registration) or health_verdict(registration)
        if reason is not None:
            yield registration, reason


def count_unhealthy(answer: SegmentAnswer, settings: LiveSettings, counts: dict[Key, Counter[str]]) -> None:
    """Add to `counts` how many instances of each (service, version) only their health excludes, by health."""
    health_verdict = health_verdict_of(settings.select)
    unhealthy = [registration for registration in answer.registrations if health_verdict(registration) is not None]
    if not unhealthy:
        return
    verdict, split = verdict_of(settings.select), splitter_of(settings.naming)
    for registration in unhealthy:
        if verdict(registration) is None:
            for key in split(registration.service, registration.tags, registration.meta):
                state = "on a socket" if registration.health in settings.select.health else registration.health
                counts.setdefault(key, Counter())[state] += 1


def unknown_statuses(answers: Iterable[SegmentAnswer], settings: LiveSettings) -> list[str]:
    """A warning for each status of selected instances' checks that the server's product does not define.

    Each warning names the number of instances that have the status, and the first of them.
    """
    verdict = verdict_of(settings.select)
    by_status: dict[str, list[InstanceOrigin]] = {}
    for answer in answers:
        for registration in answer.registrations:
            if registration.unknown_status and verdict(registration) is None:
                datacenter = registration.datacenter or answer.datacenter
                origin = InstanceOrigin(answer.source, datacenter, answer.namespace, registration.node, registration.id)
                by_status.setdefault(registration.unknown_status, []).append(origin)
    return [
        f"source {settings.name}: {pluralize(len(origins), 'instance')} of selected services "
        f"{'has' if len(origins) == 1 else 'have'} a check with the unknown status {quote(status)}, which counts as "
        f"not passing: {min(origins)}{' and others' if len(origins) > 1 else ''}"
        for status, origins in sorted(by_status.items())
    ]


def verdict_of(select: Select) -> Verdict:
    """The verdict by service, kind, tags and meta: everything in `select` except health."""

    @cache
    def is_selected(service: str) -> bool:
        return matches(select.services, service)

    def verdict(registration: Registration) -> str | None:
        if not is_selected(registration.service):
            return "`select.services` excludes its name"
        if registration.kind not in select.kinds:
            return f"its kind is {registration.kind}, but `select.kinds` takes only {', '.join(select.kinds)}"
        for tag in select.tags:
            if tag not in registration.tags:
                return f"it has no tag `{tag}`, which `select.tags` requires"
        for key, value in select.meta.items():
            if registration.meta.get(key) != value:
                return f"its meta `{key}` is not `{value}`, which `select.meta` requires"
        for key, value in select.node_meta.items():
            if registration.node_meta.get(key) != value:
                return f"its node's meta `{key}` is not `{value}`, which `select.node_meta` requires"
        return None

    return verdict


def health_verdict_of(select: Select) -> Verdict:
    """The verdict by whether programs can call the instance: its health, and whether it has a port at all."""

    def verdict(registration: Registration) -> str | None:
        if registration.health in select.health:
            if registration.socket and not (registration.port or registration.ports):
                return f"it listens on the socket `{registration.socket}` and has no port"
            return None
        why = (
            f" (a check has the unknown status `{registration.unknown_status}`)" if registration.unknown_status else ""
        )
        return f"its health is {registration.health}{why}, but `select.health` takes only {', '.join(select.health)}"

    return verdict


_ORDER = attrgetter("service", "node", "id")  # the same as Instance.sort_key of whole instances, but faster


def _in_order(instances: list[Instance], keep: Keep, answer: SegmentAnswer) -> list[Instance]:
    """The instances, sorted. They mostly are already, and checking that is faster than sorting.

    Raises SourceError if one occurs twice.
    """
    previous = ("", "", "")
    for instance in instances:
        key = (instance.service, instance.node, instance.id)
        if key <= previous:
            return unique_instances(sorted(instances, key=_ORDER), keep, answer)
        previous = key
    return instances


def _instances_of(
    registrations: Iterable[Registration], settings: LiveSettings, kept: KeptValues
) -> Iterator[Instance]:
    address_from, port_from = settings.address_from, settings.port_from
    tags: tuple[str, ...] = ()
    kept_tags = tags
    meta: Mapping[str, str] = {}
    kept_meta: dict[str, str] = {}
    for registration in registrations:
        # Adjacent registrations mostly have equal tags and meta, and comparing is faster than a lookup.
        if registration.tags != tags:
            tags, kept_tags = registration.tags, kept.tags(registration.tags)
        if registration.meta != meta:
            meta, kept_meta = registration.meta, kept.meta(tuple(registration.meta.items()))
        address, port = chosen_address(registration, address_from)
        ports = None
        if registration.ports:
            port, ports = chosen_port(registration, port, port_from)
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
            node_address=registration.node_address if registration.node_address != address else "",
            ports=ports,
        )


def chosen_address(registration: Registration, address_from: str) -> tuple[str, int]:
    """The address and port that `address_from` names; ("", port) if the instance has no such address.

    A tagged address without its own port has the service's port.
    """
    if address_from == "service":
        return registration.address or registration.node_address, registration.port
    if address_from == "node":
        return registration.node_address, registration.port
    address, port = registration.tagged_addresses.get(address_from, ("", 0))
    return address, port or registration.port


class KeptValues:
    """The tags and meta that `keep` keeps. Equal inputs give the same object, because many instances share them."""

    def __init__(self, keep: Keep) -> None:
        self.tags = lru_cache(maxsize=65536)(partial(_kept_tags, keep))
        self.meta = lru_cache(maxsize=65536)(partial(_kept_meta, keep))


def _kept_tags(keep: Keep, tags: tuple[str, ...]) -> tuple[str, ...]:
    """The kept tags without duplicates, sorted: their order in an answer means nothing."""
    return tuple(sorted({tag for tag in tags if matches(keep.tags, tag)}))


def _kept_meta(keep: Keep, meta: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return {key: value for key, value in sorted(meta) if matches(keep.meta, key)}


def _names(registrations: Iterable[Registration], kept: KeptValues) -> tuple[Declared, ...]:
    """All registered names, whatever their health, with all kept tags and meta; each combination once. Sorted."""
    combinations = {
        (registration.service, kept.tags(registration.tags), tuple(kept.meta(tuple(registration.meta.items())).items()))
        for registration in registrations
    }
    return tuple(Declared(service=service, tags=tags, meta=dict(meta)) for service, tags, meta in sorted(combinations))


def _declared(
    selected: Iterable[Instance], unhealthy: Iterable[Registration], version_from: VersionFrom, kept: KeptValues
) -> tuple[Declared, ...]:
    """The services and versions that have only unhealthy instances, and so no endpoint to call. Sorted."""
    of_unhealthy = {
        naming_input
        for registration in unhealthy
        for naming_input in naming_inputs(
            registration.service,
            kept.tags(registration.tags),
            kept.meta(tuple(registration.meta.items())),
            version_from,
        )
    }
    if not of_unhealthy:
        return ()
    names = {service for service, _, _ in of_unhealthy}
    of_selected = {
        naming_input
        for instance in selected
        if instance.service in names
        for naming_input in naming_inputs(instance.service, instance.tags, instance.meta, version_from)
    }
    return tuple(
        Declared(service=service, tags=tags, meta=dict(meta))
        for service, tags, meta in sorted(of_unhealthy - of_selected)
    )


NamingInput = tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]
"""(service, tags, meta), limited to what naming reads to find a (service, version)."""


def naming_inputs(
    service: str, tags: tuple[str, ...], meta: dict[str, str], version_from: VersionFrom
) -> list[NamingInput]:
    """The naming inputs of an instance: one for each of its (service, version)s."""
    if version_from.meta is not None:
        value = meta.get(version_from.meta, "")
        return [(service, (), ((version_from.meta, value),) if value else ())]
    if version_from.tag is not None:
        matching = [tag for tag in tags if compiled_pattern(version_from.tag).fullmatch(tag)]
        return [(service, (tag,), ()) for tag in matching] or [(service, (), ())]
    return [(service, (), ())]
