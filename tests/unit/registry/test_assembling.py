"""Assembling: precedence, groups, namespaces, equal endpoints, and the choice of one URL."""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.model import Contribution, Declared, Endpoint, Entry, FileOrigin, Instance, Key, Snapshot
from frostline.registry.assembling import (
    assemble,
    contribution_of,
    entry_digest,
    properties_digest,
    with_prefer,
)
from frostline.settings import Naming, VersionFrom

KEY = Key("shop", "v1")


def endpoint(address: str = "10.0.0.1", port: int = 80, **fields: object) -> Endpoint:
    values = {"source": "mesh", "datacenter": "dc1", "namespace": "default", **fields}
    return Endpoint(url=f"http://{address}:{port}", address=address, port=port, **values)  # type: ignore[arg-type]


def bring(source: str, *endpoints: Endpoint, key: Key = KEY) -> Contribution:
    return Contribution(source=source, endpoints={key: endpoints})


def urls_and_rules(contributions: list[Contribution], **options: object) -> tuple[list[str], list[str]]:
    registry, findings = assemble(contributions, **options)  # type: ignore[arg-type]
    entry = registry.services["shop"]["v1"]
    return [endpoint.url for endpoint in entry.endpoints], [finding.rule for finding in findings]


A, B, C = (endpoint(f"10.0.0.{number}") for number in (1, 2, 3))


def test_the_first_in_precedence_wins_a_service_whole() -> None:
    both = [bring("mesh", A, B), bring("edge", C)]
    assert urls_and_rules(both, precedence=[["edge"], ["mesh"]]) == ([C.url], [])
    assert urls_and_rules(both, precedence=[["mesh"], ["edge"]]) == ([A.url, B.url], [])


def test_sources_of_one_group_unite_their_endpoints() -> None:
    registry, findings = assemble([bring("mesh", A), bring("live", B)], [["mesh", "live"]])
    entry = registry.services["shop"]["v1"]
    assert [endpoint.url for endpoint in entry.endpoints] == [A.url, B.url]
    assert entry.sources == ("live", "mesh")
    assert findings == ()


@pytest.mark.parametrize("precedence", [[], [["mesh"]], [["other"], ["mesh"]]])
def test_two_sources_that_are_not_ordered_are_an_error(precedence: list[list[str]]) -> None:
    _registry, (finding,) = assemble([bring("mesh", A), bring("edge", B)], precedence)
    assert (finding.rule, finding.severity, finding.value) == ("sources-unordered", "error", "edge, mesh")
    assert "`precedence`" in (finding.help or "")


def test_an_unordered_service_is_reported_where_a_file_says_it() -> None:
    place = FileOrigin("frostline.yaml", 9, 7)
    one = Contribution(source="edge", endpoints={KEY: (A,)}, places={KEY: place})
    assert assemble([one, bring("mesh", B)])[1][0].origin == place


def test_a_source_that_only_declares_a_service_displaces_nobody() -> None:
    assert urls_and_rules([bring("jobs"), bring("mesh", A)]) == ([A.url], [])
    assert urls_and_rules([bring("jobs"), bring("mesh", A)], precedence=[["jobs"], ["mesh"]]) == ([A.url], [])


def test_what_nobody_serves_is_declared() -> None:
    registry, findings = assemble([bring("jobs"), bring("mesh")])
    entry = registry.services["shop"]["v1"]
    assert (entry.declared, entry.url, entry.endpoints, entry.sources) == (True, None, (), ("jobs", "mesh"))
    assert findings == ()


def test_endpoints_in_two_namespaces_need_merge() -> None:
    other = endpoint("10.0.0.9", namespace="retail")
    assert urls_and_rules([bring("mesh", A, other)])[1] == ["namespaces-conflict"]
    assert urls_and_rules([bring("mesh", A, other)], merge=["namespace"]) == ([A.url, other.url], [])


def test_a_version_named_unversioned_is_an_error() -> None:
    _, (finding,) = assemble([bring("mesh", A, key=Key("shop", "unversioned"))])
    assert (finding.rule, finding.severity) == ("version-unversioned", "error")
    assert finding.origin == A.origin


def test_another_preference_changes_urls_alone() -> None:
    one, two = endpoint("10.0.0.1", datacenter="dc1"), endpoint("10.0.0.2", datacenter="dc2")
    registry, _ = assemble([bring("mesh", one, two)], prefer=["dc1"])
    seen = with_prefer(registry, ["dc2"])
    assert registry.services["shop"]["v1"].url == one.url
    assert seen.services["shop"]["v1"].url == two.url
    assert seen.services["shop"]["v1"].endpoints == registry.services["shop"]["v1"].endpoints


def test_the_order_of_sources_and_endpoints_changes_nothing() -> None:
    parts = [bring("a", A, B), bring("b", C), bring("c", A)]
    made = {repr(assemble(list(order), [["a", "b"], ["c"]])) for order in permutations(parts)}
    assert len(made) == 1


def test_services_are_in_order_and_the_unversioned_come_first() -> None:
    keys = [Key("b", "v1"), Key("a", "v10"), Key("a", None), Key("a", "v2"), Key("é", None), Key("B", None)]
    registry, _ = assemble([Contribution(source="mesh", endpoints=dict.fromkeys(keys, (A,)))])
    assert [key for key, _ in registry.entries()] == [
        Key("B", None),
        Key("a", None),
        Key("a", "v10"),
        Key("a", "v2"),
        Key("b", "v1"),
        Key("é", None),
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
    (one,) = brought.endpoints["shop", "v1"]
    assert (one.url, one.tags, one.weight, one.datacenter) == ("http://10.0.0.1:80/v1", ("t",), 3, "dc1")
    assert brought.endpoints["ledger", None] == ()


def instance(service: str, number: int, port: int = 80) -> Instance:
    return Instance(service=service, node="n", id=f"{service}{number}", address=f"10.0.0.{number}", port=port)


def test_what_a_peer_exports_serves_only_where_nobody_before_it_does() -> None:
    snapshots = [
        Snapshot(source="mesh", datacenter=datacenter, namespace="default", settings="x", instances=instances)
        for datacenter, instances in {
            "dc1": (instance("a", 1),),
            "dc2": (instance("a", 2),),
            "peer:east": (instance("a", 3), instance("b", 3), instance("d", 3)),
            "peer:west": (instance("a", 4, port=0), instance("b", 4), instance("c", 4)),
        }.items()
    ]
    brought = contribution_of("mesh", snapshots, Naming(), fallbacks=("peer:west", "peer:east"))
    served = {key.service: [one.datacenter for one in endpoints] for key, endpoints in brought.endpoints.items()}
    assert served == {"a": ["dc1", "dc2"], "b": ["peer:west"], "c": ["peer:west"], "d": ["peer:east"]}
    assert brought.findings == ()  # nobody asks for the port of what is preceded
    preceded = {key.service: [one.datacenter for one in endpoints] for key, endpoints in brought.preceded.items()}
    assert preceded == {"a": ["peer:east"], "b": ["peer:east"]}
    (finding,) = contribution_of("mesh", snapshots, Naming()).findings
    assert finding.rule == "port-zero"


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
        return entry_digest(assemble([bring("mesh", *endpoints)])[0].services["shop"]["v1"])

    assert digest(A) == digest(endpoint(node="elsewhere", id="other"))
    changed = [endpoint(tags=("t",)), endpoint(meta={"k": "v"}), endpoint(weight=2), endpoint(port=81), B]
    assert len({digest(A), *(digest(one) for one in changed)}) == 1 + len(changed)


def test_the_digests_of_an_entry_follow_its_auth() -> None:
    for endpoints in ((A,), ()):
        entries = [Entry(url=None, endpoints=endpoints, sources=("mesh",), auth=auth) for auth in (None, "a", "b")]
        assert len({entry_digest(entry) for entry in entries}) == 3
        assert len({properties_digest(entry) for entry in entries}) == 3


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


@settings(deadline=None, max_examples=120)
@given(few_instances, ways_to_versions)
def test_what_an_instance_brings_does_not_depend_on_those_beside_it(
    instances: list[Instance], version_from: VersionFrom
) -> None:
    def brought(*some: Instance) -> Contribution:
        snapshot = Snapshot(source="mesh", datacenter="dc1", namespace="default", settings="x", instances=some)
        return contribution_of("mesh", [snapshot], Naming(version_from=version_from))

    together, alone = brought(*instances), [brought(instance) for instance in instances]
    assert together.findings == tuple(finding for one in alone for finding in one.findings)
    assert list(together.endpoints) == list(dict.fromkeys(key for one in alone for key in one.endpoints))
    for key, endpoints in together.endpoints.items():
        assert endpoints == tuple(point for one in alone for point in one.endpoints.get(key, ()))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.dictionaries(st.sampled_from("kab"), st.sampled_from("12"), max_size=3), max_size=5))
def test_the_digest_of_an_entry_is_that_of_its_json(metas: list[dict[str, str]]) -> None:
    endpoints = tuple(endpoint(f"10.0.0.{at}", tags=("t",), meta=meta) for at, meta in enumerate(metas))
    said = [
        [
            endpoint.url,
            endpoint.address,
            endpoint.port,
            endpoint.datacenter,
            endpoint.namespace,
            endpoint.tags,
            endpoint.weight,
            sorted(endpoint.meta.items()),
        ]
        for endpoint in endpoints
    ]
    content = json.dumps(["http://x", ["mesh"], said], separators=(",", ":"))
    entry = Entry(url="http://x", endpoints=endpoints, sources=("mesh",))
    assert entry_digest(entry) == f"sha256:{sha256(content.encode()).hexdigest()}"
