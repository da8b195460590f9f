"""What an output is. A new one is a module of this protocol and a line in TABLE, or an entry point `frostline.outputs`.

An output is a pure function: registry and settings in, artifacts out. No clock, no environment, no network;
the only files that it may read are the templates that its settings name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.endpoint_runs import EndpointRun, runs_of
from frostline.model import Dependency, Endpoint, Entry, Finding, Registry, version_label
from frostline.settings import OutputSettings

FORMAT = "frostline.registry/1"


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

    preferring: the same registry seen from another list of datacenters (for an output with a layer a datacenter).
    """

    registry: Registry
    prefer: tuple[str, ...]
    preferring: Callable[[tuple[str, ...]], Registry]
    digests: dict[tuple[str, ...], str] = {}

    def digest(self, fields: tuple[str, ...] = ()) -> str:
        """`content_digest` of its registry, found out once for all outputs that share this view."""
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


OPTIONAL_FIELDS = ("id", "node", "namespace")
"""Fields of an endpoint that the registry has only where `fields` names them."""


def endpoint_values(entry: Entry, fields: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The endpoints of an entry as plain values in fixed order (schemas/registry.schema.json).

    A static or router endpoint has no datacenter: None.
    """
    values: list[dict[str, Any]] = []
    for run in runs_of(entry):
        first = run.first
        datacenter, weight, tags, meta = first.datacenter or None, first.weight, list(first.tags), sorted_meta(first)
        values += [
            {
                "url": endpoint.url,
                "address": endpoint.address,
                "port": endpoint.port,
                "datacenter": datacenter,
                "tags": tags,
                "meta": meta,
                "weight": weight,
            }
            for endpoint in run.endpoints
        ]
    for field in OPTIONAL_FIELDS:
        if field in fields:
            for value, endpoint in zip(values, entry.endpoints, strict=True):
                value[field] = getattr(endpoint, field)
    return values


def sorted_meta(endpoint: Endpoint) -> dict[str, str]:
    """The endpoint's meta, sorted by key."""
    return dict(sorted(endpoint.meta.items()))


class Endpoints(Struct, frozen=True):
    """An entry's endpoints, which their format writes directly. escaped: what becomes of their text, None: nothing."""

    runs: tuple[EndpointRun, ...]
    fields: tuple[str, ...] = ()
    escaped: Callable[[str], str] | None = None


def entry_value(entry: Entry, fields: tuple[str, ...] = (), *, direct: bool = False) -> dict[str, Any]:
    """A (service, version) as the registry's formats have it. direct: with its endpoints, if any, as `Endpoints`."""
    endpoints: list[dict[str, Any]] | Endpoints
    endpoints = Endpoints(runs_of(entry), fields) if direct and entry.endpoints else endpoint_values(entry, fields)
    value: dict[str, Any] = {"url": entry.url, "endpoints": endpoints}
    if entry.declared:
        return value | {"declared": True}
    return value | {"source": entry.sources[0] if len(entry.sources) == 1 else list(entry.sources)}


def service_value(
    versions: Mapping[str | None, Entry], fields: tuple[str, ...] = (), *, direct: bool = False
) -> dict[str, Any]:
    """A service as the registry's formats have it: version (None: "unversioned") -> entry."""
    return {version_label(version): entry_value(entry, fields, direct=direct) for version, entry in versions.items()}


def upstream_value(dependency: Dependency) -> dict[str, Any]:
    """An upstream as the registry's formats have it, as plain values in fixed order; what is not set is not there.

    env: the environment variables that hold its address for the consumer's tasks, as Nomad names them. Of a socket
    there are none.
    """
    upstream = dependency.upstream
    value: dict[str, Any] = {
        "consumer": _without_empty(
            region=upstream.region, namespace=upstream.namespace, job=upstream.job, group=upstream.group
        ),
        "destination": upstream.destination,
        **_without_empty(
            kind="" if upstream.kind == "service" else upstream.kind,
            namespace=upstream.destination_namespace,
            datacenter=upstream.datacenter,
            peer=upstream.peer,
        ),
    }
    bind = upstream.bind
    if bind.socket:
        return {**value, "bind": {"socket": bind.socket}, "env": []}
    return {**value, "bind": {"address": bind.address, "port": bind.port}, "env": _variables(upstream.destination)}


def _without_empty(**texts: str) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}


def _variables(destination: str) -> list[str]:
    """The names of the variables with ADDRESS:PORT (client/taskenv of Nomad); _IP_ and _PORT_ are named likewise."""
    prefix = "NOMAD_UPSTREAM_ADDR_"
    return list(dict.fromkeys([prefix + destination, prefix + re.sub("[^A-Za-z0-9_]", "_", destination)]))


def content_digest(registry: Registry, fields: tuple[str, ...] = ()) -> str:
    """`sha256:…` of the registry's content as JSON lines: a (service, version) each, then an upstream each."""
    hashed = sha256()
    encode = msgspec.json.Encoder().encode
    for (service, version), entry in registry.entries():
        value = entry_value(entry, fields, direct=not fields)
        if not fields and entry.endpoints:
            value["endpoints"] = _endpoints_json(entry)
        hashed.update(encode([service, version, value]))
        hashed.update(b"\n")
    for dependency in registry.upstreams:
        hashed.update(encode(upstream_value(dependency)))
        hashed.update(b"\n")
    return f"sha256:{hashed.hexdigest()}"


class _Shared(Struct, frozen=True):
    """What the endpoints of a run share, in the order of `endpoint_values`."""

    datacenter: str | None
    tags: tuple[str, ...]
    meta: dict[str, str]
    weight: int


def _endpoints_json(entry: Entry) -> msgspec.Raw:
    """`endpoint_values` without further fields as compact JSON, in a quarter of the time."""
    endpoints: list[str] = []
    for run in runs_of(entry):
        first = run.first
        shared = _Shared(first.datacenter or None, first.tags, sorted_meta(first), first.weight)
        end = _encode(shared).decode()[1:]
        if run.is_plain:
            endpoints += [
                f'{{"url":"{endpoint.url}","address":"{endpoint.address}","port":{endpoint.port},{end}'
                for endpoint in run.endpoints
            ]
        else:
            endpoints += [
                f'{{"url":{_encode(endpoint.url).decode()},"address":{_encode(endpoint.address).decode()},'
                f'"port":{endpoint.port},{end}'
                for endpoint in run.endpoints
            ]
    return msgspec.Raw(f"[{','.join(endpoints)}]".encode())


_encode = msgspec.json.Encoder().encode


def lines(texts: Iterable[str]) -> Iterator[bytes]:
    """Each text as one UTF-8 line."""
    for text in texts:
        yield text.encode() + b"\n"
