"""blacksmith's static discovery takes ENDPOINTS as it is and reaches what its Consul discovery would reach."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from subprocess import CompletedProcess
from threading import Thread
from typing import Any

import pytest
from blacksmith import (
    AsyncClientFactory,
    AsyncStaticDiscovery,
    PathInfoField,
    Request,
    Response,
    SyncClientFactory,
    SyncConsulDiscovery,
    SyncStaticDiscovery,
)
from blacksmith.domain.exceptions import UnregisteredServiceException
from blacksmith.domain.registry import Registry as Clients
from loopback_http import LoopbackHTTPServer

from frostline.model import Endpoint, Entry, FileOrigin, Instance, Key, Registry, Snapshot, registry_of
from frostline.outputs.base import View
from frostline.outputs.python.output import render
from frostline.registry.assembling import contribution_of
from frostline.settings import Naming, OutputSettings


class Ask(Request):
    name: str = PathInfoField()


class Told(Response):
    path: str


class Echo(BaseHTTPRequestHandler):
    """Answers the path that it was asked for."""

    def do_GET(self) -> None:
        body = f'{{"path": "{self.path}"}}'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """Of an HTTP server on loopback."""
    server = LoopbackHTTPServer(("127.0.0.1", 0), Echo)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def module_at(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"frozen_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def endpoints(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """ENDPOINTS of a generated module whose services all are the server."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    keys: tuple[Key, ...] = (("payments", "v1"), ("payments", "v2"), ("billing", None))
    entries = {key: served_at(f"http://127.0.0.1:{port}" + (f"/{key[1]}" if key[1] else ""), port) for key in keys}
    registry = registry_of(entries | {("ledger", None): Entry(url=None, endpoints=(), sources=("mesh",))})
    return written(registry, tmp_path).ENDPOINTS


def written(registry: Registry, folder: Path) -> Any:
    """The module of this registry, written and imported."""
    settings = OutputSettings(name="o", type="python", path=folder / "registry.py", origin=FileOrigin("f"))
    for artifact in render(View(registry=registry, prefer=(), preferring=lambda _: registry), settings).artifacts:
        (folder / artifact.path).write_bytes(b"".join(artifact.chunks))
    return module_at(folder / "registry.py")


def served_at(url: str, port: int) -> Entry:
    endpoint = Endpoint(url=url, address="127.0.0.1", port=port, source="mesh")
    return Entry(url=url, endpoints=(endpoint,), sources=("mesh",))


@pytest.fixture
def clients() -> Clients:
    """blacksmith clients: known, declared only, and not known at all."""
    found = Clients()
    for client, service, version in (
        ("payments", "payments", "v1"),
        ("payments_v2", "payments", "v2"),
        ("billing", "billing", None),
        ("ledger", "ledger", None),
        ("wrong_version", "payments", "v9"),
        ("unknown", "nobody", "v1"),
    ):
        found.register(client, "things", service, version, path="/things/{name}", contract={"GET": (Ask, Told)})
    return found


PATHS = {"payments": "/v1/things/a", "payments_v2": "/v2/things/a", "billing": "/things/a"}
UNKNOWN = ["ledger", "wrong_version", "unknown"]


def test_sync_clients_reach_the_frozen_services(endpoints: Any, clients: Clients) -> None:
    factory: SyncClientFactory[Any] = SyncClientFactory(SyncStaticDiscovery(endpoints), registry=clients)
    reached = {name: factory(name).things.get(Ask(name="a")).unwrap().path for name in PATHS}
    assert reached == PATHS


def test_async_clients_reach_the_frozen_services(endpoints: Any, clients: Clients) -> None:
    async def reached() -> dict[str, str]:
        factory: AsyncClientFactory[Any] = AsyncClientFactory(AsyncStaticDiscovery(endpoints), registry=clients)
        return {name: (await (await factory(name)).things.get(Ask(name="a"))).unwrap().path for name in PATHS}

    assert asyncio.run(reached()) == PATHS


@pytest.mark.parametrize("client", UNKNOWN)
def test_a_service_that_is_not_frozen_is_unregistered_for_sync_clients(
    endpoints: Any, clients: Clients, client: str
) -> None:
    factory: SyncClientFactory[Any] = SyncClientFactory(SyncStaticDiscovery(endpoints), registry=clients)
    with pytest.raises(UnregisteredServiceException):
        factory(client)


@pytest.mark.parametrize("client", UNKNOWN)
def test_a_service_that_is_not_frozen_is_unregistered_for_async_clients(
    endpoints: Any, clients: Clients, client: str
) -> None:
    async def call() -> None:
        factory: AsyncClientFactory[Any] = AsyncClientFactory(AsyncStaticDiscovery(endpoints), registry=clients)
        await factory(client)

    with pytest.raises(UnregisteredServiceException):
        asyncio.run(call())


SERVED: dict[Key, tuple[str, int]] = {
    ("payments", "v1"): ("10.0.0.1", 8080),
    ("payments", "v2.1"): ("10.0.0.2", 8081),
    ("count-api", None): ("billing.example", 80),
    ("a-b", "v10"): ("10.0.0.3", 65535),
}


def test_the_default_naming_and_urls_are_those_of_blacksmiths_consul_discovery(tmp_path: Path) -> None:
    live = SyncConsulDiscovery()
    instances = tuple(
        Instance(service=live.format_service_name(*key), node="n", id=str(key), address=address, port=port)
        for key, (address, port) in SERVED.items()
    )
    snapshot = Snapshot(source="mesh", datacenter="dc1", namespace="", settings="", instances=instances)
    contribution = contribution_of("mesh", [snapshot], Naming())
    registry = registry_of(
        {
            key: Entry(url=found[0].url, endpoints=found, sources=("mesh",))
            for key, found in contribution.endpoints.items()
        }
    )
    assert {
        (service, version): live.format_endoint(version, address, port)
        for (service, version), (address, port) in SERVED.items()
    } == written(registry, tmp_path).ENDPOINTS


CONFIG = """\
version: 1
sources:
  mesh: {{type: consul, address: "{address}", datacenters: [dc1]}}
outputs:
  - {{type: python, path: registry.py}}
"""


def test_the_frozen_urls_are_those_of_blacksmiths_own_consul_discovery(
    empty_consul: Any, run_frostline: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    empty_consul.register("payments-v1", address="10.0.0.1", port=8080)
    empty_consul.register("payments-v2.1", address="10.0.0.2", port=8081)
    empty_consul.register("billing", address="billing.example", port=80)
    empty_consul.register("no-address-v1", port=9000)
    address = f"http://127.0.0.1:{empty_consul.port}"
    (tmp_path / "frostline.yaml").write_text(CONFIG.format(address=address))
    done = run_frostline("compile", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    frozen = module_at(tmp_path / "registry.py").ENDPOINTS

    live = SyncConsulDiscovery(f"{address}/v1")
    keys = [("payments", "v1"), ("payments", "v2.1"), ("billing", None), ("no-address", "v1")]
    assert frozen == {key: live.get_endpoint(*key) for key in keys}
