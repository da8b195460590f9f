"""Which paths may be published, and which files must not be written."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from frostline.errors import PublishError
from frostline.files.targets import as_publish_error, file_state, key_of, may_write, open_root, path_fault


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("", "is empty"),
        ("/etc/passwd", "is absolute"),
        ("..", "leaves the root folder"),
        ("a/../../b", "leaves the root folder"),
        (".", "is not in its shortest form"),
        ("a/./b", "is not in its shortest form"),
        ("a//b", "is not in its shortest form"),
        ("a/", "is not in its shortest form"),
        ("a\0b", "has a NUL in it"),
        (".git/hooks/pre-commit", "is inside a .git folder"),
        ("sub/.GIT/config", "is inside a .git folder"),
        ("frostline.manifest", "is a name that frostline reserves"),
        ("a/.frostline.journal", "is a name that frostline reserves"),
    ],
)
def test_a_path_that_cannot_be_published_has_a_fault(path: str, fault: str) -> None:
    assert path_fault(path) == fault


@pytest.mark.parametrize("path", ["a", "a b/c%d", "..a/...", "C:\\x", "é/\U0001f600", "~", "-rf"])
def test_an_unusual_path_that_stays_below_the_root_has_no_fault(path: str) -> None:
    assert path_fault(path) is None


def test_only_files_that_the_configuration_places_outside_the_root_may_be_written_there(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with open_root(tmp_path / "root", outside=[tmp_path / "locks"]) as root:
        assert [
            key
            for key in ("a/b", "../locks", "../locks/x", "../locks/..", "../other", "../locks/x/y")
            if may_write(root, key)
        ] == ["a/b", "../locks", "../locks/x"]


def test_a_file_written_below_a_link_to_the_root_has_a_key_in_the_root(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with open_root(tmp_path / "link") as root:
        assert key_of(root, tmp_path / "link" / "a" / "b") == key_of(root, tmp_path / "real" / "a" / "b") == "a/b"
        assert key_of(root, tmp_path / "other") == "../other"


def test_an_error_below_the_root_has_the_path_of_its_file_as_users_see_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out" / "sub").mkdir(parents=True)
    (tmp_path / "out" / "link").symlink_to("sub")
    monkeypatch.chdir(tmp_path)
    for key, place in (("sub", "out/sub"), ("link/a", "out/link")):
        with pytest.raises(PublishError) as caught, open_root(Path("out")) as root:
            file_state(root, key)
        assert str(caught.value.origin) == f"{place}:1:1"


def test_the_help_says_to_create_the_root_only_if_it_is_missing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, way in (("none", "create the folder, or set `root` to an existing one"), ("file", "rerun")):
        with pytest.raises(PublishError) as caught, open_root(tmp_path / name):
            pass
        assert (caught.value.help or "").endswith(way)


def test_an_error_names_the_action_the_file_and_a_help_line() -> None:
    with pytest.raises(PublishError) as caught, as_publish_error("a/b", "written"):
        raise OSError(errno.ENOSPC, "full")
    assert caught.value.message == "`a/b` cannot be written: No space left on device"
    assert caught.value.help == "free some space, then rerun"


_BOUND = """
import subprocess, sys
from pathlib import Path
from frostline.errors import PublishError
from frostline.files.targets import file_state, open_root
root = Path(sys.argv[1])
subprocess.run(["mount", "--bind", root / "other", root / "f"], check=True)
with open_root(root) as top:
    try:
        file_state(top, "f")
    except PublishError as error:
        print(error.message)
"""


def test_a_mounted_file_is_an_error_even_on_the_same_file_system(tmp_path: Path) -> None:
    for name in ("f", "other"):
        (tmp_path / name).write_bytes(b"x")
    command = ["unshare", "-Urm", sys.executable, "-c", _BOUND, str(tmp_path)]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs unshare (util-linux)")
    if "unshare failed" in ran.stderr or "CalledProcessError" in ran.stderr:
        pytest.skip("needs the right to mount in a user namespace")
    assert ran.stdout == "`f` is a mounted file\n", ran.stderr
    with open_root(tmp_path) as top:
        assert file_state(top, "f") is not None
