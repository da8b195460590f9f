"""What `frostline-ci` and the action start has no token of the host, and no code of the checkout."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from frostline.ci.hosts import TOKEN
from frostline.ci.running import run_frostline


def test_frostline_gets_its_arguments_but_not_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "python"
    program.write_text('#!/bin/sh\necho "$@"\nenv\nexit 3\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setenv(TOKEN, "secret")
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "needed")
    run = run_frostline("plan", "--offline", config=Path("a b.yaml"))
    assert run.status == 3
    assert run.text.startswith("-P -m frostline plan --config a b.yaml --offline\n")
    assert "needed" in run.text
    assert "secret" not in run.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_job_that_is_told_to_end_ends_what_it_has_started_and_leaves_nothing(tmp_path: Path, number: int) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        (tmp_path / "frostline.yaml").write_text(
            f"version: 1\nsources: {{mesh: {{type: consul, address: '{address}'}}}}\n"
            "outputs: [{type: yaml, path: services.yaml}]\n"
        )
        (tmp_path / "temporary").mkdir()
        job = subprocess.Popen(
            [sys.executable, "-m", "frostline.ci", "freeze"],
            cwd=tmp_path,
            env={**os.environ, "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/shop"}
            | {"TMPDIR": str(tmp_path / "temporary"), TOKEN: ""},
            stderr=subprocess.PIPE,
            text=True,
        )
        asked, _ = silent.accept()
        with asked:
            job.send_signal(number)
            _, said = job.communicate(timeout=60)
    assert (job.returncode, said) == (130, "error: interrupted\n1 error\n")
    assert list((tmp_path / "temporary").iterdir()) == []


LOUD = """#!{python}
import pathlib, signal, sys

def end(*_):
    print("x" * 300_000)  # more than a pipe holds
    sys.exit()

signal.signal(signal.SIGTERM, end)
pathlib.Path("started").touch()
signal.pause()
"""
JOB = """
import os, sys
from frostline.__main__ import end_on_signals
from frostline.ci.running import start

end_on_signals()
sys.executable = "./loud"
start([], os.environ, quietly=False)
"""


def test_a_job_that_is_told_to_end_reads_what_the_program_still_prints(tmp_path: Path) -> None:
    (tmp_path / "loud").write_text(LOUD.format(python=sys.executable))
    (tmp_path / "loud").chmod(0o755)
    job = subprocess.Popen([sys.executable, "-c", JOB], cwd=tmp_path, stderr=subprocess.PIPE)
    while not (tmp_path / "started").exists():
        assert job.poll() is None
        time.sleep(0.01)
    job.send_signal(signal.SIGTERM)
    try:
        _, said = job.communicate(timeout=60)
    finally:
        job.kill()
    assert b"KeyboardInterrupt" in said
    assert job.returncode != 0


HOSTILE = "import pathlib\npathlib.Path(__file__).with_name('started').touch()\n"
MODULES = ("click", "logging", "msgspec", "frostline/__init__", "venv/__init__", "pip/__init__")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with modules that have the names of those that frostline, venv and pip need."""
    for name in MODULES:
        module = tmp_path / "checkout" / f"{name}.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(HOSTILE)
    monkeypatch.chdir(tmp_path / "checkout")
    return tmp_path / "checkout"


def test_no_module_of_the_checkout_is_run(checkout: Path) -> None:
    assert run_frostline("check", config=None, quietly=True).status == 2
    assert not list(checkout.rglob("started"))


def test_the_action_starts_frostline_without_a_module_of_the_checkout(checkout: Path, tmp_path: Path) -> None:
    (_, step) = yaml.safe_load((Path(__file__).parents[3] / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"]
    installed = tmp_path / "frostline" / "bin" / "python"
    installed.parent.mkdir(parents=True)
    installed.write_text(f'#!/bin/sh\necho "path=$PYTHONPATH"\nexec {sys.executable} "$@"\n')
    installed.chmod(0o755)
    given = {"RUN": "check", "RUNNER_TEMP": str(tmp_path), "PYTHONPATH": str(checkout)}
    here = {name: value for name, value in os.environ.items() if name not in ("GITHUB_ACTIONS", "GITLAB_CI")}
    script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(script, env=here | given, capture_output=True, text=True, check=False)
    assert "not a job of GitHub Actions" in done.stderr
    assert done.stdout == "path=\n"
    assert not list(checkout.rglob("started"))


def test_the_action_installs_frostline_without_a_module_of_the_checkout(checkout: Path, tmp_path: Path) -> None:
    (step, _) = yaml.safe_load((Path(__file__).parents[3] / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"]
    given = {"PYTHON": sys.executable, "RUNNER_TEMP": str(tmp_path), "GITHUB_ACTION_PATH": "./nothing"}
    given["PYTHONPATH"] = str(checkout)
    script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(script, env=os.environ | given, capture_output=True, text=True, check=False)
    assert "nothing" in done.stderr
    assert not list(checkout.rglob("started"))
