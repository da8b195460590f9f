"""The registry as Hiera 5 data: a key for each service, an index, a layer for each datacenter, and other keys.

Each service has its own key, because Puppet interpolates the whole value of a key at each lookup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from frostline.config.cursor import Cursor
from frostline.config.readers import as_is
from frostline.model import FileOrigin, Finding, Registry
from frostline.outputs.base import Artifact, View
from frostline.outputs.documents import Document
from frostline.outputs.file_names import file_stem, percent_encode, unique_paths
from frostline.outputs.output_keys import text_list
from frostline.outputs.values import Endpoints, service_value

FACT = "facts.datacenter"
"""The fact that names a node's datacenter, unless the output configures another."""

_FACT_HELP = "write it as Hiera does, without %{ and }: facts.datacenter, or trusted.extensions.pp_datacenter"

LAYER_KEYS: Mapping[str, Any] = {
    "layers": {
        "description": "datacenter: a common file, and one for each datacenter with the services that differ there.",
        "type": "array",
        "items": {"enum": ["datacenter"]},
        "default": [],
    },
    "fact": {
        "description": (
            "With layers: the value that names a node's datacenter, as Hiera interpolates it in a file's "
            "path: a fact, an extension of the node's certificate, or a variable of the top scope."
        ),
        "type": "string",
        # Only what Puppet::Pops::Lookup::Interpolation reads as a variable and the segments that dig into it: a brace
        # would end the interpolation, parentheses would call a method, `/` would lead into another folder.
        "pattern": r"^(::)?[a-z_][A-Za-z0-9_]*(::[a-z_][A-Za-z0-9_]*)*([.]([A-Za-z0-9_-]+|'[A-Za-z0-9_.: -]+'))*$",
        "default": FACT,
        "x-expected": "the name of a fact, such as facts.datacenter or trusted.extensions.pp_datacenter",
        "x-pattern-help": _FACT_HELP,
        "x-help": _FACT_HELP,
    },
}
"""The keys of an output that writes layers of Hiera data: parts of its `SCHEMA`."""


class Layout(Struct, frozen=True, kw_only=True):
    """How the data is laid out.

    namespace: the first segment of frostline's own keys; a module's data must begin with the module's name. kind:
    `yaml` or `json`. is_layered: whether there is a file for each datacenter. fact: what names a node's datacenter to
    Hiera. folder: the folder of the data, relative to that of hiera.yaml.
    """

    namespace: str
    kind: str
    is_layered: bool
    fact: str
    folder: str = "."

    @property
    def index_key(self) -> str:
        """The key of the index: service name -> its key."""
        return f"{self.namespace}::index"

    def service_key(self, service: str) -> str:
        """The key of a service, with its name encoded: Hiera reads a dot as a step into a value, and cannot look up
        quotes."""
        return f"{self.namespace}::service::{percent_encode(service)}"

    def is_own_key(self, key: str) -> bool:
        """Whether this key is, or could become, one of frostline's own."""
        return key == self.index_key or key.startswith(f"{self.namespace}::service::")


Parameters = Mapping[str, Callable[[Registry], Any]]
"""Other keys, sorted: key -> function that gives its value in a registry (str, int or list), not escaped for Hiera."""


def layer_options(cursor: Cursor) -> dict[str, Any]:
    """Reads `layers` and `fact` of the output at `cursor`. Refuses a fact without layers, because nothing reads it."""
    options = {"fact": FACT} | cursor.present(layers=text_list, fact=as_is)
    fact = cursor.get("fact")
    if fact is not None and fact.value != FACT and not options.get("layers"):
        fact.refuse("`fact` names a node's layer, but this output has no layers", "add `layers: [datacenter]`")
    return options


def layout_of(options: Mapping[str, Any], namespace: str, kind: str, folder: str = ".") -> Layout:
    """The layout by these options of an output. kind: the format of the files if the options name none."""
    return Layout(
        namespace=namespace,
        kind=str(options.get("format", kind)),
        is_layered="datacenter" in options.get("layers", ()),
        fact=str(options.get("fact", FACT)),
        folder=folder,
    )


def data_files(
    view: View, layout: Layout, parameters: Parameters, origin: FileOrigin
) -> tuple[list[Artifact], list[Finding]]:
    """The file `common`, and with layers a file for each datacenter. origin: the output's, for findings."""
    folder = PurePosixPath(layout.folder)
    common = Document(partial(_common, view.registry, layout, parameters), layout.kind)
    artifacts = [Artifact(path=folder / f"common.{layout.kind}", chunks=common)]
    if not layout.is_layered:
        return artifacts, []
    layers, findings = _layers(view, layout, parameters, origin)
    return artifacts + layers, findings


def hiera_config(layout: Layout) -> Artifact:
    """The hiera.yaml that reads these files. Its paths are relative to its own folder."""
    return Artifact(path=PurePosixPath("hiera.yaml"), chunks=Document(partial(_hierarchy, layout)))


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


def _common(registry: Registry, layout: Layout, parameters: Parameters) -> Iterator[tuple[str, Any]]:
    yield (
        layout.index_key,
        ((escape_interpolation(service), layout.service_key(service)) for service in registry.services),
    )
    yield from _layer(registry, layout, registry.services, parameters)


def _layer(
    registry: Registry, layout: Layout, services: Iterable[str], parameters: Parameters
) -> Iterator[tuple[str, Any]]:
    for service in services:
        value = service_value(registry.services[service], direct=True)
        yield layout.service_key(service), escape_interpolation(value)
    for key, value_in in parameters.items():
        yield key, escape_interpolation(value_in(registry))


def _layers(
    view: View, layout: Layout, parameters: Parameters, origin: FileOrigin
) -> tuple[list[Artifact], list[Finding]]:
    """A file for each datacenter that prefers another URL of some service. Hiera skips a file that does not exist."""
    paths, collisions = unique_paths(
        _datacenters(view.registry),
        lambda datacenter: PurePosixPath(layout.folder, "datacenter", f"{file_stem(datacenter)}.{layout.kind}"),
    )
    artifacts: list[Artifact] = []
    for datacenter, path in paths.items():
        registry = view.preferring((datacenter, *view.prefer))
        services = [name for name, versions in view.registry.services.items() if registry.services[name] != versions]
        differing = {key: value for key, value in parameters.items() if value(registry) != value(view.registry)}
        if services:
            chunks = Document(partial(_layer, registry, layout, services, differing), layout.kind)
            artifacts.append(Artifact(path=path, chunks=chunks))
    advice = "leave one of them out of the sources of this output"
    return artifacts, [collision.finding(origin, advice) for collision in collisions]


def _datacenters(registry: Registry) -> list[str]:
    """All datacenters, sorted. Endpoints of local sources have none."""
    return sorted({endpoint.datacenter for _, entry in registry.entries() for endpoint in entry.endpoints} - {""})


def _hierarchy(layout: Layout) -> Iterator[tuple[str, Any]]:
    """The content of hiera.yaml. Each level names its own reader.

    If users copy the levels into another hierarchy, its default reader must not apply: eyaml_lookup_key would decrypt
    a tag that looks like `ENC[…]`.
    """
    reader = f"{layout.kind}_data"
    levels = [{"name": "Common", "path": f"common.{layout.kind}", "data_hash": reader}]
    if layout.is_layered:
        path = f"datacenter/%{{{layout.fact}}}.{layout.kind}"
        levels.insert(0, {"name": "Datacenter", "path": path, "data_hash": reader})
    yield "version", 5
    yield "defaults", {"datadir": layout.folder}
    yield "hierarchy", levels
