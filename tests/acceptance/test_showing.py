"""What list, explain, sources and schema show of a real Consul."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from consul_agent import ConsulAgent
from jsonschema import Draft202012Validator
from project import PARTNERS, STATIC, Project, Run, consul_config

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


@pytest.fixture
def mixed(project: Project, shop: ConsulAgent) -> Project:
    """A project with an instance for each reason to leave one out, and a service that `partners` takes from `mesh`."""
    put = shop.catalog_register
    put("n3", "payments-v1", id="canary", address="10.0.0.3", port=8080, meta={"tier": "back"}, tags=["api"])
    put("n4", "payments-v1", id="tagless", address="10.0.0.4", port=8080, meta={"tier": "front"})
    chosen = {"meta": {"tier": "front"}, "tags": ["api"]}
    put("n5", "payments-v1", id="sick", address="10.0.0.5", port=8080, status="critical", **chosen)
    put("n6", "payments-v1", id="side", address="10.0.0.6", port=8080, kind="connect-proxy")
    put("n7", "payments-v1", id="good", address="10.0.0.7", port=8080, **chosen)
    put("n7", "billing", id="bill", address="10.0.0.7", port=8081, **chosen)
    put("n7", "hidden", id="hid", address="10.0.0.7", port=8082, **chosen)
    select = {"services": ["*", "!consul", "!hidden"], "tags": ["api"], "meta": {"tier": "front"}}
    config = consul_config(shop.address, source={"select": select}, precedence=["partners", "mesh"])
    config["sources"]["partners"] = PARTNERS
    return project.configure(config)


LEFT_OUT = {
    "canary": "its meta `tier` is not `front`, which `select.meta` requires",
    "tagless": "it has no tag `api`, which `select.tags` requires",
    "sick": "its health is critical, but `select.health` takes only passing",
    "side": "its kind is connect-proxy, but `select.kinds` takes only service",
}


def test_explain_names_each_endpoint_and_why_the_others_are_none(mixed: Project) -> None:
    lines = mixed.refused(0, "explain", "payments", "v1").stdout.splitlines()
    assert lines[:3] == [
        "payments v1",
        "  * http://10.0.0.7:8080/v1  from mesh(datacenter=dc1, namespace=default, node=n7, id=good)",
        "  left out:",
    ]
    for number, (name, reason) in enumerate(LEFT_OUT.items(), 3):
        place = f"mesh(datacenter=dc1, namespace=default, node=n{number}, id={name})"
        assert f"    payments-v1  {place}: {reason}" in lines
    assert len(lines) == 3 + len(LEFT_OUT) + 2  # n1 and n2 have no tag either
    assert mixed.refused(0, "explain", "payments").stdout.splitlines() == lines
    assert mixed.refused(0, "explain", "payments-v1").stdout.splitlines() == lines  # as it is registered


def test_explain_as_json_holds_the_same(mixed: Project) -> None:
    (found,) = mixed.document(0, "explain", "payments")["explained"]
    assert (found["service"], found["version"], found["url"]) == ("payments", "v1", "http://10.0.0.7:8080/v1")
    assert [one["origin"]["id"] for one in found["endpoints"]] == ["good"]
    assert {one["origin"]["id"]: one["reason"] for one in found["left_out"]}.items() >= LEFT_OUT.items()


def test_explain_names_what_another_source_displaced(mixed: Project) -> None:
    assert mixed.refused(0, "explain", "billing").stdout.splitlines() == [
        "billing unversioned",
        "  * https://billing.example  from frostline.yaml:25:16",
        "  left out:",
        "    http://10.0.0.7:8081  mesh(datacenter=dc1, namespace=default, node=n7, id=bill): "
        "source `partners` precedes `mesh`",
    ]


def test_explain_knows_what_selection_names_out(mixed: Project) -> None:
    assert mixed.refused(0, "explain", "hidden").stdout.splitlines() == [
        "hidden unversioned",
        "  not in the registry",
        "  left out:",
        "    hidden  mesh(datacenter=dc1, namespace=default, node=n7, id=hid): `select.services` excludes its name",
    ]


def test_explain_knows_the_closest_name_from_the_lock(mixed: Project) -> None:
    mixed.done("freeze")
    assert "did you mean `payments`?" in mixed.refused(1, "explain", "payment").stderr


def test_explain_offline_asks_nobody_and_says_what_it_does_not_know(mixed: Project, shop: ConsulAgent) -> None:
    mixed.done("freeze")
    shop.catalog_deregister("n7")
    said = mixed.refused(0, "explain", "payments", "--offline")
    assert said.stdout.splitlines()[1:] == [
        "  * http://10.0.0.7:8080/v1  from mesh(datacenter=dc1, namespace=default, node=n7, id=good)"
    ]
    assert said.stderr == "Reading the lock only; instances excluded by selection are not listed.\n"
    assert mixed.refused(1, "explain", "hidden", "--offline").returncode == 1


def test_explain_says_of_a_service_without_instances_that_it_is_known(project: Project, shop: ConsulAgent) -> None:
    project.configure(consul_config(shop.address))
    assert project.refused(0, "explain", "ledger").stdout.splitlines() == [
        "ledger unversioned",
        "  known to mesh, but nothing to call",
        "  left out:",
        "    ledger  mesh(datacenter=dc1, namespace=default, node=n2, id=ledger): "
        "its health is critical, but `select.health` takes only passing",
    ]


def test_list_shows_each_service_and_version_once(mixed: Project) -> None:
    mixed.done("freeze")
    assert mixed.refused(0, "list").stdout.splitlines() == [
        "SERVICE   VERSION      ENDPOINTS  SOURCE    URL",
        "billing   unversioned  1          partners  https://billing.example",
        "mail      v3           1          partners  https://mail.example",
        "payments  v1           1          mesh      http://10.0.0.7:8080/v1",
    ]
    services = mixed.document(0, "list")["services"]
    assert [(service["service"], service["version"], service["endpoints"]) for service in services] == [
        ("billing", None, 1),
        ("mail", "v3", 1),
        ("payments", "v1", 1),
    ]


def test_sources_shows_what_each_sees(mixed: Project) -> None:
    assert mixed.refused(0, "sources").stdout.splitlines() == [
        "SOURCE    TYPE    STATE        SEES",
        "mesh      consul  can be read  dc1: 2 services, 2 instances",
        "partners  static  local        2 services",
    ]


def test_sources_shows_the_others_when_one_cannot_be_read(project: Project, shop: ConsulAgent) -> None:
    config = consul_config(shop.address)
    config["sources"]["broken"] = {"type": "consul", "address": NOWHERE, "retries": 0}
    config["sources"]["partners"] = PARTNERS
    said = project.configure(config).refused(3, "sources")
    assert said.stdout.splitlines() == [
        "SOURCE    TYPE    STATE           SEES",
        "broken    consul  cannot be read",
        "mesh      consul  can be read     dc1: 3 services, 3 instances",
        "partners  static  local           2 services",
    ]
    assert "source broken: cannot reach http://127.0.0.1:9: connection refused" in said.stderr
    value = project.document(3, "sources")
    assert [one["state"] for one in value["sources"]] == ["cannot be read", "can be read", "local"]
    assert [one["status"] for one in value["errors"]] == [3]


def test_each_schema_is_printed_as_a_schema(project: Project) -> None:
    names = project.done("schema").stdout.split()
    assert names == ["config", "confirmed", "lock", "manifest", "plan", "registry", "report"]
    for name in names:
        schema = json.loads(project.done("schema", name).stdout)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        Draft202012Validator.check_schema(schema)


def test_schema_needs_no_configuration(project: Project) -> None:
    assert set(project.contents()) == set()
    project.done("schema", "config")


def test_the_configuration_of_the_tests_fits_the_printed_schema(project: Project) -> None:
    schema = json.loads(project.done("schema", "config").stdout)
    Draft202012Validator(schema).validate(STATIC)
    assert not Draft202012Validator(schema).is_valid({**STATIC, "source": {}})


def test_dynamic_ports_are_a_warning_until_a_router_stands_before_them(
    project: Project, empty_consul: ConsulAgent
) -> None:
    for number in range(12):
        empty_consul.catalog_register(
            "n1", f"svc{number:02}-v1", id=f"_nomad-task-7b1e-web-svc{number:02}-http", address="10.0.0.1", port=25000
        )
    empty_consul.catalog_register("n1", "payments-v1", id="_nomad-task-7b1e-web-payments-http", port=8080)
    project.configure(consul_config(empty_consul.address))
    warned = project.done("compile").stderr
    assert warned.count("warning[port-dynamic]") == 1
    assert "12 endpoints from `mesh` have a port that Nomad chose for one allocation: `svc00/v1`" in warned
    edge = {"type": "router", "url": "http://router/{service}/{version}", "unversioned_url": "http://router/{service}"}
    config = consul_config(empty_consul.address, precedence=["edge", "mesh"])
    config["sources"]["edge"] = edge
    project.configure(config)
    assert "port-dynamic" not in project.done("compile", "--allow", "updates").stderr


def test_reach_connects_to_what_is_frozen_and_writes_nothing(project: Project, empty_consul: ConsulAgent) -> None:
    empty_consul.catalog_register("n1", "agent-v1", address="127.0.0.1", port=empty_consul.port)
    project.configure(consul_config(empty_consul.address)).done("compile")
    assert project.refused(0, "check", "--reach").stdout == "1 of 1 endpoint takes a connection.\n"
    empty_consul.catalog_register("n2", "agent-v1", address="127.0.0.1", port=1)
    project.done("compile")
    missed = project.refused(1, "check", "--reach").stdout.splitlines()
    assert missed == [
        "agent v1 http://127.0.0.1:1/v1: connection refused",
        "1 of 2 endpoints takes a connection.",
    ]
