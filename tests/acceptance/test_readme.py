"""What the README shows of an agent: from the first configuration to a catalog that suddenly looks empty."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from consul_agent import ConsulAgent

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def programs(folder: Path, agent: ConsulAgent) -> Path:
    """A folder with the commands that the README calls."""
    folder.mkdir()
    python = shlex.quote(sys.executable)
    for name, command in {
        "frostline": f"{python} -m frostline",
        "python3": python,
        "consul": shlex.quote(agent.binary),
    }.items():
        (folder / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (folder / name).chmod(0o755)
    return folder


def test_the_readme_shows_what_happens_with_an_agent(empty_consul: ConsulAgent, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    environment = {
        "PATH": f"{programs(tmp_path / 'bin', empty_consul)}:{os.environ['PATH']}",
        "CONSUL_HTTP_ADDR": empty_consul.address,
        "NOMAD_ADDR": "http://127.0.0.1:1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def said(command: str) -> list[str]:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout.splitlines()

    prepared = re.findall("^    ((?:consul services register|mkdir) .*)$", README, re.MULTILINE)
    assert [line for command in prepared for line in said(command)] == ["Registered service: payments-v1"]
    block = README.partition("```text\n$ ")[2].partition("```")[0]
    assert block.count("frostline compile") == 2
    for step in block.split("\n$ "):
        command, *shown = step.splitlines()
        printed = iter(said(command))
        # `in` goes on where the last one was found
        missing = [line for line in shown if line != "…" and line not in printed]
        assert missing == [], command
