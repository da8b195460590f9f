"""One run at a time, on every file system, and nothing of the lock stays behind."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frostline.errors import PublishError
from frostline.publish.run_lock import FILE, OWNER, run_lock

OTHER = """
import errno, fcntl, sys
from pathlib import Path
from frostline.publish.run_lock import run_lock
def refuse(*arguments):
    raise OSError(errno.ENOLCK, "no")
for name in sys.argv[2:]:
    setattr(fcntl, name, refuse)
with run_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""
WAYS = [(), ("flock",), ("flock", "lockf")]


def failing(number: int) -> Callable[..., None]:
    def fail(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.fixture(params=WAYS, ids=lambda names: " ".join(names) or "all")
def unsupported(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The calls that the file system does not support."""
    for name in request.param:
        monkeypatch.setattr(fcntl, name, failing(errno.ENOLCK))
    names: tuple[str, ...] = request.param
    return names


def start(root: Path, unsupported: tuple[str, ...]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OTHER, str(root), *unsupported],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


def test_another_process_is_refused_until_the_run_ends_and_nothing_is_left(
    tmp_path: Path, unsupported: tuple[str, ...]
) -> None:
    with start(tmp_path, unsupported) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        before = names(tmp_path)
        with pytest.raises(PublishError, match="another run is at work") as caught, run_lock(tmp_path):
            pass
        assert (OWNER in (caught.value.help or "")) == ("lockf" in unsupported)
        named = f"if it hangs, end process {other.pid}"
        assert (named in (caught.value.help or "")) == (not unsupported and Path("/proc/locks").exists())
        assert names(tmp_path) == before
        other.communicate("")
    assert names(tmp_path) == []
    with run_lock(tmp_path):
        pass
    assert names(tmp_path) == []


def test_a_lock_that_a_killed_run_left_stops_no_other_run(tmp_path: Path, unsupported: tuple[str, ...]) -> None:
    with start(tmp_path, unsupported) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        other.kill()
    assert names(tmp_path) == ([FILE, OWNER][: len(unsupported)])
    with run_lock(tmp_path):
        pass
    assert names(tmp_path) == []


@pytest.mark.parametrize("number", [errno.EBADF, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK])
def test_a_folder_that_cannot_be_locked_has_a_lock_file_during_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(number))
    with run_lock(tmp_path):
        assert names(tmp_path) == [FILE]
    assert names(tmp_path) == []


def test_other_errors_of_locking_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(errno.EIO))
    with pytest.raises(PublishError, match="cannot be locked: Input/output error"), run_lock(tmp_path):
        pass


@pytest.mark.parametrize("content", ["", "x", f"1 {os.uname().nodename}", "999999999 elsewhere", "a b c", "-1 x"])
def test_the_lock_of_a_process_that_may_be_at_work_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    for name in ("flock", "lockf"):
        monkeypatch.setattr(fcntl, name, failing(errno.EOPNOTSUPP))
    (tmp_path / OWNER).write_text(content)
    with pytest.raises(PublishError, match="another run is at work") as caught, run_lock(tmp_path):
        pass
    assert f"if no run is at work, remove `{tmp_path / OWNER}`" in (caught.value.help or "")
    assert (tmp_path / OWNER).read_text() == content


def test_a_link_in_the_place_of_the_lock_file_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(errno.EBADF))
    root = tmp_path / "root"
    root.mkdir()
    (root / FILE).symlink_to(tmp_path / "victim")
    with pytest.raises(PublishError, match="cannot be locked"), run_lock(root):
        pass
    assert not (tmp_path / "victim").exists()


def test_a_run_that_cannot_create_a_lock_file_publishes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(errno.EBADF))
    really = os.open

    def refuse(path: Any, flags: int, *arguments: Any, **more: Any) -> int:
        if path == FILE:
            raise OSError(errno.EROFS, "read-only")
        return really(path, flags, *arguments, **more)

    monkeypatch.setattr(os, "open", refuse)
    with run_lock(tmp_path):
        assert names(tmp_path) == []


def test_asking_whether_a_run_is_at_work_stops_no_run(tmp_path: Path) -> None:
    asking = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(asking, fcntl.LOCK_SH)
    threading.Timer(0.02, os.close, [asking]).start()
    with run_lock(tmp_path):
        pass


def test_a_root_that_another_run_removes_is_created_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, plain = tmp_path / "a" / "root", os.open
    times = iter([True, True, False, False])

    def losing(path: Path | str, *rest: Any, **more: Any) -> int:
        if path == root and next(times):
            root.rmdir()
            root.parent.rmdir()
        return plain(path, *rest, **more)

    monkeypatch.setattr(os, "open", losing)
    with run_lock(root, make=True) as top:
        assert root.is_dir()
        assert os.path.samestat(os.fstat(top.fd), root.stat())
    assert not root.parent.exists()


def test_a_root_that_is_replaced_before_it_is_locked_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, plain = tmp_path / "root", fcntl.flock
    root.mkdir()
    moved: list[Path] = []

    def late(fd: int, how: int) -> None:
        if not moved:
            moved.append(root.rename(tmp_path / "moved"))
            root.mkdir()
        plain(fd, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with run_lock(root) as top:
        assert os.path.samestat(os.fstat(top.fd), root.stat())
    with run_lock(tmp_path / "moved"):
        pass


def test_a_root_that_cannot_be_created_is_a_publish_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    denied = pytest.raises(PublishError, match="cannot be created: Not a directory")
    with denied, run_lock(tmp_path / "file/a", make=True):
        pass
