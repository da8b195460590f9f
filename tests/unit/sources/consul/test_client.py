from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from consul_replay import Replay, Reply, entry, read, refused

from frostline.sources.consul.client import make_consul
from frostline.sources.http.session import Parameters


def test_neither_the_import_nor_a_client_loads_requests():
    program = """
import sys
import frostline.sources.consul.source
print("six" in sys.modules, "requests" in sys.modules)
from frostline.sources.consul.client import make_consul
make_consul(None)
print("six" in sys.modules, "requests" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\nTrue False\n"


@pytest.mark.parametrize(
    "files",
    [
        {"consul/__init__.py": "", "consul/base.py": "class HTTPClient: pass\nclass Consul: pass\n"},
        {"consul/__init__.py": ""},
        {"consul.py": "", "base.py": "raise SystemExit"},
    ],
    ids=["a package with consul.base", "a package", "a module"],
)
def test_another_package_of_the_same_name_is_a_usage_error(tmp_path: Path, files: dict[str, str]):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from frostline.errors import UsageError
from frostline.sources.consul.client import make_consul
try:
    make_consul(None)
except UsageError as error:
    print(error.message, error.help, sep="\\n")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    message, help_line = done.stdout.splitlines()
    assert message.startswith(f"the Python package `consul` is not python-consul2: {tmp_path}")
    assert "an environment of its own" in help_line


class Recorder:
    """Stands in for the session, and records the targets."""

    is_snapshot = True

    def __init__(self) -> None:
        self.targets: list[str] = []

    async def get(self, target: str) -> None:
        self.targets.append(target)


def target_of(request: Callable[[Any], Any], consistency: str = "default", parameters: Parameters = ()) -> str:
    """Return the target of the request that python-consul2's client makes."""
    recorder = Recorder()
    asyncio.run(request(make_consul(recorder, consistency, parameters)))  # type: ignore[arg-type]
    (target,) = recorder.targets
    return target


@pytest.mark.parametrize(
    ("request_", "target"),
    [
        (lambda consul: consul.agent.self(), "/v1/agent/self"),
        (lambda consul: consul.tokens.self(), "/v1/acl/token/self"),
        (lambda consul: consul.catalog.datacenters(), "/v1/catalog/datacenters"),
    ],
)
def test_a_request_to_the_agent_carries_no_parameters(request_: Callable[[Any], Any], target: str, monkeypatch):
    monkeypatch.setenv("CONSUL_HTTP_ADDR", "http://elsewhere:1")
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "not-ours")
    assert target_of(request_) == target


@pytest.mark.parametrize("consistency", ["consistent", "stale"])
@pytest.mark.parametrize(
    ("request_", "path"),
    [
        (lambda consul: consul.catalog.services(), "/v1/catalog/services"),
        (lambda consul: consul.catalog.nodes(), "/v1/catalog/nodes"),
        (lambda consul: consul.health.service("a%2Fb"), "/v1/health/service/a%2Fb"),
        (lambda consul: consul.http.get(None, "/v1/internal/ui/nodes"), "/v1/internal/ui/nodes"),
    ],
)
def test_each_parameter_of_a_segment_is_in_every_request_once(
    request_: Callable[[Any], Any], path: str, consistency: str
):
    parameters = (("dc", "d&1"), ("ns", "ops"), ("partition", "team"))
    parts = urlsplit(target_of(request_, consistency, parameters))
    assert parts.path == path
    assert sorted(parse_qsl(parts.query)) == sorted([(consistency, "1"), *parameters])


def test_nothing_is_ever_written():
    consul = make_consul(Recorder())  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError):
        consul.catalog.deregister("n1")
    with pytest.raises(NotImplementedError):
        consul.agent.service.register("web")


@pytest.mark.parametrize("path", ["/v1/catalog/services", "/v1/health/service/web"])
@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"KnownLeader": "false"}, "Consul has no leader"),
        ({"KnownLeader": None}, "the header X-Consul-KnownLeader is missing"),
        ({"LastContact": "1"}, "the answer is 1 ms old, and the leader itself should answer"),
        ({"LastContact": None}, "the header X-Consul-LastContact is missing"),
        ({"LastContact": "-1"}, "the header X-Consul-LastContact is not a number: '-1'"),
        ({"Index": None}, "the header X-Consul-Index is missing"),
        ({"Index": ""}, "the header X-Consul-Index is not a number: ''"),
        ({"Index": "12x"}, "the header X-Consul-Index is not a number: '12x'"),
        ({"Index": "1" * 5000}, "the header X-Consul-Index is not a number: '1111"),
        ({"Index": "0"}, "the header X-Consul-Index is 0"),
        ({"Results_Filtered_By_ACLs": "true"}, "ACLs hide a part of the answer"),
    ],
)
def test_headers_that_prove_nothing_are_refused(replay: Replay, path: str, headers: dict[str, Any], said: str):
    body = {"web": []} if path.endswith("services") else [entry()]
    replay.routes[path] = Reply(body, **headers)
    message = refused(replay)
    assert said in message
    assert f"GET {path}" in message


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("/v1/catalog/services", b"", "it is not JSON"),
        ("/v1/catalog/services", b"<html>", "a page of HTML"),
        ("/v1/catalog/services", b"null", ""),
        ("/v1/catalog/services", b'{"web": [], "x', "it is not JSON"),
        ("/v1/catalog/services", b'{"w\xff": []}', "byte 4 is not UTF-8"),
        ("/v1/catalog/services", {"web": [1]}, "[0]"),
        ("/v1/health/service/web", b"null", ""),
        ("/v1/health/service/web", {}, ""),
        ("/v1/health/service/web", [{}], "`Node`"),
        ("/v1/health/service/web", [entry(Port="80")], "Service.Port"),
        ("/v1/health/service/web", [entry(Port=None)], "Service.Port"),
        ("/v1/health/service/web", [entry(Tags=[None])], "Service.Tags"),
        ("/v1/health/service/web", [entry(Meta={"a": 1})], "Service.Meta"),
        ("/v1/health/service/web", b"[" * 100_000, ""),
        ("/v1/health/service/web", b'[{"X":' + b"[" * 100_000, "nested too deeply"),
        ("/v1/agent/self", {"Config": {}}, "`Datacenter`"),
        ("/v1/agent/self", b"null", ""),
    ],
)
def test_an_answer_of_another_shape_is_refused_with_its_place(replay: Replay, path: str, body: Any, place: str):
    replay.routes[path] = Reply(body)
    message = refused(replay)
    assert f"GET {path}" in message
    assert "not the JSON expected from Consul: " in message
    assert place in message
    assert len(message) < 600


def test_a_missing_endpoint_is_an_error_rather_than_an_empty_answer(replay: Replay):
    # python-consul2's own callbacks would turn it into None.
    del replay.routes["/v1/catalog/services"]
    assert "404" in refused(replay)


@pytest.mark.parametrize("address", ["a:b:c:d", "http://[::1]:1", "unix:///x", "ftp://nobody"])
def test_the_environment_neither_moves_nor_breaks_a_configured_source(replay: Replay, monkeypatch, address: str):
    monkeypatch.setenv("CONSUL_HTTP_ADDR", address)
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "not-ours")
    monkeypatch.setenv("CONSUL_HTTP_SSL", "true")
    monkeypatch.setenv("CONSUL_HTTP_SSL_VERIFY", "false")
    assert len(read(replay).answers[0].registrations) == 1


def test_proved_reads_ask_the_leader_consistently_and_stale_ones_do_not(replay: Replay):
    read(replay)
    catalog = [query for path, query in replay.requests if path.startswith(("/v1/catalog/serv", "/v1/health"))]
    assert catalog
    assert all("consistent" in query and "stale" not in query and query["dc"] == "dc1" for query in catalog)
    replay.requests.clear()
    read(replay, consistency="eventual")
    catalog = [query for path, query in replay.requests if path.startswith(("/v1/catalog/serv", "/v1/health"))]
    assert all("stale" in query and "consistent" not in query for query in catalog)


def test_an_eventual_answer_may_be_as_old_as_max_stale(replay: Replay):
    replay.routes["/v1/health/service/web"] = Reply([entry()], LastContact="1500")
    assert read(replay, consistency="eventual").answers[0].registrations
    assert "1500 ms old, and max_stale is 1 s" in refused(replay, consistency="eventual", max_stale=1.0)


@pytest.mark.parametrize("status", [400, 404])
def test_an_agent_that_does_not_describe_itself_is_refused(replay: Replay, status: int):
    replay.routes["/v1/agent/self"] = Reply(b"no", status=status)
    assert f"GET /v1/agent/self at {replay.address}: {status}" in refused(replay)
