"""A changed selection applied to the lock is what a freeze with it would give, or says why it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from frostline.errors import UsageError
from frostline.globs import matches
from frostline.lock.codec import lock_of
from frostline.lock.shapes import settings_digest
from frostline.model import Bind, Declared, FileOrigin, Lock, Registration, SegmentAnswer, Snapshot, Upstream
from frostline.pipeline.freeze.locks import offline_lock
from frostline.pipeline.freeze.narrowing import narrowed_lock, shaped_by
from frostline.registry.selection.selecting import snapshot_of
from frostline.settings import Config, Keep, LiveSettings, Naming, Select, VersionFrom
from frostline.sources.base import answer_shape
from frostline.sources.consul.settings import ConsulSettings
from frostline.sources.nomad.settings import NomadSettings

NAMES = ["a", "a-v1", "a-v2", "b-v1", "consul"]
HEALTH = ["passing", "warning", "critical", "maintenance"]
DATACENTERS = ["dc1", "dc2", "east"]

registrations = st.builds(
    Registration,
    service=st.sampled_from(NAMES),
    id=st.sampled_from(["1", "2"]),
    node=st.sampled_from(["n1", "n2"]),
    address=st.just("10.0.0.1"),
    port=st.just(80),
    tags=st.lists(st.sampled_from(["api", "web", "v=1", "v=2"]), max_size=3, unique=True).map(tuple),
    meta=st.dictionaries(st.sampled_from(["tier", "owner"]), st.sampled_from(["x", "y"]), max_size=2),
    health=st.sampled_from(["passing", *HEALTH]),
    weights=st.just((3, 1)),
).map(lambda found: replace(found, id=f"{found.node}-{found.id}"))
answers = st.dictionaries(
    st.sampled_from(DATACENTERS),
    st.lists(registrations, max_size=6, unique_by=lambda one: (one.service, one.node, one.id)),
    min_size=1,
)
globs = st.lists(
    st.sampled_from(["*", "a*", "a-v?", "?-v1", "b-v1", "!a", "!consul", "!*-v2", "[ab]*"]), min_size=1, max_size=3
)
selects = st.builds(
    Select,
    services=globs.map(tuple),
    tags=st.lists(st.sampled_from(["api", "web", "v=1"]), max_size=2).map(tuple),
    meta=st.dictionaries(st.sampled_from(["tier", "owner"]), st.sampled_from(["x", "y"]), max_size=1),
    health=st.lists(st.sampled_from(HEALTH), min_size=1, max_size=3, unique=True).map(tuple),
)
KEYS = ["services", "tags", "meta", "health"]


def changes(old: Select, drawn: Select, keys: set[str]) -> tuple[Select, Select]:
    """Return the old selection, and one with these drawn keys: mostly more tags and meta, and fewer states."""
    more = {"tags": old.tags + drawn.tags, "meta": {**drawn.meta, **old.meta}, "services": drawn.services}
    fewer = tuple(health for health in old.health if health in drawn.health) or drawn.health
    return old, replace(old, **{key: value for key, value in {**more, "health": fewer}.items() if key in keys})


old_and_new = st.builds(changes, selects | st.just(Select()), selects, st.sets(st.sampled_from(KEYS), max_size=2))
version_froms = st.sampled_from([VersionFrom(), VersionFrom(tag="v=(.*)"), VersionFrom(meta="tier")])
keeps = st.sampled_from(
    [
        Keep(),
        Keep(tags=("*", "!web")),
        Keep(meta=("owner",)),
        Keep(tags=("v=*",), meta=()),
        Keep(ids=False),
        Keep(ids=False, nodes=False),
        Keep(endpoints=False),
    ]
)
datacenter_lists = st.sampled_from([("*",), ("dc*",), ("dc1",), ("dc1", "dc2"), ("*", "!east"), ("east", "dc2")])


SIDECARS = tuple(
    Upstream(namespace="default", service=name, destination="db", bind=Bind(address="127.0.0.1", port=9101))
    for name in NAMES
)


def frozen(answered: dict[str, list[Registration]], source: LiveSettings, lists: Sequence[str]) -> Lock:
    """Return the lock that a freeze writes for these answers. Each service has a sidecar with an upstream."""
    digest = settings_digest(answer_shape(source))
    return lock_of(
        snapshot_of(
            SegmentAnswer(
                source="mesh", datacenter=name, namespace="default", registrations=tuple(found), upstreams=SIDECARS
            ),
            source,
            digest,
            shaped_by(source),
        )
        for name, found in answered.items()
        if matches(lists, name)
    )


ORIGIN = FileOrigin("frostline.yaml")


@settings(max_examples=80)
@given(answers, old_and_new, version_froms, keeps, datacenter_lists, datacenter_lists)
@example({"dc1": []}, (Select(), Select(services=("a*",))), VersionFrom(), Keep(), ("*",), ("dc1",))
def test_a_narrowed_lock_is_what_a_freeze_gives(
    answered: dict[str, list[Registration]],
    selects_then_and_now: tuple[Select, Select],
    version_from: VersionFrom,
    keep: Keep,
    old_list: tuple[str, ...],
    new_list: tuple[str, ...],
) -> None:
    old, new = selects_then_and_now
    base: dict[str, Any] = {"name": "mesh", "origin": ORIGIN, "naming": Naming(version_from=version_from), "keep": keep}
    before = ConsulSettings(select=old, datacenters=old_list, **base)
    after = ConsulSettings(select=new, datacenters=new_list, **base)
    lock = frozen(answered, before, old_list)
    assume(lock.snapshots)
    try:
        applied = narrowed_lock(lock, {"mesh": after}, "frostline.lock")
    except UsageError as error:
        assert error.message.startswith("source `mesh`: ")
        event("refused")
        return
    event("served, by tags or meta" if (old.tags, old.meta) != (new.tags, new.meta) else "served")
    fresh = frozen(answered, after, new_list)
    if (old.tags, old.meta) == (new.tags, new.meta) or not keep.endpoints:
        assert applied == fresh
        return
    # Of failing instances the lock has no tags and meta: of a service that passing ones had kept in the lock, and that
    # only failing ones with the new tags would declare, it knows nothing.
    assert [replace(snapshot, declared=(), upstreams=()) for snapshot in applied.snapshots] == [
        replace(snapshot, declared=(), upstreams=()) for snapshot in fresh.snapshots
    ]
    for ours, theirs in zip(applied.snapshots, fresh.snapshots, strict=True):
        assert [found for found in ours.declared if found not in theirs.declared] == []
        assert [found for found in ours.upstreams if found not in theirs.upstreams] == []


@settings(max_examples=50)
@given(answers, st.sampled_from([Keep(), Keep(ids=False), Keep(nodes=False)]), st.booleans())
def test_ids_and_nodes_are_dropped_as_a_freeze_drops_them(
    answered: dict[str, list[Registration]], keep: Keep, narrows_health: bool
) -> None:
    health = ("passing", "warning")
    old = ConsulSettings(name="mesh", origin=ORIGIN, datacenters=("*",), keep=keep, select=Select(health=health))
    new = replace(old, keep=Keep(ids=False, nodes=False), select=Select(health=health[: 1 if narrows_health else 2]))
    lock = frozen(answered, old, ("*",))
    assert narrowed_lock(lock, {"mesh": new}, "frostline.lock") == frozen(answered, new, ("*",))


Configure = Callable[..., Config]
MakeSnapshot = Callable[..., Snapshot]


def mesh(**keys: Any) -> dict[str, Any]:
    return {"type": "consul", "address": "http://127.0.0.1:9", **keys}


def held(config: Config, *snapshots: Snapshot) -> Lock:
    """Return these snapshots as a freeze with this configuration writes them."""
    noted = shaped_by(config.sources["mesh"])  # type: ignore[arg-type]
    return lock_of(replace(snapshot, shaped_by=noted) for snapshot in snapshots)


REFUSALS = [
    ({}, {"select": {"services": ["*"]}}, "`select.services` now takes names such as `consul` by `*`, which the lock"),
    (
        {"select": {"services": ["a*"]}},
        {"select": {"services": ["a*", "x-*"]}},
        "`select.services` now takes `x-*`, which the lock was not frozen with",
    ),
    ({"select": {"tags": ["api"]}}, {}, "`select.tags` no longer requires `api`, but the lock holds only"),
    ({"keep": {"tags": []}}, {"select": {"tags": ["api"]}, "keep": {"tags": []}}, "which `keep.tags` keeps out of"),
    ({"keep": {"meta": ["a"]}}, {"select": {"meta": {"b": "x"}}, "keep": {"meta": ["a"]}}, "which `keep.meta` keeps"),
    ({"select": {"meta": {"a": "x"}}}, {"select": {"meta": {"a": "y"}}}, "no longer requires the old value of `a`"),
    ({}, {"select": {"health": ["passing", "warning"]}}, "`select.health` now takes `warning`, which the lock"),
    ({}, {"select": {"kinds": ["connect-proxy"]}}, "frozen with: the lock does not hold the kinds of instances"),
    ({}, {"address": "http://127.0.0.1:8"}, "`address` differs from what the lock was frozen with: another server may"),
    ({"keep": {"ids": False}}, {}, "`keep.ids` is true now, and the lock holds no ids"),
    ({"keep": {"nodes": False}}, {"keep": {"ids": False}}, "`keep.nodes` is true now, and the lock holds no nodes"),
    ({}, {"keep": {"endpoints": False}}, "`keep.endpoints` differs from what the lock was frozen with"),
    ({}, {"keep": {"tags": ["a"]}}, "`keep.tags` differs from what the lock was frozen with: the lock holds only what"),
    ({}, {"namespace": "ops"}, "`namespace` differs from what the lock was frozen with"),
    ({}, {"select": {"node_meta": {"rack": "r1"}}}, "frozen with: the lock does not hold the meta of nodes"),
    ({}, {"address_from": "wan"}, "`address_from` differs from what the lock was frozen with"),
    ({}, {"version_from": {"meta": "v"}}, "`version_from.meta` differs from what the lock was frozen with"),
    ({"datacenters": ["*"]}, {"datacenters": ["dc3"]}, "`datacenters` now has `dc3`, which the lock does not hold"),
    (
        {"datacenters": ["dc1"]},
        {"datacenters": ["*"]},
        "`datacenters` now takes `*`, which the lock was not frozen with",
    ),
    ({}, {"datacenters": ["dc*"]}, "`datacenters` now takes `dc*`, which the lock was not frozen with"),
    ({"datacenters": ["dc1"]}, {}, "`datacenters` is no longer set"),
    ({"datacenters": ["*"]}, {"datacenters": ["x*"]}, "the lock holds none of the segments that are read now"),
    ({}, {"peers": ["west"]}, "`peers` now has `west`, which the lock does not hold"),
]


@pytest.mark.parametrize(("before", "after", "reason"), REFUSALS)
def test_each_setting_that_the_lock_cannot_serve_is_named(
    before: dict[str, Any], after: dict[str, Any], reason: str, configure: Configure, snapshot: MakeSnapshot
) -> None:
    config = configure(sources={"mesh": mesh(**before)})
    lock = held(config, snapshot(config, "a"), snapshot(config, "b", datacenter="dc2"))
    with pytest.raises(UsageError) as refused:
        offline_lock(configure(sources={"mesh": mesh(**after)}), lock)
    assert refused.value.message.startswith("source `mesh`: ")
    assert reason in refused.value.message
    assert str(refused.value.origin) == "frostline.lock:1:1"
    assert refused.value.help == "run `frostline freeze`"


def test_failing_instances_have_no_tags_in_the_lock(configure: Configure, snapshot: MakeSnapshot) -> None:
    config = configure(sources={"mesh": mesh()})
    lock = held(config, replace(snapshot(config, "a"), declared=(Declared(service="down"),)))
    with pytest.raises(UsageError, match="neither tags nor meta of failing instances, such as those of `down`"):
        offline_lock(configure(sources={"mesh": mesh(select={"tags": ["api"]})}), lock)
    select = {"tags": ["api"], "services": ["a"]}
    assert offline_lock(configure(sources={"mesh": mesh(select=select)}), lock).snapshots[0].instances == ()


def test_a_lock_without_its_settings_needs_a_freeze(configure: Configure, snapshot: MakeSnapshot) -> None:
    lock = Lock((snapshot(configure(sources={"mesh": mesh()}), "a"),))
    with pytest.raises(UsageError, match="source `mesh`: its settings have changed since the lock was written"):
        offline_lock(configure(sources={"mesh": mesh(select={"services": ["a"]})}), lock)


def test_the_peers_and_the_datacenters_are_lists_of_their_own(configure: Configure, snapshot: MakeSnapshot) -> None:
    config = configure(sources={"mesh": mesh(datacenters=["*"], peers=["east", "west"])})
    names = ("dc1", "dc2", "peer:east", "peer:west")
    lock = held(config, *(snapshot(config, "a", datacenter=name) for name in names))

    def read(**keys: Any) -> list[str]:
        found = offline_lock(configure(sources={"mesh": mesh(**keys)}), lock)
        return [snapshot.datacenter for snapshot in found.snapshots]

    assert read(datacenters=["*"], peers=["west"]) == ["dc1", "dc2", "peer:west"]
    assert read(datacenters=["*"]) == ["dc1", "dc2"]
    assert read(datacenters=["dc2"], peers=["east", "west"]) == ["dc2", "peer:east", "peer:west"]


def test_regions_and_namespaces_of_nomad_are_lists_too() -> None:
    def source(**keys: Any) -> NomadSettings:
        return NomadSettings(name="mesh", origin=ORIGIN, **keys)

    wide, narrow = source(regions=("*",), namespaces=("*",)), source(regions=("eu",), namespaces=("ops", "x*"))
    lock = lock_of(
        Snapshot(
            source="mesh",
            datacenter=region,
            namespace=namespace,
            settings=settings_digest(answer_shape(wide)),
            shaped_by=shaped_by(wide),
        )
        for region in ("eu", "us")
        for namespace in ("default", "ops", "xy")
    )
    found = narrowed_lock(lock, {"mesh": narrow}, "frostline.lock")
    assert [snapshot.segment for snapshot in found.snapshots] == [("mesh", "eu", "ops"), ("mesh", "eu", "xy")]


def test_segments_that_were_frozen_with_several_settings_are_each_narrowed(
    configure: Configure, snapshot: MakeSnapshot
) -> None:
    wide = configure(sources={"mesh": mesh(datacenters=["*"])})
    first = held(wide, snapshot(wide, "a", "b"))
    narrow = configure(sources={"mesh": mesh(datacenters=["*"], select={"services": ["a"]})})
    second = held(narrow, snapshot(narrow, "a", datacenter="dc2"))
    found = offline_lock(narrow, Lock((*first.snapshots, *second.snapshots)))
    assert found == held(narrow, snapshot(narrow, "a"), snapshot(narrow, "a", datacenter="dc2"))
