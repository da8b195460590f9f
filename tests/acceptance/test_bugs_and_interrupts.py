"""A bug is 70, a plug-in that fails is named, and an interrupt is 130."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from consul_agent import ConsulAgent
from faulty_proxy import FaultyProxy
from project import STATIC, Project, Run, assert_fits, consul_config, explains

CANARY = "canary-5a1b"


def install_plugin(folder: Path, group: str, code: str) -> dict[str, str]:
    """A package with one entry point `broken`, and the environment in which it is installed."""
    (folder / "broken-1.0.dist-info").mkdir(parents=True)
    (folder / "broken-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (folder / "broken-1.0.dist-info" / "entry_points.txt").write_text(f"[{group}]\nbroken = broken\n")
    (folder / "broken.py").write_text(code)
    return {"PYTHONPATH": str(folder)}


def test_a_bug_is_70_without_traceback_and_values(
    project: Project, run_here: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def findings(*arguments: Any) -> None:
        raise ValueError(CANARY)

    monkeypatch.setattr("frostline.checks.policies.check.findings", findings)
    project = Project(project.folder, run_here)
    done = project.configure(STATIC).refused(70, "compile", "-vv")
    explains(done.stderr, "a bug in frostline", "ValueError at test_bugs_and_interrupts.py", "please report it")
    assert CANARY not in done.stderr + done.stdout
    value = project.document(70, "plan")
    assert [error["status"] for error in value["errors"]] == [70]
    assert CANARY not in json.dumps(value)


def test_a_plugin_that_fails_is_named_and_never_ends_the_run_itself(project: Project, tmp_path: Path) -> None:
    env = install_plugin(tmp_path / "plugin", "frostline.checks", "import sys\ndef findings(*a): sys.exit(0)\n")
    done = project.configure(STATIC).refused(4, "compile", env=env)
    explains(done.stderr, "the check `broken` of broken 1.0", "SystemExit at broken.py:2", "report it to the authors")


def test_what_a_plugin_and_its_programs_write_is_no_data(project: Project, tmp_path: Path) -> None:
    code = (
        "import os, subprocess, sys\n"
        "os.write(1, b'written\\n')\n"
        "def findings(*a):\n"
        "    subprocess.run(['echo', 'started']); sys.__stdout__.write('printed\\n')\n"
        "    return []\n"
    )
    env = install_plugin(tmp_path / "plugin", "frostline.checks", code)
    done = project.configure(STATIC).run("plan", "--format", "json", env=env)
    assert json.loads(done.stdout)["format"] == "frostline.plan/1"
    for word in ("written", "started", "printed"):
        assert word in done.stderr


def test_a_signal_while_a_plugin_works_is_still_130(project: Project, tmp_path: Path) -> None:
    code = "import os, signal, time\ndef findings(*a):\n    os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)\n"
    env = install_plugin(tmp_path / "plugin", "frostline.checks", code)
    assert "interrupted" in project.configure(STATIC).refused(130, "compile", env=env).stderr


def test_a_plugin_that_works_is_asked_like_our_own(project: Project, tmp_path: Path) -> None:
    code = (
        "from frostline.model import Finding\n"
        "def findings(registry, settings, context):\n"
        "    yield Finding(rule='ours', message='no', service='billing')\n"
    )
    env = install_plugin(tmp_path / "plugin", "frostline.checks", code)
    assert "error[ours]: billing: no" in project.configure(STATIC).refused(4, "compile", env=env).stderr


@pytest.mark.parametrize("arguments", [["compile"], ["plan", "--format", "json"]])
def test_an_interrupt_while_a_request_hangs_is_130_at_once(
    project: Project, consul: ConsulAgent, proxied: Callable[..., FaultyProxy], arguments: list[str]
) -> None:
    proxy = proxied(consul)
    proxy.hang = True
    project.configure(consul_config(proxy.address))
    before = project.tree()
    running = subprocess.Popen(
        [sys.executable, "-m", "frostline", *arguments],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert proxy.arrived.wait(30)
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "interrupted" in stderr
    assert "Traceback" not in stderr
    if "json" in arguments:
        assert_fits(json.loads(stdout))
    assert project.tree() == before
