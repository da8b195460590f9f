"""What an output is. A new one is one new file and one line in TABLE, or an entry point `frostline.outputs`.

An output is a pure function: registry and settings in, artifacts out. No clock, no environment, no network;
the only files that it may read are the templates that its settings name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from frostline.diagnostics import Finding
from frostline.model import Endpoint, Entry, Registry, version_label
from frostline.settings import OutputSettings

FORMAT = "frostline.registry/1"


class Artifact(Struct, frozen=True, kw_only=True):
    """One file to publish. path: relative to the output's folder (`Output.folder`); chunks: its bytes, in order.

    chunks may be iterated more than once and gives the same bytes each time.
    """

    path: PurePosixPath
    chunks: Iterable[bytes]


class Rendering(Struct, frozen=True, kw_only=True):
    """What one output makes of the registry; findings of severity error stop the publication."""

    artifacts: tuple[Artifact, ...]
    findings: tuple[Finding, ...] = ()


class Output(Protocol):
    """The module of an output."""

    def render(self, view: View, settings: OutputSettings) -> Rendering:
        """The artifacts of this registry."""

    def folder(self, settings: OutputSettings) -> Path:
        """The folder that artifact paths are relative to.

        The parent of settings.path where the output is a file, settings.path itself where it is a folder.
        """

    def paths(self, settings: OutputSettings) -> tuple[PurePosixPath, ...]:
        """The artifact paths known before rendering, relative to the folder: to find two outputs in one file."""


class View(Struct, frozen=True, kw_only=True):
    """The registry as one output sees it: its sources and services only, each url in its preferred datacenter.

    preferring: the same registry seen from another list of datacenters (for an output with a layer a datacenter).
    """

    registry: Registry
    prefer: tuple[str, ...]
    preferring: Callable[[tuple[str, ...]], Registry]


TABLE: Mapping[str, str] = {
    "python": "frostline.outputs.python",
    "yaml": "frostline.outputs.yaml",
    "hiera": "frostline.outputs.hiera",
    "template": "frostline.outputs.template",
}


def output_types() -> tuple[str, ...]:
    """All types that a configuration may name, sorted."""
    return tuple(sorted({*TABLE, *(entry.name for entry in entry_points(group="frostline.outputs"))}))


def output_module(type_name: str) -> Any:
    """The module of this type, imported on first use. KeyError: there is no such type."""
    if type_name in TABLE:
        return import_module(TABLE[type_name])
    for entry in entry_points(group="frostline.outputs"):
        if entry.name == type_name:
            return entry.load()
    raise KeyError(type_name)


OPTIONAL_FIELDS = ("id", "node", "namespace")
"""Fields of an endpoint that the registry has only where `fields` names them."""


def endpoint_value(endpoint: Endpoint, fields: tuple[str, ...] = ()) -> dict[str, Any]:
    """An endpoint as the registry's formats have it (schemas/registry.schema.json), as plain values in fixed order.

    A static or router endpoint has no datacenter: None.
    """
    value: dict[str, Any] = {
        "url": endpoint.url,
        "address": endpoint.address,
        "port": endpoint.port,
        "datacenter": endpoint.datacenter or None,
        "tags": list(endpoint.tags),
        "meta": dict(sorted(endpoint.meta.items())),
        "weight": endpoint.weight,
    }
    for field in OPTIONAL_FIELDS:
        if field in fields:
            value[field] = getattr(endpoint, field)
    return value


def entry_value(entry: Entry, fields: tuple[str, ...] = ()) -> dict[str, Any]:
    """A (service, version) as the registry's formats have it."""
    value: dict[str, Any] = {
        "url": entry.url,
        "endpoints": [endpoint_value(endpoint, fields) for endpoint in entry.endpoints],
    }
    if entry.declared:
        return value | {"declared": True}
    return value | {"source": entry.sources[0] if len(entry.sources) == 1 else list(entry.sources)}


def service_value(versions: Mapping[str | None, Entry], fields: tuple[str, ...] = ()) -> dict[str, Any]:
    """A service as the registry's formats have it: version (None: "unversioned") -> entry."""
    return {version_label(version): entry_value(entry, fields) for version, entry in versions.items()}


def content_digest(registry: Registry, fields: tuple[str, ...] = ()) -> str:
    """`sha256:…` of the registry's content as JSON lines, a (service, version) each: the same on every machine."""
    hashed = sha256()
    encode = msgspec.json.Encoder().encode
    for (service, version), entry in registry.entries():
        hashed.update(encode([service, version, entry_value(entry, fields)]))
        hashed.update(b"\n")
    return f"sha256:{hashed.hexdigest()}"


def lines(texts: Iterable[str]) -> Iterator[bytes]:
    """Each text as one UTF-8 line."""
    for text in texts:
        yield text.encode() + b"\n"
