"""Job files in JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from frostline.errors import FrostlineError, SourceError
from frostline.model import Bind, Declaration, FileOrigin, Upstream
from frostline.settings import JobspecSettings
from frostline.sources.jobspec import source as jobspec

RECORDED = Path(__file__).parents[3] / "data" / "nomad" / "jobs"
PLACE = FileOrigin("frostline.yaml", 4, 5)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(folder: Path, **more: Any) -> JobspecSettings:
    more.setdefault("files", ("*.nomad.hcl",))
    return JobspecSettings(name="jobs", origin=PLACE, folder=folder, root=folder, files_origin=PLACE, **more)


def declared(folder: Path, text: str = "", **more: Any) -> Declaration:
    if text:
        (folder / "a.nomad.hcl").write_text(text, encoding="utf-8")
    return jobspec.declare(settings(folder, **more))


def refusal(folder: Path, text: str = "", **more: Any) -> FrostlineError:
    with pytest.raises(FrostlineError) as caught:
        declared(folder, text, **more)
    return caught.value


def place(error: FrostlineError) -> str:
    return str(error.origin)


def test_a_json_job_file_declares_the_same_things() -> None:
    found = jobspec.declare(settings(RECORDED, files=("shop.json",)))
    assert [(one.service, one.tags) for one in found.services] == [("shop-json", ("v1",))]
    upstream = Upstream(
        namespace="default",
        job="shop-json",
        group="web",
        destination="basket-v2",
        bind=Bind(address="127.0.0.1", port=9101),
    )
    assert [one for one, _ in found.upstreams] == [upstream]
    assert found.upstreams[0][1].line == 3


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("{", "1:2"),
        ("[]", "1:1"),
        ("{}", "1:1"),
        ('{"Job": {"ID": 1}}', "1:16"),
        ('{"ID": "a", "TaskGroups": {}}', "1:27"),
        ('{"ID": "a", "TaskGroups": [{"Name": "g", "Services": [{"Tags": [1]}]}]}', "1:65"),
        ('{"ID": "a", "TaskGroups": [{"Services": []}]}', "1:28"),
        ('{"ID": "a",\n "Name": NaN}', "1:1"),
        ('{"ID": "a", "TaskGroups": [{"Name": "g", "Networks": [{"ReservedPorts": [{"Value": 65536}]}]}]}', "1:84"),
        ('{"ID": "a", "TaskGroups": [{"Name": "g", "Services": [{"Weights": {"Passing": -1}}]}]}', "1:79"),
        ('{"ID": "\\ud800"}', "1:8"),
        ("[" * 100_000, "1:1"),
    ],
)
def test_a_json_file_that_is_no_job_is_refused_with_its_place(folder: Path, text: str, at: str) -> None:
    (folder / "a.json").write_text(text)
    error = refusal(folder, files=("*.json",))
    assert isinstance(error, SourceError)
    assert place(error) == f"a.json:{at}"
