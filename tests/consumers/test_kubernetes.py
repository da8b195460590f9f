"""`builtin: kubernetes`, read by the schemas of Kubernetes 1.37, and by the rules that its API server adds to them."""

from __future__ import annotations

import ipaddress
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from catalog import freeze_catalog, names_of, odd_instances
from loopback import LoopbackServer
from project import Project

from frostline.model import Instance

Compiled = Callable[..., Project]

pytestmark = pytest.mark.more_readers

OUTPUT = {"type": "template", "builtin": "kubernetes", "path": "services.yaml"}
# RFC 1035 2.3.1, as the API server wants the name of a Service.
SERVICE_NAME = re.compile("[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
# RFC 1123 2.1: the name of an EndpointSlice, and what an ExternalName stands for.
HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def objects(project: Project, readers: str) -> dict[str, list[dict[str, Any]]]:
    """What kubectl would send, by kind, once the schemas and the API server's rules take all of it."""
    path = project.folder / "services.yaml"
    done = subprocess.run(
        [readers, "-m", "kubernetes_validate", "--strict", "--quiet", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = defaultdict(list)
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        found[document["kind"]].append(document)
    for kind, documents in found.items():
        names = [document["metadata"]["name"] for document in documents]
        assert len(names) == len(set(names))
        form = SERVICE_NAME if kind == "Service" else HOST_NAME
        assert [name for name in names if not form.fullmatch(name)] == []
    for piece in found["EndpointSlice"]:
        assert 0 < len(piece["endpoints"]) <= 1000
        versions = {ipaddress.ip_address(address).version for e in piece["endpoints"] for address in e["addresses"]}
        assert versions == {int(piece["addressType"].removeprefix("IPv"))}
        assert piece["metadata"]["labels"]["kubernetes.io/service-name"] in {
            service["metadata"]["name"] for service in found["Service"] if "type" not in service["spec"]
        }
    return found


def addresses(found: dict[str, list[dict[str, Any]]]) -> dict[str, Counter[tuple[str, int, bool]]]:
    """Name of a Service -> (address, port, ready) of its endpoints, each with how often it is there."""
    by_service: dict[str, Counter[tuple[str, int, bool]]] = defaultdict(Counter)
    for piece in found["EndpointSlice"]:
        (port,) = piece["ports"]
        for endpoint in piece["endpoints"]:
            (address,) = endpoint["addresses"]
            where = (address, port["port"], endpoint["conditions"]["ready"])
            by_service[piece["metadata"]["labels"]["kubernetes.io/service-name"]][where] += 1
    return by_service


def test_a_hostile_catalog_becomes_services_that_lead_to_its_endpoints(
    compiled: Compiled, servers: tuple[LoopbackServer, ...], readers: str
) -> None:
    names = names_of("kubernetes")
    found = objects(compiled(OUTPUT, instances=odd_instances(servers, names)), readers)
    services = {service["metadata"]["name"]: service for service in found["Service"]}
    there = addresses(found)
    first, second, third, *_, six = servers
    assert there["payments-v1"] == Counter({(s.address, s.port, True): 1 for s in (first, second)})
    assert there["payments-v2"] == Counter({(third.address, third.port, True): 1})
    assert there["weights-v1"] == Counter({(s.address, s.port, s is not first): 1 for s in (first, second, third)})
    assert there["ledger"] == Counter({(six.address, six.port, True): 1})
    assert there["many"].total() == 1000
    assert services["mail"]["spec"] == {"type": "ExternalName", "externalName": "localhost"}
    assert "empty-v1" in services
    assert "empty-v1" not in there
    written = {service["metadata"]["annotations"]["frostline/name"] for service in found["Service"]}
    assert set(names) <= written


def test_names_that_become_one_are_refused(project: Project) -> None:
    freeze_catalog(
        project.folder,
        [OUTPUT],
        [Instance(service=name, node="n", id=name, address="10.0.0.1", port=1) for name in ("a.b", "a-b")],
    )
    done = project.refused(4, "compile", "--offline")
    assert "`a-b` and `a.b` both become the name `a-b` (kubernetes)" in done.stderr


def test_more_endpoints_than_a_slice_holds_are_in_several(compiled: Compiled, readers: str) -> None:
    instances = tuple(
        Instance(service="many", node=f"n{n}", id="many", address=f"10.{n >> 8}.{n & 255}.1", port=80 + n % 2)
        for n in range(4002)
    )
    found = objects(compiled(OUTPUT, instances=instances), readers)
    assert sorted(len(piece["endpoints"]) for piece in found["EndpointSlice"]) == [1, 1, 1000, 1000, 1000, 1000]
    assert addresses(found)["many"] == Counter({(i.address, i.port, True): 1 for i in instances})


def test_a_service_with_names_and_ip_addresses_is_refused(project: Project) -> None:
    freeze_catalog(
        project.folder,
        [OUTPUT],
        [
            Instance(service="mail", node=address, id="m", address=address, port=25)
            for address in ("10.0.0.1", "Mail.Example")
        ],
    )
    done = project.refused(2, "compile", "--offline")
    assert "service `mail`: a Service has IP addresses or stands for one name, not both" in done.stderr


def test_vars_name_the_namespace_and_the_port(compiled: Compiled, readers: str) -> None:
    instances = (
        Instance(service="web", node="n", id="w", address="10.0.0.1", port=8080),
        Instance(service="mail", node="n", id="m", address="Mail.Example", port=25),
    )
    found = objects(compiled({**OUTPUT, "vars": {"namespace": "shop", "port": 8000}}, instances=instances), readers)
    everything = [document for documents in found.values() for document in documents]
    assert {document["metadata"]["namespace"] for document in everything} == {"shop"}
    specs = {service["metadata"]["name"]: service["spec"] for service in found["Service"]}
    assert specs["web"]["ports"] == [{"name": "main", "port": 8000}]
    assert specs["mail"]["externalName"] == "mail.example"
