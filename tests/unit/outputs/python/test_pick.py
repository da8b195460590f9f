"""`pick` of the generated module follows weights, keys and preferred datacenters."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_registries import endpoint, entry, loaded

from frostline.model import Key, Registry, registry_of
from frostline.registry.endpoints import choose_url


def weighted(**weights: int) -> Any:
    """A module with one service whose instances have these names and weights."""
    found = [endpoint(f"http://{name}", name, weight=weight) for name, weight in weights.items()]
    return loaded(registry_of({("a", None): entry(*found)}))


def test_pick_follows_the_weights() -> None:
    random.seed(1)
    module = weighted(heavy=9, light=1, none=0)
    picked = Counter(module.pick("a").address for _ in range(2000))
    assert picked["none"] == 0
    assert 1700 < picked["heavy"] < 1900


def test_keys_are_distributed_by_the_weights_of_instances_that_have_one_url() -> None:
    twins = [endpoint("http://x", tags=(name,), weight=weight) for name, weight in (("a", 2), ("b", 1), ("none", 0))]
    other = endpoint("http://y", tags=("c",), weight=1)
    module, again = (loaded(registry_of({("dns", None): entry(*twins, other)})) for _ in range(2))
    picked = [module.pick("dns", key=f"key {number}").tags[0] for number in range(2000)]
    assert picked == [again.pick("dns", key=f"key {number}").tags[0] for number in range(2000)]
    counts = Counter(picked)
    assert 900 < counts["a"] < 1100
    assert 420 < counts["b"] < 580
    assert 420 < counts["c"] < 580
    # Where one of the twins goes, nothing moves between the URLs that stay but what was its own.
    fewer = loaded(registry_of({("dns", None): entry(twins[0], other)}))
    now = [fewer.pick("dns", key=f"key {number}").tags[0] for number in range(2000)]
    assert all(after == before for before, after in zip(picked, now, strict=True) if before != "b")


def far_and_near(**weights: int) -> Registry:
    """One service with an instance in each of these datacenters (`_`: in none)."""
    found = [
        endpoint(f"http://{name}", name, datacenter="" if name == "_" else name, weight=weight)
        for name, weight in weights.items()
    ]
    return registry_of({("a", None): entry(*found)})


@pytest.mark.parametrize(
    ("prefer", "weights", "expected"),
    [
        (("dc2",), {"dc1": 1, "dc2": 1, "dc3": 1}, {"dc2"}),
        (("dc9", "dc3", "dc1"), {"dc1": 1, "dc2": 1, "dc3": 1}, {"dc3"}),
        (("dc9",), {"dc1": 1, "dc2": 1}, {"dc1", "dc2"}),
        (("dc9", "*", "dc1"), {"dc1": 1, "dc2": 1, "_": 1}, {"dc2", "_"}),
        (("*",), {"dc1": 1, "_": 1}, {"dc1", "_"}),
        (("dc1",), {"dc1": 0, "dc2": 1}, {"dc2"}),
        (("dc1",), {"dc1": 0, "dc2": 0}, {"dc1"}),
        (("it's", "a\\"), {"it's": 1, "dc2": 1}, {"it's"}),
        (("a\\",), {"a\\": 1, "dc2": 1}, {"a\\"}),
        (("\U0001f600",), {"\U0001f600": 1, "dc2": 1}, {"\U0001f600"}),
        ((), {"dc1": 1, "dc2": 1}, {"dc1", "dc2"}),
    ],
)
def test_pick_chooses_in_the_first_preferred_datacenter_that_has_an_instance(
    prefer: tuple[str, ...], weights: dict[str, int], expected: set[str]
) -> None:
    registry = far_and_near(**weights)
    module = loaded(registry, prefer)
    assert {module.pick("a").address for _ in range(60)} == expected
    assert {module.pick("a", key=str(number)).address for number in range(60)} == expected
    assert {module.find_one("a").address for _ in range(60)} == expected
    chosen = choose_url(Key("a", None), registry.services["a"][None].endpoints, prefer)
    assert chosen in {f"http://{name}" for name in expected}


def test_pick_takes_weight_0_where_there_is_nothing_else() -> None:
    module = weighted(one=0, two=0)
    assert {module.pick("a").address for _ in range(100)} == {"one", "two"}
    assert {module.pick("a", key=str(number)).address for number in range(100)} == {"one", "two"}


def test_pick_with_a_key_follows_the_weights_and_never_changes() -> None:
    module, again = weighted(heavy=9, light=1, none=0), weighted(none=0, light=1, heavy=9)
    picked = [module.pick("a", key=f"key {number}").address for number in range(2000)]
    assert picked == [again.pick("a", key=f"key {number}").address for number in range(2000)]
    assert 1700 < picked.count("heavy") < 1900
    assert "none" not in picked
    # Written down: other processes and releases must choose the same.
    assert [module.pick("a", key=key).address for key in ("Ada", "é", "\ud800", "")] == [
        "heavy",
        "light",
        "heavy",
        "heavy",
    ]


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text("abcdef", min_size=1), st.integers(1, 100), min_size=2, max_size=6), st.text())
def test_only_the_keys_of_an_instance_that_goes_move(weights: dict[str, int], key: str) -> None:
    before = weighted(**weights).pick("a", key=key).address
    gone = min(name for name in weights if name != before)
    assert weighted(**{name: weight for name, weight in weights.items() if name != gone}).pick(
        "a", key=key
    ).address == (before)
