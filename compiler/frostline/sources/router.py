"""The source of type router: one URL pattern for everything that stands behind a router."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote as percent_encode

from msgspec import Struct

from frostline.addresses import address_findings, host_of
from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.readers import globs
from frostline.config.urls import has_no_version, url_pattern
from frostline.globs import is_literal
from frostline.model import Contribution, Endpoint, FileOrigin, Finding, Key
from frostline.patterns import has_dot_segment, host_and_port, parse
from frostline.rules import DOT_SEGMENT, Rule
from frostline.service_keys import includes_key, key_text
from frostline.settings import SourceSettings
from frostline.text import did_you_mean, quote

SCHEMA: Mapping[str, Any] = {
    "description": "One URL pattern for services that stand behind a router.",
    "required": ["url"],
    "properties": {
        "url": {
            "description": (
                "The URL of a (service, version). Placeholders: {service} {version}; {{ and }} are braces."
            ),
            **ref("text"),
        },
        "unversioned_url": {
            "description": "The URL of a service without a version. Default: such services are left out.",
            **ref("text"),
        },
        "services": {
            "description": "What the router serves. Default: all that the other sources know.",
            "type": "object",
            "default": {},
            "additionalProperties": False,
            "properties": {
                "from": {
                    "description": (
                        "The sources whose services the router serves. Default: every other source; none if "
                        "only `names` is given."
                    ),
                    **ref("source_names"),
                    "default": [],
                },
                "names": {
                    "description": (
                        "Further services that the router serves: SERVICE/VERSION, split at the last slash, "
                        "or SERVICE. A name that no other source has is a finding."
                    ),
                    "type": "array",
                    "items": ref("text"),
                    "default": [],
                },
                "select": {
                    "description": (
                        "Which of the sources' services the router serves: globs of SERVICE or "
                        "SERVICE/VERSION; `!` excludes, the last match wins. The router always serves "
                        "`names`. Default: all; none if only `names` is given."
                    ),
                    **ref("globs"),
                },
            },
        },
    },
}

UNSERVED = Rule(
    name="router-unserved",
    severity="warning",
    summary="a router names a service that no other source has",
    why="The router would forward requests to a service that frostline does not know. Usually the name is misspelt, or "
    "the service is gone.",
    example="frostline.yaml:12:7: warning[router-unserved]: legacy v1: "
    "the router `edge` names `legacy/v1`, which no other source has\n"
    "  help: correct or remove the name, or add the source that has it",
    mend="correct or remove the name, or add the source that has it",
)
UNVERSIONED_NAME = Rule(
    name="router-unversioned",
    summary="a router names a service without a version, but has no `unversioned_url`",
    why="The pattern `url` has a {version}, so there is no URL for a service without one.",
    example="frostline.yaml:12:7: error[router-unversioned]: shop: "
    "the router `edge` names `shop` without a version, but has no `unversioned_url`\n"
    "  help: write `shop/VERSION`, or give the router an `unversioned_url`",
    mend="write SERVICE/VERSION, or give the router an `unversioned_url`",
)
RULES = (UNSERVED, UNVERSIONED_NAME)

NEEDS_OTHER_SOURCES = True
KEYS_ARE_INDEPENDENT = True
_PLACEHOLDERS = {"service": False, "version": False}


class RouterName(Struct, frozen=True, kw_only=True):
    """A (service, version) of `names`, and where the configuration names it."""

    key: Key
    origin: FileOrigin


class RouterSettings(SourceSettings, frozen=True, kw_only=True):
    """One URL pattern for the services of `sources` that `select` takes, and for `names`.

    sources: () means all other sources, or none if `names` is given without `select`. select: globs.
    """

    type: str = "router"
    url: str
    unversioned_url: str | None = None
    sources: tuple[str, ...] = ()
    names: tuple[RouterName, ...] = ()
    select: tuple[str, ...] | None = None


def configure(cursor: Cursor, context: Context) -> RouterSettings | None:
    """The settings of the source at `cursor`."""
    fields = cursor.present(url=_read_url, unversioned_url=_read_unversioned_url)
    if services := cursor.get("services"):
        if sources := services.get("from"):
            fields["sources"] = _read_sources(sources, context)
        if names := services.get("names"):
            fields["names"] = _read_names(names)
        if select := services.get("select"):
            fields["select"] = globs(select)
    if "url" not in fields:
        return None
    return RouterSettings(name=cursor.key, origin=cursor.key_origin, **fields)


def _read_url(cursor: Cursor) -> str | None:
    return url_pattern(cursor, _PLACEHOLDERS, "x")


def _read_unversioned_url(cursor: Cursor) -> str | None:
    return url_pattern(cursor, _PLACEHOLDERS, "x") if has_no_version(cursor) else None


def _read_sources(cursor: Cursor, context: Context) -> tuple[str, ...]:
    for item in cursor.items():
        if context.source_types.get(item.value) == "router":
            item.refuse(f"the source {quote(item.value)} is a router", "name the sources that stand behind it")
    return context.source_names(cursor)


def _read_names(cursor: Cursor) -> tuple[RouterName, ...]:
    found: dict[Key, FileOrigin] = {}
    for item in cursor.items():
        key = _key(item.value)
        if not is_literal(item.value):
            item.refuse(
                f"{quote(item.value)} is a glob, and `names` takes whole names",
                'choose among the services of the sources with `select`: `select: ["*", "!smtp"]`',
            )
        elif key is None:
            item.refuse(
                f"the name {quote(item.value)} lacks a service or a version", "write SERVICE/VERSION or SERVICE"
            )
        elif key in found:
            item.refuse(f"the name {quote(item.value)} is listed twice", "keep one of them")
        else:
            found[key] = item.origin
    return tuple(RouterName(key=key, origin=origin) for key, origin in found.items())


def _key(name: str) -> Key | None:
    """Split `a/b/v1` into Key("a/b", "v1"). None: the service or the version is empty."""
    service, slash, version = name.rpartition("/")
    if not slash:
        return Key(name, None)
    return Key(service, version) if service and version else None


def contribute(settings: RouterSettings, known: Mapping[str, frozenset[Key]]) -> Contribution:
    """Make an endpoint for each (service, version) of the router's sources and for each of its names.

    Without `unversioned_url`, services without a version are left out. Findings: `router-unserved` (no other source
    brings the name), `router-unversioned` (the name has no URL), `url-dot-segment`.
    """
    origins = _origins(settings, known)
    endpoints: dict[Key, tuple[Endpoint, ...]] = {}
    findings = _unserved(settings, known)
    named = {name.key for name in settings.names}
    for key, origin in origins.items():
        url = _url(settings, key)
        if url is None:
            if key in named:
                findings.append(_unversioned(key, origin, settings))
        elif has_dot_segment(url):
            findings.append(_dot_segment(key, origin, url))
        else:
            address, port = host_and_port(url)
            wrong = address_findings(key, address, origin)
            findings += wrong
            if all(finding.severity != "error" for finding in wrong):
                address = host_of(address).address
                endpoint = Endpoint(url=url, address=address, port=port, source=settings.name, declared_at=origin)
                endpoints[key] = (endpoint,)
    return Contribution(
        source=settings.name,
        endpoints=endpoints,
        places={key: origins[key] for key in endpoints},
        findings=tuple(findings),
        leads_to=_leads_to(endpoints, settings, known),
    )


def _leads_to(
    served: Iterable[Key], settings: RouterSettings, known: Mapping[str, frozenset[Key]]
) -> dict[Key, tuple[str, ...]]:
    """Map each served key to the sources that may stand behind it: the router's own, or any if only `names` has it."""
    every = tuple(sorted(known))
    own = settings.sources or every
    brought = frozenset[Key]().union(*(known.get(source, frozenset()) for source in own))
    return {key: own if key in brought else every for key in served}


def _origins(settings: RouterSettings, known: Mapping[str, frozenset[Key]]) -> dict[Key, FileOrigin]:
    """Map what the router serves, sorted, to the place in the configuration that says so."""
    only_names = settings.names and settings.select is None
    sources = settings.sources if settings.sources or only_names else tuple(sorted(known))
    select = ("*",) if settings.select is None else settings.select
    keys = {key for source in sources for key in known.get(source, frozenset())}
    origins = {key: settings.origin for key in keys if includes_key(select, key)}
    origins |= {name.key: name.origin for name in settings.names}
    return {key: origins[key] for key in sorted(origins, key=Key.sort_key)}


def _url(settings: RouterSettings, key: Key) -> str | None:
    """Fill the pattern, or return None if there is none. Names are percent-encoded but for unreserved characters
    (RFC 3986 2.3)."""
    pattern = settings.unversioned_url if key.version is None else settings.url
    if pattern is None:
        return None
    values = {"service": percent_encode(key.service, safe=""), "version": percent_encode(key.version or "", safe="")}
    return "".join(part if isinstance(part, str) else values[part.name] for part in parse(pattern))


def _unserved(settings: RouterSettings, known: Mapping[str, frozenset[Key]]) -> list[Finding]:
    served = frozenset().union(*known.values())
    return [_unserved_finding(name, served, settings.name) for name in settings.names if name.key not in served]


def _unserved_finding(name: RouterName, served: frozenset[Key], router: str) -> Finding:
    written = key_text(name.key)
    return UNSERVED.finding(
        f"the router `{router}` names `{written}`, which no other source has",
        service=name.key.service,
        version=name.key.version,
        value=written,
        origin=name.origin,
        help=did_you_mean(written, map(key_text, served), UNSERVED.mend),
    )


def _unversioned(key: Key, origin: FileOrigin, settings: RouterSettings) -> Finding:
    return UNVERSIONED_NAME.finding(
        f"the router `{settings.name}` names `{key.service}` without a version, but has no `unversioned_url`",
        service=key.service,
        value=key.service,
        origin=origin,
        help=f"write `{key.service}/VERSION`, or give the router an `unversioned_url`",
    )


def _dot_segment(key: Key, origin: FileOrigin, url: str) -> Finding:
    return DOT_SEGMENT.finding(
        f"its URL `{url}` has a path segment `.` or `..`, which clients remove",
        service=key.service,
        version=key.version,
        value=url,
        origin=origin,
        help="leave the service out of the router's `services`, or change the pattern `url`",
    )
