"""Files that an attacker or an accident puts in the way: what is read is a regular file, what is written is its own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from hashlib import sha256
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


def claim(project: Project, path: str, output: str = "registry.py") -> None:
    """Add a line for this file, with its true digest, to the manifest."""
    data = project.read(path)
    line = {"path": path, "sha256": sha256(data).hexdigest(), "mode": "0644", "output": output}
    manifest = project.folder / "frostline.manifest"
    lines = [*manifest.read_bytes().splitlines(keepends=True), json.dumps(line, separators=(",", ":")).encode() + b"\n"]
    manifest.write_bytes(b"".join([lines[0], *sorted(lines[1:], key=lambda line: (b'"path"' not in line, line))]))


@pytest.fixture
def claimed(project: Project) -> Project:
    """Published, with a template, a schema, a job file, overrides and a LICENSE beside it."""
    project.write("t.j2", "{{ services | length }}")
    project.write("s.json", "{}")
    project.write("jobs/a.nomad.hcl", 'job "a" {}')
    project.write("LICENSE", "MIT")
    project.write("overrides.yaml", "# none\n")
    jobs = {"type": "jobspec", "files": ["jobs/*"]}
    configured(
        project,
        sources={**STATIC["sources"], "jobs": jobs},
        outputs=[*STATIC["outputs"], {"type": "template", "template": "t.j2", "path": "t.txt"}],
        checks={"schema": ["s.json"]},
        overrides="overrides.yaml",
    )
    project.done("compile")
    return project


@pytest.mark.parametrize("output", ["registry.py", "gone.py"])
@pytest.mark.parametrize("path", ["frostline.yaml", "t.j2", "s.json", "jobs/a.nomad.hcl", "overrides.yaml", "LICENSE"])
def test_a_line_in_the_manifest_deletes_no_file_that_no_output_writes(claimed: Project, path: str, output: str) -> None:
    claim(claimed, path, output)
    refused = claimed.refused(4, "compile", "--allow", "deletes,edited,adopt")
    assert f"{path}:1:1: error[orphans]" in refused.stderr
    assert f"--allow orphans={path}" in refused.stderr
    assert claimed.run("plan").returncode == 4
    is_input = path != "LICENSE"
    claimed.done("compile", "--allow", f"orphans={path}")
    assert (claimed.folder / path).exists() == is_input
    assert f'"path":"{path}"'.encode() not in claimed.read("frostline.manifest")
    claimed.done("check")


def test_an_input_behind_a_link_is_not_deleted(claimed: Project) -> None:
    (claimed.folder / "t.j2").rename(claimed.folder / "real.j2")
    (claimed.folder / "t.j2").symlink_to("real.j2")
    claim(claimed, "real.j2")
    claimed.done("compile", "--allow", "orphans")
    assert (claimed.folder / "real.j2").exists()


@pytest.mark.parametrize("path", ["SERVICES.yaml", "services\u200c.yaml", "FROSTLINE.YAML", "Frostline.Manifest"])
def test_an_output_that_is_another_file_only_by_case_or_unicode_is_refused(project: Project, path: str) -> None:
    configured(project, outputs=[*STATIC["outputs"], {"type": "yaml", "path": path}])
    project.refused(2, "compile")


@pytest.mark.parametrize("path", [".g\u200cit/a.yaml", "GIT~1/a.yaml", "a/.GIT/hooks/x.yaml"])
def test_an_output_in_what_some_file_system_takes_for_git_is_refused(project: Project, path: str) -> None:
    configured(project, outputs=[{"type": "yaml", "path": path}])
    assert "is inside a .git folder" in project.refused(4, "compile").stderr


def test_out_replaces_no_other_file(claimed: Project) -> None:
    for path in ("frostline.yaml", "frostline.manifest", "t.j2", "registry.py", "LICENSE"):
        claimed.configure(claimed.read("frostline.yaml").decode().replace("billing.example", "other.example"))
        said = claimed.refused(2, "plan", "--out", path).stderr
        assert "neither a saved plan nor a lock" in said
    claimed.run("plan", "--out", "p" * 250)
    claimed.run("plan", "--out", "p" * 250)
    assert len(claimed.read("p" * 250)) > 100
