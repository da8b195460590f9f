"""How the tests configure Envoy, and what it says that it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loopback import read_json

_TYPES = "type.googleapis.com/envoy.extensions.filters"


def bootstrap(clusters: Sequence[Mapping[str, Any]], port: int, admin: int) -> dict[str, Any]:
    """A configuration with these clusters; /N/… goes to the Nth of them. Both ports are on 127.0.0.1."""
    routes = [
        {"match": {"prefix": f"/{number}/"}, "route": {"cluster": cluster["name"]}}
        for number, cluster in enumerate(clusters)
    ]
    return {
        "node": {"id": "here", "cluster": "here"},
        "admin": {"address": _address(admin)},
        "static_resources": {"listeners": [listener(port, routes)], "clusters": list(clusters)},
    }


def listener(port: int, routes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    router = {"name": "router", "typed_config": {"@type": f"{_TYPES}.http.router.v3.Router"}}
    manager = {
        "@type": f"{_TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "here",
        "route_config": {
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": list(routes)}],
            "validate_clusters": False,
        },
        "http_filters": [router],
    }
    filters = [{"name": "http", "typed_config": manager}]
    return {"name": "here", "address": _address(port), "filter_chains": [{"filters": filters}]}


def hosts_of(admin: int) -> dict[str, dict[str, int]]:
    """Of each cluster: address and port -> weight, as /clusters says."""
    statuses = read_json(f"http://127.0.0.1:{admin}/clusters?format=json")["cluster_statuses"]
    return {status["name"]: dict(_host(host) for host in status.get("host_statuses", ())) for status in statuses}


def _host(status: Mapping[str, Any]) -> tuple[str, int]:
    place = status["address"]["socket_address"]
    address = f"[{place['address']}]" if ":" in place["address"] else place["address"]
    return f"{address}:{place['port_value']}", status["weight"]


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
