"""The protocol of outputs. A new output is a module with these functions and a line in TABLE, or an entry point
`frostline.outputs` of another package.

An output is a pure function: registry and settings in, artifacts out. It uses no clock, environment or network, and
reads no files but the templates that its settings name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from msgspec import Struct

from frostline import plug_ins
from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.errors import UsageError
from frostline.model import Finding, Key, Registry
from frostline.outputs.values import content_digest
from frostline.plug_ins import PlugIn, Seam, isolated
from frostline.settings import OutputSettings, Override, Waiver
from frostline.text import quote
from frostline.value_types import MisfitError, require


class Artifact(Struct, frozen=True, kw_only=True):
    """One file to publish. path: relative to `artifact_folder`; chunks: its bytes, in order.

    chunks may be iterated more than once and gives the same bytes each time.
    """

    path: PurePosixPath
    chunks: Iterable[bytes]


class Rendering(Struct, frozen=True, kw_only=True):
    """The result of rendering one output. Findings of severity error stop the publication."""

    artifacts: tuple[Artifact, ...]
    findings: tuple[Finding, ...] = ()


class Claim(Struct, frozen=True):
    """An absolute path that an output writes; with is_folder a folder with everything in it."""

    path: Path
    is_folder: bool = False


class Output(Protocol):
    """The module of an output. Only `render` is required.

    Without `claims` it writes the file `path`. Without SCHEMA and `configure`, its keys are not checked and stand in
    `settings.options` as written.
    """

    SCHEMA: Mapping[str, Any]
    """The JSON Schema of its own keys: `properties`, `required`, `description`. frostline adds the keys of every output
    and refuses all other keys. `$ref` may name a shared definition of schemas/config.schema.json."""

    NEEDS_ADDRESSES: bool = False
    """True: a service that is frozen only by name is an error, not an entry without endpoints."""

    def configure(self, cursor: Cursor, context: Context) -> OutputSettings | None:
        """The settings of the output at `cursor`, whose value is valid by SCHEMA; None if it has refused a key that it
        needs."""

    def claims(self, settings: OutputSettings) -> tuple[Claim, ...]:
        """The paths that it writes. If `settings.path` is claimed as a folder, artifact paths are relative to it."""

    def inputs(self, settings: OutputSettings) -> tuple[Path, ...]:
        """The local files that it reads. No output may overwrite them, and a saved plan must find them unchanged."""

    def render(self, view: View, settings: OutputSettings) -> Rendering:
        """The files of this registry."""


class Beside(Struct, frozen=True, kw_only=True):
    """What configuration and checks say about the services of a registry.

    configured_consumers: (service, version) -> names of its consumers by the key `consumers`. findings: those of checks
    and of the registry that do not depend on the day, each with its waiver, expired or not.
    """

    overrides: tuple[Override, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    configured_consumers: Mapping[Key, tuple[str, ...]] = {}
    findings: tuple[tuple[Finding, Waiver | None], ...] = ()


class View(Struct, frozen=True, kw_only=True):
    """The registry as one output sees it: only its sources and services, each url chosen by its `prefer`.

    preferring: makes the same registry with another list of preferred datacenters (for a file per datacenter).
    beside: makes what configuration and checks say about the services of this registry.
    """

    registry: Registry
    prefer: tuple[str, ...]
    preferring: Callable[[tuple[str, ...]], Registry]
    beside: Callable[[], Beside] = Beside
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
    "puppet-module": "frostline.outputs.puppet_module.output",
    "template": "frostline.outputs.template.output",
    "page": "frostline.outputs.page.output",
}


def output_types() -> tuple[str, ...]:
    """All types that a configuration may name, sorted."""
    return plug_ins.names(SEAM)


def output_module(type_name: str) -> Any:
    """The module of this type, imported on first use. Raises KeyError if there is no such type."""
    if type_name in TABLE:
        return import_module(TABLE[type_name])
    return plug_ins.plug_in(SEAM, type_name)


def _configured(plug_in: PlugIn, result: Any, cursor: Cursor, context: Context) -> OutputSettings | None:
    if result is None and cursor.state.errors:
        return None
    settings: OutputSettings = require(result, OutputSettings, "the result")
    if settings.type != cursor.value["type"]:
        raise MisfitError("its `type` is not that of the output")
    return settings


def _rendered(plug_in: PlugIn, result: Any, view: View, settings: OutputSettings) -> Rendering:
    """The checked result of a plug-in: its paths lie inside its claims, and reading its chunks checks them."""
    if not isinstance(result, Rendering):
        raise MisfitError(f"it must be a Rendering, not {type(result).__name__}")
    findings = plug_ins.items_of(result.findings, Finding)
    artifacts = result.artifacts
    if not isinstance(artifacts, tuple | list):
        raise MisfitError(f"`artifacts` must be a tuple, not {type(artifacts).__name__}")
    folder, claims, seen = artifact_folder(settings), claims_of(settings), set[PurePosixPath]()
    for number, artifact in enumerate(artifacts):
        name = f"artifacts[{number}]"
        if not isinstance(artifact, Artifact):
            raise MisfitError(f"`{name}` must be an Artifact, not {type(artifact).__name__}")
        path, chunks = require(artifact.path, PurePosixPath, f"{name}.path"), artifact.chunks
        if not path.name or path.is_absolute() or ".." in path.parts or not _is_claimed(folder / path, claims):
            raise MisfitError(f"`{name}.path` is {quote(str(path))}, outside what the output claims")
        if path in seen:
            raise MisfitError(f"two artifacts have the path {quote(str(path))}")
        if isinstance(chunks, str | bytes | Iterator) or not isinstance(chunks, Iterable):
            kind = type(chunks).__name__
            raise MisfitError(f"`{name}.chunks` must be a tuple of bytes or what can be read again, not {kind}")
        seen.add(path)
    guarded = tuple(
        Artifact(path=artifact.path, chunks=_GuardedChunks(plug_in, artifact.chunks)) for artifact in artifacts
    )
    return Rendering(artifacts=guarded, findings=findings)


def _is_claimed(path: Path, claims: Iterable[Claim]) -> bool:
    return any(path == claim.path or (claim.is_folder and path.is_relative_to(claim.path)) for claim in claims)


class _GuardedChunks:
    """The chunks of a plug-in's artifact. An error while they are read is reported as the plug-in's fault."""

    def __init__(self, plug_in: PlugIn, chunks: Iterable[bytes]) -> None:
        self._plug_in, self._chunks = plug_in, chunks

    def __iter__(self) -> Iterator[bytes]:
        with self._plug_in.blamed("render"):
            chunks = iter(self._chunks)
        while True:
            with self._plug_in.blamed("render"):
                chunk = next(chunks, None)
                if chunk is not None and not isinstance(chunk, bytes):
                    raise MisfitError(f"a chunk must be bytes, not {type(chunk).__name__}")
            if chunk is None:
                return
            yield chunk


SEAM = Seam(
    group="frostline.outputs",
    noun="output",
    table=TABLE,
    functions={
        "configure": _configured,
        "claims": lambda plug_in, result, settings: plug_ins.items_of(result, Claim),
        "inputs": lambda plug_in, result, settings: plug_ins.items_of(result, Path),
        "render": _rendered,
    },
    values={**plug_ins.COMMON_VALUES, "NEEDS_ADDRESSES": bool},
    one_of=("render",),
    error=UsageError,
)
"""What frostline uses of a plug-in's output. A failing plug-in is an error of the user's, like a failing template."""


def view_for(settings: OutputSettings, view: View) -> View:
    """The view for this output. A plug-in's output gets a copy, so that it cannot change what others see."""
    if settings.type in TABLE:
        return view

    def preferring(prefer: tuple[str, ...]) -> Registry:
        return isolated(view.preferring(prefer))

    return View(registry=isolated(view.registry), prefer=view.prefer, preferring=preferring)


def needs_addresses(type_name: str) -> bool:
    """Whether outputs of this type need frozen addresses."""
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
    """The folder to which artifact paths are relative: the output's path if it is a folder, else its parent folder."""
    is_folder = any(claim.is_folder and claim.path == settings.path for claim in claims_of(settings))
    return settings.path if is_folder else settings.path.parent
