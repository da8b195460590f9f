from __future__ import annotations

from pathlib import Path

import pytest

from frostline.config import paths

TOO_LONG = Path("x" * 5000)


@pytest.mark.parametrize(
    ("written", "path"), [("a/../b", "/srv/b"), ("/x//y", "/x/y"), ("../c", "/c"), ("//d", "/d"), (".", "/srv")]
)
def test_a_path_is_resolved_in_its_folder_and_dots_are_removed(written: str, path: str) -> None:
    assert str(paths.resolved(Path("/srv"), written)) == path


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    assert paths.resolved(tmp_path, "link/../a") == tmp_path / "a"


def test_files_and_folders_are_recognized_and_unreadable_paths_are_neither(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    looks = (paths.is_file, paths.is_folder, paths.is_other)
    assert [look(tmp_path / "file") for look in looks] == [True, False, True]
    assert [look(tmp_path) for look in looks] == [False, True, False]
    assert [look(TOO_LONG) for look in looks] == [False, False, False]
