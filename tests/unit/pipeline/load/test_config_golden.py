"""Each folder of tests/golden/config has a configuration and what is wrong with it, word for word."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from frostline.errors import USAGE, ErrorGroup, FrostlineError
from frostline.pipeline.load.config import load_config
from frostline.text import escape_control

CASES = Path(__file__).parents[3] / "golden" / "config"


def as_text(error: FrostlineError) -> str:
    return f"{error.origin}: error: {escape_control(error.message)}\n  help: {escape_control(str(error.help))}\n"


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir() if path.name != "complete"))
def test_each_error_has_its_place_and_a_way_out(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASES / case)
    with pytest.raises(ErrorGroup) as caught:
        load_config(Path("frostline.yaml"))
    said = "".join(as_text(error) for error in caught.value.errors)
    expected = CASES / case / "expected.txt"
    if "FROSTLINE_WRITE_GOLDEN" in os.environ:
        expected.write_text(said, encoding="utf-8")
    assert said == expected.read_text(encoding="utf-8")
    assert caught.value.status == USAGE
    assert all(error.help for error in caught.value.errors)
    assert "secret" not in said
    assert "hunter2" not in said
