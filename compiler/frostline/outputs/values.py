"""The registry as plain values, as its files hold them (schemas/registry.schema.json), and their digest."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from frostline.endpoint_runs import EndpointRun, runs_of
from frostline.model import Dependency, Endpoint, Entry, Key, Registry, Upstream, version_label

FORMAT = "frostline.registry/1"

OPTIONAL_FIELDS = ("id", "node", "namespace")
"""The fields of an endpoint that are written only if the setting `fields` of the output names them."""


def endpoint_values(entry: Entry, fields: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The endpoints of an entry, each with its keys in a fixed order. fields: names in OPTIONAL_FIELDS.

    datacenter: None for endpoints of static and router sources.
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
    """Stands for `endpoint_values` of an entry in formats that write endpoints without making dictionaries.

    fields: names in OPTIONAL_FIELDS. escape: applied to the text of the endpoints; None leaves it unchanged.
    """

    runs: tuple[EndpointRun, ...]
    fields: tuple[str, ...] = ()
    escape: Callable[[str], str] | None = None


def entry_value(entry: Entry, fields: tuple[str, ...] = (), *, direct: bool = False) -> dict[str, Any]:
    """A (service, version) with its keys in a fixed order. direct: its endpoints, if any, are `Endpoints`."""
    endpoints: list[dict[str, Any]] | Endpoints
    endpoints = Endpoints(runs_of(entry), fields) if direct and entry.endpoints else endpoint_values(entry, fields)
    value: dict[str, Any] = {"url": entry.url, "endpoints": endpoints}
    auth = {"auth": entry.auth} if entry.auth else {}
    if entry.declared:
        return value | {"declared": True} | properties_value(entry) | auth
    return value | {"sources": list(entry.sources)} | auth


def properties_value(entry: Entry) -> dict[str, Any]:
    """Tags, meta and port (None: no single port) of a declared (service, version); {} if sources declare none."""
    properties = entry.properties
    if properties is None:
        return {}
    return {"tags": list(properties.tags), "meta": dict(properties.meta), "port": properties.port or None}


def service_value(
    versions: Mapping[str | None, Entry], fields: tuple[str, ...] = (), *, direct: bool = False
) -> dict[str, Any]:
    """A service: label of the version ("unversioned" for None) -> `entry_value`."""
    return {version_label(version): entry_value(entry, fields, direct=direct) for version, entry in versions.items()}


def upstream_value(dependency: Dependency) -> dict[str, Any]:
    """An upstream with its keys in a fixed order, without empty texts.

    env: the environment variables that give the consumer's tasks the upstream's address in Nomad; [] for a socket or a
    service of Consul.
    """
    upstream = dependency.upstream
    value: dict[str, Any] = {
        "consumer": _consumer_value(upstream),
        "destination": upstream.destination,
        **_non_empty(
            kind="" if upstream.kind == "service" else upstream.kind,
            namespace=upstream.destination_namespace,
            datacenter=upstream.datacenter,
            peer=upstream.peer,
            port=upstream.destination_port,
        ),
    }
    bind = upstream.bind
    if bind.socket:
        return {**value, "bind": {"socket": bind.socket}, "env": []}
    return {
        **value,
        "bind": {"address": bind.address, "port": bind.port},
        "env": [] if upstream.service else _address_variables(upstream.destination),
    }


def _consumer_value(upstream: Upstream) -> dict[str, str]:
    if upstream.service:
        return _non_empty(datacenter=upstream.region, namespace=upstream.namespace, service=upstream.service)
    return _non_empty(region=upstream.region, namespace=upstream.namespace, job=upstream.job, group=upstream.group)


def _non_empty(**texts: str) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}


def _address_variables(destination: str) -> list[str]:
    """The names of the variables that hold ADDRESS:PORT (Nomad, client/taskenv/env.go).

    Nomad sets each under two names if the destination has characters other than letters, digits and `_`.
    """
    prefix = "NOMAD_UPSTREAM_ADDR_"
    return list(dict.fromkeys([prefix + destination, prefix + re.sub("[^A-Za-z0-9_]", "_", destination)]))


def entry_name(key: Key, entry: Entry) -> str:
    """The entry's only registered name; SERVICE-VERSION if it has none or several, or if the name lacks the version."""
    service, version = key
    if len(entry.registered) == 1 and (version is None or entry.registered[0] != service):
        return entry.registered[0]
    return service if version is None else f"{service}-{version}"


def content_digest(registry: Registry, fields: tuple[str, ...] = ()) -> str:
    """`sha256:…` of the registry's content as JSON lines: one line per (service, version), then one per upstream.

    fields: names in OPTIONAL_FIELDS, which then count as content too.
    """
    digest = sha256()
    for (service, version), entry in registry.entries():
        value = entry_value(entry, fields, direct=not fields)
        if not fields and entry.endpoints:
            value["endpoints"] = _endpoints_json(entry)
        digest.update(_encode([service, version, value]))
        digest.update(b"\n")
    for dependency in registry.upstreams:
        digest.update(_encode(upstream_value(dependency)))
        digest.update(b"\n")
    return f"sha256:{digest.hexdigest()}"


class _Shared(Struct, frozen=True):
    """The values that are the same for all endpoints of a run, in the order of `endpoint_values`."""

    datacenter: str | None
    tags: tuple[str, ...]
    meta: dict[str, str]
    weight: int


def _endpoints_json(entry: Entry) -> msgspec.Raw:
    """`endpoint_values` without optional fields as compact JSON, in a quarter of the time."""
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
