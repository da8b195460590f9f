"""What shells are told to complete."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import pytest

from frostline.cli import main
from frostline.cli.commands import COMMANDS
from frostline.cli.completing import SHELLS, VARIABLE
from frostline.cli.options import ALLOW_WORDS, REPORT_FORMATS
from frostline.resources import schema_names

CONFIG = """\
sources:
  mesh: {type: consul, address: "http://127.0.0.1:1"}
  "odd $(touch ran)": {type: static, services: {b: "https://b.example"}}
  local: {type: static, services: {a: "https://a.example"}}
outputs: [{type: yaml, path: one.yaml}, {type: yaml, path: two.yaml, name: second}]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def completed(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    """Return the completions for bash, each as `type,value`. The last word of the line is being typed."""
    monkeypatch.setenv(VARIABLE, "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "\n".join(("frostline", *words)))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    stdout = SimpleNamespace(buffer=io.BytesIO())
    text = io.TextIOWrapper(stdout.buffer, write_through=True)
    stderr = io.StringIO()
    with redirect_stdout(text), redirect_stderr(stderr):
        assert main.run([]) == 0
    assert stderr.getvalue() == ""
    return stdout.buffer.getvalue().decode().split()


def plain(monkeypatch: pytest.MonkeyPatch, *words: str) -> set[str]:
    return {line.removeprefix("plain,") for line in completed(monkeypatch, *words)}


def test_completes_every_command_and_the_options_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plain(monkeypatch, "") == set(COMMANDS)
    assert plain(monkeypatch, "co") == {"compile", "completion"}
    assert {"--only", "--offline", "--out", "--config"} <= plain(monkeypatch, "plan", "--")


def test_completes_options_with_a_fixed_set_of_values(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plain(monkeypatch, "check", "--format", "") == set(REPORT_FORMATS)
    assert plain(monkeypatch, "compile", "--format", "") == {"text", "json"}
    assert plain(monkeypatch, "compile", "--allow", "") == set(ALLOW_WORDS)
    assert plain(monkeypatch, "compile", "--allow", "deletes=a,up") == {"deletes=a,updates"}
    assert plain(monkeypatch, "schema", "") == set(schema_names())
    assert plain(monkeypatch, "rule", "port-z") == {"port-zero"}
    assert plain(monkeypatch, "completion", "") == set(SHELLS)
    assert plain(monkeypatch, "graph", "--as", "m") == {"mermaid"}


def test_completes_outputs_and_sources_of_the_configuration(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "frostline.yaml").write_text(CONFIG)
    assert plain(monkeypatch, "plan", "--only", "") == {"one.yaml", "second"}
    assert plain(monkeypatch, "freeze", "--source", "m") == {"mesh"}
    # The shell would split and expand the third source.
    assert plain(monkeypatch, "freeze", "--source", "") == {"local", "mesh"}
    assert plain(monkeypatch, "sources", "--policy", "m") == {"mesh"}


def test_completes_from_the_configuration_that_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "other.yaml").write_text("sources: {a: {type: static}}\noutputs: [{type: yaml, path: o.yaml}]\n")
    (folder / "frostline.yaml").write_text(CONFIG)
    (folder / "other.yaml").write_text(CONFIG.replace("one.yaml", "o.yaml"))
    assert plain(monkeypatch, "plan", "-c", "other.yaml", "--only", "o") == {"o.yaml"}


@pytest.mark.parametrize("text", ["", "outputs: [", "sources: 1\n", "\0", "outputs: [{type: none, path: a}]\n"])
def test_a_configuration_with_an_error_completes_nothing_and_says_nothing(
    text: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "frostline.yaml").write_text(text)
    assert plain(monkeypatch, "plan", "--only", "") == set()


def test_without_a_configuration_completes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plain(monkeypatch, "plan", "--only", "") == set()
    assert plain(monkeypatch, "no-such-command", "") <= set(COMMANDS)


def test_reads_neither_standard_input_nor_a_pipe(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    monkeypatch.setattr("frostline.pipeline.load.config.load_config", read.append)
    os.mkfifo(folder / "pipe.yaml")
    assert plain(monkeypatch, "plan", "-c", "-", "--only", "") == set()
    assert plain(monkeypatch, "plan", "-c", "pipe.yaml", "--only", "") == set()
    assert read == []


def test_stderr_of_a_library_does_not_reach_the_shells_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def noisy(self: object) -> str:
        print("noise", file=sys.stderr)
        raise ValueError("a bug")

    monkeypatch.setattr(SHELLS["bash"], "complete", noisy)
    assert completed(monkeypatch, "") == []


@pytest.mark.parametrize("words", [("plan", "-c"), ("plan", "--out"), ("compile", "--plan"), ("freeze", "--out")])
def test_leaves_files_to_the_shell(words: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed(monkeypatch, *words, "x") == ["file,x"]


def test_completing_a_command_imports_no_command() -> None:
    code = (
        "import json, sys\nfrom frostline.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(json.dumps([name for name in sys.modules if name.startswith('frostline.cli.commands.')]))\n"
    )
    asked = {VARIABLE: "bash_complete", "COMP_WORDS": "frostline\n", "COMP_CWORD": "1"}
    run = subprocess.run([sys.executable, "-c", code], env=asked, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout.splitlines()[-1]) == []
    assert "plain,compile" in run.stdout.splitlines()
