"""The `python` output: a module without dependencies, and a stub from which type checkers know every name.

The module's code is fixed (templates/python/registry.py.txt); only DIGEST and the data differ. The data is a raw string
with one line per endpoint, because Python compiles a raw string as fast as it reads it. Characters that could end the
string or be mistaken for others (apostrophes, CR, NUL, invisible ones) are JSON escapes, which the module decodes.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
from msgspec import Struct

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.readers import as_is
from frostline.endpoint_runs import runs_of
from frostline.model import Endpoint, Entry, Key, Registry
from frostline.outputs.base import Artifact, Claim, Rendering, View
from frostline.outputs.output_keys import output_settings
from frostline.outputs.python.stub import stub_text
from frostline.resources import resource_folder
from frostline.settings import OutputSettings
from frostline.text import UNPRINTABLE, quote

# An apostrophe could end the raw string; the others could mislead a terminal, an editor or a reviewer.
_UNSAFE = re.compile(f"['{UNPRINTABLE}]")

_encode = msgspec.json.Encoder(order="sorted").encode

SCHEMA: Mapping[str, Any] = {
    "description": "A Python module that needs only the standard library, with a .pyi beside it.",
    "properties": {
        "blacksmith": {
            "description": (
                "Whether the module also has SyncDiscovery and AsyncDiscovery, which take the place of "
                "blacksmith's own discoveries. The module imports blacksmith only when a program uses one of "
                "them."
            ),
            "type": "boolean",
            "default": False,
        },
    },
}

_PREFER_COMMENT = "# The datacenters that pick() prefers, in order, as JSON.\n"
_AUTH_COMMENT = "# One line per (service, version) whose authentication scheme is known: service, version, its name.\n"

_DATA_COMMENT = (
    "# One line per endpoint: service, version (- if unversioned), * if url() returns it, url, address, port, "
    "datacenter,\n"
    "# weight, tags and meta as JSON. The columns are separated by tabs and use the escapes of JSON.\n"
)


class ModuleText(Struct, frozen=True):
    """The bytes of the module, generated entry by entry at each iteration."""

    view: View
    blacksmith: bool = False

    def __iter__(self) -> Iterator[bytes]:
        folder = resource_folder("templates") / "python"
        yield (folder / "registry.py.txt").read_bytes()
        if self.blacksmith:
            yield (folder / "blacksmith.py.txt").read_bytes()
        yield f'\n\nDIGEST = "{self.view.digest()}"\n\n'.encode()
        yield f"{_PREFER_COMMENT}_PREFER = r'{_json(self.view.prefer)}'\n\n".encode()
        yield f"{_AUTH_COMMENT}_AUTH = r'''\n".encode()
        for key, entry in self.view.registry.entries():
            if entry.auth:
                yield f"{_start(key)}\t{_column(entry.auth)}\n".encode()
        yield f"'''\n\n{_DATA_COMMENT}_DATA = r'''\n".encode()
        for key, entry in self.view.registry.entries():
            yield ("\n".join(entry_lines(key, entry)) + "\n").encode()
        yield b"'''\n"


class StubText(Struct, frozen=True):
    """The bytes of the stub."""

    registry: Registry
    blacksmith: bool = False

    def __iter__(self) -> Iterator[bytes]:
        yield stub_text(self.registry, blacksmith=self.blacksmith).encode()


NEEDS_ADDRESSES = True


def configure(cursor: Cursor, context: Context) -> OutputSettings | None:
    """The settings of the output at `cursor`. Refuses a path that is not a Python module. options: blacksmith."""
    path = cursor.get("path")
    if path is not None and not _is_module(Path(path.value)):
        path.refuse(f"{quote(path.value)} is not the path of a Python module", "write a path such as app/registry.py")
    return output_settings(cursor, context, {"blacksmith": False} | cursor.present(blacksmith=as_is))


def _is_module(path: Path) -> bool:
    return path.suffix == ".py" and path.stem.isidentifier() and not keyword.iskeyword(path.stem)


def claims(settings: OutputSettings) -> tuple[Claim, ...]:
    """The module and its stub."""
    return Claim(settings.path), Claim(settings.path.parent / f"{settings.path.stem}.pyi")


def render(view: View, settings: OutputSettings) -> Rendering:
    """The module and its stub."""
    module, stub = (PurePosixPath(claim.path.name) for claim in claims(settings))
    blacksmith = bool(settings.options.get("blacksmith"))
    texts: tuple[tuple[PurePosixPath, Iterable[bytes]], ...] = (
        (module, ModuleText(view, blacksmith)),
        (stub, StubText(view.registry, blacksmith)),
    )
    return Rendering(artifacts=tuple(Artifact(path=path, chunks=chunks) for path, chunks in texts))


def entry_lines(key: Key, entry: Entry) -> list[str]:
    """The lines of one (service, version), without newlines: one per endpoint, or one without a URL if it has none.

    Raises ValueError if the entry's url is not the URL of one of its endpoints.
    """
    start = _start(key)
    if entry.declared:
        return [start]
    urls = [endpoint.url for endpoint in entry.endpoints]
    # Endpoints in two namespaces may have the same URL. The first of them is marked.
    chosen = urls.index(entry.url or "")
    lines: list[str] = []
    for run in runs_of(entry):
        end = _shared_columns(run.first)
        if run.is_plain:
            lines += [
                f"{start}\t\t{endpoint.url}\t{endpoint.address}\t{endpoint.port}\t{end}" for endpoint in run.endpoints
            ]
        else:
            lines += [
                f"{start}\t\t{_column(endpoint.url)}\t{_short_column(endpoint.address)}\t{endpoint.port}\t{end}"
                for endpoint in run.endpoints
            ]
    lines[chosen] = f"{start}\t*{lines[chosen][len(start) + 1 :]}"
    return lines


def _start(key: Key) -> str:
    """The columns of service and version."""
    return f"{_column(key.service)}\t{'-' if key.version is None else _version_column(key.version)}"


def _shared_columns(endpoint: Endpoint) -> str:
    """The last columns, which are the same for all endpoints of a run."""
    tags = _tags(endpoint.tags) if endpoint.tags else ""
    meta = _meta(tuple(endpoint.meta.items())) if endpoint.meta else ""
    return f"{_short_column(endpoint.datacenter)}\t{endpoint.weight}\t{tags}\t{meta}".rstrip("\t")


def _version_column(version: str) -> str:
    # A bare - stands for None.
    return "\\u002d" if version == "-" else _column(version)


def _column(text: str) -> str:
    return _json(text)[1:-1]


# Addresses, tags and meta repeat across a fleet.
_short_column = lru_cache(maxsize=1 << 16)(_column)


@lru_cache(maxsize=1 << 16)
def _tags(tags: tuple[str, ...]) -> str:
    return _json(tags)


@lru_cache(maxsize=1 << 16)
def _meta(items: tuple[tuple[str, str], ...]) -> str:
    return _json(dict(items))


def _json(value: Any) -> str:
    """Compact JSON with the unsafe characters escaped: they occur only within strings, where JSON has escapes."""
    return _UNSAFE.sub(_json_escape, _encode(value).decode())


def _json_escape(found: re.Match[str]) -> str:
    units = found.group().encode("utf-16-be")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
