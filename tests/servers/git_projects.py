"""A project in a git repository, with no configuration of git but ours."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from consul_agent import ConsulAgent
from project import Project

GENERATED = ("frostline.lock", "frostline.manifest", "registry.py", "registry.pyi", "services.yaml")
ATTRIBUTES = """\
frostline.lock -text -merge
frostline.manifest -text
registry.py -text -merge linguist-generated
registry.pyi -text -merge linguist-generated
services.yaml -text -merge linguist-generated
"""


def git(folder: Path, *arguments: str, status: int = 0) -> str:
    """git in this folder, with no configuration but this."""
    settings = {
        "user.name": "x",
        "user.email": "x@example",
        "commit.gpgsign": "false",
        "core.hooksPath": os.devnull,
        "merge.conflictStyle": "merge",
        "protocol.file.allow": "always",
        "init.defaultBranch": "main",
    }
    with_settings = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        [shutil.which("git") or "git", *with_settings, *arguments],
        cwd=folder,
        env={**environment, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_EDITOR": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def commit(project: Project, message: str) -> None:
    git(project.folder, "add", "--all")
    git(project.folder, "commit", "--quiet", "--message", message)


def register(consul: ConsulAgent, *names: str) -> None:
    for name in names:
        consul.catalog_register("n1", name, address="10.0.0.1", port=8000)
