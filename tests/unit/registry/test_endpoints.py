"""Endpoints of one service and version: their order, how equal ones merge, and which URL is chosen."""

from __future__ import annotations

from hashlib import sha256
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from frostline.model import Endpoint, Key
from frostline.registry.endpoints import choose_url, merge_endpoints, numeric_address

KEY = Key("shop", "v1")


def endpoint(address: str = "10.0.0.1", port: int = 80, **fields: object) -> Endpoint:
    values = {"source": "mesh", "datacenter": "dc1", "namespace": "default", **fields}
    return Endpoint(url=f"http://{address}:{port}", address=address, port=port, **values)  # type: ignore[arg-type]


A, B, C = (endpoint(f"10.0.0.{number}") for number in (1, 2, 3))


def test_equal_endpoints_are_one_with_summed_weight() -> None:
    one = endpoint(node="n1", id="a", weight=2, tags=("x",), meta={"k": "1", "l": "2"})
    two = endpoint(node="n1", id="b", weight=3, tags=("x",), meta={"l": "2", "k": "1"})
    for order in permutations([one, two]):
        assert merge_endpoints(order) == (replace(one, weight=5),)


@pytest.mark.parametrize(
    "other",
    [{"tags": ("udp",)}, {"tags": ()}, {"meta": {"proto": "udp"}}, {"meta": {}}, {"meta": {"proto": "tcp", "k": ""}}],
)
def test_one_address_with_other_tags_or_meta_is_two_endpoints(other: dict[str, object]) -> None:
    values: dict[str, object] = {"id": "a", "tags": ("tcp",), "meta": {"proto": "tcp"}}
    points = [endpoint(**values), endpoint(**{**values, "id": "b", **other}), endpoint(**{**values, "id": "c"})]
    expected = sorted(
        [replace(points[0], weight=2), points[1]], key=lambda one: (one.tags, tuple(sorted(one.meta.items())))
    )
    for order in permutations(points):
        assert merge_endpoints(order) == tuple(expected)


@pytest.mark.parametrize(
    ("registered", "weight"),
    [
        ([("n1", "a", 1), ("n2", "a", 1)], 1),
        ([("n1", "a", 1), ("n2", "a", 1), ("n3", "a", 1)], 1),
        ([("n1", "a", 1), ("n2", "a", 3)], 3),
        ([("n1", "a", 0), ("n2", "a", 0)], 0),
        ([("n1", "a", 1), ("n2", "a", 1), ("n2", "b", 1)], 2),
        ([("n1", "a", 1), ("n1", "A", 1)], 2),
        ([("n1", "", 1), ("n2", "", 1)], 2),
        ([("n1", "", 1), ("n2", "a", 1), ("n3", "a", 1)], 2),
    ],
)
def test_one_id_on_several_agents_counts_once(registered: list[tuple[str, str, int]], weight: int) -> None:
    for order in permutations(registered):
        (merged,) = merge_endpoints(endpoint(node=node, id=name, weight=value) for node, name, value in order)
        assert (merged.weight, merged.node, merged.id) == (weight, *min(one[:2] for one in registered))


def test_one_id_at_two_ports_is_two_endpoints() -> None:
    assert [one.weight for one in merge_endpoints([endpoint(id="a"), endpoint(port=81, id="a", node="n2")])] == [1, 1]


@pytest.mark.parametrize("field", ["datacenter", "namespace"])
def test_one_address_in_two_places_is_two_endpoints(field: str) -> None:
    assert len(merge_endpoints([endpoint(), endpoint(**{field: "other"})])) == 2


def test_endpoints_sort_by_datacenter_namespace_numeric_address_and_port() -> None:
    ordered = [
        endpoint("10.0.0.9"),
        endpoint("10.0.0.10", 9),
        endpoint("10.0.0.10", 10),
        endpoint("2001:db8::9"),
        endpoint("2001:db8::10"),
        endpoint("a.example"),
        endpoint("10.0.0.1", namespace="other"),
        endpoint("10.0.0.1", datacenter="dc2"),
    ]
    assert merge_endpoints(reversed(ordered)) == tuple(ordered)


@pytest.mark.parametrize("address", ["", "x\0y", "10.0.0.1\n", "\u0661.2.3.4", "::1%eth0"])
def test_an_address_that_is_none_sorts_as_a_name(address: str) -> None:
    assert numeric_address(address)[0] == 2


def test_the_url_is_chosen_in_the_preferred_datacenter() -> None:
    one, two = endpoint("10.0.0.1", datacenter="dc1"), endpoint("10.0.0.2", datacenter="dc2")
    three = endpoint("10.0.0.3", datacenter="dc3")
    assert choose_url(KEY, [one, two], ["dc2", "*"]) == two.url
    assert choose_url(KEY, [one, two], ["dc9", "dc1"]) == one.url
    assert choose_url(KEY, [one], ["dc2"]) == one.url
    assert choose_url(KEY, [two, three], ["dc9", "*", "dc2"]) == three.url
    assert choose_url(KEY, [], ["dc2"]) is None


def test_endpoints_of_one_url_that_differ_in_port_or_address_stay_two() -> None:
    points = endpoint("10.0.0.1"), endpoint("10.0.0.1", 81), endpoint("10.0.0.2")
    one, port, address = (replace(point, url="http://router/x") for point in points)
    assert merge_endpoints([address, port, one]) == (one, port, address)


def test_an_endpoint_of_weight_zero_is_chosen_only_where_there_is_no_other() -> None:
    off = endpoint("10.0.0.1", weight=0)
    for number in range(20):
        assert choose_url(Key("shop", f"v{number}"), [off, B], []) == B.url
    assert choose_url(KEY, [off], []) == off.url


def test_the_choice_spreads_over_services() -> None:
    chosen = {choose_url(Key("shop", f"v{number}"), [A, B, C], []) for number in range(40)}
    assert chosen == {A.url, B.url, C.url}


@settings(deadline=None, max_examples=50)
@given(st.sets(st.integers(1, 250), min_size=2, max_size=12), st.text(max_size=5))
def test_the_choice_moves_only_when_the_chosen_one_goes(numbers: set[int], service: str) -> None:
    endpoints = [endpoint(f"10.0.0.{number}") for number in sorted(numbers)]
    chosen = choose_url(Key(service, None), endpoints, [])
    for gone in endpoints:
        left = [endpoint for endpoint in endpoints if endpoint is not gone]
        assert gone.url == chosen or choose_url(Key(service, None), left, []) == chosen
    assert choose_url(Key(service, None), endpoints[::-1], []) == chosen


few_endpoints = st.lists(
    st.builds(
        endpoint,
        st.sampled_from(["10.0.0.9", "10.0.0.10", "::1", "0::1", "2001:db8::1", "a.example", ""]),
        st.sampled_from([80, 9]),
        namespace=st.sampled_from(["default", "default", "other"]),
        node=st.sampled_from(["n1", "n2"]),
        weight=st.integers(0, 3),
    ),
    max_size=6,
)


@settings(deadline=None, max_examples=120)
@given(few_endpoints)
def test_the_order_of_endpoints_does_not_depend_on_those_beside_them(endpoints: list[Endpoint]) -> None:
    far = endpoint(datacenter="far away", node="n1")
    assert merge_endpoints([far, *endpoints]) == (*merge_endpoints(endpoints), far)


@settings(deadline=None, max_examples=50)
@given(few_endpoints, st.sampled_from([None, "v1"]))
def test_the_url_is_that_of_the_highest_digest(endpoints: list[Endpoint], version: str | None) -> None:
    def digest(one: Endpoint) -> bytes:
        place = ["shop", version or "unversioned", one.datacenter, one.namespace, one.address, str(one.port), one.url]
        return sha256("\0".join(place).encode()).digest()

    candidates = [endpoint for endpoint in endpoints if endpoint.weight] or endpoints
    chosen = max(candidates, key=digest).url if candidates else None
    assert choose_url(Key("shop", version), endpoints, []) == chosen
