from __future__ import annotations

from pathlib import Path

import pytest

from frostline.files.finding import MOST_RECURSIONS, TooManyRecursionsError, find
from frostline.files.reading import INSIDE


def test_a_glob_finds_paths_from_a_folder_or_from_the_root_sorted_and_once(tmp_path: Path) -> None:
    for name in ("b/c/1.lock", "b/2.lock", "a/3.lock"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [tmp_path / "a/3.lock", tmp_path / "b/2.lock", tmp_path / "b/c/1.lock"]
    for glob in ("**/*.lock", "**/**/*.lock"):
        assert find(glob, tmp_path) == find(f"{tmp_path}/{glob}", Path("/nowhere")) == found


def test_a_glob_whose_search_would_not_end_is_refused_before_it_begins(tmp_path: Path) -> None:
    (tmp_path / "/".join("d" * 60)).mkdir(parents=True)
    assert find("**/d/" * MOST_RECURSIONS + "x", tmp_path / "d/d/d/d") == []
    for number in (MOST_RECURSIONS + 1, 12):
        with pytest.raises(TooManyRecursionsError, match=rf"it has {number} `\*\*`, at most 3 are searched"):
            find("**/d/" * number + "x", tmp_path / "d/d/d/d")


def test_what_may_not_be_read_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("repository/.git/refs/heads/1.lock", "repository/2.lock", "3.lock"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    repository = tmp_path / "repository"
    (repository / "link").symlink_to(tmp_path)
    assert find("**/*.lock", repository) == [repository / "2.lock"]
    assert find("../*.lock", repository) == [repository / "../3.lock"]
    monkeypatch.setenv(INSIDE, str(repository))
    for glob in ("../*.lock", f"{tmp_path}/*.lock", "*/3.lock", "link/*.lock", "/etc/*"):
        assert find(glob, repository) == []
    assert find("*.lock", repository) == [repository / "2.lock"]


@pytest.mark.parametrize("glob", [".", "./", "./."])
def test_a_dot_matches_the_folder_itself(glob: str, tmp_path: Path) -> None:
    assert find(glob, tmp_path) == [tmp_path]
    assert find("/", tmp_path) == [Path("/")]
    with pytest.raises(ValueError, match="pattern"):
        find("", tmp_path)


def test_a_loop_of_links_in_an_untrusted_folder_is_found_like_any_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loop.lock").symlink_to("loop.lock")
    (tmp_path / "1.lock").touch()
    monkeypatch.setenv(INSIDE, str(tmp_path))
    assert find("*.lock", tmp_path) == [tmp_path / "1.lock", tmp_path / "loop.lock"]
