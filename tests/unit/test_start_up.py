"""A command imports only what it needs, because imports cost start-up time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def loaded(*arguments: str) -> set[str]:
    """The top-level modules that this command has imported when it ends, and all of frostline's."""
    code = (
        "import sys, json\n"
        f"sys.argv = ['frostline', *{list(arguments)!r}]\n"
        "from frostline.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "names = {name if name.startswith('frostline.') else name.split('.')[0] for name in sys.modules}\n"
        "print(json.dumps(sorted(names)))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_version_imports_neither_click_nor_msgspec() -> None:
    heavy = {"click", "msgspec", "yaml", "jinja2", "rich", "jsonschema", "jsonschema_rs", "ssl"}
    assert not loaded("--version") & heavy


def test_help_imports_no_stage() -> None:
    assert not loaded("--help") & {"yaml", "jinja2", "rich", "jsonschema", "jsonschema_rs", "ssl", "consul"}


UNUSED = {"requests", "urllib3", "certifi", "charset_normalizer", "idna"}
"""What python-consul2 brings for its own HTTP client, which frostline does not use."""


def test_a_compile_without_a_server_imports_nothing_of_python_consul2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "frostline.yaml").write_text(
        'sources: {a: {type: static, services: {b: "https://b.example"}}}\noutputs: [{type: yaml, path: o.yaml}]\n'
    )
    monkeypatch.chdir(tmp_path)
    modules = loaded("compile")
    assert not modules & (UNUSED | {"six", "consul"})
    assert not {name for name in modules if name.startswith("frostline.verify.")} - {"frostline.verify.rules"}
    assert (tmp_path / "o.yaml").exists()


def test_a_freeze_imports_only_six_besides_python_consul2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "frostline.yaml").write_text(
        "sources: {a: {type: consul, address: 'http://127.0.0.1:1', retries: 0}}\n"
    )
    monkeypatch.chdir(tmp_path)
    modules = loaded("freeze")
    assert {"consul", "six"} & modules
    assert not modules & UNUSED
