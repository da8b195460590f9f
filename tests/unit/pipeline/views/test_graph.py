from __future__ import annotations

from frostline.model import Bind, Dependency, Endpoint, Entry, FileOrigin, Registry, Upstream, registry_of
from frostline.pipeline.views.graph import graph_value
from frostline.registry.declaring import dependencies_of
from frostline.settings import Naming

JOB = FileOrigin("jobs/shop.nomad.hcl", 12, 5)
SERVED = Endpoint(url="http://a/v1", address="a", port=80, source="mesh")


def dependency(
    destination: str, *, job: str = "shop", group: str = "web", region: str = "", peer: str = "", socket: str = ""
) -> Dependency:
    bind = Bind(socket=socket) if socket else Bind(address="127.0.0.1", port=9101)
    up = Upstream(
        namespace="default", job=job, group=group, destination=destination, bind=bind, region=region, peer=peer
    )
    return dependencies_of("jobs", [(up, JOB)], Naming())[0]


def registry(*upstreams: Dependency) -> Registry:
    entries = {
        ("payments", "v1"): Entry(url=SERVED.url, endpoints=(SERVED,), sources=("mesh",)),
        ("ledger", None): Entry(url=None, endpoints=(), sources=("mesh",)),
    }
    return registry_of(entries, upstreams)


SHOP = registry(
    dependency("payments-v1"),
    dependency("ledger"),
    dependency("stock", job="cart", region="global"),
    dependency("far", peer="west", socket="/s.sock"),
)


def test_the_json_value_has_the_place_and_the_state() -> None:
    values = graph_value(SHOP)
    assert [value["state"] for value in values] == ["elsewhere", "declared", "served", "unknown"]
    assert values[2] == {
        "consumer": "default:shop/web",
        "region": None,
        "destination": "payments-v1",
        "service": "payments",
        "version": "v1",
        "url": "http://127.0.0.1:9101/v1",
        "state": "served",
        "origin": {"file": "jobs/shop.nomad.hcl", "line": 12, "column": 5},
    }
