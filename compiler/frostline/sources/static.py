"""The source of type static: URLs as the configuration has them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from frostline.model import Contribution, Endpoint, FileOrigin, Key
from frostline.settings import StaticService, StaticSettings

_DEFAULT_PORTS = {"http": 80, "https": 443}


def contribute(settings: StaticSettings, known: Mapping[str, frozenset[Key]]) -> Contribution:
    """An endpoint for each URL; what other sources know does not matter."""
    endpoints: dict[Key, tuple[Endpoint, ...]] = {}
    places: dict[Key, FileOrigin] = {}
    for service in settings.services:
        key = Key(service.service, service.version)
        endpoints[key] = (*endpoints.get(key, ()), _endpoint(service, settings.name))
        places.setdefault(key, service.origin)
    return Contribution(source=settings.name, endpoints=endpoints, places=places)


def _endpoint(service: StaticService, source: str) -> Endpoint:
    address, port = host_and_port(service.url)
    return Endpoint(url=service.url, address=address, port=port, source=source, declared_at=service.origin)


def host_and_port(url: str) -> tuple[str, int]:
    """The host of an absolute URL without brackets, and its port: that of http or https where it says none, else 0."""
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    host = parts.netloc.rpartition("@")[2]  # not `.hostname`, which is in lower case
    if host.startswith("["):
        return host[1:].partition("]")[0].replace("%25", "%"), port  # RFC 6874: a zone's % is %25 in a URL
    return host.partition(":")[0], port
