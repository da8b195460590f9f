"""The second process: it gives what it worked out or nothing, and leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path

import pytest

from frostline.child import Child


def open_files() -> list[str]:
    return sorted(path.name for path in Path("/dev/fd").iterdir())


def test_what_the_child_works_out_comes_back_whole() -> None:
    data = os.urandom(1 << 20)
    with Child(lambda: data) as child:
        assert child.result() == data
    with Child(lambda: b"") as child:
        assert child.result() == b""


def failing() -> bytes:
    raise ValueError("a bug")


def killed() -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b"never"


def interrupted() -> bytes:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
    return b"never"


@pytest.mark.parametrize("work", [failing, killed, interrupted])
def test_a_child_that_fails_says_nothing_and_gives_nothing(work, capfd: pytest.CaptureFixture[str]) -> None:
    with Child(work) as child:
        assert child.result() is None
    assert capfd.readouterr() == ("", "")


def test_a_child_shows_nobody_what_it_prints(capfd: pytest.CaptureFixture[str]) -> None:
    def printing() -> bytes:
        os.write(1, b"hello")
        os.system("echo hello >&2")
        return b"done"

    with Child(printing) as child:
        assert child.result() == b"done"
    assert capfd.readouterr() == ("", "")


def test_a_child_that_is_no_longer_wanted_is_ended() -> None:
    def sleeping() -> bytes:
        time.sleep(60)
        return b""

    before = open_files()
    began = time.monotonic()
    with Child(sleeping) as child:
        pid = child._pid
        os.kill(pid, 0)
    assert time.monotonic() - began < 30
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert open_files() == before


def test_a_child_without_a_process_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", none_left)
    before = open_files()
    with Child(lambda: b"never") as child:
        assert child.result() is None
    assert open_files() == before


def test_a_child_has_no_child() -> None:
    def nested() -> bytes:
        with Child(lambda: b"inner") as inner:
            return b"none" if inner.result() is None else b"one"

    with Child(nested) as child:
        assert child.result() == b"none"


def test_a_child_keeps_no_lock_of_a_parent_that_is_gone(tmp_path: Path) -> None:
    started, here = os.pipe()

    def sleeping() -> bytes:
        os.write(here, b".")
        time.sleep(60)
        return b""

    holder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with Child(sleeping, keep=[here]):
        assert os.read(started, 1) == b"."
        os.close(holder)  # as when the parent is killed: it does not unlock
        other = os.open(tmp_path, os.O_RDONLY)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(other)
    os.close(started)
    os.close(here)
