"""What the sidecars of Consul's services declare, from a real Consul to every place that shows it."""

from __future__ import annotations

import runpy
from typing import Any

import pytest
from consul_agent import ConsulAgent
from project import OUTPUTS, Project, consul_config

runner = pytest.fixture(name="runner")(lambda run_here: run_here)

DB = {"DestinationName": "db-v1", "LocalBindPort": 9101}
QUERY = {"DestinationType": "prepared_query", "DestinationName": "nearest", "LocalBindPort": 9102}
PEER_KEY = "DestinationPeer"


def sidecar(agent: ConsulAgent, node: str, *upstreams: dict[str, Any], service: str = "web", **more: Any) -> None:
    proxy = {"DestinationServiceName": service, "Upstreams": list(upstreams)}
    given: dict[str, Any] = {"kind": "connect-proxy", "port": 21000, "proxy": proxy} | more
    agent.catalog_register(node, f"{service}-sidecar-proxy", **given)


@pytest.fixture
def mesh(empty_consul: ConsulAgent) -> ConsulAgent:
    """web on two nodes, whose sidecars call db v1 and a prepared query; one of them is critical. web is ill too."""
    agent = empty_consul
    agent.catalog_register("n1", "db-v1", address="10.0.0.1", port=5432)
    for node, address, status in (("n1", "10.0.0.1", "critical"), ("n2", "10.0.0.2", "passing")):
        agent.catalog_register(node, "web", address=address, port=80, status="critical")
        sidecar(agent, node, DB, QUERY, status=status)
    agent.catalog_register("n3", "plain", address="10.0.0.3", port=80)
    transparent = {"DestinationServiceName": "plain", "Mode": "transparent"} if agent.version >= (1, 10) else {}
    proxy = {"DestinationServiceName": "plain", **transparent}
    agent.catalog_register("n3", "plain-sidecar-proxy", kind="connect-proxy", port=1, proxy=proxy)
    return agent


PYTHON = {"type": "python", "path": "web.py", "consumer": {"service": "web"}}


def test_sidecars_declare_upstreams_and_are_no_services(project: Project, mesh: ConsulAgent) -> None:
    project.configure(consul_config(mesh.address, outputs=[*OUTPUTS, PYTHON])).done("compile")
    listed = project.document(0, "list")["services"]
    assert [(one["service"], one["version"]) for one in listed] == [("db", "v1"), ("plain", None), ("web", None)]
    lock = project.read("frostline.lock").decode()
    assert lock.count('"service":"web"') == 3  # declared, and its two upstreams, each once
    text = project.read("services.yaml").decode()
    consumer = '{datacenter: "dc1", namespace: "default", service: "web"}'
    assert f'consumer: {consumer}, destination: "db-v1", bind: {{address: "127.0.0.1", port: 9101}}, env: []' in text
    assert f'consumer: {consumer}, destination: "nearest", kind: "prepared_query"' in text
    registry = runpy.run_path(str(project.folder / "web.py"))
    assert registry["url"]("db", "v1") == "http://127.0.0.1:9101/v1"
    assert registry["url"]("nearest") == "http://127.0.0.1:9102"
    assert registry["url"]("plain") == "http://10.0.0.3:80"
    assert project.done("graph").stdout.splitlines() == [
        "default:web (datacenter dc1)",
        "  -> db v1  at http://127.0.0.1:9101/v1",
        "  -> nearest unversioned  at http://127.0.0.1:9102  (looked up elsewhere)",
    ]
    for how in ((), ("--offline",)):  # of a live source only the one service is read
        said = project.done("explain", "db", *how).stdout
        assert "< default:web depends on it, mesh(datacenter=dc1, namespace=default, id=web)" in said
        assert "nearest unversioned\n  not in the registry" in project.done("explain", "nearest", *how).stdout


def test_every_way_of_reading_gives_the_same_lock(
    project: Project, mesh: ConsulAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    from frostline.sources.consul import reading

    project.configure(consul_config(mesh.address)).done("compile")
    lock = project.read("frostline.lock")
    assert lock.count(b'"destination":"db-v1"') == 1
    monkeypatch.setattr(reading, "_FEW", 0)
    project.done("freeze")  # by node
    assert project.read("frostline.lock") == lock
    monkeypatch.setattr(reading.SegmentReader, "by_node", lambda self, listing: None)
    project.done("freeze")  # the dump
    assert project.read("frostline.lock") == lock


def test_the_upstreams_of_what_is_not_selected_are_left_out(project: Project, mesh: ConsulAgent) -> None:
    def count(**source: Any) -> int:
        project.configure(consul_config(mesh.address, source=source)).done("freeze", "--allow", "empty,deletes")
        return project.read("frostline.lock").count(b'"destination"')

    assert count(select={"services": ["web"]}) == 2
    assert count(select={"services": ["plain", "db-v1"]}) == 0
    assert count(upstreams=False) == 0
    assert count() == 2
    assert count(select={"services": ["*-sidecar-proxy", "db-v1"], "kinds": ["service", "connect-proxy"]}) == 0


def test_an_upstream_of_a_sidecar_never_vanishes_unaccepted(project: Project, mesh: ConsulAgent) -> None:
    project.configure(consul_config(mesh.address)).done("compile")
    mesh.catalog_deregister("n1", "db-v1")
    said = project.refused(4, "compile").stderr
    assert "error[guard-upstream]: db v1: not registered, but it is an upstream of `default:web`" in said
    project.done("compile", "--allow", "deletes=db/v1")


def test_resolve_judges_upstreams_but_not_prepared_queries(project: Project, mesh: ConsulAgent) -> None:
    resolve = {"policies": {"upstreams": "resolve"}}
    project.configure(consul_config(mesh.address, checks=resolve)).done("compile")
    sidecar(mesh, "n2", DB, QUERY, {"DestinationName": "db-v2", "LocalBindPort": 9103})
    said = project.refused(4, "compile").stderr
    assert "error[upstreams]: db v2: `default:web` declares it as an upstream, but no source serves" in said
    assert "nearest" not in said


def test_binds_that_differ_are_an_error_of_the_output_that_needs_one(project: Project, mesh: ConsulAgent) -> None:
    project.configure(consul_config(mesh.address)).done("compile")
    sidecar(mesh, "n2", {**DB, "LocalBindPort": 9109}, QUERY)
    project.done("compile")
    project.configure(consul_config(mesh.address, outputs=[*OUTPUTS, PYTHON]))
    said = project.refused(4, "compile").stderr
    assert "error[consumer-binds]: db v1: the sidecars of `default:web` listen for it at `127.0.0.1:9101` and" in said


def test_a_port_that_is_none_leaves_out_that_upstream_alone(project: Project, mesh: ConsulAgent) -> None:
    sidecar(mesh, "n2", DB, {"DestinationName": "bad", "LocalBindPort": 70000})
    done = project.configure(consul_config(mesh.address)).done("compile")
    assert "the sidecar `web-sidecar-proxy` in `dc1` has an upstream `bad` with the port 70000" in done.stderr
    assert "bad" not in project.read("services.yaml").decode()


def test_a_socket_is_a_bind_without_a_url(project: Project, mesh: ConsulAgent) -> None:
    if mesh.version < (1, 10):
        pytest.skip("this Consul knows no sockets")
    for node in ("n1", "n2"):
        sidecar(mesh, node, {"DestinationName": "db-v1", "LocalBindSocketPath": "/run/db.sock", PEER_KEY: "west"})
    project.configure(consul_config(mesh.address, outputs=[*OUTPUTS, PYTHON])).done("compile")
    assert 'peer: "west", bind: {socket: "/run/db.sock"}, env: []' in project.read("services.yaml").decode()
    assert "  -> db v1  at unix:///run/db.sock  (looked up elsewhere)" in project.done("graph").stdout
    assert runpy.run_path(str(project.folder / "web.py"))["url"]("db", "v1") == "http://10.0.0.1:5432/v1"


@pytest.mark.parametrize(
    ("consumer", "said"),
    [
        ({"servce": "web"}, "unknown key `servce`"),
        ({}, "`consumer`"),
        ({"service": ""}, "`service`"),
        (["web"], "`consumer` must be JOB/GROUP or {service: NAME}"),
        ({"service": "wep"}, "did you mean `web`?"),
    ],
)
@pytest.mark.oldest_consul("no difference")
def test_a_consumer_that_is_none_is_refused(project: Project, mesh: ConsulAgent, consumer: Any, said: str) -> None:
    output = {"type": "python", "path": "web.py", "consumer": consumer}
    project.configure(consul_config(mesh.address, outputs=[output]))
    done = project.run("compile")
    assert done.returncode == (4 if consumer == {"service": "wep"} else 2)
    assert said in done.stderr
