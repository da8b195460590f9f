"""A configuration that is no regular file is read once, and everything is relative to the working folder."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from project import STATIC, Project, Run

FROSTLINE = shlex.join([sys.executable, "-m", "frostline"])
WAYS = {
    "a dash": "{frostline} -c - < conf/frostline.yaml",
    "a pipe to a dash": "cat conf/frostline.yaml | {frostline} -c -",
    "standard input": "{frostline} -c /dev/stdin < conf/frostline.yaml",
    "a pipe to standard input": "cat conf/frostline.yaml | {frostline} -c /dev/stdin",
    "a descriptor": "{frostline} -c /dev/fd/7 7< conf/frostline.yaml",
    "a descriptor in /proc": "{frostline} -c /proc/self/fd/7 7< conf/frostline.yaml",
    "a substituted process": "{frostline} -c <(cat conf/frostline.yaml)",
    "a named pipe": "mkfifo conf/pipe && (cat conf/frostline.yaml > conf/pipe &) && {frostline} -c conf/pipe",
}


def shell(project: Project, command: str) -> Run:
    """The command in bash, in the project's folder; `{frostline} -c X` and then what follows `--`."""
    return subprocess.run(
        ["bash", "-c", command], cwd=project.folder, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def piped(project: Project) -> Project:
    project.write("conf/frostline.yaml", json.dumps({**STATIC, "lock": "frostline.lock"}))
    return project


def names_in_dev() -> set[str]:
    return {name for name in os.listdir("/dev") if not name.startswith(("tty", "pts", "vc"))}  # noqa: PTH208


@pytest.mark.parametrize("way", WAYS)
def test_everything_is_relative_to_the_working_folder(piped: Project, way: str) -> None:
    before = names_in_dev()
    command = WAYS[way].format(frostline=f"{FROSTLINE} compile")
    done = shell(piped, command)
    assert done.returncode == 0, done.stderr
    found = {path.name for path in piped.folder.iterdir()}
    assert found == {"conf", "frostline.manifest", "registry.py", "registry.pyi", "services.yaml"}
    assert not {path.name for path in (piped.folder / "conf").iterdir()} - {"frostline.yaml", "pipe"}
    assert names_in_dev() == before


def test_a_saved_plan_is_bound_to_the_configuration_that_came_through_the_pipe(piped: Project) -> None:
    assert shell(piped, f"{FROSTLINE} plan --out saved.json -c - < conf/frostline.yaml").returncode == 1
    changed = shell(piped, f"sed s/billing/telling/ conf/frostline.yaml | {FROSTLINE} compile --plan saved.json -c -")
    assert changed.returncode == 4
    assert "since the plan was made, `<stdin>` changed" in changed.stderr
    same = shell(piped, f"{FROSTLINE} compile --plan saved.json -c <(cat conf/frostline.yaml)")
    assert same.returncode == 0, same.stderr


@pytest.mark.parametrize(("given", "shown"), [("-c -", "<stdin>"), ("-c /dev/stdin", "/dev/stdin")])
@pytest.mark.parametrize("form", ["text", "json", "github", "sarif", "junit", "markdown"])
def test_messages_name_where_it_came_from(piped: Project, given: str, shown: str, form: str) -> None:
    done = shell(piped, f"echo 'outptus: []' | {FROSTLINE} plan --format {form} {given}")
    assert done.returncode == 2
    assert "did you mean `outputs`?" in done.stderr + done.stdout
    if form == "text":
        assert done.stderr.startswith(f"{shown}:1:1: error: ")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("{frostline} -c - <&-", "<stdin>:1:1: error: the configuration cannot be read: Bad file descriptor"),
        (
            "{frostline} -c /dev/zero",
            "/dev/zero:1:1: error: the configuration cannot be read: it is larger than 64 MiB",
        ),
        ("{frostline} -c .", "the configuration cannot be read: Is a directory\n  help: name the file, not its folder"),
        ("{frostline} -c /dev/fd/99", "/dev/fd/99:1:1: error: the configuration cannot be read: No such file"),
        *(
            (f"mkdir gone && cd gone && rmdir ../gone && {{frostline}} {given}", "the working folder cannot be used")
            for given in ("", "-c ../conf/frostline.yaml", "-c -")
        ),
        ("{frostline} -c none.yaml", "none.yaml:1:1: error: the configuration cannot be read: No such file"),
    ],
)
def test_what_cannot_be_read_is_said(piped: Project, command: str, said: str) -> None:
    done = shell(piped, command.format(frostline=f"{FROSTLINE} list"))
    assert done.returncode == 2
    assert said in done.stderr


def test_a_link_to_a_configuration_is_a_file_in_the_folder_of_the_link(piped: Project) -> None:
    (piped.folder / "mounted").mkdir()
    (piped.folder / "mounted" / "frostline.yaml").symlink_to(Path("../conf/frostline.yaml"))
    piped.done("compile", "-c", "mounted/frostline.yaml")
    assert (piped.folder / "mounted" / "services.yaml").exists()
