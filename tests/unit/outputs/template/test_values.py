"""The values that a template gets: plain ones, made of the registry when they are read."""

from __future__ import annotations

from msgspec.structs import replace

from frostline.model import Bind, Dependency, Endpoint, Entry, FileOrigin, Key, Upstream, registry_of
from frostline.outputs.base import View
from frostline.outputs.template.values import Record, Services, context_values, record, subject_of
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
}


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


def test_the_context_has_services_upstreams_and_the_digest() -> None:
    context = context_values(View(registry=REGISTRY, prefer=(), preferring=lambda _: REGISTRY))
    assert set(context) == {"services", "upstreams", "digest"}
    assert context["digest"] == content_digest(REGISTRY)
    assert list(context["services"]) == list(Services(REGISTRY))
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
    ledger, payments = Services(REGISTRY)
    assert (ledger["name"], [version["label"] for version in ledger["versions"]]) == ("ledger", ["unversioned"])
    assert ledger["versions"][0]["version"] is None
    assert payments["versions"][0] == {
        "service": "payments",
        "version": "v1",
        "label": "v1",
        "url": FULL.url,
        "endpoints": [FULL_VALUE],
        "declared": False,
        "sources": ["mesh"],
    }
    assert (payments["versions"][1]["declared"], payments["versions"][1]["url"]) == (True, None)


def test_the_services_are_a_sequence_that_makes_its_items_when_they_are_read() -> None:
    services = Services(REGISTRY)
    assert len(services) == 2
    assert services[-1] == services[1] == services[1:][0]
    assert services[0] is not services[0]


def test_the_authority_has_ipv6_in_brackets_and_the_port_of_the_scheme_where_none_is_registered() -> None:
    points = (
        endpoint("http://[fd00::1]:1/", "fd00::1", 1),
        endpoint("https://host.example", "host.example"),
        endpoint("http://host.example", "host.example"),
    )
    (service,) = Services(registry_of({Key("a", None): entry(*points)}))
    authorities = [point["authority"] for point in service["versions"][0]["endpoints"]]
    assert authorities == ["[fd00::1]:1", "host.example:443", "host.example:80"]


def test_a_record_knows_its_service_and_version_for_messages() -> None:
    ledger, payments = Services(REGISTRY)
    assert subject_of(payments) == ("payments",)
    assert subject_of(payments["versions"][0]) == ("payments", "v1")
    assert subject_of(payments["versions"][0]["endpoints"][0]) == ("payments", "v1")
    assert subject_of(ledger["versions"][0]) == ("ledger",)
    assert subject_of({}) == subject_of("payments") == ()
    assert isinstance(record(("a",), {"x": 1}), Record)
    assert record(("a",), {"x": 1}) == {"x": 1}


def test_ids_and_nodes_that_are_not_frozen_are_no_values() -> None:
    less = [replace(FULL, id=""), replace(FULL, node="", id=""), replace(FULL, node="")]
    place = FileOrigin("frostline.yaml", 3, 5)
    static = replace(FULL, node="", id="", datacenter="", declared_at=place)
    registry = registry_of({Key("payments", "v1"): entry(*less, static)})
    view = View(registry=registry, prefer=(), preferring=lambda prefer: registry)
    (version,) = context_values(view)["services"][0]["versions"]
    found = [[name for name in ("node", "id") if name in value] for value in version["endpoints"]]
    assert found == [["node"], [], ["id"], ["node", "id"]]
