"""The same endpoints at the URLs of one output."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.model import Bind, Contribution, Endpoint, Entry, FileOrigin, Instance, Key, Snapshot, Upstream
from frostline.registry.assembling import assemble, contribution_of
from frostline.registry.declaring import dependencies_of
from frostline.registry.output_views.urls import OutputUrls
from frostline.settings import Naming, SchemeRule, UrlPatterns

PLACE = FileOrigin("frostline.yaml", 9, 3)
PAY, SHOP = Key("pay", "v1"), Key("shop", None)


def instance(service: str = "pay-v1", number: int = 1, **fields: Any) -> Instance:
    values = {"node": "n", "id": f"{service}-{number}", "address": f"10.0.0.{number}", "port": 80, **fields}
    return Instance(service=service, **values)


def brought(*instances: Instance, naming: Naming = Naming(), datacenter: str = "dc1") -> Contribution:  # noqa: B008
    snapshot = Snapshot(source="mesh", datacenter=datacenter, namespace="ops", settings="", instances=instances)
    return contribution_of("mesh", [snapshot], naming)


def remade(
    *instances: Instance,
    url: str | None = None,
    unversioned_url: str | None = None,
    naming: Naming = Naming(),  # noqa: B008
) -> tuple[dict[Key, list[str]], list[tuple[str, str]]]:
    """The URLs by (service, version), and (rule, origin) of each finding."""
    registry, _ = assemble([brought(*instances, naming=naming)])
    patterns = UrlPatterns(url=url, unversioned_url=unversioned_url)
    found, findings = OutputUrls(patterns, {"mesh": naming}).registry(registry)
    for _, entry in found.entries():
        assert entry.url in ([one.url for one in entry.endpoints] or [None])
    urls = {key: [one.url for one in entry.endpoints] for key, entry in found.entries()}
    return urls, [(finding.rule, str(finding.origin)) for finding in findings]


@pytest.mark.parametrize(
    ("fields", "url", "expected"),
    [
        ({}, "{scheme}://{address}:{port}/health", "http://10.0.0.1:80/health"),
        ({}, "https://{address}/{service}/{version}", "https://10.0.0.1/pay/v1"),
        ({"meta": {"scheme": "https"}}, "{scheme}://{address}:{port}", "https://10.0.0.1:80"),
        ({"meta": {"path": "a/b"}}, "http://{address}{+meta[path]}", "http://10.0.0.1/a/b"),
        ({"meta": {"path": "a/b"}}, "http://{address}/{meta[path]}", "http://10.0.0.1/a%2Fb"),
        ({"tags": ("zone=b",)}, "http://{tag[zone]}.{address}", "http://b.10.0.0.1.nip"),
        ({}, "http://{datacenter}.{namespace}/{node}", "http://dc1.ops/n"),
        ({"address": "fd00::7"}, "{scheme}://{address}:{port}/x", "http://[fd00::7]:80/x"),
        ({"address": "fe80::1%eth0"}, "{scheme}://{address}:{port}/x", "http://[fe80::1%25eth0]:80/x"),
        ({"address": "web.example."}, "{scheme}://{address}:{port}/x", "http://web.example.:80/x"),
        ({"node": "ü ?"}, "{scheme}://{address}:{port}/{node}", "http://10.0.0.1:80/%C3%BC%20%3F"),
        ({}, "{scheme}://{address}:{port}/{{x}}", "http://10.0.0.1:80/{x}"),
    ],
)
def test_a_pattern_of_an_output_has_the_placeholders_of_a_source(
    fields: dict[str, Any], url: str, expected: str
) -> None:
    if expected.endswith(".nip"):  # a host that ends in a number would be an IPv4 address
        url, expected = url.replace("{address}", "nip"), "http://b.nip"
    assert remade(instance(**fields), url=url) == ({PAY: [expected]}, [])


def test_the_scheme_follows_the_rules_of_the_source() -> None:
    naming = Naming(scheme=(SchemeRule(tag="tls", scheme="grpcs"), SchemeRule(scheme="grpc")))
    urls, _ = remade(instance(tags=("tls",)), instance(number=2), url="{scheme}://{address}", naming=naming)
    assert urls == {PAY: ["grpcs://10.0.0.1", "grpc://10.0.0.2"]}


def test_each_pattern_is_for_what_has_or_lacks_a_version() -> None:
    both = instance(), instance("shop", 2)
    assert remade(*both, url="http://{address}/a")[0] == {PAY: ["http://10.0.0.1/a"], SHOP: ["http://10.0.0.2:80"]}
    urls, _ = remade(*both, unversioned_url="http://{address}/b")
    assert urls == {PAY: ["http://10.0.0.1:80/v1"], SHOP: ["http://10.0.0.2/b"]}


ORIGIN = "mesh(datacenter=dc1, namespace=ops, node=n, id=pay-v1-1)"


@pytest.mark.parametrize(
    ("fields", "url", "rule"),
    [
        ({}, "http://{address}/{meta[path]}", "meta-missing"),
        ({"meta": {"path": ""}}, "http://{address}/{meta[path]}", "meta-missing"),
        ({}, "http://{address}/{tag[zone]}", "tag-missing"),
        ({"port": 0}, "http://{address}:{port}", "port-zero"),
        ({"port": 0}, "{scheme}://{address}:{port}/x", "port-zero"),
        ({"address": ""}, "http://{address}", "address-missing"),
        ({"address": ""}, "{scheme}://{address}:{port}/x", "address-missing"),
        ({"meta": {"scheme": "javascript"}}, "{scheme}://{address}", "scheme-unknown"),
        ({"meta": {"path": "../x"}}, "http://{address}{+meta[path]}", "url-dot-segment"),
        ({"meta": {"path": "/x?y"}}, "http://{address}{+meta[path]}/z", "url-value"),
        ({"meta": {"host": "a b"}}, "http://{meta[host]}/", "address-invalid"),
    ],
)
def test_an_endpoint_that_can_have_no_such_url_is_a_finding_with_its_origin(
    fields: dict[str, Any], url: str, rule: str
) -> None:
    """The URL of the source needs none of these values."""
    naming = Naming(url="http://router/{version}")
    urls, findings = remade(instance(**fields), instance(number=2, meta={"path": "p", "host": "h"}), naming=naming)
    assert (urls, findings) == ({PAY: ["http://router/v1"] * 2}, [])
    urls, findings = remade(instance(**fields), url=url, naming=naming)
    assert (urls, findings) == ({PAY: []}, [(rule, ORIGIN)])


def test_a_default_stands_for_a_missing_value() -> None:
    assert remade(instance(), url="http://{address}/{meta[path]|x}") == ({PAY: ["http://10.0.0.1/x"]}, [])


def test_what_only_the_urls_told_apart_is_one_endpoint_with_the_weight_of_all() -> None:
    naming = Naming(url="http://{node}:{port}")
    nodes = [instance(node=node, id=node, weight=weight) for node, weight in (("a", 2), ("b", 3))]
    registry, _ = assemble([brought(*nodes, naming=naming)])
    assert [one.weight for one in registry.services["pay"]["v1"].endpoints] == [2, 3]
    found, _ = OutputUrls(UrlPatterns(url="http://{address}"), {"mesh": naming}).registry(registry)
    assert [(one.url, one.weight) for one in found.services["pay"]["v1"].endpoints] == [("http://10.0.0.1", 5)]


def test_endpoints_at_one_url_stay_apart_where_their_addresses_are_others() -> None:
    assert remade(instance(), instance(number=2), url="http://{service}.mesh")[0] == {PAY: ["http://pay.mesh"] * 2}


def test_written_urls_stay() -> None:
    """Those of other sources, of overrides, and of the keys that are settled."""
    endpoint = {"address": "10.0.0.9", "port": 80, "url": "http://10.0.0.9/"}
    endpoints = (
        Endpoint(source="edge", datacenter="a", **endpoint),
        Endpoint(source="mesh", datacenter="b", declared_at=PLACE, **endpoint),
        Endpoint(source="mesh", datacenter="c", declared_at=FileOrigin("jobs/a.hcl", 9, 3), **endpoint),
    )
    entry = Entry(url=endpoints[0].url, endpoints=endpoints, sources=("edge", "mesh"))
    registry, _ = assemble([Contribution(source="mesh", endpoints={PAY: entry.endpoints})])
    urls = OutputUrls(UrlPatterns(url="http://{address}/new"), {"mesh": Naming()}, {PLACE})
    found, _ = urls.registry(registry)
    assert [one.url for one in found.services["pay"]["v1"].endpoints] == [
        *["http://10.0.0.9/"] * 2,
        "http://10.0.0.9/new",
    ]
    assert urls.registry(registry, (), {PAY})[0] == registry


def test_the_binds_of_upstreams_follow_the_patterns() -> None:
    bind = Bind(address="127.0.0.1", port=9101)
    upstreams = [
        Upstream(namespace="default", job="shop", group="web", destination=name, bind=one)
        for name, one in (("pay-v1", bind), ("shop", bind), ("mail-v1", Bind(socket="/run/mail")))
    ]
    dependencies = dependencies_of("jobs", [(upstream, PLACE) for upstream in upstreams], Naming())
    patterns = UrlPatterns(url="{scheme}://{address}:{port}/x")
    made = OutputUrls(patterns, {"jobs": Naming()}).dependencies(dependencies)
    assert [one.url for one in made] == ["http://127.0.0.1:9101/x", "http://127.0.0.1:9101", None]
    needy = OutputUrls(UrlPatterns(url="http://{meta[x]}"), {"jobs": Naming()}).dependencies(dependencies)
    assert [one.url for one in needy] == [None, "http://127.0.0.1:9101", None]
    assert OutputUrls(patterns, {}).dependencies(dependencies) == dependencies


TEXTS = st.sampled_from(["a", "b/c", "ü?#", ""])
INSTANCES = st.lists(
    st.builds(
        lambda service, number, address, port, node, meta: instance(
            service, number, address=address, port=port, node=node, meta={k: v for k, v in meta.items() if v}
        ),
        st.sampled_from(["pay-v1", "shop"]),
        st.integers(1, 9),
        st.sampled_from(["10.0.0.1", "10.0.0.2", "::1", "[fd00::7]", "FE80::A%eth0", "web.example", "Web."]),
        st.integers(1, 3),
        TEXTS,
        st.dictionaries(st.sampled_from(["scheme", "path"]), st.sampled_from(["https", "grpc", ""])),
    ),
    max_size=5,
    unique_by=lambda one: one.id,
)
PATTERNS = st.sampled_from(
    ["{scheme}://{address}:{port}", "{scheme}://{address}:{port}/x", "https://{address}/{meta[path]|d}/{datacenter}"]
)


@settings(max_examples=50, deadline=None)
@given(INSTANCES, PATTERNS, PATTERNS, PATTERNS)
def test_an_output_has_the_urls_that_the_source_would_make_of_its_patterns(
    instances: list[Instance], before: str, url: str, unversioned_url: str
) -> None:
    naming, patterns = Naming(url=before, unversioned_url=before), UrlPatterns(url=url, unversioned_url=unversioned_url)
    registry, _ = assemble([brought(*instances, naming=naming)])
    wanted, _ = assemble([brought(*instances, naming=Naming(url=url, unversioned_url=unversioned_url))])
    found, findings = OutputUrls(patterns, {"mesh": naming}).registry(registry)
    assert (found, findings) == (wanted, ())
