"""The values that a template gets: plain ones, made of the registry when they are read."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from frostline.model import (
    Bind,
    DeclaredProperties,
    Dependency,
    Endpoint,
    Entry,
    FileOrigin,
    Key,
    Registry,
    Upstream,
    registry_of,
)
from frostline.outputs.base import View
from frostline.outputs.template.records import Record, subject_of
from frostline.outputs.template.values import CONTEXT_NAMES, Values
from frostline.outputs.values import content_digest

FULL = Endpoint(
    url="http://10.0.0.1:8080/v1",
    address="10.0.0.1",
    port=8080,
    source="mesh",
    datacenter="dc1",
    namespace="ops",
    node="n1",
    id="p1",
    tags=("api",),
    meta={"b": "2", "a": "1"},
    weight=3,
    registered="payments-v1",
    node_address="10.9.0.1",
)
FULL_VALUE = {
    "url": "http://10.0.0.1:8080/v1",
    "address": "10.0.0.1",
    "port": 8080,
    "datacenter": "dc1",
    "tags": ["api"],
    "meta": {"a": "1", "b": "2"},
    "weight": 3,
    "id": "p1",
    "node": "n1",
    "namespace": "ops",
    "authority": "10.0.0.1:8080",
    "source": "mesh",
    "key": "10_0_0_1_8080",
    "registered": "payments-v1",
    "node_address": "10.9.0.1",
    "scheme": "http",
    "kind": "ipv4",
}
PLACE = FileOrigin("frostline.yaml", 3, 5)
SAID: dict[str, Any] = {"output": {}, "vars": {}}


def endpoint(url: str, address: str, port: int = 0) -> Endpoint:
    return Endpoint(url=url, address=address, port=port, source="mesh")


def entry(*endpoints: Endpoint) -> Entry:
    return Entry(url=endpoints[0].url if endpoints else None, endpoints=endpoints, sources=("mesh",))


REGISTRY = registry_of(
    {Key("ledger", None): entry(), Key("payments", "v1"): entry(FULL), Key("payments", "v2"): entry()},
    [
        Dependency(
            upstream=Upstream(
                namespace="default",
                job="shop",
                group="web",
                destination="payments-v1",
                bind=Bind(address="127.0.0.1", port=9102),
            ),
            source="live",
            service="payments",
            version="v1",
            url="http://127.0.0.1:9102/v1",
        )
    ],
)


def view_of(registry: Registry, prefer: tuple[str, ...] = ()) -> View:
    return View(registry=registry, prefer=prefer, preferring=lambda _: registry)


def context_of(registry: Registry, prefer: tuple[str, ...] = ()) -> dict[str, Any]:
    return Values(view_of(registry, prefer)).context(SAID)


def test_the_context_has_the_registry_and_what_the_output_says() -> None:
    context = Values(view_of(REGISTRY, ("dc1",))).context({"output": {"name": "n", "path": "p"}, "vars": {"port": 80}})
    assert tuple(context) == CONTEXT_NAMES
    assert context["digest"] == content_digest(REGISTRY)
    assert (context["prefer"], context["vars"]) == (["dc1"], {"port": 80})
    assert context["output"] == {"name": "n", "path": "p"}
    nested = [version for service in context["services"] for version in service["versions"]]
    assert list(context["entries"]) == nested
    assert context["upstreams"] == [
        {
            "consumer": {"region": "", "namespace": "default", "job": "shop", "group": "web"},
            "destination": "payments-v1",
            "service": "payments",
            "version": "v1",
            "namespace": "",
            "datacenter": "",
            "peer": "",
            "bind": {"address": "127.0.0.1", "port": 9102, "socket": ""},
            "url": "http://127.0.0.1:9102/v1",
            "env": ["NOMAD_UPSTREAM_ADDR_payments-v1", "NOMAD_UPSTREAM_ADDR_payments_v1"],
        }
    ]


def test_a_service_has_its_versions_and_they_have_their_endpoints() -> None:
    ledger, payments = context_of(REGISTRY)["services"]
    assert (ledger["name"], [version["label"] for version in ledger["versions"]]) == ("ledger", ["unversioned"])
    assert ledger["versions"][0]["version"] is None
    assert payments["versions"][0] == {
        "name": "payments-v1",
        "service": "payments",
        "version": "v1",
        "label": "v1",
        "url": FULL.url,
        "chosen": FULL_VALUE,
        "endpoints": [FULL_VALUE],
        "tags": ["api"],
        "declared": False,
        "sources": ["mesh"],
    }
    assert (payments["versions"][1]["declared"], payments["versions"][1]["url"]) == (True, None)


def test_the_services_are_a_sequence_that_makes_its_items_when_they_are_read() -> None:
    services = context_of(REGISTRY)["services"]
    assert len(services) == 2
    assert services[-1] == services[1] == services[1:][0]
    assert services[0] is not services[0]


def test_the_authority_has_ipv6_in_brackets_and_the_port_of_the_scheme_where_none_is_registered() -> None:
    points = (
        endpoint("http://[fd00::1]:1/", "fd00::1", 1),
        endpoint("https://host.example", "host.example"),
        endpoint("http://host.example", "host.example"),
    )
    (service,) = context_of(registry_of({Key("a", None): entry(*points)}))["services"]
    authorities = [point["authority"] for point in service["versions"][0]["endpoints"]]
    assert authorities == ["[fd00::1]:1", "host.example:443", "host.example:80"]


def test_a_record_knows_its_service_and_version_for_messages() -> None:
    ledger, payments = context_of(REGISTRY)["services"]
    assert subject_of(payments) == ("payments",)
    assert subject_of(payments["versions"][0]) == ("payments", "v1")
    assert subject_of(payments["versions"][0]["endpoints"][0]) == ("payments", "v1")
    assert subject_of(ledger["versions"][0]) == ("ledger",)
    assert subject_of({}) == subject_of("payments") == ()
    assert Record(("a",), {"x": lambda source: source + 1}, 0) == {"x": 1}
    assert repr(Record(("a",), {"x": lambda source: source + 1}, 0)) == "{'x': 1}"


def test_ids_and_nodes_that_are_not_frozen_are_no_values() -> None:
    less = [replace(FULL, id=""), replace(FULL, node="", id=""), replace(FULL, node="")]
    static = replace(FULL, node="", id="", datacenter="", declared_at=PLACE)
    registry = registry_of({Key("payments", "v1"): entry(*less, static)})
    (version,) = context_of(registry)["entries"]
    names = ("node", "node_address", "id")
    found = [[name for name in names if name in value] for value in version["endpoints"]]
    assert found == [["node", "node_address"], [], ["id"], ["node", "node_address", "id"]]


def test_the_address_of_a_node_is_that_of_the_instance_where_no_other_one_is_frozen() -> None:
    points = [FULL, replace(FULL, node_address=""), replace(FULL, node="", declared_at=PLACE)]
    (found,) = context_of(registry_of({Key("payments", "v1"): entry(*points)}))["entries"]
    assert [point["node_address"] for point in found["endpoints"]] == ["10.9.0.1", "10.0.0.1", ""]


def named(registered: dict[Key, tuple[str, ...]]) -> Registry:
    return registry_of({key: replace(entry(), registered=names) for key, names in registered.items()})


def test_an_entry_has_the_name_under_which_it_is_registered() -> None:
    names = {
        Key("user", "v1"): ("user-v1",),
        Key("user", "v2"): ("user.v2",),
        Key("mail", None): ("svc.mail",),
        Key("static", "v1"): (),
        Key("static", None): (),
        Key("two", "v1"): ("two-v1", "two_v1"),
        Key("by-meta", "v3"): ("by-meta",),
    }
    found = {(one["service"], one["version"]): one["name"] for one in context_of(named(names))["entries"]}
    assert found == {
        ("user", "v1"): "user-v1",
        ("user", "v2"): "user.v2",
        ("mail", None): "svc.mail",
        ("static", "v1"): "static-v1",
        ("static", None): "static",
        ("two", "v1"): "two-v1",
        ("by-meta", "v3"): "by-meta-v3",
    }


def test_two_entries_of_one_name_are_a_finding_where_names_are_read() -> None:
    values = Values(view_of(named({Key("a-b", None): (), Key("a", "b"): (), Key("c", None): ()})))
    entries = values.context(SAID)["entries"]
    assert [one["service"] for one in entries] == ["a", "a-b", "c"]
    assert list(values.findings(PLACE)) == []
    assert [one["name"] for one in entries] == ["a-b", "a-b", "c"]
    (finding,) = values.findings(PLACE)
    assert (finding.rule, finding.service, finding.version) == ("name-collision", "a-b", None)
    assert finding.message == "`a/b` and `a-b` both have the name `a-b`"
    assert finding.origin == PLACE


def test_the_tags_of_an_entry_are_those_of_any_endpoint_or_what_is_said_of_it() -> None:
    said = DeclaredProperties(tags=("declared",), meta={"a": "1"}, port=80)
    entries = {
        Key("a", None): entry(replace(FULL, tags=("b", "a")), replace(FULL, tags=("c", "a"))),
        Key("b", None): replace(entry(), properties=said),
        Key("c", None): entry(),
    }
    first, second, third = context_of(registry_of(entries))["entries"]
    assert (first["tags"], second["tags"], third["tags"]) == (["a", "b", "c"], ["declared"], [])
    assert (second["meta"], second["port"]) == ({"a": "1"}, 80)
    assert {"meta", "port"}.isdisjoint([*first, *third])


def test_the_chosen_endpoint_is_the_one_with_the_url_in_the_preferred_datacenter() -> None:
    one, two, three = (replace(FULL, datacenter=name, weight=weight) for name, weight in (("a", 0), ("b", 1), ("c", 1)))
    other = replace(FULL, url="http://10.0.0.2/v1")
    registry = registry_of({Key("p", "v1"): replace(entry(other, one, two, three), url=FULL.url)})
    for prefer, datacenter in ((), "b"), (("c", "*"), "c"), (("x", "*", "b"), "c"), (("a",), "b"):
        (found,) = context_of(registry, prefer)["entries"]
        assert (found["chosen"]["datacenter"], found["chosen"]["url"]) == (datacenter, FULL.url)
    (found,) = context_of(registry_of({Key("p", None): entry()}))["entries"]
    assert found["chosen"] is None


def test_an_endpoint_says_what_kind_of_address_it_has() -> None:
    addresses = ["10.0.0.1", "fd00::1", "::ffff:10.0.0.1", "fe80::1%eth0", "host.example", "1.2.3.4.example", "a", ""]
    points = [endpoint("grpc://x/", address) for address in addresses]
    (found,) = context_of(registry_of({Key("a", None): entry(*points)}))["entries"]
    kinds = ["ipv4", "ipv6", "ipv6", "ipv6", "name", "name", "name", ""]
    assert [(point["kind"], point["scheme"]) for point in found["endpoints"]] == [(kind, "grpc") for kind in kinds]


def keys_of(registry: Registry) -> list[str]:
    return [point["key"] for one in context_of(registry)["entries"] for point in one["endpoints"]]


def test_the_key_of_an_endpoint_is_its_address_and_port_and_no_other_one_has_it() -> None:
    points = [
        endpoint("http://x/", "10.0.0.1", 80),
        endpoint("http://x/", "10.0.0.1", 80),
        endpoint("http://x/", "10-0-0-1", 80),
        endpoint("http://x/", "10.0.0.1.80", 2),
        endpoint("http://x/", "fd00::1", 80),
        endpoint("https://host.example/a", ""),
    ]
    registry = registry_of({Key("a", None): entry(*points), Key("b", None): entry(replace(points[0]))})
    assert keys_of(registry) == [
        "10_0_0_1_80",
        "10_0_0_1_80_3",
        "10_0_0_1_80_4",
        "10_0_0_1_80_2",
        "fd00__1_80",
        "host_example_443",
        "10_0_0_1_80_5",
    ]


ADDRESSES = st.sampled_from(["a", "a_1", "a.1", "a-1", "a_1_2", "1", "1_1", "fd00::1"])


@given(st.lists(st.lists(st.tuples(ADDRESSES, st.integers(1, 3)), max_size=6), max_size=4))
@settings(max_examples=50, deadline=None)
def test_no_two_endpoints_of_an_output_have_one_key(services: list[list[tuple[str, int]]]) -> None:
    registry = registry_of(
        {
            Key(f"s{number}", None): entry(*(endpoint(f"http://{address}/", address, port) for address, port in points))
            for number, points in enumerate(services)
        }
    )
    keys = keys_of(registry)
    assert len(set(keys)) == len(keys) == sum(map(len, services))
    assert all(re.fullmatch("[A-Za-z0-9_]+", key) for key in keys)
    assert keys_of(registry) == keys
