"""The registry as YAML or JSON (schemas/registry.schema.json): one file, or with `split: service` one per service."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.readers import as_is
from frostline.model import Registry
from frostline.outputs.base import Artifact, Claim, Rendering, View
from frostline.outputs.documents import Document
from frostline.outputs.file_names import file_stem, unique_paths
from frostline.outputs.output_keys import output_settings, text_list
from frostline.outputs.values import FORMAT, content_digest, service_value, upstream_value
from frostline.settings import OutputSettings
from frostline.text import list_names

SCHEMA: Mapping[str, Any] = {
    "description": "The registry as YAML or JSON.",
    "properties": {
        "format": ref("output_format"),
        "split": {
            "description": "service: a file for each service, in the folder `path`.",
            "enum": ["service"],
        },
        "fields": {
            "description": "Additional fields of each endpoint.",
            "type": "array",
            "items": {"enum": ["id", "node", "namespace"]},
            "default": [],
        },
    },
}


def configure(cursor: Cursor, context: Context) -> OutputSettings | None:
    """The settings of the output at `cursor`. options: format, split, fields."""
    options = cursor.present(format=as_is, split=as_is, fields=text_list)
    settings = output_settings(cursor, context, {"format": "yaml"} | options)
    if settings and (fields := cursor.get("fields")):
        _check_fields(fields, settings.sources, context)
    return settings


def _check_fields(cursor: Cursor, sources: tuple[str, ...], context: Context) -> None:
    """Refuses a field that a source of this output does not freeze. sources: () for all."""
    for item in cursor.items():
        unkept = [name for name in context.unkept.get(item.value, ()) if not sources or name in sources]
        if unkept:
            key = f"`{item.value}s: false`"
            item.refuse(
                f"`fields` has `{item.value}`, but {key} under `keep` of {list_names(unkept)} freezes none",
                f"remove it here, remove {key} there, or leave the source out with `sources`",
            )


def render(view: View, settings: OutputSettings) -> Rendering:
    """The registry in one file, or in one file per service. The digest in a file is that of its own content."""
    if not _is_split(settings):
        path = PurePosixPath(settings.path.name)
        return Rendering(artifacts=(_artifact(path, view.registry, settings, partial(view.digest, _fields(settings))),))
    paths, collisions = unique_paths(
        view.registry.services, lambda service: PurePosixPath(f"{file_stem(service)}.{_format(settings)}")
    )
    artifacts: list[Artifact] = []
    for service, path in paths.items():
        upstreams = tuple(upstream for upstream in view.registry.upstreams if upstream.service == service)
        part = Registry(services={service: view.registry.services[service]}, upstreams=upstreams)
        digest = partial(content_digest, part, _fields(settings))
        artifacts.append(_artifact(path, part, settings, digest))
    advice = "rename one of them, leave one out with `select`, or write this output without `split`"
    findings = [collision.finding(settings.origin, advice, service=collision.second) for collision in collisions]
    return Rendering(artifacts=tuple(artifacts), findings=tuple(findings))


def claims(settings: OutputSettings) -> tuple[Claim, ...]:
    """The file, or the folder where it is split."""
    return (Claim(settings.path, _is_split(settings)),)


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
