"""Outputs and their paths are compared in proportion to their number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from frostline.errors import FrostlineError
from frostline.outputs import configuring
from frostline.pipeline.load.config import load_config


def test_the_paths_of_many_outputs_are_compared_with_few_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = 0
    meets = configuring._conflict

    def counted(one: Path, other: Path) -> bool:
        nonlocal compared
        compared += 1
        return meets(one, other)

    monkeypatch.setattr(configuring, "_conflict", counted)
    services = {"type": "static", "services": {"a": "http://a"}}
    outputs = [{"type": "yaml", "path": f"o/{number}/all.yaml"} for number in range(100)]
    config = {"version": 1, "sources": {"partners": services}, "outputs": outputs}
    (tmp_path / "frostline.yaml").write_text(json.dumps(config))
    assert len(load_config(tmp_path / "frostline.yaml").outputs) == 100
    assert compared <= 100


def test_the_path_of_a_file_does_not_end_like_a_folder(tmp_path: Path) -> None:
    services = {"type": "static", "services": {"a": "http://a"}}
    outputs = [
        {"type": "yaml", "path": "file/"},
        {"type": "yaml", "path": "split/", "split": "service"},
        {"type": "hiera", "path": "data/"},
    ]
    config = {"sources": {"partners": services}, "outputs": outputs}
    (tmp_path / "frostline.yaml").write_text(json.dumps(config))
    with pytest.raises(FrostlineError) as raised:
        load_config(tmp_path / "frostline.yaml")
    assert str(raised.value) == "`file/` names a folder, but this output writes a file"
