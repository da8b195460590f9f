"""What tests of the pipeline share: live sources without a server, configurations, snapshots and compilations."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from frostline.model import Instance, Lock, Registration, SegmentAnswer, Snapshot
from frostline.pipeline.compile.compiling import Compilation, CompileOptions, compile_registry
from frostline.pipeline.freeze.live import settings_digests
from frostline.pipeline.freeze.locks import pair_locks
from frostline.pipeline.load.config import load_config
from frostline.settings import Config
from frostline.sources.base import ReadResult
from frostline.sources.consul import source as consul

MESH = {"type": "consul", "address": "http://127.0.0.1:9", "partial": True}
YAML = {"type": "yaml", "path": "services.yaml"}
PARTNERS = {"type": "static", "services": {"billing": "https://billing.example"}}


class Answers:
    """Live source -> what it answers, or the error that it raises."""

    def __init__(self) -> None:
        self.of: dict[str, ReadResult | Exception] = {}

    def give(self, source: str, *names: str, **more: Any) -> None:
        """The source answers with an instance of each of these services in dc1."""
        registrations = tuple(
            Registration(service=name, node="n", id=name, address="10.0.0.1", port=80) for name in names
        )
        segment = SegmentAnswer(source=source, datacenter="dc1", namespace="default", registrations=registrations)
        self.of[source] = ReadResult(answers=(segment,), **more)

    def read(self, settings: Any, **_: Any) -> ReadResult:
        """As a live source's module has it."""
        answer = self.of[settings.name]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """mesh has the services a and b, west has c."""
    found = Answers()
    found.give("mesh", "a", "b")
    found.give("west", "c")
    monkeypatch.setattr(consul, "read", found.read)
    return found


@pytest.fixture
def live_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A configuration in the current folder: live sources `mesh` and `west`, and the local source `partners`."""
    monkeypatch.chdir(tmp_path)
    sources = {"mesh": MESH, "west": MESH, "partners": PARTNERS}
    value = {"version": 1, "sources": sources, "outputs": [{"type": "yaml", "path": "services.yaml"}]}
    (tmp_path / "frostline.yaml").write_text(json.dumps(value))
    return load_config(tmp_path / "frostline.yaml")


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Config]:
    """`configure(sources={…}, …)`: the configuration with these keys, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def config(**keys: Any) -> Config:
        (tmp_path / "frostline.yaml").write_text(json.dumps({"version": 1, "outputs": [YAML], **keys}))
        return load_config(tmp_path / "frostline.yaml")

    return config


@pytest.fixture
def snapshot() -> Callable[..., Snapshot]:
    """`snapshot(config, *names)`: a segment with one instance of each name, as these settings would freeze it."""

    def make(config: Config, *names: str, datacenter: str = "dc1", source: str = "mesh", port: int = 80) -> Snapshot:
        instances = tuple(
            Instance(service=name, node="n", id=name, address="10.0.0.1", port=port) for name in sorted(names)
        )
        return Snapshot(
            source=source,
            datacenter=datacenter,
            namespace="default",
            settings=settings_digests(config)[source],
            instances=instances,
        )

    return make


@pytest.fixture
def compiled() -> Callable[..., Compilation]:
    """`compiled(config, lock, committed, **options)`: the compilation on 1 January 2026."""

    def run(config: Config, lock: Lock | None = None, committed: Lock | None = None, **options: Any) -> Compilation:
        locks = pair_locks(config, lock or Lock(), committed)
        return compile_registry(config, locks, CompileOptions(today=date(2026, 1, 1), **options))

    return run


@pytest.fixture
def listener() -> Iterator[int]:
    """A port of 127.0.0.1 where a server listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    """A port of 127.0.0.1 where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
