"""What one output has of the registry: a selection of services, and of their endpoints."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.endpoint_runs import runs_of
from frostline.model import Bind, DeclaredProperties, Endpoint, Entry, Key, Registry, Upstream, registry_of
from frostline.registry.declaring import dependencies_of
from frostline.registry.endpoints import choose_url
from frostline.registry.output_views.select import selected
from frostline.settings import Naming, OutputSelect


def endpoint(number: int, datacenter: str = "dc1", tags: tuple[str, ...] = (), **meta: str) -> Endpoint:
    address = f"10.0.0.{number}"
    return Endpoint(
        url=f"http://{address}", address=address, port=80, source="mesh", datacenter=datacenter, tags=tags, meta=meta
    )


def entry(key: Key, *endpoints: Endpoint, said: DeclaredProperties | None = None) -> Entry:
    return Entry(url=choose_url(key, endpoints, ()), endpoints=endpoints, sources=("mesh",), properties=said)


PAY, SHOP, MAIL, SMTP = Key("pay", "v1"), Key("shop", None), Key("mail", "v1"), Key("smtp", None)
REGISTRY = registry_of(
    {
        PAY: entry(
            PAY,
            endpoint(1, tags=("api", "blue"), tier="front"),
            endpoint(2, tags=("api",), tier="back"),
            endpoint(3, "dc2", tags=("canary", "api")),
        ),
        SHOP: entry(SHOP, endpoint(4, "dc2", tier="")),
        MAIL: entry(MAIL, said=DeclaredProperties(tags=("api",), meta={"tier": "front"})),
        SMTP: entry(SMTP),
    }
)


def numbers(registry: Registry) -> dict[str, list[int]]:
    """Service -> the last numbers of its addresses."""
    return {
        key.service: [int(one.address.rpartition(".")[2]) for one in found.endpoints]
        for key, found in registry.entries()
    }


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ({}, {"mail": [], "pay": [1, 2, 3], "shop": [4], "smtp": []}),
        ({"services": ("*", "!pay")}, {"mail": [], "shop": [4], "smtp": []}),
        ({"tags": ("api",)}, {"mail": [], "pay": [1, 2, 3]}),
        ({"tags": ("api", "blue")}, {"pay": [1]}),
        ({"tags": ("b*",)}, {"pay": [1]}),
        ({"tags": ("api", "!canary")}, {"mail": [], "pay": [1, 2]}),
        ({"tags": ("!api",)}, {"shop": [4], "smtp": []}),
        ({"tags": ("!*",)}, {"shop": [4], "smtp": []}),
        ({"tags": ("API",)}, {}),
        ({"meta": (("tier", "front"),)}, {"mail": [], "pay": [1]}),
        ({"meta": (("tier", "!front"),)}, {"pay": [2, 3], "shop": [4], "smtp": []}),
        ({"meta": (("tier", "*"),)}, {"mail": [], "pay": [1, 2], "shop": [4]}),
        ({"meta": (("tier", ""),)}, {"shop": [4]}),
        ({"meta": (("tier", "!*"),)}, {"pay": [3], "smtp": []}),
        ({"datacenters": ("dc1",)}, {"mail": [], "pay": [1, 2], "smtp": []}),
        ({"datacenters": ("*", "!dc1")}, {"mail": [], "pay": [3], "shop": [4], "smtp": []}),
        ({"datacenters": ("dc2",), "tags": ("api",), "services": ("pay",)}, {"pay": [3]}),
        ({"datacenters": ("dc3",), "services": ("pay",)}, {}),
    ],
)
def test_only_what_fits_all_keys_is_left(select: dict[str, Any], expected: dict[str, list[int]]) -> None:
    assert numbers(selected(REGISTRY, OutputSelect(**select))) == expected


def test_an_endpoint_without_a_datacenter_is_taken_by_the_glob_for_all() -> None:
    registry = registry_of({SHOP: entry(SHOP, endpoint(1, ""))})
    assert numbers(selected(registry, OutputSelect(datacenters=("*", "!dc2")))) == {"shop": [1]}
    assert numbers(selected(registry, OutputSelect(datacenters=("dc1",)))) == {}


def test_the_one_url_is_chosen_of_what_is_left_in_the_preferred_datacenter() -> None:
    for prefer, number in (("dc2", 3), ("dc1", 1)):
        found = selected(REGISTRY, OutputSelect(services=("pay",), tags=("[bc]*",)), (prefer,)).services["pay"]["v1"]
        assert found.url == f"http://10.0.0.{number}"


def test_what_was_known_of_all_endpoints_is_not_said_of_those_that_are_left() -> None:
    runs_of(REGISTRY.services["pay"]["v1"])  # which is kept with the entry
    left = selected(REGISTRY, OutputSelect(datacenters=("dc2",))).services["pay"]["v1"]
    assert [run.endpoints for run in runs_of(left)] == [left.endpoints]


def test_an_upstream_stays_where_its_service_is_selected() -> None:
    upstream = Upstream(namespace="default", job="shop", group="web", destination="pay-v1", bind=Bind(port=9101))
    registry = registry_of(dict(REGISTRY.entries()), dependencies_of("jobs", [(upstream, None)], Naming()))
    assert selected(registry, OutputSelect(datacenters=("dc9",))).upstreams == registry.upstreams
    assert selected(registry, OutputSelect(services=("shop",))).upstreams == ()


GLOBS = st.sampled_from(["a", "b", "*", "a*", "?", "[ab]", "x"])
SIGNED = st.builds(str.__add__, st.sampled_from(["", "!"]), GLOBS)
WORDS = st.sampled_from(["", "a", "b", "ab", "c"])
ENDPOINTS = st.lists(
    st.builds(
        lambda number, datacenter, tags, meta: endpoint(number, datacenter, tuple(sorted(tags)), **meta),
        st.integers(1, 9),
        WORDS,
        st.sets(WORDS.filter(bool)),
        st.dictionaries(st.sampled_from("km"), WORDS),
    ),
    max_size=4,
    unique_by=lambda one: one.address,
)
SELECTS = st.builds(
    OutputSelect,
    tags=st.lists(SIGNED, max_size=2).map(tuple),
    meta=st.dictionaries(st.sampled_from("km"), SIGNED, max_size=2).map(lambda globs: tuple(sorted(globs.items()))),
    datacenters=st.lists(GLOBS, min_size=1, max_size=2).map(tuple),
)


def by_hand(select: OutputSelect) -> Callable[[Endpoint], bool]:
    def fits(glob: str, values: list[str]) -> bool:
        if glob.startswith("!"):
            return not any(fnmatchcase(value, glob[1:]) for value in values)
        return any(fnmatchcase(value, glob) for value in values)

    return lambda one: (
        any(fnmatchcase(one.datacenter, glob) for glob in select.datacenters)
        and all(fits(glob, [*one.tags]) for glob in select.tags)
        and all(fits(glob, [one.meta[key]] if key in one.meta else []) for key, glob in select.meta)
    )


@settings(max_examples=60, deadline=None)
@given(ENDPOINTS.filter(bool), SELECTS)
def test_a_selection_is_the_registry_filtered_by_hand(endpoints: list[Endpoint], select: OutputSelect) -> None:
    found = selected(registry_of({PAY: entry(PAY, *endpoints)}), select).get(PAY)
    left = tuple(filter(by_hand(select), endpoints))
    assert (found.endpoints if found else ()) == left
    assert (found.url if found else None) == choose_url(PAY, left, ())
