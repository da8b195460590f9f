"""Hold services (`guards.refused: hold`): one that the guard `instances` refuses stays in the lock as committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from frostline.checks.guards.changes import Published, Unhealthy, instance_losses
from frostline.checks.guards.held import Held
from frostline.model import Declared, Instance, Key, Lock, Snapshot
from frostline.pipeline.compile.assembling import declared_contributions, state_of_lock
from frostline.pipeline.compile.guarding import published_before
from frostline.pipeline.compile.states import as_published, guarded_states
from frostline.pipeline.freeze.live import live_sources
from frostline.pipeline.freeze.locks import LockPair
from frostline.publish.salvage import salvage_manifest
from frostline.published import ManifestEntry
from frostline.registry.naming import splitter_of
from frostline.settings import Allow, Config, Naming

_SERVICE = attrgetter("service")


class _Shrunk(Struct, frozen=True):
    """A segment that lists fewer instances of some registered names than the committed lock.

    committed, read: the segment in the committed lock, and as it was read now.
    names: registered name -> the service that it belongs to.
    """

    committed: Snapshot
    read: Snapshot
    names: Mapping[str, str]


def hold_refused(config: Config, locks: LockPair, allow: Allow, today: date) -> LockPair:
    """Return the locks in which each service that the guard `instances` refuses is held, if `guards.refused` is `hold`.

    A service is held as a whole in each segment that lists fewer instances of it than the committed lock. It is not
    held in a segment that is empty now, which `guard-segment` judges, nor in one that was frozen with other settings,
    which needs a new review. A broken lock holds nothing.
    """
    if config.guards.refused != "hold" or locks.committed is None or locks.fault or not locks.changed:
        return locks
    shrunk = tuple(_shrunk_segments(config, locks.new, locks.committed))
    services = {service for segment in shrunk for service in segment.names.values()}
    if not services:
        return locks
    refused = _refused(config, locks, services, allow, today)
    segments = {segment.read.segment: _with_held(segment, refused) for segment in shrunk}
    new = Lock(tuple(segments.get(snapshot.segment, snapshot) for snapshot in locks.new.snapshots))
    held = {
        name: replace(service, why=refused[name])
        for name, service in _marked_services(config, new).items()
        if name in refused
    }
    return replace(locks, new=new, changed=new != locks.committed, held=held)


def hold_part(config: Config, locks: LockPair, today: date) -> Lock:
    """Return the new lock as `hold_refused` makes it, if only some registered names were read."""
    names = {line.service for snapshot in locks.new.snapshots for line in _lines(snapshot)}
    committed = tuple(
        replace(
            snapshot,
            instances=tuple(instance for instance in snapshot.instances if instance.service in names),
            declared=tuple(declared for declared in snapshot.declared if declared.service in names),
        )
        for snapshot in (locks.committed.snapshots if locks.committed else ())
    )
    part = replace(locks, committed=Lock(committed) if locks.committed else None)
    return hold_refused(config, part, Allow(), today).new


def _shrunk_segments(config: Config, new: Lock, committed: Lock) -> Iterator[_Shrunk]:
    live = live_sources(config)
    before = {snapshot.segment: snapshot for snapshot in committed.snapshots}
    for snapshot in new.snapshots:
        old = before.get(snapshot.segment)
        is_empty = not (snapshot.instances or snapshot.declared)
        if old is None or old is snapshot or is_empty or old.settings != snapshot.settings:
            continue
        fewer = Counter(map(_SERVICE, old.instances)) - Counter(map(_SERVICE, snapshot.instances))
        if fewer:
            service_of = _service_namer(live[snapshot.source].naming)
            yield _Shrunk(old, snapshot, {name: service_of(name) for name in fewer})


def _service_namer(naming: Naming) -> Callable[[str], str]:
    """Return a function: registered name -> its service, whatever its version is read from."""
    split = splitter_of(naming)
    return lambda name: split(name, (), {})[0].service


def _refused(config: Config, locks: LockPair, services: Collection[str], allow: Allow, today: date) -> dict[str, str]:
    """Return service -> reason of each of these services that the guard refuses. Compares what the guard compares.

    Instances that a segment which was not read now already holds do not count as present: when it was last read, its
    source no longer had them.
    """
    salvaged = salvage_manifest(config.manifest)
    keys = {key for lock in (locks.new, locks.committed) for key in _keys_of(config, lock, services)}
    declared = declared_contributions(config)
    compared = (_without_held(locks.new), locks.new, locks.committed)
    new, whole, committed = (state_of_lock(config, lock, declared, keys) for lock in compared)
    baseline = as_published(committed, salvaged.manifest.services if salvaged.manifest else None)
    states = guarded_states(published_before(salvaged, baseline, locks.fault).entries, baseline, new)
    losses = instance_losses(
        _published(states.published or (), services),
        _published(states.new.entries, services),
        config.guards,
        allow,
        today=today,
        unhealthy=_with_held_count(locks.unhealthy, new.entries, whole.entries),
    )
    return {loss.service: loss.why for loss in losses}


def _with_held_count(
    unhealthy: Unhealthy | None, without_held: Iterable[ManifestEntry], whole: Iterable[ManifestEntry]
) -> Unhealthy | None:
    """Return the counts with the number of held endpoints. without_held, whole: entries without and with them."""
    if unhealthy is None:
        return None
    numbers = {entry.key: entry.endpoints for entry in without_held}
    held = {entry.key: entry.endpoints - numbers.get(entry.key, 0) for entry in whole}
    return {**unhealthy, **{key: {**unhealthy.get(key, {}), "held": number} for key, number in held.items() if number}}


def _without_held(lock: Lock) -> Lock:
    held = {snapshot.segment for snapshot in lock.snapshots if any(line.held for line in snapshot.instances)}
    return Lock(
        tuple(
            replace(snapshot, instances=tuple(line for line in snapshot.instances if not line.held))
            if snapshot.segment in held
            else snapshot
            for snapshot in lock.snapshots
        )
    )


def _keys_of(config: Config, lock: Lock | None, services: Collection[str]) -> Iterator[Key]:
    live = live_sources(config)
    for snapshot in lock.snapshots if lock else ():
        if snapshot.source in live:
            naming = live[snapshot.source].naming
            split, service_of = splitter_of(naming), _service_namer(naming)
            names = {name for name in set(map(_SERVICE, _lines(snapshot))) if service_of(name) in services}
            for line in _lines(snapshot):
                if line.service in names:
                    yield from split(line.service, line.tags, line.meta)


def _lines(snapshot: Snapshot) -> tuple[Instance | Declared, ...]:
    return (*snapshot.instances, *snapshot.declared)


def _published(entries: Iterable[ManifestEntry], services: Collection[str]) -> dict[Key, Published]:
    return {entry.key: Published(entry.digest, entry.endpoints) for entry in entries if entry.service in services}


def _with_held(segment: _Shrunk, refused: Collection[str]) -> Snapshot:
    names = {name for name, service in segment.names.items() if service in refused}
    if not names:
        return segment.read
    instances = [instance for instance in segment.read.instances if instance.service not in names]
    instances += [replace(instance, held=True) for instance in segment.committed.instances if instance.service in names]
    declared = [line for line in segment.read.declared if line.service not in names]
    declared += [line for line in segment.committed.declared if line.service in names]
    return replace(
        segment.read,
        instances=tuple(sorted(instances, key=Instance.sort_key)),
        declared=tuple(sorted(declared, key=Declared.sort_key)),
    )


def held_services(config: Config, locks: LockPair) -> tuple[Held, ...]:
    """Return the services that the new lock holds, with the reasons if this run holds them, sorted."""
    held = {**_marked_services(config, locks.new), **locks.held}
    return tuple(held[name] for name in sorted(held))


def _marked_services(config: Config, lock: Lock) -> dict[str, Held]:
    """Return the services with instances that are marked as held in this lock, by name."""
    counts: dict[str, Counter[str]] = {}
    for snapshot, instance in _held_instances(config, lock):
        service = _service_namer(live_sources(config)[snapshot.source].naming)(instance.service)
        counts.setdefault(service, Counter())[instance.datacenter or snapshot.datacenter] += 1
    return {
        service: Held(service, datacenters.total(), tuple(sorted(datacenters)))
        for service, datacenters in counts.items()
    }


def held_keys(config: Config, lock: Lock) -> frozenset[Key]:
    """Return the (service, version)s with an instance that the lock holds."""
    live = live_sources(config)
    return frozenset(
        key
        for snapshot, instance in _held_instances(config, lock)
        for key in splitter_of(live[snapshot.source].naming)(instance.service, instance.tags, instance.meta)
    )


def _held_instances(config: Config, lock: Lock) -> Iterator[tuple[Snapshot, Instance]]:
    live = live_sources(config)
    for snapshot in lock.snapshots:
        if snapshot.source in live:
            yield from ((snapshot, instance) for instance in snapshot.instances if instance.held)
