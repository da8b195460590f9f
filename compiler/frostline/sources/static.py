"""The source `static`: URLs written in the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from frostline.addresses import address_findings, host_of
from frostline.auth_names import NAME_HELP, fault_of_auth_name
from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.urls import absolute_url
from frostline.model import Contribution, Endpoint, FileOrigin, Finding, Key, NamedAuth
from frostline.patterns import host_and_port
from frostline.settings import SourceSettings

SCHEMA: Mapping[str, Any] = {
    "description": "Services whose URLs are written here.",
    "required": ["services"],
    "properties": {
        "services": {
            "description": (
                "For each service a URL, a list of URLs, or {url: …, auth: NAME} if callers use an "
                "authentication scheme; or one of these for each version."
            ),
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
                    "type": ["string", "array", "object"],
                    "minLength": 1,
                    "minItems": 1,
                    "items": ref("text"),
                    "required": ["url"],
                    "additionalProperties": False,
                    "properties": {
                        "url": {
                            "description": "A URL or a list of URLs.",
                            "type": ["string", "array"],
                            "minLength": 1,
                            "minItems": 1,
                            "items": ref("text"),
                            "x-expected": "a URL or a list of URLs",
                        },
                        "auth": {
                            "description": (
                                "The name of the authentication scheme that callers use, never a secret. Default: none."
                            ),
                            **ref("text"),
                        },
                    },
                    "x-expected": "a URL, a list of URLs, or a mapping with `url` and `auth`",
                },
                "x-expected": "a URL, a list of URLs, or a mapping of versions to URLs",
            },
        },
    },
}

KEYS_ARE_INDEPENDENT = True


class StaticService(Struct, frozen=True, kw_only=True):
    """One URL of a (service, version), and where the configuration has it. auth: the authentication scheme of
    callers."""

    service: str
    version: str | None
    url: str
    origin: FileOrigin
    auth: NamedAuth | None = None


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
    if isinstance(cursor.value.get("url"), str | list):
        return _with_auth(cursor, cursor.key, None)
    return [service for entry in cursor.entries() for service in _version(entry, cursor.key)]


def _version(cursor: Cursor, service: str) -> list[StaticService]:
    if isinstance(cursor.value, dict):
        return _with_auth(cursor, service, cursor.key)
    if cursor.key == "auth" and isinstance(cursor.value, str) and "://" not in cursor.value:
        cursor.refuse(*_MISPLACED_AUTH, at_key=True)
        return []
    return _urls(cursor, service, cursor.key)


_MISPLACED_AUTH = (
    "`auth` is beside versions, but each version has its own",
    "write `VERSION: {url: …, auth: NAME}`; for a service without versions `{url: …, auth: NAME}`",
)


def _with_auth(cursor: Cursor, service: str, version: str | None) -> list[StaticService]:
    """Read a mapping with `url` and `auth`. Refuse any other key, which looks like a version beside `url`."""
    for entry in cursor.entries():
        if entry.key not in ("url", "auth"):
            entry.refuse(
                f"`{entry.key}` is beside `url`, which is for a service without versions",
                f"write `{entry.key}: {{url: …, auth: NAME}}`, and `{{url: …}}` for each other version",
                at_key=True,
            )
    urls, auth = cursor.get("url"), cursor.get("auth")
    said = NamedAuth(name=auth.value, origin=auth.origin) if auth and _is_auth(auth) else None
    return [replace(found, auth=said) for found in (_urls(urls, service, version) if urls else [])]


def _is_auth(cursor: Cursor) -> bool:
    """Whether the value names an authentication scheme. Refuse any other without showing it: it may be a secret."""
    fault = fault_of_auth_name(cursor.value) if isinstance(cursor.value, str) else "cannot be a name"
    if fault:
        cursor.refuse(f"`auth` is the name of an authentication scheme, and this {fault}", NAME_HELP)
    return fault is None


def _urls(cursor: Cursor, service: str, version: str | None) -> list[StaticService]:
    urls = [cursor] if isinstance(cursor.value, str) else cursor.items()
    return [
        StaticService(service=service, version=version, url=url, origin=item.origin)
        for item in urls
        if (url := absolute_url(item)) is not None
    ]


def contribute(settings: StaticSettings, known: Mapping[str, frozenset[Key]]) -> Contribution:
    """Make an endpoint of each URL. A static source does not need `known`."""
    endpoints: dict[Key, tuple[Endpoint, ...]] = {}
    places: dict[Key, FileOrigin] = {}
    findings: list[Finding] = []
    auths = {Key(service.service, service.version): (service.auth,) for service in settings.services if service.auth}
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
    return Contribution(source=settings.name, endpoints=endpoints, places=places, findings=tuple(findings), auths=auths)
