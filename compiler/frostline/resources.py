"""The schemas and templates that come with frostline, installed (beside this file) or in a checkout (at its top)."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent.parent


def resource_folder(name: str) -> Path:
    """The folder `schemas` or `templates`."""
    installed = _PACKAGE / name
    return installed if installed.is_dir() else _CHECKOUT / name


def schema_text(name: str) -> bytes:
    """The JSON Schema `name` (`config`, `registry`, `lock` …) as it is in its file. KeyError: there is none."""
    if name not in schema_names():
        raise KeyError(name)
    return (resource_folder("schemas") / f"{name}.schema.json").read_bytes()


def schema_names() -> tuple[str, ...]:
    """The names of all schemas, sorted."""
    return tuple(sorted(path.name.removesuffix(".schema.json") for path in resource_folder("schemas").glob("*.json")))
