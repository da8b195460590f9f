"""The registry as Hiera 5 data: a key a service, an index, layers by datacenter, keys for class parameters.

A key a service, because Puppet interpolates the whole value of a key at each lookup.
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
from frostline.outputs.base import Artifact, Claim, Endpoints, Rendering, View, service_value
from frostline.outputs.documents import Document
from frostline.outputs.file_names import PATH_COLLISION, file_stem, percent_encode
from frostline.outputs.hiera.keys import INDEX, SERVICE, ClassKey, class_keys, key_patterns, read_keys
from frostline.outputs.output_keys import output_settings, text_list
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


def configure(cursor: Cursor, context: Context) -> OutputSettings | None:
    """The settings of the output at `cursor`. options: format, layers, keys."""
    options = cursor.present(format=as_is, layers=text_list, keys=read_keys)
    return output_settings(cursor, context, {"format": "yaml"} | options)


def render(view: View, settings: OutputSettings) -> Rendering:
    """`common`, and with layers the datacenters' files and the hiera.yaml that reads them."""
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
    """The key of a service: dots in a key dig, and quotes in one cannot be looked up."""
    return SERVICE + percent_encode(service)


def escape_interpolation(value: Any) -> Any:
    """`value` so that Hiera's interpolation gives it back as it is: str, int, bool, None, `Endpoints`, list or dict.

    Hiera interpolates strings and the keys of hashes within a value; a key at the top of a file it leaves alone.
    What an interpolation gives is not interpolated again (Puppet::Pops::Lookup::Interpolation).
    """
    if isinstance(value, str):
        return value.replace("%{", "%{literal('%')}{") if "%{" in value else value
    if isinstance(value, Endpoints):
        # In quoted text too: neither format escapes either of the two characters.
        return replace(value, escaped=escape_interpolation)
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
    """A file for each datacenter that would choose another url somewhere; Hiera skips a file that is not there."""
    artifacts: list[Artifact] = []
    findings: list[Finding] = []
    owners: dict[str, str] = {}
    for datacenter in _datacenters(view.registry):
        path = PurePosixPath("datacenter", f"{file_stem(datacenter)}.{_format(settings)}")
        first = owners.setdefault(str(path).lower(), datacenter)
        if first != datacenter:
            findings.append(_collision(first, datacenter, path, settings))
            continue
        seen = view.preferring((datacenter, *view.prefer))
        services = [name for name, versions in view.registry.services.items() if seen.services[name] != versions]
        changed = {key: source for key, source in keys.items() if source.value(seen) != source.value(view.registry)}
        if services:
            chunks = Document(partial(_layer, seen, services, changed), _format(settings))
            artifacts.append(Artifact(path=path, chunks=chunks))
    return artifacts, findings


def _datacenters(registry: Registry) -> list[str]:
    """All of them, sorted; what local sources serve is in none."""
    return sorted({point.datacenter for _, entry in registry.entries() for point in entry.endpoints} - {""})


def _hierarchy(kind: str) -> Iterator[tuple[str, Any]]:
    """hiera.yaml: paths are relative to its own folder."""
    yield "version", 5
    yield "defaults", {"datadir": ".", "data_hash": f"{kind}_data"}
    yield (
        "hierarchy",
        [
            {"name": "Datacenter", "path": f"datacenter/%{{facts.datacenter}}.{kind}"},
            {"name": "Common", "path": f"common.{kind}"},
        ],
    )


def _collision(first: str, second: str, path: PurePosixPath, settings: OutputSettings) -> Finding:
    return PATH_COLLISION.finding(
        f"the files of the datacenters `{first}` and `{second}` have the same path where file names ignore case: "
        f"{path}",
        value=str(path),
        origin=settings.origin,
        help="leave one of them out of the sources of this output",
    )
