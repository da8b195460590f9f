"""The hook of .pre-commit-hooks.yaml in real pre-commit, from a clone of this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.more_readers

ROOT = Path(__file__).parents[2]
FROSTLINE = (sys.executable, "-m", "frostline")
CONFIG = """\
sources: {local: {type: static, services: {a: "https://a.example"}}}
outputs: [{type: yaml, path: services.yaml}]
"""


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a compiled project, and who commits to it."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "a")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@example.com")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "kept"))
    folder = tmp_path / "project"
    folder.mkdir()
    run(folder, "git", "init", "--quiet")
    return folder


def run(folder: Path, *command: str, fails: bool = False) -> str:
    """What the command said; it ends with 0, or with `fails` otherwise."""
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert (done.returncode != 0) is fails, done.stdout
    return done.stdout


def clone_with_what_is_not_committed(to: Path) -> str:
    """Clone this checkout, with its hook file as it is; the revision of the clone."""
    run(ROOT, "git", "clone", "--quiet", str(ROOT), str(to))
    (to / ".pre-commit-hooks.yaml").write_bytes((ROOT / ".pre-commit-hooks.yaml").read_bytes())
    run(to, "git", "add", "--all")
    run(to, "git", "commit", "--quiet", "--allow-empty", "--message", "hooks")
    return run(to, "git", "rev-parse", "HEAD").strip()


def test_the_hook_lets_a_commit_pass_that_agrees_and_stops_one_that_does_not(
    git: Path, tmp_path: Path, readers: str
) -> None:
    revision = clone_with_what_is_not_committed(tmp_path / "frostline")
    (git / "frostline.yaml").write_text(CONFIG)
    run(git, *FROSTLINE, "compile")
    (git / ".pre-commit-config.yaml").write_text(
        f"repos: [{{repo: '{tmp_path / 'frostline'}', rev: {revision}, hooks: [{{id: frostline-check}}]}}]\n"
    )
    run(git, readers, "-m", "pre_commit", "install")
    run(git, "git", "add", "--all")
    assert "frostline check" in run(git, "git", "commit", "--message", "agrees")

    (git / "frostline.yaml").write_text(CONFIG.replace("a.example", "b.example"))
    said = run(git, "git", "commit", "--all", "--message", "disagrees", fails=True)
    assert "services.yaml" in said
    assert "exit code: 1" in said

    run(git, *FROSTLINE, "compile")
    run(git, "git", "commit", "--all", "--message", "agrees again")
