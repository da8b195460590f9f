"""A broken lock is recovered, unless one of its lines may be missing."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.lock.codec import lock_chunks, lock_of
from frostline.lock.salvage import salvage
from frostline.model import Bind, Declared, Instance, Lock, Snapshot, Upstream

UPSTREAM = Upstream(region="dc1", namespace="default", job="j", group="g", destination="a", bind=Bind(port=1))


def lock(*names: str) -> Lock:
    found = tuple(Instance(service=name, node="n", id=name, address="10.0.0.1", port=80) for name in sorted(names))
    return lock_of(
        Snapshot(
            source="mesh",
            datacenter=datacenter,
            namespace="default",
            settings="x",
            instances=found,
            declared=(Declared(service="d"),),
            upstreams=(UPSTREAM,) if datacenter == "dc1" else (),
        )
        for datacenter in ("dc1", "dc2")
    )


def written(lock: Lock) -> bytes:
    return b"".join(lock_chunks(lock.snapshots))


GOOD = written(lock("a", "b"))
HEAD, SEGMENT, A, B, *REST = GOOD.split(b"\n")
OURS, THEIRS = written(lock("a", "b")).split(b"\n"), written(lock("a", "c")).split(b"\n")


def conflicted(ours: bytes, theirs: bytes, base: bytes = b"") -> bytes:
    middle = b"||||||| 123abc\n" + base if base else b""
    return b"<<<<<<< HEAD\n" + ours + middle + b"=======\n" + theirs + b">>>>>>> topic\n"


@pytest.mark.parametrize(
    "data",
    [
        GOOD.replace(b"\n", b"\r\n"),
        codecs.BOM_UTF8 + GOOD,
        GOOD.decode().encode("utf-16"),
        GOOD + b"\n",
        GOOD.replace(A + b"\n" + B, B + b"\n" + A),
        GOOD.replace(A, A + b"\n" + A),
        GOOD.replace(SEGMENT + b"\n", conflicted(SEGMENT + b"\n", SEGMENT.replace(b"2", b"3", 1) + b"\n")),
        GOOD.replace(B + b"\n", conflicted(B + b"\n", b"", A + b"\n")),
    ],
)
def test_a_lock_in_another_spelling_is_recovered(data: bytes) -> None:
    assert salvage(data) == lock("a", "b")


def test_both_sides_of_a_merge_are_recovered() -> None:
    data = GOOD.replace(B + b"\n", conflicted(B + b"\n", THEIRS[3] + b"\n"), 1)
    found = salvage(data)
    assert found is not None
    assert [instance.id for instance in found.snapshots[0].instances] == ["a", "b", "c"]
    assert [instance.id for instance in found.snapshots[1].instances] == ["a", "b"]


def test_an_additional_line_is_recovered() -> None:
    found = salvage(GOOD.replace(B, B + b"\n" + THEIRS[3]))
    assert found is not None
    assert [instance.id for instance in found.snapshots[0].instances] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        b"\xff\xfe\x00",
        HEAD + b"\n",
        GOOD[:-1],
        GOOD[: len(GOOD) // 2],
        GOOD.replace(B + b"\n", b""),
        GOOD.replace(SEGMENT + b"\n", b""),
        GOOD.replace(B, B[:-1]),
        GOOD.replace(B, b"[" * 50_000),
        GOOD.removeprefix(HEAD + b"\n"),
    ],
)
def test_nothing_is_recovered_if_a_line_may_be_missing(data: bytes) -> None:
    assert salvage(data) is None


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_damage_neither_crashes_nor_invents_a_segment(data: st.DataObject) -> None:
    raw = bytearray(GOOD)
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    found = salvage(bytes(raw))
    assert found is None or len(found.snapshots) <= 2
