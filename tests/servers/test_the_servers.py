"""The servers do what the other tests rely on."""

from __future__ import annotations

import pytest
from consul_agent import AclAgent, ConsulAgent, RequestError, WanPair


def test_what_is_registered_with_the_agent_is_in_the_catalog_at_once(empty_consul: ConsulAgent) -> None:
    empty_consul.register("web", id="web-1", address="10.0.0.1", port=80, tags=["a"], meta={"k": "v"}, weights=(3, 2))
    (entry,) = empty_consul.request("GET", "/v1/health/service/web")
    assert entry["Service"]["ID"] == "web-1"
    assert entry["Service"]["Weights"] == {"Passing": 3, "Warning": 2}
    assert {check["Status"] for check in entry["Checks"]} == {"passing"}


def test_a_status_and_maintenance_are_in_the_catalog_at_once(empty_consul: ConsulAgent) -> None:
    empty_consul.register("web", port=80, status="warning")
    empty_consul.maintenance("web")
    empty_consul.maintenance()
    (entry,) = empty_consul.request("GET", "/v1/health/service/web")
    statuses = {check["CheckID"]: check["Status"] for check in entry["Checks"]}
    assert statuses == {
        "serfHealth": "passing",
        "service:web": "warning",
        "_service_maintenance:web": "critical",
        "_node_maintenance": "critical",
    }


@pytest.mark.parametrize("name", ["web", "..", "../../x", "a//b", "a b%/?#é", "\x00", ".", "/"])
def test_a_reset_removes_an_instance_whatever_its_name(empty_consul: ConsulAgent, name: str) -> None:
    empty_consul.register(name, port=80)
    empty_consul.catalog_register(name, name, port=80, status="critical")
    empty_consul.reset()
    assert list(empty_consul.request("GET", "/v1/catalog/services")) == ["consul"]
    assert [node["Node"] for node in empty_consul.request("GET", "/v1/catalog/nodes")] == [empty_consul.node]
    assert empty_consul.request("GET", "/v1/agent/checks") == {}


def test_each_of_two_datacenters_answers_for_the_other(consul_wan: WanPair) -> None:
    consul_wan.reset()
    consul_wan.secondary.register("far", port=80)
    assert "far" in consul_wan.primary.request("GET", "/v1/catalog/services?dc=dc2")
    for agent in consul_wan.agents:
        assert sorted(agent.request("GET", "/v1/catalog/datacenters")) == ["dc1", "dc2"]


def test_an_agent_with_acls_shows_a_token_what_it_may_read(consul_acl: AclAgent) -> None:
    consul_acl.reset()
    consul_acl.register("seen", port=80)
    consul_acl.register("hidden", port=80)
    token = consul_acl.create_token('service "seen" { policy = "read" } node_prefix "" { policy = "read" }')
    assert list(consul_acl.request("GET", "/v1/catalog/services", token=token)) == ["seen"]
    assert consul_acl.request("GET", "/v1/catalog/services", token="anonymous") == {}  # noqa: S106
