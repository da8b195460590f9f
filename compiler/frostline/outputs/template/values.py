"""The values that a template gets: the registry as lists, mappings, strings and numbers (docs/outputs/template.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from frostline.model import Dependency, Entry, Registry, version_label
from frostline.outputs.base import View
from frostline.outputs.values import OPTIONAL_FIELDS, endpoint_values, said_value, upstream_value

CONTEXT_NAMES = ("services", "upstreams", "digest")
"""The variables of a template."""


class Record(dict[str, Any]):
    """A mapping that knows its service, and its version if it has one, for messages."""

    __slots__ = ("_subject",)
    _subject: tuple[str, ...]


def record(subject: tuple[str, ...], values: Mapping[str, Any]) -> Record:
    made = Record(values)
    made._subject = subject
    return made


def subject_of(value: object) -> tuple[str, ...]:
    """(service,) or (service, version) of a Record; () for any other value."""
    return value._subject if isinstance(value, Record) else ()


class Services(Sequence[Record]):
    """The services as a list whose items are made when they are read, so that a large registry is not held twice."""

    def __init__(self, registry: Registry) -> None:
        self._services = tuple(registry.services.items())

    def __len__(self) -> int:
        return len(self._services)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return [_service(name, versions) for name, versions in self._services[index]]
        return _service(*self._services[index])


def context_values(view: View) -> dict[str, Any]:
    """The template's variables: services, upstreams, digest (`sha256:…`, see `content_digest`)."""
    registry = view.registry
    return {
        "services": Services(registry),
        "upstreams": [_upstream(upstream) for upstream in registry.upstreams],
        "digest": view.digest(),
    }


def _service(name: str, versions: Mapping[str | None, Entry]) -> Record:
    return record(
        (name,), {"name": name, "versions": [_version(name, version, entry) for version, entry in versions.items()]}
    )


def _version(service: str, version: str | None, entry: Entry) -> Record:
    label = version_label(version)
    subject = (service,) if version is None else (service, version)
    return record(
        subject,
        {
            "service": service,
            "version": version,
            "label": label,
            "url": entry.url,
            "endpoints": [record(subject, value) for value in _endpoints(entry)],
            "declared": entry.declared,
            "sources": list(entry.sources),
            **({"auth": entry.auth} if entry.auth else {}),
            **said_value(entry),
        },
    )


def _endpoints(entry: Entry) -> Iterator[dict[str, Any]]:
    for endpoint, value in zip(entry.endpoints, endpoint_values(entry, OPTIONAL_FIELDS), strict=True):
        host = f"[{endpoint.address}]" if ":" in endpoint.address else endpoint.address
        port = endpoint.port or (443 if endpoint.url.startswith("https:") else 80)
        if endpoint.declared_at is None and endpoint.datacenter:  # a live source's: an empty one is not frozen
            value = {name: text for name, text in value.items() if text or name not in ("id", "node")}
        yield value | {"authority": f"{host}:{port}", "source": endpoint.source}


def _upstream(dependency: Dependency) -> dict[str, Any]:
    upstream = dependency.upstream
    if upstream.service:
        consumer = {"datacenter": upstream.region, "namespace": upstream.namespace, "service": upstream.service}
    else:
        consumer = {name: getattr(upstream, name) for name in ("region", "namespace", "job", "group")}
    bind = {name: getattr(upstream.bind, name) for name in ("address", "port", "socket")}
    return {
        "consumer": consumer,
        "destination": upstream.destination,
        "service": dependency.service,
        "version": dependency.version,
        "namespace": upstream.destination_namespace,
        "datacenter": upstream.datacenter,
        "peer": upstream.peer,
        **({"port": upstream.destination_port} if upstream.destination_port else {}),
        "bind": bind,
        "url": dependency.url,
        "env": upstream_value(dependency)["env"],
    }
