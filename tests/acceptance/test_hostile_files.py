"""Files that an attacker or an accident puts in the way: what is read is a regular file, what is written is its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from project import STATIC, Project, Run


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


def configured(project: Project, **more: Any) -> Project:
    return project.configure({**STATIC, **more})


def source(project: Project, key: str = "retries", value: Any = 0, **more: Any) -> None:
    """A source of Consul whose connection has this key. more: keys of the configuration."""
    consul = {"type": "consul", "address": "https://127.0.0.1:1", "retries": 0, key: value}
    configured(project, sources={"mesh": consul}, **more)


INPUTS: dict[str, tuple[int, Callable[[Project], object], tuple[str, ...]]] = {
    "lock": (2, lambda project: source(project, lock="x"), ("compile", "--offline")),
    "--lock": (2, configured, ("compile", "--lock", "x")),
    "lock folder": (2, lambda project: source(project, lock="locks/"), ("compile", "--offline")),
    "plan": (2, configured, ("compile", "--plan", "x")),
    "token": (2, lambda project: source(project, "token", {"file": "x"}), ("compile",)),
    "CA": (2, lambda project: source(project, "tls", {"ca_file": "x"}), ("compile",)),
    "key": (2, lambda project: source(project, "tls", {"cert_file": "x", "key_file": "x"}), ("compile",)),
    "job file": (
        3,
        lambda project: configured(project, sources={"jobs": {"type": "jobspec", "files": ["x*"]}}),
        ("compile",),
    ),
    "schema": (2, lambda project: configured(project, checks={"schema": ["x"]}), ("compile",)),
    "template": (
        2,
        lambda project: configured(project, outputs=[{"type": "template", "template": "x", "path": "t.txt"}]),
        ("compile",),
    ),
    "overrides": (2, lambda project: configured(project, overrides="x"), ("compile",)),
    "manifest": (5, lambda project: (project.folder / "frostline.manifest").symlink_to("x"), ("compile",)),
}


@pytest.mark.parametrize("kind", ["fifo", "/dev/zero", "/proc/self/environ", "a sparse file"])
@pytest.mark.parametrize("name", INPUTS)
def test_an_input_that_is_no_plain_file_is_refused_at_once(
    project: Project, name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "8e1f7a52-a-token")
    status, configure, command = INPUTS[name]
    configured(project)
    configure(project)
    (project.folder / "locks").mkdir()
    for path in (project.folder / "x", project.folder / "locks" / "a.lock"):
        if kind == "fifo":
            os.mkfifo(path)
        elif kind == "a sparse file":
            with path.open("wb") as file:
                file.truncate(1 << 40)
        else:
            path.symlink_to(kind)
    done = project.run(*command)
    assert done.returncode == status or (name == "job file" and done.returncode == 2), done.stderr
    assert "8e1f7a52" not in done.stderr + done.stdout
    assert not [path for path in project.folder.iterdir() if path.name.startswith("registry")]
