"""The servers do what the other tests rely on."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from consul_agent import AclAgent, ConsulAgent
from consul_wan import WanPair
from nginx_server import RefusedConfigurationError
from puppet_data import LookupFailedError


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
    assert consul_acl.request("GET", "/v1/catalog/services", token="anonymous") == {}


def test_an_agent_listens_on_a_unix_socket_as_well(consul: ConsulAgent) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(consul.socket))
        connection.sendall(b"GET /v1/status/leader HTTP/1.0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.0 200")


def test_an_agent_with_tls_refuses_a_client_without_certificate(consul_tls: ConsulAgent) -> None:
    consul_tls.reset()
    consul_tls.register("web", port=80)
    assert consul_tls.tls is not None
    stranger = ssl.create_default_context(cafile=str(consul_tls.tls.ca_file))
    with pytest.raises(OSError, match=r"(?i)certificate|reset"):
        urlopen(f"{consul_tls.address}/v1/status/leader", context=stranger)


DATA = r"""
literal: "100%{literal('%')}{facts.who} \x85 \U0001F600"
fact: "%{facts.who}"
integer: 1,000
string: "1,000"
boolean: no
undef: ~
hash: {1: a, "b.c": [x, ""]}
"dotted.key": here
"""


def test_puppet_reads_each_value_with_its_type(puppet_lookup: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text(DATA)
    keys = ["literal", "fact", "integer", "string", "boolean", "undef", "hash", "hash.1", '"dotted.key"', "missing"]
    assert puppet_lookup(tmp_path, keys, {"who": "me"}) == {
        "literal": "100%{facts.who} \x85 \U0001f600",
        "fact": "me",
        "integer": 1000,
        "string": "1,000",
        "boolean": False,
        "undef": None,
        "hash": {1: "a", "b.c": ["x", ""]},
        "hash.1": "a",
        '"dotted.key"': "here",
    }


def test_puppet_reads_the_layers_of_a_hiera_yaml(puppet_lookup: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "hiera.yaml").write_text(
        "version: 5\ndefaults: {datadir: ., data_hash: yaml_data}\nhierarchy:\n"
        '  - {name: near, path: "%{facts.where}.yaml"}\n  - {name: all, path: all.yaml}\n'
    )
    (tmp_path / "all.yaml").write_text("a: far\nb: far\n")
    (tmp_path / "here.yaml").write_text("a: near\n")
    assert puppet_lookup(tmp_path, ["a", "b"], {"where": "here"}) == {"a": "near", "b": "far"}
    assert puppet_lookup(tmp_path / "hiera.yaml", ["a", "b"]) == {"a": "far", "b": "far"}


def test_puppet_refuses_a_symbol(puppet_lookup: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("bad: :sym\ngood: ':sym'\n")
    with pytest.raises(LookupFailedError) as refused:
        puppet_lookup(tmp_path / "data.yaml", ["bad", "good"])
    assert list(refused.value.errors) == ["bad"]


def test_nginx_serves_a_configuration(nginx: Callable[[str], str]) -> None:
    address = nginx("server { listen 127.0.0.1:@PORT@; location /a { return 200 here; } }")
    with urlopen(f"{address}/a") as answer:
        assert answer.read() == b"here"


def test_nginx_refuses_a_broken_configuration(nginx: Callable[[str], str]) -> None:
    with pytest.raises(RefusedConfigurationError, match="unknown directive"):
        nginx("server { listen 127.0.0.1:@PORT@; nonsense; }")


def test_the_command_runs_without_the_callers_servers(
    run_frostline: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    ran = run_frostline("--version", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("frostline ")


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (("compile",), None),
        (("compile", "-c", "-"), '{"version": 1, "sources": {"a": {"type": "static", "services": {"b": "http://c"}}}}'),
        (("compile", "-c", "-"), "version: [\n"),
        (("compile", "--nonsense"), None),
        (("list", "--help"), None),
        (("rule", "port-zero", "--format", "json"), None),
        ((), None),
    ],
)
def test_a_forked_command_ends_like_a_started_one(
    run_frostline: Callable[..., subprocess.CompletedProcess[str]],
    run_frostline_from_cold: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    arguments: tuple[str, ...],
    given: str | None,
) -> None:
    ends = []
    folder = tmp_path / "caf\u00e9"
    for run in (run_frostline, run_frostline_from_cold):
        folder.mkdir()
        ends.append(run(*arguments, cwd=folder, env={"COLUMNS": "70"}, input=given))
        shutil.rmtree(folder)
    warm, cold = ends
    assert (warm.returncode, warm.stdout, warm.stderr) == (cold.returncode, cold.stdout, cold.stderr)
