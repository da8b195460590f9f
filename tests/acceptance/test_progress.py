"""Bars while a command runs, on a terminal alone, and what `--timings` says after it."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from consul_agent import ConsulAgent
from faulty_proxy import FaultyProxy
from project import STATIC, Project, consul_config

pytestmark = pytest.mark.oldest_consul("bars and timings are about frostline's own stages")

STAGES = (
    "reading the lock",
    "reading source mesh",
    "selecting of source mesh",
    "comparing with the lock",
    "assembling the registry",
    "rendering output registry.py",
    "rendering output services.yaml",
    "checking",
    "comparing with what is published",
    "publishing",
    "everything else",
    "total",
)
HIDE, BAR = "\x1b[?25l", "\u2501"


def on_terminal(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    """The status, and what the command writes to stderr where that is a terminal."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with subprocess.Popen(
        [sys.executable, "-m", "frostline", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={**environment, "TERM": "xterm", **(env or {})},
    ) as process:
        os.close(theirs)
        said = read_all(ours)
    return process.returncode, said


def read_all(ours: int) -> str:
    said = b""
    try:
        while piece := os.read(ours, 65536):
            said += piece
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(ours)
    return said.decode()


def left(said: str) -> str:
    """What stays on a terminal that was told this: lines are written from their start, cleared, and gone up to."""
    rows, row = [""], 0
    for token in re.findall("\x1b\\[[0-9;?]*[a-zA-Z]|\n|[^\x1b\n]+", said.replace("\r", "")):
        if token == "\n":
            row += 1
            rows += [""] * (row == len(rows))
        elif token.endswith("A") and token.startswith("\x1b"):
            row -= int(token[2:-1] or 1)
        elif token == "\x1b[2K":
            rows[row] = ""
        elif not token.startswith("\x1b"):
            rows[row] += token
    return "\n".join(rows)


def test_on_a_terminal_bars_come_and_go(project: Project, shop: ConsulAgent) -> None:
    project.configure(consul_config(shop.address))
    status, said = on_terminal(project.folder, "compile")
    assert status == 0
    assert "reading source mesh, dc1" in said
    assert "publishing" in said
    assert BAR in said
    assert HIDE not in said  # nobody would show the cursor again after a SIGKILL
    assert left(said).strip() == "Published 3 services (3 added, 0 changed, 0 removed): 3 files written, 0 deleted."


@pytest.mark.parametrize(
    ("arguments", "env"), [(("-q",), {}), (("-v",), {}), ((), {"TERM": "dumb"}), (("--color", "never"), {})]
)
def test_no_bar_where_nobody_wants_one(
    project: Project, shop: ConsulAgent, arguments: tuple[str, ...], env: dict[str, str]
) -> None:
    project.configure(consul_config(shop.address))
    status, said = on_terminal(project.folder, "compile", *arguments, env=env)
    assert status == 0
    if "never" in arguments:
        assert not re.search("\x1b\\[[0-9;]*m", said)
    else:
        assert BAR not in said


def test_a_pipe_sees_no_bar_and_imports_none(project: Project, shop: ConsulAgent) -> None:
    project.configure(consul_config(shop.address))
    assert "\x1b" not in project.done("compile").stderr
    code = "import sys; from frostline.cli.main import run; run(['check']); sys.exit('rich.progress' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=project.folder, capture_output=True, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_leaves_the_terminal_and_the_folder_as_they_were(
    project: Project, shop: ConsulAgent, proxied: Callable[..., FaultyProxy], number: signal.Signals
) -> None:
    read: list[str] = []
    hangs, ends = threading.Event(), threading.Event()

    def all_but_the_first(path: str, token: str) -> None:
        if "/health/service/" in path:
            read.append(path)
            if len(read) > 1:
                hangs.set()
                ends.wait(20)

    project.configure(consul_config(proxied(shop, all_but_the_first).address))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "frostline", "compile"]
    env = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(command, cwd=project.folder, stderr=theirs, env=env) as process:
        os.close(theirs)
        assert hangs.wait(20)
        drawn = b""
        while BAR.encode() not in drawn:  # the first answer draws it
            drawn += os.read(ours, 1)
        process.send_signal(number)
        said = drawn.decode() + read_all(ours)
        ends.set()
    assert HIDE not in said
    assert sorted(path.name for path in project.folder.iterdir()) == ["frostline.yaml"]
    if number == signal.SIGKILL:
        assert process.returncode == -number
    else:
        assert process.returncode == 130
        assert "interrupted" in left(said)


def test_timings_name_each_stage_on_stderr_and_change_no_byte(project: Project, shop: ConsulAgent) -> None:
    project.configure(consul_config(shop.address))
    said = project.done("compile", "--timings").stderr
    for name in STAGES:
        assert re.search(rf"^{re.escape(name)} +\d+\.\d\d s$", said, re.MULTILINE), name
    assert re.search(r"^memory +\d+ MiB$", said, re.MULTILINE)
    with_timings = project.contents()
    for name in ("registry.py", "registry.pyi", "services.yaml", "frostline.lock", "frostline.manifest"):
        (project.folder / name).unlink()
    project.done("compile")
    assert project.contents() == with_timings


@pytest.mark.parametrize("command", ["compile", "plan", "check", "freeze"])
def test_timings_are_said_of_a_run_that_fails_too(project: Project, command: str) -> None:
    project.configure(consul_config("http://127.0.0.1:1", source={"retries": 0}))
    said = project.run(command, "--timings")
    assert said.returncode in (2, 3)
    assert "total" in said.stderr
    assert "total" not in said.stdout


def test_timings_leave_the_data_alone(project: Project) -> None:
    project.configure(STATIC)
    plain, timed = (project.run("plan", "--format", "json", *more) for more in ((), ("--timings",)))
    assert timed.stdout == plain.stdout
