"""What an output is. A new one is a module of this protocol and a line in TABLE, or an entry point `frostline.outputs`.

An output is a pure function: registry and settings in, artifacts out. No clock, no environment, no network;
the only files that it may read are the templates that its settings name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from msgspec import Struct

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.model import Finding, Registry
from frostline.outputs.values import content_digest
from frostline.settings import OutputSettings


class Artifact(Struct, frozen=True, kw_only=True):
    """One file to publish. path: relative to `artifact_folder`; chunks: its bytes, in order.

    chunks may be iterated more than once and gives the same bytes each time.
    """

    path: PurePosixPath
    chunks: Iterable[bytes]


class Rendering(Struct, frozen=True, kw_only=True):
    """What one output makes of the registry; findings of severity error stop the publication."""

    artifacts: tuple[Artifact, ...]
    findings: tuple[Finding, ...] = ()


class Claim(Struct, frozen=True):
    """A path that an output writes, absolute; with is_folder everything in it."""

    path: Path
    is_folder: bool = False


class Output(Protocol):
    """The module of an output. Only `render` is needed; without the others it writes the file `path`, and its keys
    are not checked and are in `settings.options` as they are written."""

    SCHEMA: Mapping[str, Any]
    """The JSON Schema of its own keys: `properties`, `required`, `description`. The keys of every output and the
    refusal of others are added to it. `$ref` may name a shared definition of schemas/config.schema.json."""

    NEEDS_ADDRESSES: bool = False
    """True: a service of which only the name is frozen is an error, not an entry without endpoints."""

    def configure(self, cursor: Cursor, context: Context) -> OutputSettings | None:
        """The settings of the output at `cursor`, whose value fits SCHEMA; None after it has refused what it needs."""

    def claims(self, settings: OutputSettings) -> tuple[Claim, ...]:
        """The paths that it writes. A folder `settings.path` makes artifact paths relative to it."""

    def inputs(self, settings: OutputSettings) -> tuple[Path, ...]:
        """The local files that it reads: no output may overwrite them, a saved plan must find them unchanged."""

    def render(self, view: View, settings: OutputSettings) -> Rendering:
        """The artifacts of this registry."""


class View(Struct, frozen=True, kw_only=True):
    """The registry as one output sees it: its sources and services only, each url in its preferred datacenter.

    preferring: the same registry seen from another list of datacenters (for outputs with a file per datacenter).
    """

    registry: Registry
    prefer: tuple[str, ...]
    preferring: Callable[[tuple[str, ...]], Registry]
    digests: dict[tuple[str, ...], str] = {}

    def digest(self, fields: tuple[str, ...] = ()) -> str:
        """`content_digest` of its registry, computed once for all outputs that share this view."""
        if fields not in self.digests:
            self.digests[fields] = content_digest(self.registry, fields)
        return self.digests[fields]


TABLE: Mapping[str, str] = {
    "python": "frostline.outputs.python.output",
    "yaml": "frostline.outputs.yaml.output",
    "hiera": "frostline.outputs.hiera.output",
    "template": "frostline.outputs.template.output",
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


def needs_addresses(type_name: str) -> bool:
    """Whether outputs of this type are of use only with addresses."""
    return bool(getattr(output_module(type_name), "NEEDS_ADDRESSES", False))


def claims_of(settings: OutputSettings) -> tuple[Claim, ...]:
    """The paths that this output writes."""
    module = output_module(settings.type)
    return tuple(module.claims(settings)) if hasattr(module, "claims") else (Claim(settings.path),)


def inputs_of(settings: OutputSettings) -> tuple[Path, ...]:
    """The local files that this output reads."""
    module = output_module(settings.type)
    return tuple(module.inputs(settings)) if hasattr(module, "inputs") else ()


def artifact_folder(settings: OutputSettings) -> Path:
    """The folder that artifact paths are relative to: the output's path if it is a folder, else the folder of it."""
    is_folder = any(claim.is_folder and claim.path == settings.path for claim in claims_of(settings))
    return settings.path if is_folder else settings.path.parent
