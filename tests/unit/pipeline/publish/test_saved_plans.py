from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from frostline.errors import RefusedError, UsageError
from frostline.pipeline.compile.compiling import Compilation, CompileOptions
from frostline.pipeline.publish import saved_plans
from frostline.plan.saved import SavedFile, read_saved
from frostline.settings import Allow, Config

OPTIONS = CompileOptions(only=("services.yaml",), allow=Allow(edited=("*",)), today=date(2026, 1, 1))
SOURCES = {"partners": {"type": "static", "services": {"billing": "https://billing.example"}}}


@pytest.fixture
def config(configure: Callable[..., Config]) -> Config:
    return configure(sources=SOURCES)


@pytest.fixture
def compilation(config: Config, compiled: Callable[..., Compilation]) -> Compilation:
    return compiled(config)


MADE = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def saved(config: Config, compilation: Compilation, tmp_path: Path) -> SavedFile:
    path = tmp_path / "plan.json"
    path.write_bytes(saved_plans.save(compilation, saved_plans.basis_of(config, OPTIONS), MADE)[0])
    return read_saved(path)


def test_a_plan_holds_its_options(saved: SavedFile) -> None:
    assert saved_plans.options_of(saved.saved.basis) == OPTIONS


def test_an_impossible_day_is_refused(saved: SavedFile) -> None:
    with pytest.raises(UsageError, match="invalid date: 2026-02-30"):
        saved_plans.options_of(replace(saved.saved.basis, today="2026-02-30"))


def test_a_plan_is_refused_once_its_configuration_changed(config: Config, saved: SavedFile) -> None:
    saved_plans.check_basis(config, saved.saved, "plan.json")
    config.path.write_text(config.path.read_text() + " ")
    with pytest.raises(RefusedError, match="`frostline.yaml` changed; nothing was published"):
        saved_plans.check_basis(config, saved.saved, "plan.json")


def test_a_plan_is_refused_if_a_file_would_become_another(saved: SavedFile, compilation: Compilation) -> None:
    saved_plans.check_files(saved, compilation, "plan.json")
    other: Any = tuple(replace(change, sha256="0" * 64) for change in compilation.files)
    with pytest.raises(RefusedError, match=r"`services\.yaml` would not become what the plan says"):
        saved_plans.check_files(saved, replace(compilation, files=other), "plan.json")


def test_a_plan_that_shows_something_other_than_it_publishes_is_refused(
    saved: SavedFile, compilation: Compilation
) -> None:
    other = replace(compilation, plan=replace(compilation.plan, services=()))
    with pytest.raises(RefusedError, match="what the plan shows is not what it would publish"):
        saved_plans.check_files(saved, other, "plan.json")


def test_a_plan_is_refused_if_another_digest_is_expected(saved: SavedFile) -> None:
    saved_plans.check_expected(saved, saved.digest, "plan.json")
    with pytest.raises(RefusedError, match="this is another plan"):
        saved_plans.check_expected(saved, f"sha256:{'0' * 64}", "plan.json")


def test_no_plan_is_saved_if_an_input_changed_while_it_was_made(config: Config) -> None:
    basis = saved_plans.basis_of(config, OPTIONS)
    saved_plans.check_steady(config, basis, OPTIONS)
    config.manifest.write_text("x")
    with pytest.raises(RefusedError, match="while the plan was made, the manifest changed; no plan was saved"):
        saved_plans.check_steady(config, basis, OPTIONS)


def test_a_plan_says_how_old_it_is_and_is_refused_when_it_is_older_than_allowed(saved: SavedFile) -> None:
    then = MADE + timedelta(hours=30)
    assert saved_plans.age_of(saved.saved, then)[1] == "The plan was made 30 hours ago (2026-01-01T12:00:00Z)"
    saved_plans.check_age(saved.saved, 30 * 3600, then, "plan.json")
    with pytest.raises(RefusedError, match="made 30 hours ago .*: --max-age allows 24 hours"):
        saved_plans.check_age(saved.saved, 24 * 3600, then, "plan.json")


def test_a_new_plan_for_a_day_long_ago_is_as_old_as_that_day(saved: SavedFile) -> None:
    made = MADE + timedelta(days=100)
    late = replace(saved.saved, made=made.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert "waivers and overrides count as of 2026-01-01, 99 days ago" in saved_plans.age_of(late, made)[1]
    with pytest.raises(RefusedError, match="99 days ago"):
        saved_plans.check_age(late, 24 * 3600, made, "plan.json")


@pytest.mark.parametrize("made", ["2026-02-30T00:00:00Z", "2026-01-02T12:00:00Z"])
def test_a_plan_with_an_impossible_time_is_refused(saved: SavedFile, made: str) -> None:
    with pytest.raises(UsageError, match=r"invalid time|in the future"):
        saved_plans.age_of(replace(saved.saved, made=made), MADE)
