"""The values that a template gets: the registry as lists, mappings, strings and numbers (docs/outputs/template.md)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from frostline.keys import key_text
from frostline.model import Dependency, Endpoint, Entry, FileOrigin, Finding, Key, Registry, version_label
from frostline.outputs.base import View
from frostline.outputs.template.names import NAME_COLLISION
from frostline.outputs.template.records import Record, Records
from frostline.outputs.values import content_digest, entry_name, said_value, sorted_meta, upstream_value
from frostline.patterns import host_and_port

CONTEXT_NAMES = ("entries", "services", "upstreams", "prefer", "output", "vars", "digest")
"""The variables of a template."""

_IPV4 = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_NO_WORD = re.compile("[^A-Za-z0-9]")


class _Placed(NamedTuple):
    """An endpoint, and where it stands."""

    endpoint: Endpoint
    key: Key
    at: int


class Values:
    """What one output gives its template. One instance makes all records, so that it knows which of them were read."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.reads_names = False
        self._entry_fields = _entry_fields(self)
        endpoint_fields = _endpoint_fields(self)
        self._endpoint_fields: Mapping[tuple[str, ...], Mapping[str, Callable[[_Placed], Any]]] = {
            missing: {name: make for name, make in endpoint_fields.items() if name not in missing}
            for missing in ((), ("node",), ("id",), ("node", "id"))
        }

    def context(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """The template's variables. said: `output` and `vars`, what the output says of itself."""
        return self._context(self.view.registry, self.view.digest(), said)

    def context_of(self, key: Key, said: Mapping[str, Any]) -> dict[str, Any]:
        """The same of this entry alone, with the upstreams that call it, for a file of its own; `entry` is it."""
        entry = self.view.registry.services[key.service][key.version]
        part = Registry(services={key.service: {key.version: entry}}, upstreams=self._upstreams.get(key, ()))
        return {**self._context(part, content_digest(part), said), "entry": self.entry(key, entry)}

    def _context(self, registry: Registry, digest: str, said: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "entries": self.entries(registry),
            "services": Records(tuple(registry.services.items()), self._service),
            "upstreams": [_upstream(upstream) for upstream in registry.upstreams],
            "prefer": list(self.view.prefer),
            **said,
            "digest": digest,
        }

    def entries(self, registry: Registry) -> Records:
        """The flat list: each (service, version)."""
        return Records(tuple(registry.entries()), lambda item: self.entry(*item))

    def entry(self, key: Key, entry: Entry) -> Record:
        """One (service, version)."""
        makers = self._entry_fields
        said = said_value(entry) if entry.declared else {}
        if entry.auth:
            said["auth"] = entry.auth
        if said:
            makers = {**makers, **{name: _constantly(value) for name, value in said.items()}}
        return Record(_subject(key), makers, (key, entry))

    def endpoint(self, placed: _Placed) -> Record:
        """One endpoint. `node` and `id` of a live source's are not there where they are not frozen."""
        endpoint = placed.endpoint
        missing: tuple[str, ...] = ()
        if endpoint.declared_at is None and endpoint.datacenter and not (endpoint.node and endpoint.id):
            missing = tuple(name for name in ("node", "id") if not getattr(endpoint, name))
        return Record(_subject(placed.key), self._endpoint_fields[missing], placed)

    def name_of(self, key: Key, entry: Entry) -> str:
        """`entry_name`; remembers that the template reads names."""
        self.reads_names = True
        return entry_name(key, entry)

    @cached_property
    def _upstreams(self) -> Mapping[Key, tuple[Dependency, ...]]:
        """Key -> the upstreams that call it."""
        found: dict[Key, list[Dependency]] = {}
        for upstream in self.view.registry.upstreams:
            found.setdefault(upstream.key, []).append(upstream)
        return {key: tuple(upstreams) for key, upstreams in found.items()}

    @cached_property
    def endpoint_keys(self) -> Mapping[Key, list[str]]:
        """The `key` of each endpoint of each entry, unique in the whole output."""
        return _unique_keys(self.view.registry)

    def findings(self, origin: FileOrigin) -> Iterator[Finding]:
        """Entries that have one name, if the template reads names. origin: of the output."""
        first: dict[str, Key] = {}
        for key, entry in self.view.registry.entries() if self.reads_names else ():
            name = entry_name(key, entry)
            other = first.setdefault(name, key)
            if other != key:
                yield NAME_COLLISION.finding(
                    f"`{key_text(other)}` and `{key_text(key)}` both have the name `{name}`",
                    service=key.service,
                    version=key.version,
                    value=name,
                    origin=origin,
                    help="write `service` and `version` in the template, or leave one of them out with `select`",
                )

    def _service(self, item: tuple[str, Mapping[str | None, Entry]]) -> Record:
        service, versions = item
        makers: Mapping[str, Callable[[Any], Any]] = {
            "name": lambda _: service,
            "versions": lambda _: [self.entry(Key(service, version), entry) for version, entry in versions.items()],
        }
        return Record((service,), makers, item)


def kind_of(address: str) -> str:
    """`ipv4`, `ipv6` or `name`; "" of an endpoint whose URL is made without an address."""
    if ":" in address:
        return "ipv6"
    if _IPV4.fullmatch(address):
        return "ipv4"
    return "name" if address else ""


def _constantly(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def _subject(key: Key) -> tuple[str, ...]:
    return (key.service,) if key.version is None else (key.service, key.version)


def _entry_fields(values: Values) -> Mapping[str, Callable[[Any], Any]]:
    def endpoints(item: tuple[Key, Entry]) -> list[Record]:
        key, entry = item
        return [values.endpoint(_Placed(endpoint, key, at)) for at, endpoint in enumerate(entry.endpoints)]

    return {
        "name": lambda item: values.name_of(*item),
        "service": lambda item: item[0].service,
        "version": lambda item: item[0].version,
        "label": lambda item: version_label(item[0].version),
        "url": lambda item: item[1].url,
        "chosen": lambda item: _chosen(values, *item),
        "endpoints": endpoints,
        "tags": lambda item: sorted({tag for endpoint in item[1].endpoints for tag in endpoint.tags}),
        "declared": lambda item: item[1].declared,
        "sources": lambda item: list(item[1].sources),
    }


def _chosen(values: Values, key: Key, entry: Entry) -> Record | None:
    """The endpoint with the URL to use; of several with this URL the one in the preferred datacenter."""
    prefer = values.view.prefer
    ranks = {datacenter: rank for rank, datacenter in enumerate(prefer)}
    others = ranks.get("*", len(prefer))
    best = min(
        (
            (endpoint.weight == 0, ranks.get(endpoint.datacenter, others), at)
            for at, endpoint in enumerate(entry.endpoints)
            if endpoint.url == entry.url
        ),
        default=None,
    )
    return None if best is None else values.endpoint(_Placed(entry.endpoints[best[2]], key, best[2]))


def _endpoint_fields(values: Values) -> Mapping[str, Callable[[_Placed], Any]]:
    return {
        "url": lambda placed: placed.endpoint.url,
        "address": lambda placed: placed.endpoint.address,
        "port": lambda placed: placed.endpoint.port,
        "datacenter": lambda placed: placed.endpoint.datacenter or None,
        "tags": lambda placed: list(placed.endpoint.tags),
        "meta": lambda placed: sorted_meta(placed.endpoint),
        "weight": lambda placed: placed.endpoint.weight,
        "id": lambda placed: placed.endpoint.id,
        "node": lambda placed: placed.endpoint.node,
        "namespace": lambda placed: placed.endpoint.namespace,
        "authority": lambda placed: _authority(placed.endpoint),
        "source": lambda placed: placed.endpoint.source,
        "key": lambda placed: values.endpoint_keys[placed.key][placed.at],
        "registered": lambda placed: placed.endpoint.registered,
        "scheme": lambda placed: placed.endpoint.url.partition("://")[0],
        "kind": lambda placed: kind_of(placed.endpoint.address),
    }


def _authority(endpoint: Endpoint) -> str:
    host = f"[{endpoint.address}]" if ":" in endpoint.address else endpoint.address
    return f"{host}:{_port(endpoint)}"


def _port(endpoint: Endpoint) -> int:
    return endpoint.port or (443 if endpoint.url.startswith("https:") else 80)


def _unique_keys(registry: Registry) -> Mapping[Key, list[str]]:
    """Address and port with `_` for all but letters and digits, then `_2`, `_3` … for those that are taken."""
    plain = {
        key: [
            _NO_WORD.sub("_", f"{endpoint.address or host_and_port(endpoint.url)[0]}_{_port(endpoint)}")
            for endpoint in entry.endpoints
        ]
        for key, entry in registry.entries()
    }
    taken = {name for names in plain.values() for name in names}
    used: dict[str, int] = {}
    return {key: [_unique(name, used, taken) for name in names] for key, names in plain.items()}


def _unique(name: str, used: dict[str, int], taken: set[str]) -> str:
    """The name, or with the first number that makes it one that nobody has. used: how far each name is counted."""
    number = used.get(name, 0) + 1
    while number > 1 and f"{name}_{number}" in taken:
        number += 1
    used[name] = number
    if number == 1:
        return name
    taken.add(f"{name}_{number}")
    return f"{name}_{number}"


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
