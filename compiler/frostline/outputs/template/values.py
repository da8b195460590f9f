"""The values that a template gets: the registry as lists, mappings, strings and numbers (docs/outputs/template.md)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from operator import attrgetter
from typing import Any

from frostline.model import Dependency, Endpoint, Entry, FileOrigin, Finding, Key, Registry, version_label
from frostline.outputs.base import View
from frostline.outputs.template.names import NAME_COLLISION
from frostline.outputs.template.records import Makers, Record, Records
from frostline.outputs.values import content_digest, entry_name, properties_value, sorted_meta, upstream_value
from frostline.patterns import host_and_port
from frostline.service_keys import key_text

CONTEXT_NAMES = ("entries", "services", "upstreams", "prefer", "output", "vars", "digest")
"""The variables of a template."""

_IPV4 = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_NO_WORD = re.compile("[^A-Za-z0-9]")


class _EntrySource:
    """The source of a (service, version)'s record. It makes lists only once, because templates loop over them again."""

    def __init__(self, values: Values, key: Key, entry: Entry) -> None:
        self.values, self.key, self.entry = values, key, entry
        self.subject = (key.service,) if key.version is None else (key.service, key.version)

    @cached_property
    def endpoints(self) -> list[Record]:
        """All endpoints."""
        endpoint, subject = self.values.endpoint, self.subject
        return [endpoint(subject, entry_endpoint) for entry_endpoint in self.entry.endpoints]

    @cached_property
    def chosen(self) -> Record | None:
        """The endpoint with the entry's url; if several have it, the one in the preferred datacenter."""
        prefer = self.values.view.prefer
        ranks = {datacenter: rank for rank, datacenter in enumerate(prefer)}
        others = ranks.get("*", len(prefer))
        with_url = [endpoint for endpoint in self.entry.endpoints if endpoint.url == self.entry.url]
        if not with_url:
            return None
        best = min(with_url, key=lambda endpoint: (endpoint.weight == 0, ranks.get(endpoint.datacenter, others)))
        return self.values.endpoint(self.subject, best)

    @cached_property
    def tags(self) -> list[str]:
        """The tags of any endpoint, sorted."""
        return sorted({tag for endpoint in self.entry.endpoints for tag in endpoint.tags})

    @property
    def name(self) -> str:
        """`entry_name`. Reading it turns on the check for equal names."""
        self.values.reads_names = True
        return entry_name(self.key, self.entry)


_ENTRY_FIELDS: Makers = {
    "name": attrgetter("name"),
    "service": attrgetter("key.service"),
    "version": attrgetter("key.version"),
    "label": lambda source: version_label(source.key.version),
    "url": attrgetter("entry.url"),
    "chosen": attrgetter("chosen"),
    "endpoints": attrgetter("endpoints"),
    "tags": attrgetter("tags"),
    "declared": attrgetter("entry.declared"),
    "sources": lambda source: list(source.entry.sources),
}


class Values:
    """What one output gives its template. One instance makes all records, so that it knows which of them were read."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.reads_names = False
        fields: Makers = {**_ENDPOINT_FIELDS, "key": lambda endpoint: self._endpoint_keys[id(endpoint)]}
        self._endpoint_fields: Mapping[tuple[str, ...], Makers] = {
            missing: {name: make for name, make in fields.items() if name.partition("_")[0] not in missing}
            for missing in ((), ("node",), ("id",), ("node", "id"))
        }

    def context(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """The template's variables. said: `output` and `vars`, what the output says of itself."""
        return self._context(self.view.registry, self.view.digest(), said)

    def context_of(self, key: Key, said: Mapping[str, Any]) -> dict[str, Any]:
        """The variables for a file of this entry alone, with the upstreams that call it; `entry` is the entry."""
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
        makers = _ENTRY_FIELDS
        said = properties_value(entry) if entry.declared else {}
        if entry.auth:
            said["auth"] = entry.auth
        if said:
            makers = {**makers, **{name: _constantly(value) for name, value in said.items()}}
        source = _EntrySource(self, key, entry)
        return Record(source.subject, makers, source)

    def endpoint(self, subject: tuple[str, ...], endpoint: Endpoint) -> Record:
        """One endpoint. `node` and `id` of a live source's endpoint are missing if they are not frozen."""
        missing: tuple[str, ...] = ()
        if not (endpoint.node and endpoint.id) and endpoint.declared_at is None and endpoint.datacenter:
            missing = tuple(name for name in ("node", "id") if not getattr(endpoint, name))
        return Record(subject, self._endpoint_fields[missing], endpoint)

    @cached_property
    def _upstreams(self) -> Mapping[Key, tuple[Dependency, ...]]:
        """Key -> the upstreams that call it."""
        found: dict[Key, list[Dependency]] = {}
        for upstream in self.view.registry.upstreams:
            found.setdefault(upstream.key, []).append(upstream)
        return {key: tuple(upstreams) for key, upstreams in found.items()}

    @cached_property
    def _endpoint_keys(self) -> Mapping[int, str]:
        """id() of each endpoint of the registry, which the view keeps -> its `key`, unique in the whole output."""
        return _unique_keys(self.view.registry)

    def findings(self, origin: FileOrigin) -> Iterator[Finding]:
        """A finding for each two entries with the same name, if the template reads names. origin: the output's."""
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
        makers: Makers = {
            "name": lambda _: service,
            "versions": lambda _: [self.entry(Key(service, version), entry) for version, entry in versions.items()],
        }
        return Record((service,), makers, item)


def kind_of(address: str) -> str:
    """`ipv4`, `ipv6` or `name`; "" for an endpoint whose URL is made without an address."""
    if ":" in address:
        return "ipv6"
    if _IPV4.fullmatch(address):
        return "ipv4"
    return "name" if address else ""


def _constantly(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def _authority(endpoint: Endpoint) -> str:
    host = f"[{endpoint.address}]" if ":" in endpoint.address else endpoint.address
    return f"{host}:{_port(endpoint)}"


def _port(endpoint: Endpoint) -> int:
    return endpoint.port or (443 if endpoint.url.startswith("https:") else 80)


_ENDPOINT_FIELDS: Makers = {
    "url": attrgetter("url"),
    "address": attrgetter("address"),
    "port": attrgetter("port"),
    "datacenter": lambda endpoint: endpoint.datacenter or None,
    "tags": lambda endpoint: list(endpoint.tags),
    "meta": sorted_meta,
    "weight": attrgetter("weight"),
    "id": attrgetter("id"),
    "node": attrgetter("node"),
    "node_address": lambda endpoint: (endpoint.node_address or endpoint.address) if endpoint.node else "",
    "namespace": attrgetter("namespace"),
    "authority": _authority,
    "source": attrgetter("source"),
    "registered": attrgetter("registered"),
    "scheme": lambda endpoint: endpoint.url.partition("://")[0],
    "kind": lambda endpoint: kind_of(endpoint.address),
}
"""All fields except `key`, which depends on the whole output."""


def _unique_keys(registry: Registry) -> dict[int, str]:
    """id() of each endpoint -> its address and port with `_` for other characters, and with `_2`, `_3` … if taken."""
    endpoints = [endpoint for _, entry in registry.entries() for endpoint in entry.endpoints]
    words = {address: _NO_WORD.sub("_", address) for address in {endpoint.address for endpoint in endpoints}}
    names = [
        f"{words[endpoint.address] or _NO_WORD.sub('_', host_and_port(endpoint.url)[0])}_{_port(endpoint)}"
        for endpoint in endpoints
    ]
    taken, used = set(names), dict[str, int]()
    return {id(endpoint): _unique(name, used, taken) for endpoint, name in zip(endpoints, names, strict=True)}


def _unique(name: str, used: dict[str, int], taken: set[str]) -> str:
    """The name, with the first number that makes it unique if it is taken. used: the last number of each name."""
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
