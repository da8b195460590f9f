"""What Consul's agent and catalog take and answer for one instance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def service_body(
    name: str,
    id: str | None,
    address: str,
    port: int,
    tags: Iterable[str],
    meta: Mapping[str, str] | None,
    kind: str | None,
    weights: tuple[int, int] | None,
    tagged_addresses: Mapping[str, tuple[str, int]] | None,
    proxy: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """A service as the catalog takes it."""
    body: dict[str, Any] = {
        "Service": name,
        "ID": id or name,
        "Address": address,
        "Port": port,
        "Tags": list(tags),
        "Meta": dict(meta or {}),
    }
    if kind:
        body["Kind"] = kind
    if kind == "connect-proxy" or proxy:
        body["Proxy"] = dict(proxy or {"DestinationServiceName": "web"})
    if weights:
        body["Weights"] = {"Passing": weights[0], "Warning": weights[1]}
    if tagged_addresses:
        body["TaggedAddresses"] = {
            key: {"Address": where, "Port": its_port} for key, (where, its_port) in tagged_addresses.items()
        }
    return body


def compared(services: Mapping[str, Any]) -> dict[str, Any]:
    """Of each instance what tells two states apart."""
    fields = ("Service", "Address", "Port", "Tags", "Meta", "Weights")
    return {
        name: [*(service.get(field) or None for field in fields), _registered_addresses(service)]
        for name, service in services.items()
    }


def _registered_addresses(service: Mapping[str, Any]) -> dict[str, Any]:
    """The tagged addresses without the one that the catalog of Consul 1.11 and later adds to sidecars."""
    return {name: at for name, at in (service.get("TaggedAddresses") or {}).items() if name != "consul-virtual"}
