"""The keys for selection, naming and URLs that several types of source share, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.readers import as_is, compiled_regex, globs, pattern_parts, text_map, texts
from frostline.config.urls import endpoint_url, unversioned_endpoint_url
from frostline.globs import matches
from frostline.patterns import Placeholder, parse
from frostline.settings import Keep, LiveSettings, Naming, Select, VersionFrom
from frostline.sources.scheme_keys import SCHEMA_OF_SCHEME, SCHEMA_OF_SCHEMES, check_kept, more_schemes, scheme_rules

DEFINITIONS: Mapping[str, Any] = {
    "select": {
        "description": "Which instances to take.",
        "type": "object",
        "default": {},
        "additionalProperties": False,
        "properties": {
            "services": {
                "description": "Globs of registered names (* ? [...]); ! excludes, the last match wins.",
                **ref("globs"),
                "minItems": 1,
                "default": ["*", "!consul"],
            },
            "tags": {
                "description": "Tags that an instance must have, all of them.",
                **ref("texts"),
                "default": [],
            },
            "meta": {
                "description": "Meta values that an instance must have, all of them.",
                "type": "object",
                "additionalProperties": {"type": "string"},
                "default": {},
            },
            "node_meta": {
                "description": ("Values that the metadata of an instance's node must have, all of them (Consul only)."),
                "type": "object",
                "additionalProperties": {"type": "string"},
                "default": {},
            },
            "health": {
                "description": "The health states to take: the worst of the node's and the service's checks counts.",
                "type": "array",
                "minItems": 1,
                "items": {"enum": ["passing", "warning", "critical", "maintenance"]},
                "default": ["passing"],
            },
            "kinds": {
                "description": ("The kinds to take: service for plain services, or the kind of a sidecar or gateway."),
                "type": "array",
                "minItems": 1,
                "items": {
                    "enum": [
                        "service",
                        "connect-proxy",
                        "mesh-gateway",
                        "terminating-gateway",
                        "ingress-gateway",
                        "api-gateway",
                    ],
                },
                "default": ["service"],
            },
        },
    },
    "keep": {
        "description": (
            "What to freeze of each instance. Volatile or private values that are left out here are written nowhere."
        ),
        "type": "object",
        "default": {},
        "additionalProperties": False,
        "properties": {
            "tags": {
                "description": "Globs of tags; ! excludes, the last match wins.",
                **ref("globs"),
                "default": ["*"],
            },
            "meta": {
                "description": "Globs of meta keys; ! excludes, the last match wins.",
                **ref("globs"),
                "default": ["*"],
            },
            "ids": {
                "description": (
                    "Whether to freeze ids. False: a deployment that changes nothing else leaves the lock unchanged, "
                    "and origins have no id. Live sources only."
                ),
                "type": "boolean",
                "default": True,
            },
            "nodes": {
                "description": (
                    "Whether to freeze the names of nodes. False: an instance that only moves to another node leaves "
                    "the lock unchanged, origins have no node, and `url` cannot use {node}. Live sources only."
                ),
                "type": "boolean",
                "default": True,
            },
            "endpoints": {
                "description": (
                    "False: freeze only names, versions, tags and meta, whatever the health, for routers and DNS. "
                    "An output that needs addresses is then an error unless another source has them. Live sources only."
                ),
                "type": "boolean",
                "default": True,
            },
        },
    },
    "naming": {
        "description": (
            "How to split a registered name into service and version: the first pattern that matches the whole name "
            "applies. A name that matches no pattern is a service without a version."
        ),
        "type": "array",
        "minItems": 1,
        "items": ref("text"),
        "default": ["{service}-{version}", "{service}"],
    },
    "version_pattern": {
        "description": (
            'A regular expression (Python\'s) that the whole {version} must match: "count-api" has no version "api".'
        ),
        **ref("text"),
        "default": "v[0-9][A-Za-z0-9._]*",
    },
    "version_from": {
        "description": (
            "Where the version comes from: the service's name, {meta: KEY}, or {tag: REGEX} (group 1 of each tag that "
            "matches). With a meta key or a tag, the whole name is the service."
        ),
        "type": ["string", "object"],
        "default": "name",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {
            "meta": {"description": "The meta key whose value is the version.", **ref("text")},
            "tag": {
                "description": "A regular expression (Python's) that must match a whole tag; group 1 is the version.",
                **ref("text"),
            },
        },
        "pattern": "^name$",
        "x-expected": "name, {meta: KEY} or {tag: REGEX}",
    },
    "url": {
        "description": (
            "The URL of an endpoint. Placeholders: {scheme} (see `scheme`) {address} {port} {version} "
            "{service} {datacenter} {namespace} {node} {meta[KEY]} {tag[KEY]} (of a tag KEY=VALUE); "
            "{meta[KEY]|DEFAULT} if an instance may lack it; {+meta[KEY]} keeps its slashes; {{ and }} are "
            "braces."
        ),
        **ref("text"),
        "default": "{scheme}://{address}:{port}/{version}",
    },
    "unversioned_url": {
        "description": "The URL of an endpoint without a version.",
        **ref("text"),
        "default": "{scheme}://{address}:{port}",
    },
    "scheme": SCHEMA_OF_SCHEME,
    "schemes": SCHEMA_OF_SCHEMES,
    "auth": {
        "description": (
            "The meta key with which an instance names the authentication scheme that its callers use: {meta: "
            "KEY}. frostline publishes only this name, never a secret. Default: none."
        ),
        "type": "object",
        "required": ["meta"],
        "additionalProperties": False,
        "properties": {"meta": {"description": "The meta key whose value is the name.", **ref("text")}},
        "x-expected": "{meta: KEY}",
        "x-help": "write {meta: KEY}, the meta key whose value is the name of the scheme",
    },
    "address_from": {
        "description": (
            "service: the service's address, else the node's. node: the node's. Any other word: the tagged address "
            "of that name with its port, such as lan, wan, lan_ipv6."
        ),
        **ref("name"),
        "default": "service",
        "examples": [
            "service",
            "node",
            "lan",
            "lan_ipv4",
            "lan_ipv6",
            "wan",
            "wan_ipv4",
            "wan_ipv6",
            "virtual",
        ],
    },
}

NAMING_KEYS: Mapping[str, Any] = {
    name: ref(name)
    for name in ("naming", "version_pattern", "version_from", "url", "unversioned_url", "scheme", "schemes", "auth")
}
"""The keys that `read_naming` reads, for a `SCHEMA`."""

LIVE_KEYS: Mapping[str, Any] = {"select": ref("select"), "keep": ref("keep"), **NAMING_KEYS}
"""The keys that `live_fields` reads."""

_NAMES = {"service": False, "version": False}


def live_fields(cursor: Cursor) -> dict[str, Any]:
    """Read `select`, `keep` and the naming keys of a live source, as fields of LiveSettings."""
    fields = {"naming": read_naming(cursor), **cursor.present(select=_select, keep=read_keep)}
    _check_nodes(cursor, fields["naming"], fields.get("keep", Keep()))
    check_kept(cursor, fields["naming"], fields.get("keep", Keep()))
    check_auth_kept(cursor, fields["naming"], fields.get("keep", Keep()))
    return fields


def _check_nodes(cursor: Cursor, naming: Naming, keep: Keep) -> None:
    """Refuse a URL pattern with {node} if nodes are not frozen."""
    for key in ("url", "unversioned_url"):
        written = cursor.get(key)
        if written and not keep.nodes and any(part == Placeholder("node") for part in parse(getattr(naming, key))):
            written.refuse(
                f"`{key}` has {{node}}, but with `nodes: false` under `keep` no node is frozen",
                "remove {node} from the pattern, or `nodes: false` from `keep`",
            )


def check_auth_kept(cursor: Cursor, naming: Naming, keep: Keep) -> None:
    """Refuse an `auth` whose meta key `keep` leaves out."""
    auth = cursor.get("auth")
    if auth and naming.auth and not matches(keep.meta, naming.auth):
        auth.refuse(
            f"the meta `{naming.auth}` names the authentication scheme, but `keep.meta` leaves it out",
            "let `keep.meta` keep it",
        )


def _select(cursor: Cursor) -> Select:
    return Select(
        **cursor.present(services=globs, tags=texts, meta=text_map, health=texts, kinds=texts, node_meta=text_map)
    )


def read_keep(cursor: Cursor) -> Keep:
    """Read the `keep` of a live source."""
    return Keep(**cursor.present(tags=globs, meta=globs, ids=as_is, nodes=as_is, endpoints=as_is))


def read_local_keep(cursor: Cursor) -> Keep:
    """Read the `keep` of a source of local files.

    Refuse the keys that only concern the lock, which has no local files.
    """
    for key in ("ids", "nodes", "endpoints"):
        written = cursor.get(key)
        if written:
            written.refuse(
                f"`{key}` is only for live sources: job files are not frozen in the lock",
                f"remove `{key}`",
                at_key=True,
            )
    return Keep(**cursor.present(tags=globs, meta=globs))


def read_naming(cursor: Cursor) -> Naming:
    """Read the NAMING_KEYS of the source at `cursor`."""
    fields = cursor.present(
        naming=_patterns,
        version_pattern=_version_pattern,
        version_from=_version_from,
        url=endpoint_url,
        unversioned_url=unversioned_endpoint_url,
        scheme=scheme_rules,
        schemes=more_schemes,
        auth=lambda auth: auth.value.get("meta"),
    )
    if "naming" in fields:
        fields["patterns"] = fields.pop("naming")
    return Naming(**fields)


def _patterns(cursor: Cursor) -> tuple[str, ...]:
    return tuple(item.value for item in cursor.items() if _is_naming_pattern(item))


def _is_naming_pattern(cursor: Cursor) -> bool:
    parts = pattern_parts(cursor, _NAMES)
    if parts is None:
        return False
    for name, least in (("service", 1), ("version", 0)):
        number = parts.count(Placeholder(name))
        if number < least:
            cursor.refuse(f"a naming pattern needs {{{name}}}", "write {service}-{version} or {service}")
            return False
        if number > 1:
            cursor.refuse(f"a naming pattern has {{{name}}} once", "a name is split into one service and one version")
            return False
    return True


def _version_pattern(cursor: Cursor) -> str | None:
    """Read a regular expression. It must also compile inside a larger one, and must not match an empty version."""
    compiled = compiled_regex(cursor, cursor.value)
    if compiled is None or compiled_regex(cursor, f"(?P<service>.+)(?P<version>{cursor.value})") is None:
        return None
    if compiled.fullmatch(""):
        cursor.refuse(
            f"`{cursor.key}` also matches the empty text",
            "a version has at least one character: write `+` rather than `*`",
        )
        return None
    return str(cursor.value)


def _version_from(cursor: Cursor) -> VersionFrom:
    if isinstance(cursor.value, str):
        return VersionFrom()
    return VersionFrom(**cursor.present(meta=as_is, tag=_tag_regex))


def _tag_regex(cursor: Cursor) -> str | None:
    compiled = compiled_regex(cursor, cursor.value)
    if compiled is None:
        return None
    if not compiled.groups:
        cursor.refuse(f"`{cursor.key}` has no group", "put ( ) around the version, such as version=(.+)")
        return None
    return str(cursor.value)


def _left_out(keep: Keep) -> dict[str, bool]:
    """Return the keys that differ from their default. Locks that are older than these keys stay valid."""
    return {key: False for key in ("ids", "nodes", "endpoints") if not getattr(keep, key)}


def selection_shape(settings: LiveSettings) -> dict[str, Any]:
    """Return the settings of selection and naming that shape an answer, as JSON values. Naming patterns do not."""
    select, keep, version = settings.select, settings.keep, settings.naming.version_from
    # `node_meta` is newer than the lock format: only a value that is set is in the digest, so older locks stay valid.
    node_meta = {"node_meta": dict(sorted(select.node_meta.items()))} if select.node_meta else {}
    return {
        "select": {
            **node_meta,
            "services": list(select.services),
            "tags": sorted(select.tags),
            "meta": dict(sorted(select.meta.items())),
            "health": sorted(select.health),
            "kinds": sorted(select.kinds),
        },
        "keep": {"tags": list(keep.tags), "meta": list(keep.meta), **_left_out(keep)},
        "address_from": settings.address_from,
        "version_from": {"meta": version.meta, "tag": version.tag},
    }
