"""Live sources without a server, for what the pipeline does with their answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from frostline.model import Registration, SegmentAnswer
from frostline.pipeline.load import load_config
from frostline.settings import Config
from frostline.sources.base import ReadResult
from frostline.sources.consul import source as consul

MESH = {"type": "consul", "address": "http://127.0.0.1:9", "partial": True}
PARTNERS = {"type": "static", "services": {"billing": "https://billing.example"}}


class Answers:
    """What each live source answers, or the error that it raises, by its name."""

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
    """A configuration with two live sources, mesh and west, and a local one, partners; in the current folder."""
    monkeypatch.chdir(tmp_path)
    sources = {"mesh": MESH, "west": MESH, "partners": PARTNERS}
    value = {"version": 1, "sources": sources, "outputs": [{"type": "yaml", "path": "services.yaml"}]}
    (tmp_path / "frostline.yaml").write_text(json.dumps(value))
    return load_config(tmp_path / "frostline.yaml")
