"""The registry as Hiera 5 data: a key per service, an index, a layer per datacenter, keys for class parameters.

One key per service, because Puppet interpolates the whole value of a key at each lookup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from msgspec.structs import replace

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.readers import as_is
from frostline.model import Finding, Registry
from frostline.outputs.base import Artifact, Claim, Rendering, View
from frostline.outputs.documents import Document
from frostline.outputs.file_names import file_stem, percent_encode, unique_paths
from frostline.outputs.hiera.keys import INDEX, SERVICE, ClassKey, class_keys, key_patterns, read_keys
from frostline.outputs.output_keys import output_settings, text_list
from frostline.outputs.values import Endpoints, service_value
from frostline.settings import OutputSettings

SCHEMA: Mapping[str, Any] = {
    "description": "Data for Puppet's Hiera: a key for each service, in files in the folder `path`.",
    "properties": {
        "format": ref("output_format"),
        "layers": {
            "description": (
                "datacenter: a common file, and one for each datacenter with the services that differ there."
            ),
            "type": "array",
            "items": {"enum": ["datacenter"]},
            "default": [],
        },
        "keys": {
            "description": (
                "More keys, such as class parameters: a key with {service} and {version} in it, and what it holds."
            ),
            "type": "object",
            "propertyNames": ref("text"),
            "additionalProperties": {
                "description": (
                    "Of the endpoint to use its url, address or port; of all endpoints their urls, or all that is "
                    "known."
                ),
                "enum": ["url", "urls", "address", "port", "endpoints"],
            },
            "default": {},
        },
    },
}

NEEDS_ADDRESSES = True


def configure(cursor: Cursor, context: Context) -> OutputSettings | None:
    """The settings of the output at `cursor`. options: format, layers, keys."""
    options = cursor.present(format=as_is, layers=text_list, keys=read_keys)
    return output_settings(cursor, context, {"format": "yaml"} | options)


def render(view: View, settings: OutputSettings) -> Rendering:
    """The file `common`; with layers also a file per datacenter and the hiera.yaml that reads them."""
    kind = _format(settings)
    keys, findings = class_keys(view.registry, key_patterns(settings), settings.origin)
    common = Document(partial(_common, view.registry, keys), kind)
    artifacts = [Artifact(path=PurePosixPath(f"common.{kind}"), chunks=common)]
    if _is_layered(settings):
        layers, collisions = _layers(view, keys, settings)
        artifacts += [*layers, Artifact(path=PurePosixPath("hiera.yaml"), chunks=Document(partial(_hierarchy, kind)))]
        findings += collisions
    return Rendering(artifacts=tuple(artifacts), findings=tuple(findings))


def claims(settings: OutputSettings) -> tuple[Claim, ...]:
    """The folder: the datacenters decide which files are in it."""
    return (Claim(settings.path, is_folder=True),)


def service_key(service: str) -> str:
    """The key of a service, encoded: to Hiera a dot leads into a value, and a key with quotes cannot be looked up."""
    return SERVICE + percent_encode(service)


def escape_interpolation(value: Any) -> Any:
    """`value` (str, int, bool, None, `Endpoints`, list or dict), escaped so that Hiera's interpolation restores it.

    Hiera interpolates strings and the keys of hashes within a value, but not the keys at the top of a file. It does not
    interpolate the result of an interpolation again (Puppet::Pops::Lookup::Interpolation).
    """
    if isinstance(value, str):
        return value.replace("%{", "%{literal('%')}{") if "%{" in value else value
    if isinstance(value, Endpoints):
        # The text is quoted already, but neither YAML nor JSON escapes `%` or `{`.
        return replace(value, escape=escape_interpolation)
    if isinstance(value, list):
        return [escape_interpolation(item) for item in value]
    if isinstance(value, dict):
        return {escape_interpolation(key): escape_interpolation(item) for key, item in value.items()}
    return value


def _format(settings: OutputSettings) -> str:
    return str(settings.options.get("format", "yaml"))


def _is_layered(settings: OutputSettings) -> bool:
    return "datacenter" in settings.options.get("layers", ())


def _common(registry: Registry, keys: Mapping[str, ClassKey]) -> Iterator[tuple[str, Any]]:
    yield INDEX, ((escape_interpolation(service), service_key(service)) for service in registry.services)
    yield from _services(registry, registry.services)
    yield from _parameters(registry, keys)


def _layer(registry: Registry, services: Iterable[str], keys: Mapping[str, ClassKey]) -> Iterator[tuple[str, Any]]:
    yield from _services(registry, services)
    yield from _parameters(registry, keys)


def _services(registry: Registry, services: Iterable[str]) -> Iterator[tuple[str, Any]]:
    for service in services:
        yield service_key(service), escape_interpolation(service_value(registry.services[service], direct=True))


def _parameters(registry: Registry, keys: Mapping[str, ClassKey]) -> Iterator[tuple[str, Any]]:
    for key, source in keys.items():
        yield key, escape_interpolation(source.value(registry))


def _layers(view: View, keys: Mapping[str, ClassKey], settings: OutputSettings) -> tuple[list[Artifact], list[Finding]]:
    """A file for each datacenter that prefers another URL of some service. Hiera skips a file that does not exist."""
    paths, collisions = unique_paths(
        _datacenters(view.registry),
        lambda datacenter: PurePosixPath("datacenter", f"{file_stem(datacenter)}.{_format(settings)}"),
    )
    artifacts: list[Artifact] = []
    for datacenter, path in paths.items():
        registry = view.preferring((datacenter, *view.prefer))
        services = [name for name, versions in view.registry.services.items() if registry.services[name] != versions]
        changed = {key: source for key, source in keys.items() if source.value(registry) != source.value(view.registry)}
        if services:
            chunks = Document(partial(_layer, registry, services, changed), _format(settings))
            artifacts.append(Artifact(path=path, chunks=chunks))
    advice = "leave one of them out of the sources of this output"
    return artifacts, [collision.finding(settings.origin, advice) for collision in collisions]


def _datacenters(registry: Registry) -> list[str]:
    """All datacenters, sorted. Endpoints of local sources have none."""
    return sorted({endpoint.datacenter for _, entry in registry.entries() for endpoint in entry.endpoints} - {""})


def _hierarchy(kind: str) -> Iterator[tuple[str, Any]]:
    """The members of hiera.yaml. Its paths are relative to its own folder.

    Each level names its reader, so that it keeps it where it is copied under the defaults of another hierarchy:
    eyaml_lookup_key there would decrypt a tag that looks like `ENC[…]`.
    """
    reader = f"{kind}_data"
    yield "version", 5
    yield "defaults", {"datadir": "."}
    yield (
        "hierarchy",
        [
            {"name": "Datacenter", "path": f"datacenter/%{{facts.datacenter}}.{kind}", "data_hash": reader},
            {"name": "Common", "path": f"common.{kind}", "data_hash": reader},
        ],
    )
