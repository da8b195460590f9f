"""The schemas and templates that come with frostline: beside this file if installed, else at the checkout's top."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent.parent


def resource_folder(name: str) -> Path:
    """Return the folder `schemas` or `templates`."""
    installed = _PACKAGE / name
    return installed if installed.is_dir() else _CHECKOUT / name


def schema_text(name: str) -> bytes:
    """Read the JSON Schema `name` (`config`, `registry`, `lock` …). Raises KeyError if there is no such schema."""
    if name not in schema_names():
        raise KeyError(name)
    return (resource_folder("schemas") / f"{name}.schema.json").read_bytes()


def schema_names() -> tuple[str, ...]:
    """Return the names of all schemas, sorted."""
    return tuple(sorted(path.name.removesuffix(".schema.json") for path in resource_folder("schemas").glob("*.json")))
