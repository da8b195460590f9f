"""Commands that only look, beside runs that publish."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys

import pytest
from project import STATIC, Project


@pytest.mark.parametrize("command", [["check"], ["plan"], ["plan", "--out", "plan.json"]])
def test_plan_and_check_wait_for_a_run_that_is_publishing(project: Project, command: list[str]) -> None:
    project.configure(STATIC).done("compile")
    journal = project.folder / ".frostline.journal"
    mixed, whole = b"half", project.read("services.yaml")
    folder = os.open(project.folder, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    journal.write_text("x", encoding="utf-8")
    (project.folder / "services.yaml").write_bytes(mixed)

    words = [sys.executable, "-m", "frostline", *command]
    with subprocess.Popen(words, cwd=project.folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        (project.folder / "services.yaml").write_bytes(whole)
        journal.unlink()
        os.close(folder)
        said += process.stderr.read()
    assert process.returncode == 0
    assert said.startswith(b"Another run is publishing here: waiting until it is done.\n")
    assert b"interrupted" not in said
