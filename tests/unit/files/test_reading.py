"""Only regular files on a disk are read, up to a size limit, inside the folder that they were found in."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from frostline.files.reading import INSIDE, MOST_OF_LOCK, read_regular


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/dev/tty", "/dev/stdin"])
def test_a_device_is_not_read(path: str) -> None:
    with pytest.raises(OSError, match=r"not a regular file|No such"):
        read_regular(Path(path))


@pytest.mark.parametrize("path", ["/proc/self/environ", "/proc/version", "/proc/self/mem", "/sys/kernel/mm/ksm/run"])
@pytest.mark.parametrize("through_link", [False, True])
def test_files_of_the_kernel_are_not_read(path: str, through_link: bool, tmp_path: Path) -> None:
    if not Path(path).exists():
        pytest.skip(f"no {path} here")
    link = tmp_path / "t.j2"
    link.symlink_to(path)
    with pytest.raises(OSError, match="the state of the kernel"):
        read_regular(link if through_link else Path(path))


@pytest.mark.parametrize("through_link", [False, True])
def test_a_fifo_is_refused_at_once(through_link: bool, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    with pytest.raises(OSError, match="not a regular file"):
        read_regular(tmp_path / ("link" if through_link else "fifo"))


def test_a_socket_and_a_folder_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket has 107 bytes at most
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        with pytest.raises(OSError, match="not a regular file"):
            read_regular(Path("socket"))
    with pytest.raises(IsADirectoryError):
        read_regular(tmp_path)


@pytest.mark.parametrize("name", [".git", ".Git", "GIT~1"])
def test_what_git_keeps_is_not_read_unless_it_is_never_shown(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "config").write_text("token")
    (tmp_path / "link").symlink_to(f"{name}/config")
    for path in (tmp_path / name / "config", tmp_path / "link"):
        with pytest.raises(OSError, match="which may hold a token"):
            read_regular(path)
        assert read_regular(path, may_be_gits=True) == b"token"


def test_a_file_beyond_its_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    sparse = tmp_path / "sparse"
    with sparse.open("wb") as file:
        file.truncate(MOST_OF_LOCK * 64)
    with pytest.raises(OSError, match="it is larger than 2048 MiB"):
        read_regular(sparse, most=MOST_OF_LOCK)
    (tmp_path / "small").write_bytes(b"x" * (1 << 20))
    assert len(read_regular(tmp_path / "small", most=1 << 20)) == 1 << 20


def test_a_path_that_is_named_may_be_anywhere(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"x")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to("../elsewhere")
    assert read_regular(folder / "link") == b"x"


def test_a_file_found_in_a_folder_must_be_inside_it(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"x")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to("../elsewhere")
    (folder / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="leads out of its folder"):
        read_regular(folder / "link", inside=folder)
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        read_regular(folder / "loop", inside=folder)


@pytest.mark.parametrize("bounded", [False, True])
def test_a_loop_of_links_cannot_be_read_and_is_no_bug(
    bounded: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, target in (("a", "b"), ("b", "a")):
        (tmp_path / name).symlink_to(target)
    if bounded:
        monkeypatch.setenv(INSIDE, str(tmp_path))
    for path in (tmp_path / "a", tmp_path / "b" / "file"):
        with pytest.raises(OSError, match="Too many levels of symbolic links"):
            read_regular(path)


def test_the_links_of_a_mounted_config_map_are_followed(tmp_path: Path) -> None:
    version = tmp_path / "folder" / "..2026_01_01"
    version.mkdir(parents=True)
    (version / "a.lock").write_bytes(b"x")
    (tmp_path / "folder" / "..data").symlink_to("..2026_01_01")
    (tmp_path / "folder" / "a.lock").symlink_to("..data/a.lock")
    (tmp_path / "mounted").symlink_to("folder")
    assert read_regular(tmp_path / "folder" / "a.lock", inside=tmp_path / "folder") == b"x"
    assert read_regular(tmp_path / "mounted" / "a.lock", inside=tmp_path / "mounted") == b"x"


def test_nothing_outside_the_bounds_of_a_run_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("secret")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "own").write_text("own")
    for name, target in (("link", "../secret"), ("again", "own")):
        (inside / name).symlink_to(target)
    assert read_regular(inside / "link") == b"secret"
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "file").write_text("more")
    monkeypatch.setenv(INSIDE, f"{inside}\n{tmp_path / 'more'}")
    for path in (inside / "link", inside / ".." / "secret", tmp_path / "secret"):
        with pytest.raises(OSError, match="outside of the repository"):
            read_regular(path)
    assert read_regular(inside / "own") == read_regular(inside / "again") == b"own"
    assert read_regular(tmp_path / "more" / "file") == b"more"
