"""Read Hiera data with a real Puppet."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("puppet_lookup.rb")


class LookupFailedError(Exception):
    """Puppet refused keys, or did not run. `errors`: key -> Puppet's message."""

    def __init__(self, message: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.errors = dict(errors or {})


def look_up(
    puppet: str, source: Path, keys: Iterable[str], facts: Mapping[str, Any], folder: Path, node: str = "host.example"
) -> dict[str, Any]:
    """Look keys up. Returns the values of those that Puppet finds. folder: an empty one.

    See the fixture `puppet_lookup`.
    """
    request = {"hiera_config": str(_hiera_config(source, folder)), "node": node, "facts": dict(facts)}
    found, errors = _ask(puppet, {**request, "keys": list(keys)}, folder)
    if errors:
        raise LookupFailedError("\n".join(f"{key!r}: {message}" for key, message in errors.items()), errors)
    return found


def evaluated(
    puppet: str,
    modules: Path,
    code: Iterable[str],
    folder: Path,
    *,
    keys: Iterable[str] = (),
    facts: Mapping[str, Any] | None = None,
    trusted: Mapping[str, Any] | None = None,
    hiera: Path | None = None,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Evaluate Puppet code and look keys up, in strict mode, with the modules in the folder `modules`.

    Returns (expression or key -> value) and (expression or key -> Puppet's message).
    folder: an empty one. trusted: the node's trusted facts. hiera: the hiera.yaml before the modules' own.
    """
    if hiera is None:
        hiera = folder / "hiera.yaml"
        hiera.write_text('{"version": 5, "hierarchy": []}')
    request = {"hiera_config": str(hiera), "node": "host.example", "facts": dict(facts or {}), "keys": list(keys)}
    more = {"modules": [str(modules)], "code": list(code), "trusted": dict(trusted or {})}
    return _ask(puppet, {**request, **more}, folder)


def _ask(puppet: str, request: Mapping[str, Any], folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    ruby, library = _ruby(puppet)
    run = subprocess.run(
        [ruby, str(SCRIPT)],
        input=json.dumps({**request, "folder": str(folder)}).encode(),
        cwd=folder,
        env={**os.environ, **library, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "HOME": str(folder)},
        capture_output=True,
        timeout=120,
        check=False,
    )
    if run.returncode:
        raise LookupFailedError(f"puppet ended with {run.returncode}: {run.stderr.decode(errors='replace')}")
    answer = json.loads(run.stdout)
    return {key: _to_python(found) for key, found in answer["found"].items()}, answer["errors"]


def _hiera_config(source: Path, folder: Path) -> Path:
    """Find or make the hiera.yaml for this folder or file of data: its own, or one that reads all YAML and JSON in
    it."""
    source = source.resolve()
    if source.is_dir() and (source / "hiera.yaml").exists():
        return source / "hiera.yaml"
    if source.name == "hiera.yaml":
        return source
    if source.is_dir():
        layers = [_layer(source, "**/*.yaml", "yaml"), _layer(source, "**/*.json", "json")]
    else:
        layers = [_layer(source.parent, source.name, source.suffix.removeprefix("."))]
    config = folder / "hiera.yaml"
    config.write_text(json.dumps({"version": 5, "hierarchy": layers}))
    return config


def _layer(datadir: Path, glob: str, kind: str) -> dict[str, str]:
    return {"name": glob, "datadir": str(datadir), "data_hash": f"{kind}_data", "glob": glob}


def _ruby(puppet: str) -> tuple[str, dict[str, str]]:
    """Return the Ruby of this puppet, from its first line, and the variables by which it finds Puppet (install.sh)."""
    first, _, rest = Path(puppet).resolve().read_bytes().decode(errors="replace").partition("\n")
    kept = re.match(r"RUBYLIB=(\S+) exec (\S+) ", rest)
    if kept:
        return kept[2], {"RUBYLIB": kept[1]}
    interpreter = first.removeprefix("#!").split()
    if first.startswith("#!") and interpreter and Path(interpreter[-1]).name.startswith("ruby"):
        return interpreter[-1], {}
    return shutil.which("ruby") or "ruby", {}


def _to_python(value: Any) -> Any:
    """Turn a value that the script wrote into Python's."""
    if isinstance(value, list):
        return [_to_python(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "$bytes":
        return bytes.fromhex(content)
    return {_to_python(key): _to_python(item) for key, item in content}
