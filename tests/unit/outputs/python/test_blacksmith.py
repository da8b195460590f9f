"""The discoveries for blacksmith: what they answer, what they refuse, and when they need blacksmith."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from blacksmith import (
    AsyncAbstractServiceDiscovery,
    AsyncClientFactory,
    SyncAbstractServiceDiscovery,
    SyncClientFactory,
)
from blacksmith.domain.exceptions import UnregisteredServiceException
from blacksmith.domain.registry import Registry as Clients
from blacksmith.domain.registry import registry as own_clients

from frostline.model import Endpoint, Entry, FileOrigin, Key, Registry, registry_of
from frostline.outputs.base import View
from frostline.outputs.python.output import render
from frostline.settings import OutputSettings

UNKNOWN = [("ledger", None), ("payments", "v9"), ("payments", None), ("nobody", "v1")]


def entry(*weights: int, datacenter: str = "dc1", auth: str | None = None) -> Entry:
    found = tuple(
        Endpoint(
            url=f"http://10.0.0.{number}:80/v1",
            address=f"10.0.0.{number}",
            port=80,
            source="mesh",
            datacenter=datacenter,
            weight=weight,
        )
        for number, weight in enumerate(weights, 1)
    )
    return Entry(url=found[0].url if found else None, endpoints=found, sources=("mesh",), auth=auth)


REGISTRY = registry_of(
    {
        Key("payments", "v1"): entry(1, 1, auth="hmac-2"),
        Key("search", None): entry(3, 1),
        Key("ledger", None): entry(),
    }
)


def written(folder: Path, registry: Registry = REGISTRY, *, blacksmith: bool = True) -> Path:
    """The path of its module."""
    path, options = folder / "frozen.py", {"blacksmith": blacksmith}
    settings = OutputSettings(name="o", type="python", path=path, origin=FileOrigin("f"), options=options)
    view = View(registry=registry, prefer=(), preferring=lambda _: registry)
    for artifact in render(view, settings).artifacts:
        (folder / artifact.path).write_bytes(b"".join(artifact.chunks))
    return path


def imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("frozen", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return imported(written(tmp_path_factory.mktemp("frozen")))


def test_they_are_blacksmiths_abstract_discoveries(frozen: Any) -> None:
    assert isinstance(frozen.SyncDiscovery(), SyncAbstractServiceDiscovery)
    assert isinstance(frozen.AsyncDiscovery(), AsyncAbstractServiceDiscovery)
    assert frozen.SyncDiscovery is frozen.SyncDiscovery
    assert {"SyncDiscovery", "AsyncDiscovery"} <= {*dir(frozen)}
    assert "SyncDiscovery" not in frozen.__all__
    with pytest.raises(AttributeError, match="has no attribute 'Discovery'"):
        _ = frozen.Discovery


def test_both_choose_anew_whenever_they_are_asked(frozen: Any) -> None:
    both = {"http://10.0.0.1:80/v1", "http://10.0.0.2:80/v1"}
    sync, later = frozen.SyncDiscovery(), frozen.AsyncDiscovery()
    assert {sync.get_endpoint("payments", "v1") for _ in range(60)} == both
    assert {asyncio.run(later.get_endpoint("payments", "v1")) for _ in range(30)} == both
    assert {sync.resolve("search").address for _ in range(90)} == {"10.0.0.1", "10.0.0.2"}
    found = asyncio.run(later.resolve("search", None))
    assert (found.address, found.port, found.datacenter) == (found.url[7:15], 80, "dc1")
    assert (sync.auth("payments", "v1"), later.auth("search")) == ("hmac-2", None)


@pytest.mark.parametrize("asked", UNKNOWN)
def test_what_has_no_endpoint_is_unregistered(frozen: Any, asked: tuple[str, str | None]) -> None:
    sync, later = frozen.SyncDiscovery(), frozen.AsyncDiscovery()
    for ask in (sync.get_endpoint, sync.resolve):
        with pytest.raises(UnregisteredServiceException) as caught:
            ask(*asked)
        assert isinstance(caught.value.__cause__, frozen.UnknownService)
    for ask in (later.get_endpoint, later.resolve):
        with pytest.raises(UnregisteredServiceException):
            asyncio.run(ask(*asked))
    if asked == ("ledger", None):
        assert sync.auth(*asked) is None
    else:
        with pytest.raises(UnregisteredServiceException):
            later.auth(*asked)


def clients(*served: tuple[str, str, str | None]) -> Clients:
    found = Clients()
    for name, service, version in served:
        found.register(name, "things", service, version, path="/things", contract={})
    return found


def test_the_factories_take_them(frozen: Any) -> None:
    registered = clients(("pay", "payments", "v1"), ("wrong", "payments", "v9"))
    factory: SyncClientFactory[Any] = SyncClientFactory(frozen.SyncDiscovery(), registry=registered)
    assert {factory("pay").endpoint for _ in range(60)} == {"http://10.0.0.1:80/v1", "http://10.0.0.2:80/v1"}
    with pytest.raises(UnregisteredServiceException, match="payments/v9"):
        factory("wrong")
    later: AsyncClientFactory[Any] = AsyncClientFactory(frozen.AsyncDiscovery(), registry=registered)

    async def endpoint(name: str) -> str:
        return str((await later(name)).endpoint)

    assert asyncio.run(endpoint("pay")).startswith("http://10.0.0.")


def test_check_names_the_clients_that_have_nothing_frozen(frozen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    registered = clients(("z", "nobody", None), ("pay", "payments", "v1"), ("a", "ledger", None), ("v", "search", "v1"))
    for discovery in (frozen.SyncDiscovery(), frozen.AsyncDiscovery()):
        assert discovery.check(registered) == ("a", "v", "z")
        assert discovery.check(clients()) == ()
        monkeypatch.setattr(own_clients, "client_service", dict(registered.client_service))
        assert discovery.check() == ("a", "v", "z")


def test_blacksmith_is_imported_when_a_discovery_is_asked_for_and_not_before(tmp_path: Path) -> None:
    written(tmp_path)
    program = (
        "import sys, frozen\n"
        "from frozen import *\n"
        "frozen.pick('payments', 'v1'), frozen.ENDPOINTS, dir(frozen)\n"
        "assert 'blacksmith' not in sys.modules\n"
        "sys.modules['blacksmith'] = None\n"
        "try:\n    frozen.SyncDiscovery\nexcept ImportError as error:\n    print(error.name)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "blacksmith\n"), done.stderr


def test_nothing_of_it_is_in_a_module_that_does_not_ask_for_it(tmp_path: Path) -> None:
    module = imported(written(tmp_path, blacksmith=False))
    assert not hasattr(module, "SyncDiscovery")
    assert "blacksmith" not in (tmp_path / "frozen.py").read_text() + (tmp_path / "frozen.pyi").read_text()


def test_it_is_python_3_9(tmp_path: Path) -> None:
    ast.parse(written(tmp_path).read_text(), feature_version=(3, 9))
