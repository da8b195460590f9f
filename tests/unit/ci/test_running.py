"""What `frostline-ci` starts has no token of the host."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from frostline.ci.hosts import TOKEN
from frostline.ci.running import run_frostline


def test_frostline_gets_its_words_and_not_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "python"
    program.write_text('#!/bin/sh\necho "$@"\nenv\nexit 3\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setenv(TOKEN, "secret")
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "needed")
    run = run_frostline("plan", "--offline", config=Path("a b.yaml"))
    assert run.status == 3
    assert run.text.startswith("-m frostline plan --config a b.yaml --offline\n")
    assert "needed" in run.text
    assert "secret" not in run.text
