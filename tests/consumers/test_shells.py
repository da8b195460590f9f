"""Completion in real shells: on a terminal, with the key that asks for it."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.more_readers

BIN = Path(sys.executable).parent
CONFIG = """\
sources: {local: {type: static, services: {a: "https://a.example"}}}
outputs: [{type: yaml, path: one.yaml, name: first-output}]
"""
TYPED = (
    ("frostline compl", "frostline completion"),
    ("frostline plan --offl", "frostline plan --offline"),
    ("frostline check --format mark", "frostline check --format markdown"),
    ("frostline plan --allow upd", "frostline plan --allow updates"),
    ("frostline rule port-z", "frostline rule port-zero"),
    ("frostline schema regi", "frostline schema registry"),
    ("frostline plan --only fir", "frostline plan --only first-output"),
    ("frostline freeze --source loc", "frostline freeze --source local"),
    ("frostline plan -c otherf", "frostline plan -c otherfile.yaml"),
)
"""A line before the key and after it: a command, an option, values, names of the configuration, a file."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "frostline.yaml").write_text(CONFIG)
    (tmp_path / "otherfile.yaml").write_text("")
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    return {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C.UTF-8"}


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, command: list[str], folder: Path) -> None:
        ours, theirs = pty.openpty()
        self._ours, self.shown = ours, ""
        self.shell = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env=environment(folder),
            start_new_session=True,
        )
        os.close(theirs)

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def wait_for(self, text: str, seconds: float = 30) -> None:
        """Until this text is shown; what was shown before it is forgotten."""
        end = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < end, f"{text!r} is not in {self.shown!r}"
            if select.select([self._ours], [], [], 0.2)[0]:
                self.shown += os.read(self._ours, 65536).decode(errors="replace")
        self.shown = self.shown.partition(text)[2]

    def close(self) -> None:
        os.killpg(self.shell.pid, signal.SIGKILL)
        self.shell.wait()
        os.close(self._ours)


STARTS = {
    "bash": (["--norc", "--noprofile", "-i"], 'eval "$(frostline completion bash)"'),
    "zsh": (["-f", "-i"], 'autoload -U compinit; compinit -u; eval "$(frostline completion zsh)"'),
}


@pytest.fixture(params=STARTS)
def terminal(request: pytest.FixtureRequest, folder: Path, program: Callable[[str], str]) -> Iterator[Terminal]:
    options, setup = STARTS[request.param]
    running = Terminal([program(request.param), *options], folder)
    try:
        running.press(f"{setup}; echo rea''dy\n")
        running.wait_for("ready")
        yield running
    finally:
        running.close()


def test_bash_and_zsh_complete_a_line_on_a_terminal(terminal: Terminal) -> None:
    for typed, whole in TYPED:
        # The shell shows what it was given, with what the key added to it.
        terminal.press(f"{typed}\t")
        terminal.wait_for(whole)
        terminal.press("\x15")  # forget the line


def test_fish_completes_a_line(folder: Path, program: Callable[[str], str]) -> None:
    for typed, whole in TYPED:
        done = subprocess.run(
            [program("fish"), "--no-config", "-c", 'frostline completion fish | source; complete -C "$argv[1]"', typed],
            cwd=folder,
            env=environment(folder),
            capture_output=True,
            text=True,
            check=True,
        )
        assert whole.rpartition(" ")[2] in {line.partition("\t")[0] for line in done.stdout.splitlines()}
        assert done.stderr == ""
