"""What a source answers twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.errors import SourceError, UsageError
from frostline.lock.codec import lock_chunks, lock_of, parse_lock
from frostline.lock.readable import check_readable
from frostline.model import FileOrigin, InstanceOrigin, Lock, Registration, SegmentAnswer, Snapshot
from frostline.registry.selection.selecting import snapshot_of
from frostline.settings import Keep
from frostline.sources.consul.settings import ConsulSettings


def frozen(*registrations: Registration, keep: Keep | None = None) -> Snapshot:
    answer = SegmentAnswer(source="mesh", datacenter="dc1", namespace="default", registrations=registrations)
    settings = ConsulSettings(name="mesh", origin=FileOrigin("frostline.yaml"), keep=keep or Keep())
    return snapshot_of(answer, settings, "sha256:x")


def one(service: str = "shop", node: str = "n1", id: str = "i1", port: int = 80, **more: object) -> Registration:
    return Registration(service=service, node=node, id=id, node_address="10.0.0.1", port=port, **more)  # type: ignore[arg-type]


KEEPS = [
    Keep(tags=("*",), meta=("*",), ids=ids, nodes=nodes, endpoints=True)
    for ids, nodes in ((True, True), (True, False), (False, True), (False, False))
]


@pytest.mark.parametrize("keep", KEEPS)
@pytest.mark.parametrize("other", [one(), one(port=81), one(tags=("a",)), one(weights=(2, 1))])
def test_one_id_twice_on_a_node_is_refused_with_its_place(keep: Keep, other: Registration) -> None:
    with pytest.raises(SourceError, match="two instances of `shop` have the same node and id") as caught:
        frozen(one("pay"), one(), one(id="i2"), other, keep=keep)
    assert caught.value.origin == InstanceOrigin("mesh", "dc1", "default", "n1", "i1")


def test_one_id_on_two_nodes_or_of_two_services_is_no_repetition() -> None:
    assert len(frozen(one(), one(node="n2"), one("pay")).instances) == 3


def test_what_selection_leaves_out_may_be_there_twice() -> None:
    assert len(frozen(one(), one(health="critical")).instances) == 1


@pytest.mark.parametrize("keep", KEEPS)
@pytest.mark.parametrize("bare", [{"id": ""}, {"node": ""}, {"id": "", "node": ""}])
def test_what_has_no_id_counts_by_itself_and_is_one_line(keep: Keep, bare: dict[str, str]) -> None:
    snapshot = frozen(one(**bare), one(**bare), one(**bare, port=81), one(id="i9"), keep=keep)
    assert sorted(instance.port for instance in snapshot.instances if instance.id != "i9")[-1] == 81
    check_readable(Lock((snapshot,)))


registrations = st.builds(
    Registration,
    service=st.sampled_from(["a", "b"]),
    node=st.sampled_from(["", "n", "m"]),
    id=st.sampled_from(["", "i", "j"]),
    address=st.sampled_from(["", "10.0.0.1", "x y", "\u202e"]),
    port=st.sampled_from([0, 80, -1, 2**63 - 1]),
    tags=st.lists(st.text(max_size=2), max_size=2).map(tuple),
    meta=st.dictionaries(st.text(max_size=2), st.text(max_size=2), max_size=2),
    weights=st.sampled_from([(1, 1), (2**31, 0)]),
    health=st.sampled_from(["passing", "critical"]),
)


@given(st.lists(registrations, max_size=8), st.sampled_from(KEEPS))
def test_whatever_a_source_answers_is_refused_or_read_back_as_it_was_written(
    found: list[Registration], keep: Keep
) -> None:
    try:
        snapshot = frozen(*found, keep=keep)
    except SourceError:
        return
    lock = lock_of([snapshot])
    check_readable(lock)
    assert parse_lock(b"".join(lock_chunks(lock.snapshots)), "frostline.lock") == lock


@pytest.mark.parametrize("weights", [(-1, 1), (2**31 + 1, 1)])
def test_a_number_that_no_lock_takes_is_refused_before_it_is_written(weights: tuple[int, int]) -> None:
    lock = lock_of([frozen(one(weights=weights))])
    with pytest.raises(SourceError, match=r"source `mesh`.* a lock cannot hold .*weight"):
        check_readable(lock)
    with pytest.raises(UsageError):
        parse_lock(b"".join(lock_chunks(lock.snapshots)), "frostline.lock")
