"""mypy and pyright take right programs that use a registry of Python, refuse misspelt ones, and are quick about it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest

from frostline.model import Endpoint, Entry, FileOrigin, Key, Registry, registry_of
from frostline.outputs.base import View
from frostline.outputs.python.output import render
from frostline.settings import OutputSettings

pytestmark = pytest.mark.more_readers

SAMPLE = Path(__file__).parents[2] / "samples" / "from-blacksmith"
SERVICES, SETS = 10_000, 60
SECONDS = 20
"""Of CPU time."""

Lines = dict[str, set[int]]
"""File -> the lines that a type checker refuses."""


@pytest.fixture(params=["mypy", "pyright"])
def refused(request: pytest.FixtureRequest) -> Callable[..., Lines]:
    """`refused(folder, "a.py", …)`: what the type checker, as strict as it can be, refuses of these programs."""
    if request.param == "mypy":
        return _refused_by_mypy
    npm: Path = request.getfixturevalue("npm")
    return lambda folder, *names: _refused_by_pyright(npm, folder, *names)


def _refused_by_mypy(folder: Path, *names: str) -> Lines:
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=cache", "--output=json", *names]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return _by_file((one["file"], one["line"]) for one in found if one["severity"] == "error")


def _refused_by_pyright(npm: Path, folder: Path, *names: str) -> Lines:
    settings = {"include": list(names), "typeCheckingMode": "strict"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    script = npm / "pyright" / "index.js"
    command = ["node", str(script), "--outputjson", "--pythonpath", sys.executable, "--project", str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = json.loads(done.stdout)["generalDiagnostics"]
    places = ((Path(one["file"]).name, one["range"]["start"]["line"] + 1) for one in found)
    return _by_file(place for place, one in zip(places, found, strict=True) if one["severity"] == "error")


def _by_file(places: object) -> Lines:
    lines: Lines = {}
    for name, line in places:  # type: ignore[attr-defined]
        lines.setdefault(name, set()).add(line)
    return lines


def many_services() -> Registry:
    """As many as SERVICES, with SETS distinct sets of versions."""
    point = Endpoint(url="http://x", address="x", port=1, source="mesh")
    served = Entry(url="http://x", endpoints=(point,), sources=("mesh",))
    return registry_of(
        {
            Key(f"service-{number}", f"v{version}"): served
            for number in range(SERVICES)
            for version in range(1, 8)
            if (number % SETS + 1) >> (version - 1) & 1
        }
    )


RIGHT = """\
from registry import auth, find, find_instances, find_one, instances, pick, url, urls

one: str = url("service-0", "v1")
several: tuple[str, ...] = urls("service-9999", "v4")
port: int = pick("service-4", "v1", key="a").port + instances("service-4", "v3")[0].weight
scheme: str | None = auth("service-1", "v2")
known_later = (find(one), find_instances(one, "v1"), find_one(one, None, "key"))
"""

WRONG = """\
from registry import auth, instances, pick, url, urls

url("servce-0", "v1")
url("service-0", "v2")
urls("service-1", "v1")
pick("service-0")
instances("service-10000", "v1")
auth("service-0", "v9")
"""


def test_a_registry_of_ten_thousand_services_is_checked_in_time(tmp_path: Path, refused: Callable[..., Lines]) -> None:
    registry = many_services()
    settings = OutputSettings(name="o", type="python", path=tmp_path / "registry.py", origin=FileOrigin("f"))
    for artifact in render(View(registry=registry, prefer=(), preferring=lambda _: registry), settings).artifacts:
        (tmp_path / artifact.path).write_bytes(b"".join(artifact.chunks))
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(WRONG)
    before = os.times()
    assert refused(tmp_path, "right.py") == {}
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    assert spent < SECONDS
    assert refused(tmp_path, "wrong.py") == {"wrong.py": {3, 4, 5, 6, 7, 8}}


TYPED = """\
from app.registry import AsyncDiscovery, Instance, SyncDiscovery
from blacksmith import AsyncClientFactory, SyncClientFactory
from blacksmith.domain.error import default_error_parser

sd, later = SyncDiscovery(), AsyncDiscovery()
clients = SyncClientFactory(sd, error_parser=default_error_parser)
async_clients = AsyncClientFactory(later, error_parser=default_error_parser)
endpoint: str = sd.get_endpoint("user", "v1")
server: Instance = sd.resolve("smtp")
place: tuple[str, int] = (server.address, server.port)
scheme: str | None = later.auth("user", "v1")
missing: tuple[str, ...] = sd.check()


async def ask() -> tuple[str, Instance]:
    return await later.get_endpoint("user", "v1"), await later.resolve("smtp", None)
"""

MISTYPED = """\
from app.registry import AsyncDiscovery, SyncDiscovery

sd = SyncDiscovery()
sd.get_endpoint(1)
sd.resolve("smtp").adress
sd.chek()
port: str = sd.resolve("smtp").port
url: str = AsyncDiscovery().get_endpoint("user", "v1")
"""


def test_the_discoveries_for_blacksmith_have_types(tmp_path: Path, refused: Callable[..., Lines]) -> None:
    copytree(SAMPLE / "app", tmp_path / "app")
    (tmp_path / "app" / "__init__.py").touch()
    (tmp_path / "typed.py").write_text(TYPED)
    (tmp_path / "mistyped.py").write_text(MISTYPED)
    assert refused(tmp_path, "typed.py") == {}
    assert refused(tmp_path, "mistyped.py")["mistyped.py"] == {4, 5, 6, 7, 8}
