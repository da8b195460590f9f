"""Which file is the configuration, and what is said where it cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from frostline.errors import ErrorGroup, UsageError
from frostline.pipeline.load.config import find_config, load_config

MINIMAL = "sources:\n  mesh: {type: consul}\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# Finding it


def test_the_nearest_configuration_above_is_found(tmp_path: Path) -> None:
    (tmp_path / "frostline.yaml").write_text(MINIMAL)
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert find_config(None, tmp_path / "a" / "b") == tmp_path / "frostline.yaml"
    (tmp_path / "a" / "frostline.yaml").write_text(MINIMAL)
    assert find_config(None, tmp_path / "a" / "b") == tmp_path / "a" / "frostline.yaml"


def test_a_folder_of_that_name_is_not_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "frostline.yaml").write_text(MINIMAL)
    (tmp_path / "a" / "frostline.yaml").mkdir(parents=True)
    assert find_config(None, tmp_path / "a") == tmp_path / "frostline.yaml"


@pytest.mark.parametrize("target", ["nowhere.yaml", "frostline.yaml"])
def test_a_broken_link_is_reported_and_not_skipped(target: str, tmp_path: Path) -> None:
    (tmp_path / "frostline.yaml").write_text(MINIMAL)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "frostline.yaml").symlink_to(target)
    assert find_config(None, tmp_path / "a") == tmp_path / "a" / "frostline.yaml"
    with pytest.raises(ErrorGroup, match="cannot be read"):
        load_config(tmp_path / "a" / "frostline.yaml")


def test_an_explicit_configuration_wins(tmp_path: Path) -> None:
    assert find_config(Path("other.yaml"), tmp_path) == Path("other.yaml")


def test_no_configuration_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_config(None, tmp_path)
    assert "`frostline init`" in str(caught.value.help)
    (tmp_path / "frostline.yml").touch()
    with pytest.raises(UsageError) as caught:
        find_config(None, tmp_path)
    assert "rename frostline.yml" in str(caught.value.help)


@pytest.mark.parametrize("path", ["missing.yaml", "folder", "a\0b", "x" * 5000, "file/below.yaml"])
def test_an_unreadable_configuration_is_reported_plainly(path: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ErrorGroup) as caught:
        load_config(Path(path))
    assert "cannot be read" in caught.value.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_configuration_without_permission_is_reported_plainly(tmp_path: Path) -> None:
    (tmp_path / "frostline.yaml").write_text(MINIMAL)
    (tmp_path / "frostline.yaml").chmod(0)
    with pytest.raises(ErrorGroup, match="Permission denied"):
        load_config(Path("frostline.yaml"))


def test_places_are_relative_below_the_current_folder_and_absolute_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    assert errors_of_path("a/frostline.yaml") == ["a/frostline.yaml:1:1"]
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "b")
    assert errors_of_path("../a/frostline.yaml") == [f"{tmp_path}/a/frostline.yaml:1:1"]


def errors_of_path(path: str) -> list[str]:
    Path(path).write_text("5")
    with pytest.raises(ErrorGroup) as caught:
        load_config(Path(path))
    return [str(error.origin) for error in caught.value.errors]
