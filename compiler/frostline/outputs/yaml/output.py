"""The registry as YAML or JSON (schemas/registry.schema.json): one file, or with `split: service` one a service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from frostline.model import Finding, Registry
from frostline.outputs.base import FORMAT, Artifact, Rendering, View, content_digest, service_value, upstream_value
from frostline.outputs.documents import Document
from frostline.outputs.file_names import file_stem
from frostline.settings import OutputSettings


def render(view: View, settings: OutputSettings) -> Rendering:
    """The registry in one file, or a file for each service. A file's digest is that of what it holds itself."""
    if not _is_split(settings):
        path = PurePosixPath(settings.path.name)
        return Rendering(artifacts=(_artifact(path, view.registry, settings, partial(view.digest, _fields(settings))),))
    artifacts: list[Artifact] = []
    owners: dict[str, str] = {}
    findings: list[Finding] = []
    for service, versions in view.registry.services.items():
        path = PurePosixPath(f"{file_stem(service)}.{_format(settings)}")
        folded = str(path).lower()
        if folded in owners:
            findings.append(_collision(owners[folded], service, path, settings))
            continue
        owners[folded] = service
        called = tuple(one for one in view.registry.upstreams if one.service == service)
        part = Registry(services={service: versions}, upstreams=called)
        digest = partial(content_digest, part, _fields(settings))
        artifacts.append(_artifact(path, part, settings, digest))
    return Rendering(artifacts=tuple(artifacts), findings=tuple(findings))


def folder(settings: OutputSettings) -> Path:
    """The output's path where it is split, else the folder of the file."""
    return settings.path if _is_split(settings) else settings.path.parent


def paths(settings: OutputSettings) -> tuple[PurePosixPath, ...]:
    """The file; of a split output the services decide."""
    return () if _is_split(settings) else (PurePosixPath(settings.path.name),)


def _is_split(settings: OutputSettings) -> bool:
    return settings.options.get("split") == "service"


def _format(settings: OutputSettings) -> str:
    return str(settings.options.get("format", "yaml"))


def _fields(settings: OutputSettings) -> tuple[str, ...]:
    return tuple(settings.options.get("fields", ()))


def _artifact(path: PurePosixPath, registry: Registry, settings: OutputSettings, digest: Callable[[], str]) -> Artifact:
    members = partial(_members, registry, _fields(settings), digest)
    return Artifact(path=path, chunks=Document(members, _format(settings)))


def _members(registry: Registry, fields: tuple[str, ...], digest: Callable[[], str]) -> Iterator[tuple[str, Any]]:
    yield "format", FORMAT
    yield "digest", digest()
    yield (
        "services",
        ((name, service_value(versions, fields, direct=True)) for name, versions in registry.services.items()),
    )
    yield "upstreams", [upstream_value(dependency) for dependency in registry.upstreams]


def _collision(first: str, second: str, path: PurePosixPath, settings: OutputSettings) -> Finding:
    return Finding(
        rule="path-collision",
        service=second,
        value=str(path),
        origin=settings.origin,
        message=f"the files of `{first}` and `{second}` are one where file names ignore case: {path}",
        help="rename one of them, leave one out with `select`, or write this output without `split`",
    )
