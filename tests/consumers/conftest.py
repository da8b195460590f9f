"""What the tests of who reads the outputs share: servers to route to, an odd catalog, and the programs themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from catalog import freeze_catalog, odd_instances
from loopback import LoopbackServer
from processes import Server, start_on_free_ports
from programs import missing, path_of
from project import Project, Run

from frostline.model import Instance

ROOT = Path(__file__).parents[2]
READERS = ROOT / "build" / "consumers" / "bin" / "python"
NPM = ROOT / "build" / "npm" / "node_modules"

Compiled = Callable[..., Project]


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[LoopbackServer, ...]]:
    """Six on 127.0.0.1, then one on ::1."""
    started = tuple(start_on_free_ports(lambda at=at: LoopbackServer(at)) for at in (*["127.0.0.1"] * 6, "::1"))  # type: ignore[misc]
    yield started
    for server in started:
        server.stop()


@pytest.fixture
def project(tmp_path: Path, run_here: Callable[..., Run]) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder, run_here)


@pytest.fixture
def compiled(project: Project, servers: tuple[LoopbackServer, ...]) -> Compiled:
    """`compiled({"type": "template", …}, instances=None, **config)`: the project after `compile --offline`, exit 0.

    It freezes these instances; by default all of `odd_instances`. config: more keys of frostline.yaml.
    """

    def freeze_and_compile(
        *outputs: Mapping[str, Any], instances: tuple[Instance, ...] | None = None, **config: Any
    ) -> Project:
        freeze_catalog(project.folder, outputs, odd_instances(servers) if instances is None else instances, **config)
        project.done("compile", "--offline")
        return project

    return freeze_and_compile


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """`program("haproxy")`: the path of a program that tests/servers/install.sh knows."""
    return path_of


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """`started(command, ready, cwd=…)`: a process that ends with the test, as soon as `ready()` (OSError: not yet)."""
    running: list[Server] = []

    def start(command: list[str], ready: Callable[[], bool], cwd: Path = tmp_path) -> Server:
        server = Server(command, tmp_path / f"{Path(command[0]).name}-{len(running)}.log", cwd)
        running.append(server)
        server.wait_until(ready, Path(command[0]).name)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="session")
def readers() -> str:
    """The Python that has the packages of requirements/consumers.txt."""
    if not READERS.exists():
        missing("readers")
    return str(READERS)


@pytest.fixture(scope="session")
def npm() -> Path:
    """The folder of the packages of requirements/npm."""
    if not NPM.exists():
        missing("npm packages")
    return NPM
