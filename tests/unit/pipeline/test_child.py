"""The second process: it gives what it worked out or nothing, and leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from frostline.pipeline.child import Child


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


@pytest.mark.parametrize("failing_call", ["fork", "pipe"])
def test_a_child_without_a_process_gives_nothing(failing_call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, failing_call, none_left)
    before = open_files()
    with Child(lambda: b"never") as child:
        assert child.result() is None
    assert open_files() == before


def test_a_result_comes_though_nobody_is_told_of_ended_children() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with Child(lambda: b"done") as child:
            assert child.result() == b"done"
        with Child(failing) as child:
            assert child.result() is None
        with Child(lambda: b"unread"):
            pass
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_a_child_of_a_parent_that_is_killed_ends_by_itself() -> None:
    program = """
import os, signal
from frostline.pipeline.child import Child
def work():
    os.read(gate, 1)
    return b"x" * (1 << 20)
gate, opener = os.pipe()
child = Child(work, [gate])
print(child._pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    pid = int(ended.stdout)
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{pid}").exists() or "zombie" in Path(f"/proc/{pid}/status").read_text()


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
