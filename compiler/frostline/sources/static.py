"""The source `static`: URLs written in the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from frostline.addresses import address_findings, host_of
from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.urls import absolute_url
from frostline.model import Contribution, Endpoint, FileOrigin, Finding, Key
from frostline.patterns import host_and_port
from frostline.settings import SourceSettings

SCHEMA: Mapping[str, Any] = {
    "description": "Services whose URLs are written here.",
    "required": ["services"],
    "properties": {
        "services": {
            "description": "The URL of each service, or a list of them; or the same for each of its versions.",
            "type": "object",
            "propertyNames": ref("text"),
            "additionalProperties": {
                "type": ["string", "array", "object"],
                "minLength": 1,
                "minItems": 1,
                "items": ref("text"),
                "minProperties": 1,
                "propertyNames": ref("text"),
                "additionalProperties": {
                    "type": ["string", "array"],
                    "minLength": 1,
                    "minItems": 1,
                    "items": ref("text"),
                    "x-expected": "a URL or a list of URLs",
                },
                "x-expected": "a URL, a list of URLs, or a mapping of versions to URLs",
            },
        },
    },
}

KEYS_ARE_INDEPENDENT = True


class StaticService(Struct, frozen=True, kw_only=True):
    """One URL of a (service, version), and where it is written."""

    service: str
    version: str | None
    url: str
    origin: FileOrigin


class StaticSettings(SourceSettings, frozen=True, kw_only=True):
    type: str = "static"
    services: tuple[StaticService, ...] = ()


def configure(cursor: Cursor, context: Context) -> StaticSettings:
    """The settings of the source at `cursor`."""
    services = cursor.get("services")
    found = [service for entry in (services.entries() if services else []) for service in _versions(entry)]
    return StaticSettings(name=cursor.key, origin=cursor.key_origin, services=tuple(found))


def _versions(cursor: Cursor) -> list[StaticService]:
    if not isinstance(cursor.value, dict):
        return _urls(cursor, cursor.key, None)
    return [service for entry in cursor.entries() for service in _urls(entry, cursor.key, entry.key)]


def _urls(cursor: Cursor, service: str, version: str | None) -> list[StaticService]:
    urls = [cursor] if isinstance(cursor.value, str) else cursor.items()
    return [
        StaticService(service=service, version=version, url=url, origin=item.origin)
        for item in urls
        if (url := absolute_url(item)) is not None
    ]


def contribute(settings: StaticSettings, known: Mapping[str, frozenset[Key]]) -> Contribution:
    """Make an endpoint of each URL. `known` does not matter here."""
    endpoints: dict[Key, tuple[Endpoint, ...]] = {}
    places: dict[Key, FileOrigin] = {}
    findings: list[Finding] = []
    for service in settings.services:
        key = Key(service.service, service.version)
        address, port = host_and_port(service.url)
        found = address_findings(key, address, service.origin)
        findings += found
        places.setdefault(key, service.origin)
        endpoints.setdefault(key, ())
        if all(finding.severity != "error" for finding in found):
            endpoint = Endpoint(
                url=service.url,
                address=host_of(address).address,
                port=port,
                source=settings.name,
                declared_at=service.origin,
            )
            endpoints[key] = (*endpoints[key], endpoint)
    return Contribution(source=settings.name, endpoints=endpoints, places=places, findings=tuple(findings))
