"""The bodies that Consul's agent and catalog take and return for an instance."""

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
    """Make the body of a service, as the catalog takes it."""
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
            key: {"Address": tagged_address, "Port": tagged_port}
            for key, (tagged_address, tagged_port) in tagged_addresses.items()
        }
    return body


def keep_compared_fields(services: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of each instance that keep_compared_fields two states."""
    fields = ("Service", "Address", "Port", "Tags", "Meta", "Weights")
    return {
        name: [*(service.get(field) or None for field in fields), _registered_addresses(service)]
        for name, service in services.items()
    }


def _registered_addresses(service: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tagged addresses, without the one that Consul 1.11 and later adds to sidecars in the catalog."""
    return {
        name: address for name, address in (service.get("TaggedAddresses") or {}).items() if name != "consul-virtual"
    }
