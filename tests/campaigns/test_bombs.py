"""Random job files that cost much: each is read, or refused at a place; the steps of the budget are never exceeded."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from bombs import bomb

from frostline.errors import ErrorGroup, FrostlineError
from frostline.hcl import scope
from frostline.model import FileOrigin
from frostline.sources.jobspec import reading, source
from frostline.sources.jobspec.settings import JobspecSettings

ROUNDS = 200
SAMPLE = 12
PLACE = FileOrigin("frostline.yaml", 4, 5)


class Counted(scope.Budget):
    """The budget of the source that was read last."""

    last: Counted

    def __init__(self) -> None:
        super().__init__()
        Counted.last = self


@pytest.mark.parametrize("seed", range(4))
def test_a_bomb_is_read_or_refused_at_its_place(
    seed: int, full: bool, figures: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "Budget", Counted)
    monkeypatch.chdir(tmp_path)
    settings = JobspecSettings(
        name="jobs", origin=PLACE, folder=tmp_path, root=tmp_path, files_origin=PLACE, files=("*.hcl",)
    )
    for number in range(seed, ROUNDS if full else SAMPLE, 4):
        (tmp_path / "a.hcl").write_text(bomb(Random(number)), encoding="utf-8")
        try:
            source.declare(settings)
            outcome = "read"
        except FrostlineError as error:
            first = error.errors[0] if isinstance(error, ErrorGroup) else error
            assert (number, error.status) == (number, 3)
            assert str(first.origin).startswith("a.hcl:"), number
            outcome = "out_of_steps" if "steps" in first.message else "refused"
        assert Counted.last.most <= scope.MOST_STEPS + scope.STEPS_OF_A_FILE
        assert outcome == "out_of_steps" or Counted.last.left >= 0
        figures("bombs", **{outcome: 1})
