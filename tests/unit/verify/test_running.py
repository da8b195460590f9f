"""Verifiers that fail, hang, flood, fork, die and kill: all of them end, and leave no process and no folder."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from frostline.errors import PublishError
from frostline.verify import running
from frostline.verify.running import Outcome, new_folder_path, run

from .conftest import PYTHON

IsRunning = Callable[[Path], bool]

DAEMON = """
import os, sys, time
if os.fork():
    time.sleep({parent})
    sys.exit({status})
os.setsid()
if os.fork():
    os._exit(0)
with open({file!r}, "w") as file:
    file.write(str(os.getpid()))
time.sleep(300)
"""
"""A process that goes on in a session of its own and holds the pipe; its parent waits, then ends."""


@pytest.fixture
def outcome(private: Path, tmp_path: Path) -> Callable[..., Outcome]:
    """`outcome(*words, seconds=20)`: of this program; its folder is gone then."""

    def of(*words: str, seconds: float = 20.0, fill: Callable[[], None] = lambda: None, **env: str) -> Outcome:
        environment = {"PATH": os.environ["PATH"], **env}
        found = run(private, fill, words, current=tmp_path, environment=environment, seconds=seconds)
        assert not private.exists()
        return found

    return of


def shell(text: str) -> Sequence[str]:
    return ("sh", "-c", text)


@pytest.mark.parametrize("status", [0, 1, 127, 255])
def test_its_exit_status_and_what_it_says_are_known(outcome: Any, status: int) -> None:
    assert outcome(*shell(f"echo out; echo err >&2; exit {status}")) == Outcome(
        ending="exit", number=status, said=b"out\nerr\n"
    )


@pytest.mark.parametrize("name", ["KILL", "SEGV", "PIPE"])
def test_the_signal_that_ends_it_is_known(outcome: Any, name: str) -> None:
    found = outcome(*shell(f"kill -{name} $$; sleep 20"))
    assert (found.ending, found.number) == ("signal", signal.Signals[f"SIG{name}"])


def test_what_cannot_be_started_is_known_by_its_error(outcome: Any, tmp_path: Path) -> None:
    script = tmp_path / "check"
    assert outcome("no-such-program-at-all") == Outcome(ending="errno", number=errno.ENOENT)
    assert outcome("./check").number == errno.ENOENT
    script.write_text("exit 0\n")
    assert outcome("./check").number == errno.EACCES
    script.chmod(0o755)
    assert outcome("./check").number == errno.ENOEXEC
    script.write_text("#!/no/such/shell\n")
    assert outcome("./check").number == errno.ENOENT
    assert outcome(str(tmp_path)).number == errno.EACCES
    script.write_text("#!/bin/sh\nexit 7\n")
    assert outcome("./check") == Outcome(ending="exit", number=7)


def test_its_words_arrive_as_they_are(outcome: Any) -> None:
    words = ["", "a b", "'\"$HOME`id`", "-n", "zwölf", "\udcff", "new\nline"]
    found = outcome(*PYTHON, "import os, sys; os.write(1, os.fsencode(repr(sys.argv[1:])))", *words)
    assert found.said == os.fsencode(repr(words))


def test_it_starts_in_its_folder_with_the_environment_given_and_nothing_to_read(outcome: Any, tmp_path: Path) -> None:
    found = outcome(*shell("cat; pwd; echo $PWD $MARK; env | sort | cut -d= -f1 | tr '\\n' ' '"), MARK="mark")
    lines = found.said.decode().splitlines()
    assert lines[:2] == [str(tmp_path), f"{tmp_path} mark"]
    assert set(lines[2].split()) <= {"LC_CTYPE", "MARK", "PATH", "PWD", "_", "OLDPWD", "SHLVL"}


def test_it_has_a_session_of_its_own_no_terminal_and_signals_as_usual(outcome: Any) -> None:
    text = """
import os, sys
print(os.getsid(0) == os.getpid() == os.getpgid(0), os.isatty(0), sorted(map(int, os.listdir("/proc/self/fd")))[:3])
try:
    open("/dev/tty")
except OSError:
    print("no terminal")
print([line.split()[1] for line in open("/proc/self/status") if line.startswith(("SigIgn", "SigBlk", "SigCgt"))][0])
"""
    found = outcome(*shell(f'exec {PYTHON[0]} -I -S -c "$1"'), "sh", text)
    assert found.said.decode().splitlines()[:2] == ["True False [0, 1, 2]", "no terminal"]
    signals = outcome("grep", "-E", "^Sig(Ign|Blk):", "/proc/self/status").said.split()
    # Signals above 31 are the C library's: whoever starts us with posix_spawn(3), as make does, leaves them ignored.
    assert [int(mask, 16) & 0x7FFFFFFF for mask in signals[1::2]] == [0, 0]


def test_one_that_floods_its_output_is_read_to_the_end_and_kept_by_both_ends(outcome: Any) -> None:
    flood = "head -c 50000000 /dev/zero"
    found = outcome(*shell(f"echo first; {flood}; {flood} >&2; echo; echo last; exit 4"))
    assert (found.ending, found.number) == ("exit", 4)
    assert found.said.startswith(b"first\n\0\0")
    assert found.said.endswith(b"\0\0\nlast\n")
    assert len(found.said) < 17_000


def test_one_that_floods_for_ever_is_ended_in_time(outcome: Any) -> None:
    began = time.monotonic()
    found = outcome("cat", "/dev/zero", seconds=0.1)
    assert (found.ending, len(found.said) < 17_000) == ("timeout", True)
    assert time.monotonic() - began < 5


def test_one_that_hangs_is_ended_in_time_with_all_that_it_has_started(
    outcome: Any, tmp_path: Path, is_running: IsRunning
) -> None:
    daemon = DAEMON.format(parent=300, status=0, file=str(tmp_path / "daemon"))
    began = time.monotonic()
    found = outcome(*PYTHON, daemon, seconds=0.5)
    assert found == Outcome(ending="timeout")
    assert 0.5 < time.monotonic() - began < 5
    assert not is_running(tmp_path / "daemon")


@pytest.mark.parametrize("stop", ["trap '' TERM INT HUP; sleep 60", "kill -STOP $$", "while :; do :; done"])
def test_one_that_heeds_no_signal_or_has_stopped_itself_is_ended_too(outcome: Any, stop: str) -> None:
    assert outcome(*shell(stop), seconds=0.2).ending == "timeout"


def test_a_daemon_that_it_leaves_and_that_holds_the_pipe_ends_with_it(
    outcome: Any, tmp_path: Path, is_running: IsRunning
) -> None:
    file = tmp_path / "daemon"
    wait = f"while not os.path.exists({str(file)!r}): time.sleep(0.01)\n    time.sleep(0.02 + "
    daemon = DAEMON.replace("time.sleep({parent}", wait + "{parent}").format(parent=0, status=5, file=str(file))
    began = time.monotonic()
    assert outcome(*PYTHON, daemon) == Outcome(ending="exit", number=5)
    assert time.monotonic() - began < 10
    assert not is_running(file)


def test_one_that_flees_from_process_to_process_is_caught(outcome: Any, tmp_path: Path) -> None:
    flight = """
import os, time
if os.fork():
    time.sleep(0.2)
    os._exit(0)
while True:
    os.setsid()
    with open("alive", "w") as file:
        file.write(str(os.getpid()))
    if os.fork():
        os._exit(0)
"""
    assert outcome(*PYTHON, flight) == Outcome(ending="exit")
    last = (tmp_path / "alive").read_text()
    time.sleep(0.05)
    assert (tmp_path / "alive").read_text() == last


def test_one_that_closes_its_output_may_run_on(outcome: Any) -> None:
    began = time.process_time()
    assert outcome(*shell("exec >&- 2>&-; sleep 0.2; exit 3")) == Outcome(ending="exit", number=3)
    assert time.process_time() - began < 0.2


def test_one_that_ends_its_supervisor_has_failed_and_is_ended(outcome: Any, tmp_path: Path) -> None:
    found = outcome(*shell(f"echo $$ >{tmp_path}/it; kill -9 $PPID; sleep 300"))
    assert found == Outcome(ending="lost")
    until = time.monotonic() + 5
    while Path(f"/proc/{int((tmp_path / 'it').read_text())}").exists():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_one_that_stops_its_supervisor_is_waited_for_no_longer_than_it_may_take(
    outcome: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_MARGIN", 0.3)
    assert outcome(*shell("kill -STOP $PPID; sleep 300"), seconds=0.2) == Outcome(ending="lost")


def test_whatever_it_makes_of_its_folder_the_folder_goes_and_nothing_else(
    outcome: Any, private: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(0o755)
    (outside / "kept").write_text("")
    text = f"cd {private}; mkdir -p a/b; ln -s {outside} a/link; ln -s {outside}/kept file; chmod 0 a/b; chmod 0 a"
    assert outcome(*shell(text)).number == 0
    assert (outside / "kept").exists()
    assert outside.stat().st_mode & 0o777 == 0o755
    assert outcome("rm", "-r", str(private)).number == 0


def test_its_folder_is_for_this_user_alone_and_filled_before_it_starts(outcome: Any, private: Path) -> None:
    found = outcome("cat", f"{private}/copy", fill=lambda: (private / "copy").write_text("new") and None)
    assert found.said == b"new"
    modes: list[int] = []
    outcome("true", fill=lambda: modes.append(private.stat().st_mode & 0o777))
    assert modes == [0o700]


def test_what_goes_wrong_while_it_is_filled_leaves_nothing_and_starts_nothing(
    outcome: Any, private: Path, tmp_path: Path
) -> None:
    def fill() -> None:
        (private / "half").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outcome("touch", str(tmp_path / "started"), fill=fill)
    assert not private.exists()
    assert not (tmp_path / "started").exists()


def test_a_python_that_cannot_be_started_is_not_blamed_on_the_verifier(
    outcome: Any, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.sys, "executable", "/no/python")
    with pytest.raises(PublishError, match="supervises programs cannot be started: No such file"):
        outcome("true")
    assert not private.exists()


def test_a_private_folder_is_outside_of_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "root" / "tmp"
    inside.mkdir(parents=True)
    link = tmp_path / "link"
    link.symlink_to(inside)
    for place in (inside, link):
        monkeypatch.setattr(running, "gettempdir", lambda place=place: str(place))
        assert not new_folder_path(tmp_path / "root").is_relative_to(tmp_path)
        assert new_folder_path(tmp_path / "other").parent == inside
    with pytest.raises(PublishError, match="no folder outside of `root`"):
        new_folder_path(Path("/"))


def test_a_private_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "missing" / "x"
    with pytest.raises(PublishError, match="the private folder for a program, `.*/missing/x`, cannot be made: No such"):
        run(folder, lambda: None, ("true",), current=tmp_path, environment={}, seconds=1.0)
