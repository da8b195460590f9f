"""One odd registration stops only what uses it: a real catalog in which every kind of them is registered at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from consul_agent import ConsulAgent
from project import Project, Run, consul_config

GOOD = [("n0", "shop-v1", {"ID": "shop-1", "Address": "10.0.0.1", "Port": 8080, "Tags": ["api"]})]

WRONG_ADDRESSES = {
    "url": "http://10.0.0.7",
    "port": "10.0.0.7:8080",
    "spaces": " 10.0.0.7 ",
    "control": "10.0.0.7\x1b[2J",
    "zeros": "010.0.0.1",
    "big": "256.1.1.1",
    "list": "10.0.0.1,10.0.0.2",
    "path": "/run/web.sock",
    "v6-port": "[fd00::7]:8080",
    "unicode": "bücher.example",
    "long": "a" * 300,
}

ADDRESSES = {
    "brackets": ("[fd00::7]", "http://[fd00::7]:8080"),
    "spelling": ("FD00:0:0:0:0:0:0:7", "http://[fd00::7]:8080"),
    "underscore": ("my_host.internal", "http://my_host.internal:8080"),
    "dot": ("api.example.", "http://api.example.:8080"),
    "punycode": ("xn--bcher-kva.example", "http://xn--bcher-kva.example:8080"),
    "zone": ("fe80::1%eth0", "http://[fe80::1%25eth0]:8080"),
}


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


def put(agent: ConsulAgent, node: str, service: str, fields: dict[str, Any], **more: Any) -> None:
    body = {"Node": node, "Address": "10.9.0.1", "Service": {"Service": service, **fields}, **more}
    agent.request("PUT", "/v1/catalog/register", body)


@pytest.fixture
def odd(empty_consul: ConsulAgent) -> ConsulAgent:
    agent = empty_consul
    for node, service, fields in GOOD:
        put(agent, node, service, fields, NodeMeta={"rack": "r1"})
    for name, address in WRONG_ADDRESSES.items():
        put(agent, f"a-{name}", f"bad-{name}", {"ID": name, "Address": address, "Port": 8080})
    for name, (address, _) in ADDRESSES.items():
        put(agent, f"a-{name}", f"fine-{name}", {"ID": name, "Address": address, "Port": 8080})
    for number, port in enumerate((-1, 65536, 2**40)):
        put(agent, f"p-{number}", f"portless-{number}", {"ID": "p", "Port": port})
    tagged = {"lan": {"address": "1.2.3.4", "port": -5}}
    put(agent, "t-1", "tagged", {"ID": "t", "Address": "10.0.2.1", "Port": 80, "TaggedAddresses": tagged})
    for name, service_id in (("x", "s"), ("y", "")):
        check = {"CheckID": "c", "ServiceID": service_id, "Name": "c", "Status": "un\x1b[2Jknown"}
        put(agent, f"s-{name}", "status", {"ID": "s", "Address": f"10.0.3.{ord(name)}", "Port": 80}, Check=check)
    put(agent, "s-z", "status", {"ID": "s", "Address": "10.0.3.1", "Port": 80})
    node_check = {"CheckID": "nc", "Name": "node check", "Status": "odd"}
    agent.request("PUT", "/v1/catalog/register", {"Node": "bare", "Address": "10.0.0.9", "Check": node_check})
    nulls = dict.fromkeys(["Tags", "Meta", "TaggedAddresses", "Weights"])
    put(agent, "null", "nulls", {"ID": "n", "Address": "10.0.4.1", "Port": 80, **nulls})
    udp = {"ID": "udp", "Address": "10.0.5.1", "Port": 53, "Tags": ["udp"], "Meta": {"proto": "udp"}}
    put(agent, "dns", "dns", {"ID": "tcp", "Address": "10.0.5.1", "Port": 53, "Meta": {"proto": "tcp"}})
    put(agent, "dns", "dns", udp)
    for node in ("c1", "c3"):
        put(agent, node, "twice", {"ID": "one", "Address": "10.0.6.1", "Port": 80}, NodeMeta={"rack": node})
    gate = {"protocol": "https", "secure": "true", "path": "/datagate/api/"}
    put(agent, "g-1", "gate-v1", {"ID": "g", "Address": "10.0.7.1", "Port": 443, "Tags": ["tls"], "Meta": gate})
    put(agent, "g-2", "gate-v1", {"ID": "g", "Address": "10.0.7.2", "Port": 80, "Meta": {"path": "v"}})
    put(agent, "g-3", "gate-v1", {"ID": "g", "Address": "10.0.7.3", "Port": 80})
    put(agent, "g-4", "evil-v1", {"ID": "e", "Address": "10.0.7.4", "Port": 80, "Meta": {"path": "@evil.example/"}})
    return agent


def config(agent: ConsulAgent, *waivers: dict[str, Any], **source: Any) -> dict[str, Any]:
    made = consul_config(agent.address, source=source)
    made["checks"] = {"waivers": [{"until": "2099-12-31", "why": "odd", **waiver} for waiver in waivers]}
    return made


def services_of(project: Project) -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load(project.read("services.yaml"))["services"]
    return services


def urls_of(versions: dict[str, Any]) -> list[str]:
    return [one["url"] for version in versions.values() for one in version["endpoints"]]


def test_each_odd_registration_is_one_finding_with_its_origin(project: Project, odd: ConsulAgent) -> None:
    project.configure(config(odd)).done("freeze")
    report = project.document(4, "check", "--format", "json")
    found = {(one["rule"], one["service"]): one for one in report["findings"] if one["severity"] == "error"}
    assert set(found) == {
        *(("address-invalid", f"bad-{name}") for name in WRONG_ADDRESSES),
        *(("port-invalid", f"portless-{number}") for number in range(3)),
    }
    assert found["address-invalid", "bad-url"]["origin"] == {
        "source": "mesh",
        "datacenter": "dc1",
        "namespace": "default",
        "node": "a-url",
        "id": "url",
    }
    warned = [(one["rule"], one["service"]) for one in report["findings"] if one["severity"] == "warning"]
    assert warned == [("address-unusable", "fine-zone")]


def test_what_nobody_selects_stops_nothing(project: Project, odd: ConsulAgent) -> None:
    project.configure(config(odd, select={"tags": ["api"]})).done("compile")
    assert set(services_of(project)) == {"shop"}


def test_waived_registrations_are_left_out_and_the_lock_keeps_them(project: Project, odd: ConsulAgent) -> None:
    project.configure(config(odd, {"rule": "address-invalid"}, {"rule": "port-invalid", "service": "portless-*"}))
    done = project.done("compile")
    services = services_of(project)
    for name in WRONG_ADDRESSES:
        assert services[f"bad-{name}"]["unversioned"]["declared"] is True
    for name, (_, url) in ADDRESSES.items():
        assert urls_of(services[f"fine-{name}"]) == [url]
    assert urls_of(services["tagged"]) == ["http://10.0.2.1:80"]
    assert urls_of(services["nulls"]) == ["http://10.0.4.1:80"]
    assert urls_of(services["status"]) == ["http://10.0.3.1:80"]
    assert "2 instances of selected services have a check with the unknown status `un\\x1b[2Jknown`" in done.stderr
    assert "node=s-x, id=s) and others" in done.stderr
    assert "odd" not in done.stderr
    explained = project.done("explain", "bad-control", "--offline").stdout
    assert "node=a-control, id=control): its address `10.0.0.7\\x1b[2J` has a control character in it" in explained
    locked = [json.loads(line) for line in project.read("frostline.lock").splitlines()[2:]]
    assert {one["address"] for one in locked if one["service"].startswith("bad-")} == set(WRONG_ADDRESSES.values())
    assert {one["port"] for one in locked if one["service"].startswith("portless-")} == {-1, 65536, 2**40}
    before = project.contents()
    project.done("compile", "--offline")
    assert project.contents() == before


def test_only_equal_registrations_unite_and_an_id_counts_once(project: Project, odd: ConsulAgent) -> None:
    project.configure(config(odd, select={"services": ["dns", "twice"]})).done("compile")
    services = services_of(project)
    assert [
        (one["url"], one["tags"], one["meta"], one["weight"]) for one in services["dns"]["unversioned"]["endpoints"]
    ] == [
        ("http://10.0.5.1:53", [], {"proto": "tcp"}, 1),
        ("http://10.0.5.1:53", ["udp"], {"proto": "udp"}, 1),
    ]
    (twice,) = services["twice"]["unversioned"]["endpoints"]
    assert twice["weight"] == 1


def test_a_tagged_address_with_an_odd_port_is_judged_where_it_is_used(project: Project, odd: ConsulAgent) -> None:
    project.configure(config(odd, select={"services": ["tagged"]}, address_from="lan"))
    assert "its port is -5" in project.refused(4, "compile").stderr


def test_nodes_are_selected_by_their_metadata(project: Project, odd: ConsulAgent) -> None:
    project.configure(config(odd, select={"node_meta": {"rack": "r1"}})).done("compile")
    assert set(services_of(project)) == {"shop"}
    explained = project.done("explain", "twice").stdout
    assert "its node's meta `rack` is not `r1`, which `select.node_meta` requires" in explained


GATES = {"services": ["gate-v1", "evil-v1"]}


@pytest.mark.parametrize(
    "scheme",
    [
        [{"meta": "protocol"}, "http"],
        [{"meta": "secure", "equals": "true", "is": "https"}, "http"],
        [{"tag": "tls", "is": "https"}, "http"],
    ],
    ids=["meta", "equals", "tag"],
)
def test_scheme_and_path_come_from_what_is_registered(project: Project, odd: ConsulAgent, scheme: list[Any]) -> None:
    url = "{scheme}://{address}:{port}{+meta[path]|/}"
    project.configure(config(odd, select=GATES, scheme=scheme, url=url)).done("compile")
    services = services_of(project)
    assert urls_of(services["gate"]) == [
        "https://10.0.7.1:443/datagate/api/",
        "http://10.0.7.2:80/v",
        "http://10.0.7.3:80/",
    ]
    assert urls_of(services["evil"]) == ["http://10.0.7.4:80/@evil.example/"]
    # Neither the scheme nor the pattern is in the lock: a change needs no server.
    lock = project.read("frostline.lock")
    project.configure(config(odd, select=GATES, scheme=["ws"], url="{scheme}://{address}:{port}")).done(
        "compile", "--offline", "--allow", "updates"
    )
    assert urls_of(services_of(project)["gate"])[0] == "ws://10.0.7.1:443"
    assert project.read("frostline.lock") == lock


def test_an_instance_that_lacks_a_key_is_one_finding_and_a_waiver_leaves_it_out(
    project: Project, odd: ConsulAgent
) -> None:
    url = "http://{address}:{port}{+meta[path]}"
    refused = project.configure(config(odd, select=GATES, url=url)).refused(4, "compile").stderr
    assert refused.count("error[") == 1
    assert "node=g-3, id=g): error[meta-missing]: gate v1: it has no meta `path`" in refused
    assert "write {+meta[path]|DEFAULT} in the pattern" in refused
    project.configure(config(odd, {"rule": "meta-missing", "service": "gate/*"}, select=GATES, url=url)).done("compile")
    assert urls_of(services_of(project)["gate"]) == ["http://10.0.7.1:443/datagate/api/", "http://10.0.7.2:80/v"]
