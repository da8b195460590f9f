"""A folder with a configuration, in which tests run the command."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from jsonschema import Draft202012Validator

from frostline.resources import schema_text

Run = CompletedProcess[str]

OUTPUTS = [{"type": "python", "path": "registry.py"}, {"type": "yaml", "path": "services.yaml"}]
PARTNERS = {
    "type": "static",
    "services": {"billing": "https://billing.example", "mail": {"v3": "https://mail.example"}},
}

STATIC = {"version": 1, "sources": {"partners": PARTNERS}, "outputs": OUTPUTS}
"""A configuration that needs no server."""


def consul_config(address: str, *, source: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Make a configuration whose only source is `mesh`. source: its further keys; more: those of the configuration."""
    mesh = {"type": "consul", "address": address, "retries": 0, **(source or {})}
    return {"version": 1, "sources": {"mesh": mesh}, "outputs": OUTPUTS, **more}


class Project:
    """folder: where the command runs. Configurations are given as values (JSON is YAML) or as text."""

    def __init__(self, folder: Path, run: Callable[..., Run]) -> None:
        self.folder = folder
        self._run = run

    def configure(self, config: Mapping[str, Any] | str) -> Project:
        text = config if isinstance(config, str) else json.dumps(config, indent=1)
        self.write("frostline.yaml", text)
        return self

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def run(self, *arguments: str | Path, env: dict[str, str] | None = None) -> Run:
        """Run the command. No run may end in a traceback."""
        done = self._run(*arguments, cwd=self.folder, env=env)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def done(self, *arguments: str | Path, env: dict[str, str] | None = None) -> Run:
        """Run the command, which must end with 0."""
        done = self.run(*arguments, env=env)
        assert done.returncode == 0, done.stderr
        return done

    def refused(self, status: int, *arguments: str | Path, env: dict[str, str] | None = None) -> Run:
        """Run the command, which must end with this status and change no file."""
        before = self.tree()
        done = self.run(*arguments, env=env)
        assert done.returncode == status, done.stderr + done.stdout
        assert self.tree() == before
        return done

    def tree(self) -> dict[str, tuple[int, bytes | str | None, int]]:
        """Return everything in the folder: path -> (mode, bytes or the target of a link, time of the last change in
        ns)."""
        found: dict[str, tuple[int, bytes | str | None, int]] = {}
        for path in sorted(self.folder.rglob("*")):
            status = path.lstat()
            content: bytes | str | None = None
            if stat.S_ISREG(status.st_mode):
                content = path.read_bytes()
            elif stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)  # noqa: PTH115
            written = 0 if stat.S_ISDIR(status.st_mode) else status.st_mtime_ns
            found[str(path.relative_to(self.folder))] = (status.st_mode, content, written)
        return found

    def contents(self) -> dict[str, bytes | str | None]:
        """Return `tree` without modes and times: path -> bytes or the target of a link."""
        return {path: content for path, (_, content, _) in self.tree().items()}

    def document(self, status: int, *arguments: str | Path, env: dict[str, str] | None = None) -> Any:
        """Run the command with `--format json`, check its output against the schema, and return it."""
        done = self.run(*arguments, "--format", "json", env=env)
        assert done.returncode == status, done.stderr + done.stdout
        value = json.loads(done.stdout)
        assert_fits(value)
        return value


def assert_fits(value: Any) -> None:
    """Check the document against the schema that its format names."""
    name = value["format"].removeprefix("frostline.").partition("/")[0]
    Draft202012Validator(json.loads(schema_text(name))).validate(value)
    if "report" in value:
        assert_fits(value["report"])


def explains(stderr: str, *words: str) -> None:
    """The message has these words and a line that says what to do next."""
    for word in words:
        assert word in stderr
    assert "\n  help: " in stderr
