"""Folders that git would take for a repository: refused before git is started, whatever its version."""

from __future__ import annotations

from pathlib import Path

import pytest

from frostline.errors import UsageError
from frostline.files.repositories import refuse_bare_repository


def made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
    return folder


@pytest.mark.parametrize("parts", [("HEAD", "objects", "refs"), ("HEAD", "commondir")])
def test_a_folder_on_the_way_up_that_looks_like_a_bare_repository_is_refused(
    tmp_path: Path, parts: tuple[str, ...]
) -> None:
    made(tmp_path, ".git", *(f"deploy/{part}" for part in parts), "deploy/locks")
    refuse_bare_repository(tmp_path)
    for folder in ("deploy", "deploy/locks"):
        with pytest.raises(UsageError, match="deploy` looks like a bare git repository"):
            refuse_bare_repository(tmp_path / folder)


def test_a_link_does_not_hide_it(tmp_path: Path) -> None:
    made(tmp_path, ".git", "real/HEAD", "real/objects", "real/refs")
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(UsageError, match="real` looks like a bare git repository"):
        refuse_bare_repository(tmp_path / "link")


def test_the_repository_itself_and_folders_that_only_have_such_names_are_not(tmp_path: Path) -> None:
    made(tmp_path, ".git", "HEAD", "objects", "refs", "docs/HEAD", "docs/refs", "data/objects", "data/refs")
    for folder in (".", "docs", "data"):
        refuse_bare_repository(tmp_path / folder)
