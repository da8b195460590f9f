from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from frostline.errors import SourceError, UsageError
from frostline.pipeline.publish.lock_update import update_lock
from frostline.settings import Allow, Config

TODAY = date(2026, 1, 1)


def names_in(path: Path) -> list[str]:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return sorted(line["service"] for line in lines if "service" in line)


def test_the_lock_holds_what_the_sources_answer(live_config: Config, answers: Any) -> None:
    update = update_lock(live_config, Allow(), TODAY)
    assert (update.changed, update.refused, len(update.snapshots)) == (True, False, 2)
    assert names_in(live_config.lock) == ["a", "b", "c"]
    assert not (live_config.root / "services.yaml").exists()
    assert not update_lock(live_config, Allow(), TODAY).changed


def test_sources_that_are_not_read_keep_their_segments(live_config: Config, answers: Any) -> None:
    update_lock(live_config, Allow(), TODAY)
    answers.give("mesh", "a", "d")
    answers.of["west"] = SourceError("down")
    update_lock(live_config, Allow(), TODAY, sources=["mesh"])
    assert names_in(live_config.lock) == ["a", "c", "d"]


def test_another_file_gets_only_what_was_read(live_config: Config, answers: Any, tmp_path: Path) -> None:
    update_lock(live_config, Allow(), TODAY)
    before = live_config.lock.read_bytes()
    answers.give("mesh", "a", "d")
    update = update_lock(live_config, Allow(), TODAY, sources=["mesh"], out=tmp_path / "mesh.lock")
    assert (update.changed, len(update.snapshots)) == (True, 1)
    assert names_in(tmp_path / "mesh.lock") == ["a", "d"]
    assert live_config.lock.read_bytes() == before


@pytest.mark.parametrize("out", [None, "mesh.lock"])
def test_a_lock_that_the_guards_refuse_is_not_written(
    live_config: Config, answers: Any, tmp_path: Path, out: str | None
) -> None:
    update_lock(live_config, Allow(), TODAY)
    before = live_config.lock.read_bytes()
    answers.give("mesh")
    path = tmp_path / out if out else None
    assert update_lock(live_config, Allow(), TODAY, out=path).refused
    assert live_config.lock.read_bytes() == before
    assert path is None or not path.exists()
    assert not update_lock(live_config, Allow(empty=("*",)), TODAY, out=path).refused
    assert (live_config.lock.read_bytes() == before) is (path is not None)


def test_an_unknown_source_is_refused_with_the_closest(live_config: Config, answers: Any) -> None:
    with pytest.raises(UsageError) as caught:
        update_lock(live_config, Allow(), TODAY, sources=["mesk"])
    assert (caught.value.message, caught.value.help) == ("there is no live source `mesk`", "did you mean `mesh`?")
    with pytest.raises(UsageError):
        update_lock(live_config, Allow(), TODAY, sources=["partners"])
