from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from frostline.errors import RefusedError, UsageError
from frostline.pipeline import saved_plans
from frostline.pipeline.compile import Compilation, CompileOptions
from frostline.plan.saved import Saved, read_saved
from frostline.settings import Allow, Config

OPTIONS = CompileOptions(only=("services.yaml",), allow=Allow(edited=("*",)), today=date(2026, 1, 1))
SOURCES = {"partners": {"type": "static", "services": {"billing": "https://billing.example"}}}


@pytest.fixture
def config(configure: Callable[..., Config]) -> Config:
    return configure(sources=SOURCES)


@pytest.fixture
def compilation(config: Config, compiled: Callable[..., Compilation]) -> Compilation:
    return compiled(config)


@pytest.fixture
def saved(config: Config, compilation: Compilation, tmp_path: Path) -> Saved:
    path = tmp_path / "plan.json"
    path.write_bytes(b"".join(saved_plans.chunks(config, compilation, OPTIONS)))
    return read_saved(path)


def test_a_plan_holds_the_options_that_it_was_made_with(saved: Saved) -> None:
    assert saved_plans.options_of(saved.basis) == OPTIONS


def test_a_day_that_no_calendar_has_is_refused(saved: Saved) -> None:
    with pytest.raises(UsageError, match="invalid date: 2026-02-30"):
        saved_plans.options_of(replace(saved.basis, today="2026-02-30"))


def test_a_plan_is_refused_once_its_configuration_changed(config: Config, saved: Saved) -> None:
    saved_plans.check_basis(config, saved, "plan.json")
    config.path.write_text(config.path.read_text() + " ")
    with pytest.raises(RefusedError, match="`frostline.yaml` changed; nothing was published"):
        saved_plans.check_basis(config, saved, "plan.json")


def test_a_plan_is_refused_if_a_file_would_become_another(saved: Saved, compilation: Compilation) -> None:
    saved_plans.check_files(saved, compilation, "plan.json")
    other: Any = tuple(replace(change, sha256="0" * 64) for change in compilation.files)
    with pytest.raises(RefusedError, match=r"`services\.yaml` would not become what the plan says"):
        saved_plans.check_files(saved, replace(compilation, files=other), "plan.json")
