"""Ids and nodes that are frozen nowhere: the lock says less, and the registry stays the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from msgspec.structs import replace

from frostline.lock.codec import lock_chunks, parse_lock
from frostline.model import FileOrigin, Instance, Key, Lock, NamedPort, Registration, SegmentAnswer, Snapshot
from frostline.registry.assembling import assemble, contribution_of, entry_digest
from frostline.registry.selection.selecting import snapshot_of
from frostline.settings import Keep, LiveSettings, Naming, Select, VersionFrom

LESS = (Keep(ids=False), Keep(nodes=False), Keep(ids=False, nodes=False))


def frozen(
    found: list[Registration],
    keep: Keep,
    naming: Naming = Naming(),  # noqa: B008
) -> Snapshot:
    answer = SegmentAnswer(source="mesh", datacenter="dc1", namespace="default", registrations=tuple(found))
    settings = LiveSettings(
        name="mesh",
        type="consul",
        origin=FileOrigin("frostline.yaml"),
        select=Select(health=("passing", "warning")),
        keep=keep,
        naming=naming,
    )
    return snapshot_of(answer, settings, f"sha256:{'0' * 64}")


def digests(snapshot: Snapshot, naming: Naming = Naming()) -> dict[Key, str]:  # noqa: B008
    registry, findings = assemble([contribution_of("mesh", [snapshot], naming)])
    assert findings == ()
    return {key: entry_digest(entry) for key, entry in registry.entries()}


def registration(id: str, node: str, **fields: object) -> Registration:
    values = {"service": "shop", "address": "10.0.0.1", "port": 80, **fields}
    return Registration(id=id, node=node, **values)  # type: ignore[arg-type]


registrations = st.lists(
    st.builds(
        Registration,
        service=st.sampled_from(["shop-v1", "pay"]),
        id=st.sampled_from(["i1", "i2", "i3"]),
        node=st.sampled_from(["n1", "n2", "n3"]),
        address=st.sampled_from(["10.0.0.1", "10.0.0.10", "10.0.0.9", "fe80::1"]),
        port=st.sampled_from([80, 8080]),
        health=st.sampled_from(["passing", "warning", "critical"]),
        tags=st.sampled_from([(), ("v1",), ("v1", "v2")]),
        meta=st.sampled_from([{}, {"owner": "a"}]),
        weights=st.sampled_from([(1, 1), (5, 2)]),
    ),
    max_size=12,
    unique_by=lambda one: (one.service, one.node, one.id),  # as in a catalog
)
namings = st.sampled_from([Naming(), Naming(version_from=VersionFrom(tag="(v[0-9])"))])


@limits(deadline=None, max_examples=60)
@given(registrations, namings, st.sampled_from(LESS))
def test_the_registry_is_the_same_with_and_without_ids_and_nodes(
    found: list[Registration], naming: Naming, keep: Keep
) -> None:
    assert digests(frozen(found, keep, naming), naming) == digests(frozen(found, Keep(), naming), naming)


@limits(deadline=None, max_examples=50)
@given(registrations, st.permutations(["i1", "i2", "i3"]), st.permutations(["n1", "n2", "n3"]))
def test_a_redeployment_with_the_same_addresses_gives_the_same_lines(
    found: list[Registration], ids: list[str], nodes: list[str]
) -> None:
    again = [replace(one, id=f"new-{ids[int(one.id[1]) - 1]}", node=nodes[int(one.node[1]) - 1]) for one in found]
    neither = Keep(ids=False, nodes=False)
    assert frozen(found, neither) == frozen(again, neither)
    renamed = [replace(one, id=f"new-{ids[int(one.id[1]) - 1]}") for one in found]
    assert frozen(found, Keep(ids=False)) == frozen(renamed, Keep(ids=False))
    elsewhere = [replace(one, node=nodes[int(one.node[1]) - 1]) for one in found]
    assert frozen(found, Keep(nodes=False)) == frozen(elsewhere, Keep(nodes=False))


@limits(deadline=None, max_examples=50)
@given(registrations, st.sampled_from(LESS))
def test_a_lock_without_ids_or_nodes_reads_back(found: list[Registration], keep: Keep) -> None:
    snapshot = frozen(found, keep)
    text = b"".join(lock_chunks([snapshot]))
    assert parse_lock(text, "frostline.lock") == Lock((snapshot,))
    assert keep.ids or b'"id"' not in text
    assert keep.nodes or b'"node"' not in text


@pytest.mark.parametrize(
    ("keep", "lines"),
    [
        (Keep(ids=False), [("n1", "", 6), ("n2", "", 1)]),
        (Keep(nodes=False), [("", "a", 5), ("", "b", 1), ("", "c", 1)]),
        (Keep(ids=False, nodes=False), [("", "", 7)]),
    ],
)
def test_weights_are_summed_and_one_id_on_two_nodes_counts_once_with_its_highest_weight(
    keep: Keep, lines: list[tuple[str, str, int]]
) -> None:
    found = [
        registration("a", "n1", weights=(2, 1)),
        registration("a", "n2", weights=(5, 1)),
        registration("b", "n1"),
        registration("c", "n2"),
    ]
    assert [(one.node, one.id, one.weight) for one in frozen(found, keep).instances] == lines


def test_what_differs_in_anything_else_stays_apart() -> None:
    found = [
        registration("a", "n1"),
        registration("b", "n1", port=81),
        registration("c", "n1", address="10.0.0.2"),
        registration("d", "n1", tags=("api",)),
        registration("e", "n1", meta={"owner": "a"}),
        registration("f", "n1", datacenter="dc2"),
        registration("g", "n1", service="pay"),
        registration("h", "n1", ports=(NamedPort(name="http", port=81), NamedPort(name="grpc", port=82))),
        registration("i", "n1", ports=(NamedPort(name="http", port=81), NamedPort(name="grpc", port=83))),
    ]
    snapshot = frozen(found, Keep(ids=False, nodes=False))
    assert len(snapshot.instances) == 9
    assert parse_lock(b"".join(lock_chunks([snapshot])), "frostline.lock") == Lock((snapshot,))


def test_those_of_another_health_stay_apart_and_of_one_id_the_worst_stays() -> None:
    found = [registration("a", "n1", health="warning"), registration("b", "n1"), registration("b", "n2")]
    assert [one.health for one in frozen(found, Keep(ids=False)).instances] == ["passing", "warning"]
    (one,) = frozen([*found[:1], registration("a", "n2")], Keep(ids=False)).instances
    assert (one.node, one.health) == ("n1", "warning")


def test_instances_that_never_had_an_id_are_several() -> None:
    (one,) = frozen([registration("", "n1"), registration("", "n2")], Keep(nodes=False)).instances
    assert one.weight == 2


def test_a_sum_of_weights_stays_within_what_a_lock_takes() -> None:
    heavy = [registration(name, "n1", weights=(2**31, 1)) for name in ("a", "b")]
    assert frozen(heavy, Keep(ids=False)).instances == (
        Instance(service="shop", node="n1", address="10.0.0.1", port=80, weight=2**31),
    )
