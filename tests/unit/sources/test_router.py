from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.model import Contribution, FileOrigin, Key
from frostline.sources.router import RouterName, RouterSettings, contribute

PLACE = FileOrigin("frostline.yaml", 3, 5)
KNOWN: Mapping[str, frozenset[Key]] = {
    "mesh": frozenset({Key("payments", "v1"), Key("payments", "v2"), Key("ledger", None)}),
    "partners": frozenset({Key("billing", "v1")}),
}


def name(service: str, version: str | None, line: int = 9) -> RouterName:
    return RouterName(key=Key(service, version), origin=FileOrigin("frostline.yaml", line, 1))


def routed(
    known: Mapping[str, frozenset[Key]] = KNOWN,
    *,
    url: str = "http://router/{service}-{version}/{version}",
    unversioned_url: str | None = "http://router/{service}",
    sources: tuple[str, ...] = (),
    names: tuple[RouterName, ...] = (),
    select: tuple[str, ...] | None = None,
) -> Contribution:
    settings = RouterSettings(
        name="edge", origin=PLACE, url=url, unversioned_url=unversioned_url, sources=sources, names=names, select=select
    )
    return contribute(settings, known)


def urls(found: Contribution) -> dict[Key, str]:
    return {key: endpoint.url for key, (endpoint,) in found.endpoints.items()}


def test_a_router_serves_what_all_other_sources_know() -> None:
    found = routed()
    assert urls(found) == {
        ("billing", "v1"): "http://router/billing-v1/v1",
        ("ledger", None): "http://router/ledger",
        ("payments", "v1"): "http://router/payments-v1/v1",
        ("payments", "v2"): "http://router/payments-v2/v2",
    }
    assert found.findings == ()


def test_a_served_name_leads_to_the_routers_sources_or_to_all() -> None:
    every = ("mesh", "partners")
    assert set(routed().leads_to.values()) == {every}
    assert set(routed(sources=("mesh",)).leads_to.values()) == {("mesh",)}
    assert routed(names=(name("billing", "v1"),)).leads_to == {("billing", "v1"): every}


def test_a_name_that_its_sources_lack_may_lead_to_any_other_source() -> None:
    found = routed(
        {"a": frozenset({Key("x", "v1")}), "b": frozenset({Key("legacy", "v1"), Key("x", "v1")})},
        sources=("a",),
        names=(name("legacy", "v1"),),
        select=("*",),
    )
    assert found.leads_to == {("legacy", "v1"): ("a", "b"), ("x", "v1"): ("a",)}


def test_endpoints_have_the_router_as_address_and_a_place() -> None:
    found = routed(url="https://[::1]:8443/{service}/{version}", names=(name("billing", "v1"),), sources=("mesh",))
    (billing,) = found.endpoints["billing", "v1"]
    (payments,) = found.endpoints["payments", "v1"]
    assert (billing.address, billing.port, billing.source) == ("::1", 8443, "edge")
    assert (billing.origin, payments.origin) == (name("billing", "v1").origin, PLACE)
    assert found.places["billing", "v1"] == name("billing", "v1").origin


def test_a_name_that_makes_an_invalid_host_is_a_finding_and_has_no_endpoint() -> None:
    known = {"mesh": frozenset({Key("a b", None), Key("my_shop", None), Key("a" * 64, None)})}
    found = routed(known, unversioned_url="http://{service}.svc.example")
    assert urls(found) == {("my_shop", None): "http://my_shop.svc.example"}
    assert [(finding.rule, finding.service) for finding in found.findings] == [
        ("address-invalid", "a b"),
        ("address-invalid", "a" * 64),
    ]


def test_only_the_sources_that_are_named_are_served() -> None:
    assert list(urls(routed(sources=("partners",)))) == [("billing", "v1")]


def test_only_names_are_served_if_only_names_is_given() -> None:
    assert list(urls(routed(names=(name("payments", "v2"),)))) == [("payments", "v2")]


@pytest.mark.parametrize(
    ("select", "served"),
    [
        (("*", "!billing"), [("ledger", None), ("payments", "v1"), ("payments", "v2")]),
        (("payments/*", "!payments/v1"), [("payments", "v2")]),
        (("*/unversioned",), [("ledger", None)]),
        (("!payments", "*/v1"), [("billing", "v1"), ("payments", "v1")]),
        (("nothing",), []),
    ],
)
def test_select_chooses_among_the_services_of_the_sources(
    select: tuple[str, ...], served: list[tuple[str, str | None]]
) -> None:
    assert list(urls(routed(select=select))) == served


def test_select_leaves_out_no_name_and_does_not_narrow_the_sources_to_the_names() -> None:
    found = routed(names=(name("payments", "v1"),), select=("*", "!payments"))
    assert list(urls(found)) == [("billing", "v1"), ("ledger", None), ("payments", "v1")]
    assert list(urls(routed(names=(name("ledger", None),), sources=("partners",), select=("*",)))) == [
        ("billing", "v1"),
        ("ledger", None),
    ]


def test_a_source_that_brings_nothing_is_allowed() -> None:
    assert urls(routed({}, sources=("mesh",))) == {}


def test_a_name_that_no_source_has_is_a_finding_and_is_served_anyway() -> None:
    found = routed(names=(name("legacy", "v1"), name("payments", "v3", 10), name("payments", "v1", 11)))
    assert [(finding.rule, finding.severity, finding.service, finding.version) for finding in found.findings] == [
        ("router-unserved", "warning", "legacy", "v1"),
        ("router-unserved", "warning", "payments", "v3"),
    ]
    assert found.findings[1].origin == FileOrigin("frostline.yaml", 10, 1)
    assert "did you mean `payments/v" in str(found.findings[1].help)
    assert found.findings[0].help
    assert ("legacy", "v1") in found.endpoints


def test_without_a_pattern_for_them_unversioned_services_are_left_out() -> None:
    found = routed(unversioned_url=None)
    assert ("ledger", None) not in found.endpoints
    assert found.findings == ()


def test_a_name_without_a_version_needs_a_pattern_for_it() -> None:
    found = routed(unversioned_url=None, names=(name("ledger", None),))
    assert found.endpoints == {}
    (finding,) = found.findings
    assert (finding.rule, finding.severity, finding.service) == ("router-unversioned", "error", "ledger")
    assert finding.origin == name("ledger", None).origin


def test_names_that_clients_would_remove_from_the_path_are_refused() -> None:
    known: dict[str, frozenset[Key]] = {
        "mesh": frozenset({Key("..", "v1"), Key("a", "."), Key("a", "..."), Key(".", None)})
    }
    found = routed(known, url="http://router/{service}/{version}")
    assert urls(found) == {("a", "..."): "http://router/a/..."}
    assert [(finding.rule, finding.service, finding.version) for finding in found.findings] == [
        ("url-dot-segment", ".", None),
        ("url-dot-segment", "..", "v1"),
        ("url-dot-segment", "a", "."),
    ]


def test_the_order_in_which_others_know_changes_nothing() -> None:
    turned = {source: frozenset(sorted(KNOWN[source], key=str, reverse=True)) for source in reversed(KNOWN)}
    assert list(urls(routed(turned)).items()) == list(urls(routed()).items())


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.text(st.sampled_from("a/?#%@:é. \n{}"), min_size=1),
)
@settings(max_examples=60, deadline=None)
def test_no_name_changes_the_structure_of_its_url(service: str, version: str) -> None:
    found = routed({"mesh": frozenset({Key(service, version)})}, url="http://router/{service}/x-{version}")
    if service in (".", ".."):
        assert found.findings[0].rule == "url-dot-segment"
        return
    parts = urlsplit(urls(found)[service, version])
    assert (parts.netloc, parts.query, parts.fragment) == ("router", "", "")
    assert [unquote(segment) for segment in parts.path.split("/")] == ["", service, f"x-{version}"]
