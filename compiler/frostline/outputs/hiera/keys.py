"""The keys of a hiera output that feed class parameters: a pattern makes keys for all services, a role one key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from msgspec import Struct

from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.readers import pattern_parts
from frostline.model import Endpoint, Entry, FileOrigin, Finding, Key, Registry, version_label
from frostline.outputs.hiera.key_rules import INVALID_KEY, KEY_COLLISION, ROLE_EMPTY, ROLE_UNKNOWN
from frostline.outputs.hiera_data import Layout, Parameters
from frostline.outputs.values import endpoint_values
from frostline.patterns import Placeholder
from frostline.text import closest, list_names, quote

# Puppet reference manual, "Reserved words and acceptable names": classes and their parameters.
CLASS_PARAMETER = re.compile(r"([a-z][a-z0-9_]*::)*[a-z_][a-z0-9_]*")
_PATTERN_HELP = "lower-case segments joined by `::`, with {service} and {version}, such as `profile::{service}::url`"
_ROLE_HELP = "lower-case segments joined by `::`, such as `profile::mail::host`"
_PLACEHOLDERS = {"service": False, "version": False}


def _chosen_endpoint(entry: Entry) -> Endpoint:
    return next(endpoint for endpoint in entry.endpoints if endpoint.url == entry.url)


VALUES: Mapping[str, Callable[[Entry], Any]] = {
    "url": lambda entry: entry.url,
    "urls": lambda entry: [endpoint.url for endpoint in entry.endpoints],
    "address": lambda entry: _chosen_endpoint(entry).address,
    "addresses": lambda entry: list(dict.fromkeys(endpoint.address for endpoint in entry.endpoints)),
    "port": lambda entry: _chosen_endpoint(entry).port,
    "endpoints": endpoint_values,
}
"""The name of a value -> how it is made: url, address and port from the chosen endpoint, the others from all endpoints.

addresses: each one once, in the order of the endpoints.
"""

KEYS: Mapping[str, Any] = {
    "description": (
        "Additional keys, such as class parameters. A key with {service} and {version} makes a key for each "
        "(service, version), with the named value. A key without them is a role for one service, which its "
        "value names."
    ),
    "type": "object",
    "propertyNames": ref("text"),
    "additionalProperties": {
        "description": (
            "url, address or port of the chosen endpoint; urls, addresses or endpoints (everything known) of all "
            "endpoints. For a role: {service, version, value}."
        ),
        "type": ["string", "object"],
        "if": {"type": "string"},
        "then": {"enum": list(VALUES)},
        "required": ["service", "value"],
        "additionalProperties": False,
        "properties": {
            "service": {"description": "The service of this role.", **ref("text")},
            "version": {
                "description": "The version of the service. Default: the service without a version.",
                **ref("text"),
            },
            "value": {"description": "What the key holds.", "enum": list(VALUES)},
        },
        "x-expected": "the name of a value, or {service, version, value}",
        "x-help": "write {service: NAME, version: VERSION, value: url}, or url where the key has {service} in it",
    },
    "default": {},
}
"""The schema of `keys`."""


class KeyPattern(Struct, frozen=True):
    """A key for each (service, version). text: as written. parts: literals and placeholders. value: a key of VALUES."""

    text: str
    parts: tuple[str | Placeholder, ...]
    value: str

    @property
    def has_version(self) -> bool:
        return Placeholder("version") in self.parts

    def key(self, service: str, version: str | None) -> str:
        """The Hiera key of this (service, version). `-` becomes `_`, because Puppet's names have no `-`."""
        values = {"service": service.replace("-", "_"), "version": (version or "").replace("-", "_")}
        return "".join(part if isinstance(part, str) else values[part.name] for part in self.parts)


class Role(Struct, frozen=True):
    """A key for one (service, version), the owner. value: a key of VALUES. origin: where the role is written."""

    key: str
    owner: Key
    value: str
    origin: FileOrigin


class ParameterKeys(Struct, frozen=True):
    """The value of `keys`, in the order written."""

    patterns: tuple[KeyPattern, ...] = ()
    roles: tuple[Role, ...] = ()


NO_KEYS = ParameterKeys()


def read_keys(cursor: Cursor) -> ParameterKeys:
    """Reads `keys`. Refuses keys that cannot name a class parameter."""
    patterns: list[KeyPattern] = []
    roles: list[Role] = []
    for entry in cursor.entries():
        if isinstance(entry.value, str):
            pattern = _read_pattern(entry)
            patterns += [pattern] if pattern else []
        else:
            role = _read_role(entry)
            roles += [role] if role else []
    return ParameterKeys(tuple(patterns), tuple(roles))


def _read_pattern(entry: Cursor) -> KeyPattern | None:
    written = entry.as_value()
    parts = pattern_parts(written, _PLACEHOLDERS)
    if parts is None:
        return None
    if not _is_class_parameter("".join(part if isinstance(part, str) else "a" for part in parts)):
        written.refuse(f"{quote(entry.key)} is not the name of a class parameter", _PATTERN_HELP)
        return None
    return KeyPattern(entry.key, parts, entry.value)


def _read_role(entry: Cursor) -> Role | None:
    fields = {name: value.value for name in ("service", "version", "value") if (value := entry.get(name)) is not None}
    if not _is_class_parameter(entry.key):
        problem, advice = "is not the name of a class parameter", _ROLE_HELP
        if "{" in entry.key:
            problem, advice = "has a placeholder, but a role is for one service", "write its whole name"
        entry.refuse(f"{quote(entry.key)} {problem}", advice, at_key=True)
        return None
    if not fields.keys() >= {"service", "value"}:
        return None  # refused already
    return Role(entry.key, Key(fields["service"], fields.get("version")), fields["value"], entry.key_origin)


def _is_class_parameter(name: str) -> bool:
    # `lookup_options` configures how Hiera merges, so it cannot be data.
    return CLASS_PARAMETER.fullmatch(name) is not None and name != "lookup_options"


class _MadeKey(Struct, frozen=True):
    """A key that a pattern or a role made. by: its maker, for messages. value: a key of VALUES. origin: the maker's."""

    owner: Key
    by: str
    value: str
    origin: FileOrigin

    def value_in(self, registry: Registry) -> Any:
        """The value of the key in this registry, not yet escaped for Hiera."""
        return VALUES[self.value](registry.services[self.owner.service][self.owner.version])


def class_keys(
    registry: Registry, keys: ParameterKeys, layout: Layout, origin: FileOrigin
) -> tuple[Parameters, list[Finding]]:
    """The keys of class parameters, and findings for keys that are invalid, collide, or have an unknown owner.

    origin: the output's. Only (service, version)s with an endpoint get keys. Without a key, a class parameter keeps its
    default.
    """
    made: dict[str, _MadeKey] = {}
    findings: list[Finding] = []

    def add(key: str, new: _MadeKey) -> None:
        finding = _invalid_key(key, new) or _key_collision(key, made.get(key), new, layout)
        if finding is None:
            made[key] = new
        else:
            findings.append(finding)

    for role in keys.roles:
        finding = _role_finding(registry, role)
        if finding is not None:
            findings.append(finding)
        else:
            add(role.key, _MadeKey(role.owner, "its role", role.value, role.origin))
    for pattern in keys.patterns:
        for owner, entry in registry.entries():
            if not (entry.declared or (pattern.has_version and owner.version is None)):
                add(pattern.key(*owner), _MadeKey(owner, f"`{pattern.text}`", pattern.value, origin))
    return {key: partial(_MadeKey.value_in, made_key) for key, made_key in sorted(made.items())}, findings


def _role_finding(registry: Registry, role: Role) -> Finding | None:
    """The finding about a role whose service is unknown or has no endpoint; None if it has one."""
    service, version = role.owner
    entry = registry.get(role.owner)
    if entry is None:
        versions = registry.services.get(service)
        return ROLE_UNKNOWN.finding(
            f"the role `{role.key}` is for {_label(role.owner)}, which this output does not have",
            service=service,
            version=version,
            value=role.key,
            origin=role.origin,
            help=_unknown_help(registry, service) if versions is None else _version_help(versions),
        )
    if entry.declared:
        return ROLE_EMPTY.finding(
            f"the role `{role.key}` gets no key: {_label(role.owner)} has no endpoint",
            service=service,
            version=version,
            value=role.key,
            origin=role.origin,
        )
    return None


def _unknown_help(registry: Registry, service: str) -> str | None:
    near = closest(service, registry.services)
    return f"did you mean `{near}`?" if near else None


def _version_help(versions: Mapping[str | None, Entry]) -> str:
    named = [version for version in versions if version is not None]
    if None in versions:
        also = f", or name one of its versions: {list_names(named, 'or')}" if named else ""
        return f"leave `version` out for the one without a version{also}"
    return f"its {'versions are' if len(named) > 1 else 'version is'} {list_names(named)}"


def _invalid_key(key: str, new: _MadeKey) -> Finding | None:
    if _is_class_parameter(key):
        return None
    return INVALID_KEY.finding(
        f"{new.by} gives {_label(new.owner)} the key `{key}`, which cannot name a class parameter",
        service=new.owner.service,
        version=new.owner.version,
        value=key,
        origin=new.origin,
    )


def _key_collision(key: str, old: _MadeKey | None, new: _MadeKey, layout: Layout) -> Finding | None:
    if old is not None:
        other = f"{_label(old.owner)} by {old.by}"
    elif layout.is_own_key(key):
        other = "frostline's own data"
    else:
        return None
    return KEY_COLLISION.finding(
        f"{_label(new.owner)} by {new.by} and {other} have the same key `{key}`",
        service=new.owner.service,
        version=new.owner.version,
        value=key,
        origin=new.origin,
    )


def _label(owner: Key) -> str:
    return f"`{owner.service}` `{version_label(owner.version)}`"
