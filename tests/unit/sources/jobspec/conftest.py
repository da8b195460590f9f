"""Folders of job files, and what the source reads from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from frostline.errors import FrostlineError
from frostline.model import Declaration, FileOrigin
from frostline.sources.jobspec import source
from frostline.sources.jobspec.settings import JobspecSettings

RECORDED = Path(__file__).parents[3] / "data" / "nomad" / "jobs"
PLACE = FileOrigin("frostline.yaml", 4, 5)

JOB = """
job "shop" {{
  {job}
  group "web" {{
    {group}
    service {{
      {service}
    }}
  }}
}}
"""


class JobFolder:
    """A folder of job files, read by a source of type jobspec. more: further settings of the source."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def settings(self, **more: Any) -> JobspecSettings:
        more.setdefault("files", ("*.nomad.hcl",))
        return JobspecSettings(name="jobs", origin=PLACE, folder=self.path, root=self.path, files_origin=PLACE, **more)

    def declared(self, text: str = "", **more: Any) -> Declaration:
        """Read the files, with this text in a.nomad.hcl."""
        if text:
            (self.path / "a.nomad.hcl").write_text(text, encoding="utf-8")
        return source.declare(self.settings(**more))

    def job(self, *, job: str = "", group: str = "", service: str = "", **more: Any) -> Declaration:
        """Read a job that has these lines in its blocks."""
        return self.declared(JOB.format(job=job, group=group, service=service), **more)

    def refusal(self, text: str = "", **more: Any) -> FrostlineError:
        with pytest.raises(FrostlineError) as caught:
            self.declared(text, **more)
        return caught.value


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobFolder:
    monkeypatch.chdir(tmp_path)
    return JobFolder(tmp_path)


@pytest.fixture
def recorded() -> JobFolder:
    """List the job files whose jobs were recorded from a real Nomad."""
    return JobFolder(RECORDED)
