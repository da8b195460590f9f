"""Assembling: precedence, groups, namespaces, equal endpoints, and the choice of one URL."""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from frostline.model import Contribution, Declared, Endpoint, Entry, FileOrigin, Instance, Snapshot
from frostline.registry.assembling import (
    assembled,
    chosen_url,
    contribution_of,
    entry_digest,
    numeric_address,
    united,
    with_prefer,
)
from frostline.settings import Naming, VersionFrom

KEY = ("shop", "v1")


def endpoint(address: str = "10.0.0.1", port: int = 80, **fields: object) -> Endpoint:
    values = {"source": "mesh", "datacenter": "dc1", "namespace": "default", **fields}
    return Endpoint(url=f"http://{address}:{port}", address=address, port=port, **values)  # type: ignore[arg-type]


def bring(source: str, *endpoints: Endpoint, key: tuple[str, str | None] = KEY) -> Contribution:
    return Contribution(source=source, endpoints={key: endpoints})


def urls_and_rules(contributions: list[Contribution], **options: object) -> tuple[list[str], list[str]]:
    registry, findings = assembled(contributions, **options)  # type: ignore[arg-type]
    entry = registry.services["shop"]["v1"]
    return [one.url for one in entry.endpoints], [finding.rule for finding in findings]


A, B, C = (endpoint(f"10.0.0.{number}") for number in (1, 2, 3))


def test_the_first_in_precedence_wins_a_service_whole() -> None:
    both = [bring("mesh", A, B), bring("edge", C)]
    assert urls_and_rules(both, precedence=[["edge"], ["mesh"]]) == ([C.url], [])
    assert urls_and_rules(both, precedence=[["mesh"], ["edge"]]) == ([A.url, B.url], [])


def test_sources_of_one_group_unite_their_endpoints() -> None:
    registry, findings = assembled([bring("mesh", A), bring("live", B)], [["mesh", "live"]])
    entry = registry.services["shop"]["v1"]
    assert [one.url for one in entry.endpoints] == [A.url, B.url]
    assert entry.sources == ("live", "mesh")
    assert findings == ()


@pytest.mark.parametrize("precedence", [[], [["mesh"]], [["other"], ["mesh"]]])
def test_two_sources_that_are_not_ordered_are_an_error(precedence: list[list[str]]) -> None:
    _registry, (finding,) = assembled([bring("mesh", A), bring("edge", B)], precedence)
    assert (finding.rule, finding.severity, finding.value) == ("sources-unordered", "error", "edge, mesh")
    assert "`precedence`" in (finding.help or "")


def test_an_unordered_service_is_reported_where_a_file_says_it() -> None:
    place = FileOrigin("frostline.yaml", 9, 7)
    one = Contribution(source="edge", endpoints={KEY: (A,)}, places={KEY: place})
    assert assembled([one, bring("mesh", B)])[1][0].origin == place


def test_a_source_that_only_declares_a_service_displaces_nobody() -> None:
    assert urls_and_rules([bring("jobs"), bring("mesh", A)]) == ([A.url], [])
    assert urls_and_rules([bring("jobs"), bring("mesh", A)], precedence=[["jobs"], ["mesh"]]) == ([A.url], [])


def test_what_nobody_serves_is_declared() -> None:
    registry, findings = assembled([bring("jobs"), bring("mesh")])
    entry = registry.services["shop"]["v1"]
    assert (entry.declared, entry.url, entry.endpoints, entry.sources) == (True, None, (), ("jobs", "mesh"))
    assert findings == ()


def test_endpoints_in_two_namespaces_need_merge() -> None:
    other = endpoint("10.0.0.9", namespace="retail")
    assert urls_and_rules([bring("mesh", A, other)])[1] == ["namespaces-conflict"]
    assert urls_and_rules([bring("mesh", A, other)], merge=["namespace"]) == ([A.url, other.url], [])


def test_a_version_named_unversioned_is_an_error() -> None:
    _, (finding,) = assembled([bring("mesh", A, key=("shop", "unversioned"))])
    assert (finding.rule, finding.severity) == ("version-unversioned", "error")
    assert finding.origin == A.origin


def test_equal_endpoints_are_one_with_summed_weight() -> None:
    one = endpoint(node="n1", id="a", weight=2, tags=("x",), meta={"k": "1", "only": "a"})
    two = endpoint(node="n1", id="b", weight=3, tags=("y",), meta={"k": "2", "more": "b"})
    for order in permutations([one, two]):
        (both,) = united(order)
        assert (both.weight, both.tags, both.id) == (5, ("x", "y"), "a")
        assert both.meta == {"k": "1", "more": "b", "only": "a"}


@pytest.mark.parametrize("field", ["datacenter", "namespace"])
def test_one_address_in_two_places_is_two_endpoints(field: str) -> None:
    assert len(united([endpoint(), endpoint(**{field: "other"})])) == 2


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
    assert united(reversed(ordered)) == tuple(ordered)


@pytest.mark.parametrize("address", ["", "x\0y", "10.0.0.1\n", "\u0661.2.3.4", "::1%eth0"])
def test_an_address_that_is_none_sorts_as_a_name(address: str) -> None:
    assert numeric_address(address)[0] == 2


def test_the_url_is_chosen_in_the_preferred_datacenter() -> None:
    one, two = endpoint("10.0.0.1", datacenter="dc1"), endpoint("10.0.0.2", datacenter="dc2")
    three = endpoint("10.0.0.3", datacenter="dc3")
    assert chosen_url(KEY, [one, two], ["dc2", "*"]) == two.url
    assert chosen_url(KEY, [one, two], ["dc9", "dc1"]) == one.url
    assert chosen_url(KEY, [one], ["dc2"]) == one.url
    assert chosen_url(KEY, [two, three], ["dc9", "*", "dc2"]) == three.url
    assert chosen_url(KEY, [], ["dc2"]) is None


def test_endpoints_of_one_url_that_differ_in_port_or_address_stay_two() -> None:
    points = endpoint("10.0.0.1"), endpoint("10.0.0.1", 81), endpoint("10.0.0.2")
    one, port, address = (replace(point, url="http://router/x") for point in points)
    assert united([address, port, one]) == (one, port, address)


def test_an_endpoint_of_weight_zero_is_chosen_only_where_there_is_no_other() -> None:
    off = endpoint("10.0.0.1", weight=0)
    for number in range(20):
        assert chosen_url(("shop", f"v{number}"), [off, B], []) == B.url
    assert chosen_url(KEY, [off], []) == off.url


def test_the_choice_spreads_over_services() -> None:
    chosen = {chosen_url(("shop", f"v{number}"), [A, B, C], []) for number in range(40)}
    assert chosen == {A.url, B.url, C.url}


@settings(deadline=None, max_examples=100)
@given(st.sets(st.integers(1, 250), min_size=2, max_size=12), st.text(max_size=5))
def test_the_choice_moves_only_when_the_chosen_one_goes(numbers: set[int], service: str) -> None:
    endpoints = [endpoint(f"10.0.0.{number}") for number in sorted(numbers)]
    chosen = chosen_url((service, None), endpoints, [])
    for gone in endpoints:
        left = [one for one in endpoints if one is not gone]
        assert gone.url == chosen or chosen_url((service, None), left, []) == chosen
    assert chosen_url((service, None), endpoints[::-1], []) == chosen


def test_another_preference_changes_urls_alone() -> None:
    one, two = endpoint("10.0.0.1", datacenter="dc1"), endpoint("10.0.0.2", datacenter="dc2")
    registry, _ = assembled([bring("mesh", one, two)], prefer=["dc1"])
    seen = with_prefer(registry, ["dc2"])
    assert registry.services["shop"]["v1"].url == one.url
    assert seen.services["shop"]["v1"].url == two.url
    assert seen.services["shop"]["v1"].endpoints == registry.services["shop"]["v1"].endpoints


def test_the_order_of_sources_and_endpoints_changes_nothing() -> None:
    parts = [bring("a", A, B), bring("b", C), bring("c", A)]
    made = {repr(assembled(list(order), [["a", "b"], ["c"]])) for order in permutations(parts)}
    assert len(made) == 1


def test_services_are_in_order_and_the_unversioned_come_first() -> None:
    keys = [("b", "v1"), ("a", "v10"), ("a", None), ("a", "v2"), ("é", None), ("B", None)]
    registry, _ = assembled([Contribution(source="mesh", endpoints=dict.fromkeys(keys, (A,)))])
    assert [key for key, _ in registry.entries()] == [
        ("B", None),
        ("a", None),
        ("a", "v10"),
        ("a", "v2"),
        ("b", "v1"),
        ("é", None),
    ]


def test_a_snapshot_brings_its_instances_and_what_it_declares() -> None:
    snapshot = Snapshot(
        source="mesh",
        datacenter="dc1",
        namespace="default",
        settings="x",
        instances=(Instance(service="shop-v1", node="n", id="s", address="10.0.0.1", port=80, tags=("t",), weight=3),),
        declared=(Declared(service="ledger"),),
    )
    brought = contribution_of("mesh", [snapshot], Naming())
    (one,) = brought.endpoints[("shop", "v1")]
    assert (one.url, one.tags, one.weight, one.datacenter) == ("http://10.0.0.1:80/v1", ("t",), 3, "dc1")
    assert brought.endpoints[("ledger", None)] == ()


def test_an_instance_without_a_url_is_a_finding_with_its_origin() -> None:
    snapshot = Snapshot(
        source="mesh",
        datacenter="dc1",
        namespace="default",
        settings="x",
        instances=(Instance(service="shop-v1", node="n", id="s", address="10.0.0.1", port=0),),
    )
    (finding,) = contribution_of("mesh", [snapshot], Naming()).findings
    assert (finding.rule, finding.service, finding.version) == ("port-zero", "shop", "v1")
    assert str(finding.origin) == "mesh(datacenter=dc1, namespace=default, node=n, id=s)"


def test_the_digest_of_an_entry_follows_what_it_says_and_nothing_else() -> None:
    def digest(*endpoints: Endpoint) -> str:
        return entry_digest(assembled([bring("mesh", *endpoints)])[0].services["shop"]["v1"])

    assert digest(A) == digest(endpoint(node="elsewhere", id="other"))
    changed = [endpoint(tags=("t",)), endpoint(meta={"k": "v"}), endpoint(weight=2), endpoint(port=81), B]
    assert len({digest(A), *(digest(one) for one in changed)}) == 1 + len(changed)


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


@settings(deadline=None, max_examples=300)
@given(few_endpoints)
def test_the_order_of_endpoints_does_not_depend_on_those_beside_them(endpoints: list[Endpoint]) -> None:
    far = endpoint(datacenter="far away", node="n1")
    assert united([far, *endpoints]) == (*united(endpoints), far)


@settings(deadline=None, max_examples=100)
@given(few_endpoints, st.sampled_from([None, "v1"]))
def test_the_url_is_that_of_the_highest_digest(endpoints: list[Endpoint], version: str | None) -> None:
    def digest(one: Endpoint) -> bytes:
        place = ["shop", version or "unversioned", one.datacenter, one.namespace, one.address, str(one.port), one.url]
        return sha256("\0".join(place).encode()).digest()

    candidates = [one for one in endpoints if one.weight] or endpoints
    chosen = max(candidates, key=digest).url if candidates else None
    assert chosen_url(("shop", version), endpoints, []) == chosen


few_instances = st.lists(
    st.builds(
        Instance,
        service=st.sampled_from(["pay", "shop-v1", "shop-v2"]),
        node=st.sampled_from(["n1", "n2"]),
        id=st.sampled_from(["i1", "i2"]),
        address=st.sampled_from(["10.0.0.1", "10.0.0.2", ""]),
        port=st.sampled_from([80, 0]),
        tags=st.lists(st.sampled_from(["v1", "v2"]), max_size=2, unique=True).map(tuple),
        meta=st.dictionaries(st.sampled_from(["version", "scheme"]), st.sampled_from(["", "v1", "https"]), max_size=2),
        datacenter=st.sampled_from(["", "", "dc2"]),
    ),
    max_size=8,
)
ways_to_versions = st.sampled_from([VersionFrom(), VersionFrom(meta="version"), VersionFrom(tag="(v[0-9])")])


@settings(deadline=None, max_examples=300)
@given(few_instances, ways_to_versions)
def test_what_an_instance_brings_does_not_depend_on_those_beside_it(
    instances: list[Instance], version_from: VersionFrom
) -> None:
    def brought(*some: Instance) -> Contribution:
        snapshot = Snapshot(source="mesh", datacenter="dc1", namespace="default", settings="x", instances=some)
        return contribution_of("mesh", [snapshot], Naming(version_from=version_from))

    together, alone = brought(*instances), [brought(one) for one in instances]
    assert together.findings == tuple(finding for one in alone for finding in one.findings)
    assert list(together.endpoints) == list(dict.fromkeys(key for one in alone for key in one.endpoints))
    for key, endpoints in together.endpoints.items():
        assert endpoints == tuple(point for one in alone for point in one.endpoints.get(key, ()))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.dictionaries(st.sampled_from("kab"), st.sampled_from("12"), max_size=3), max_size=5))
def test_the_digest_of_an_entry_is_that_of_its_json(metas: list[dict[str, str]]) -> None:
    endpoints = tuple(endpoint(f"10.0.0.{at}", tags=("t",), meta=meta) for at, meta in enumerate(metas))
    said = [
        [one.url, one.address, one.port, one.datacenter, one.namespace, one.tags, one.weight, sorted(one.meta.items())]
        for one in endpoints
    ]
    content = json.dumps(["http://x", ["mesh"], said], separators=(",", ":"))
    entry = Entry(url="http://x", endpoints=endpoints, sources=("mesh",))
    assert entry_digest(entry) == f"sha256:{sha256(content.encode()).hexdigest()}"
