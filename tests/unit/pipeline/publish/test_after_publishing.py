"""The program that runs after publishing: whatever stands in its way is a reason that it failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from frostline.pipeline.publish.after_publishing import run_after
from frostline.settings import Config

Configure = Callable[..., Config]


def test_a_program_that_cannot_be_supervised_has_failed(configure: Configure) -> None:
    said = run_after(configure(sources={"p": {"type": "static", "services": {}}}), ("true", "x" * 200_000))
    assert said is not None
    assert said.startswith("`true` cannot be started: the process that supervises programs cannot be started: ")


def test_a_program_without_a_place_for_its_folder_has_failed(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "frostline.pipeline.publish.after_publishing.new_folder_path", lambda root: tmp_path / "missing" / "x"
    )
    said = run_after(configure(sources={"p": {"type": "static", "services": {}}}), ("true",))
    assert said == (
        f"`true` cannot be started: the private folder for a program, `{tmp_path}/missing/x`, cannot be made: "
        "No such file or directory"
    )
