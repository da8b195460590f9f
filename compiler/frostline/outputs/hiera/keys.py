"""The keys that feed class parameters: `keys: {"profile::{service}::url": url}` of a hiera output."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from msgspec import Struct

from frostline.config.cursor import Cursor
from frostline.config.readers import pattern_parts
from frostline.errors import UsageError
from frostline.model import Endpoint, Entry, FileOrigin, Finding, Key, Registry, version_label
from frostline.outputs.base import endpoint_values
from frostline.patterns import PatternError, Placeholder, parse
from frostline.rules import Rule
from frostline.settings import OutputSettings

INVALID_KEY = Rule(
    name="hiera-key",
    summary="a key pattern gives a service a key that cannot name a class parameter",
    why="Puppet takes only lower-case letters, digits and `_` in the name of a class parameter, so it would never look "
    "such a key up.",
    example="frostline.yaml:12:7: error[hiera-key]: Sh.op v1: `profile::{service}::url` gives `Sh.op` `v1` the key "
    "`profile::Sh.op::url`, which cannot name a class parameter\n"
    "  help: change the pattern, or leave the service out of this output with `select`",
    mend="change the pattern, or leave the service out of this output with `select`",
)
KEY_COLLISION = Rule(
    name="hiera-key-collision",
    summary="two services get the same Hiera key",
    why="A key has one value in Hiera, so one of the services would silently replace the other.",
    example="frostline.yaml:12:7: error[hiera-key-collision]: sh_op v1: `sh_op` `v1` by `profile::{service}::url` and "
    "`sh-op` `v1` by `profile::{service}::url` have the same key `profile::sh_op::url`\n"
    "  help: put both {service} and {version} into the pattern, or leave one out of this output with `select`",
    mend="put both {service} and {version} into the pattern, or leave one out of this output with `select`",
)
RULES = (INVALID_KEY, KEY_COLLISION)

INDEX = "frostline::index"
SERVICE = "frostline::service::"
"""What the keys of services begin with."""

_PLACEHOLDERS = {"service": False, "version": False}

# Puppet reference manual, "Reserved words and acceptable names": classes and their parameters.
CLASS_PARAMETER = re.compile(r"([a-z][a-z0-9_]*::)*[a-z_][a-z0-9_]*")
CLASS_PARAMETER_HELP = (
    "lower-case segments joined by `::`, with {service} and {version}, such as `profile::{service}::url`"
)


def makes_class_parameters(parts: tuple[str | Placeholder, ...]) -> bool:
    """Whether these parts, filled with a plain service and version, are the name of a Puppet class parameter."""
    return CLASS_PARAMETER.fullmatch("".join(part if isinstance(part, str) else "a" for part in parts)) is not None


def read_keys(cursor: Cursor) -> dict[str, str]:
    """The value of `keys`: pattern -> name in VALUES."""
    for entry in cursor.entries():
        pattern = entry.as_value()
        parts = pattern_parts(pattern, _PLACEHOLDERS)
        if parts is not None and not makes_class_parameters(parts):
            pattern.refuse(f"`{entry.key}` is not the name of a class parameter", CLASS_PARAMETER_HELP)
    return {entry.key: entry.value for entry in cursor.entries()}


def _chosen(entry: Entry) -> Endpoint:
    return next(endpoint for endpoint in entry.endpoints if endpoint.url == entry.url)


VALUES: Mapping[str, Callable[[Entry], Any]] = {
    "url": lambda entry: entry.url,
    "urls": lambda entry: [endpoint.url for endpoint in entry.endpoints],
    "address": lambda entry: _chosen(entry).address,
    "port": lambda entry: _chosen(entry).port,
    "endpoints": lambda entry: endpoint_values(entry),
}
"""What `keys` may name: of the one to use its url, address or port; of all of them their urls, or whole endpoints."""


class KeyPattern(Struct, frozen=True):
    """One line of `keys`. parts: literals and the placeholders {service} and {version}; value: a name in VALUES."""

    text: str
    parts: tuple[str | Placeholder, ...]
    value: str

    @property
    def has_version(self) -> bool:
        return Placeholder("version") in self.parts

    def key(self, service: str, version: str | None) -> str:
        """The Hiera key of this (service, version); `-` is no letter of Puppet's names and becomes `_`."""
        values = {"service": service.replace("-", "_"), "version": (version or "").replace("-", "_")}
        return "".join(part if isinstance(part, str) else values[part.name] for part in self.parts)


class ClassKey(Struct, frozen=True):
    """Where the value of a key comes from."""

    owner: Key
    pattern: KeyPattern

    def value(self, registry: Registry) -> Any:
        """Its value (str, int or list) in this registry, not yet quoted for Hiera."""
        service, version = self.owner
        return VALUES[self.pattern.value](registry.services[service][version])


def key_patterns(settings: OutputSettings) -> tuple[KeyPattern, ...]:
    """The patterns of this output. Raises UsageError for one that cannot be read or makes no name of a parameter."""
    return tuple(_pattern(text, value, settings) for text, value in settings.options.get("keys", {}).items())


def class_keys(
    registry: Registry, patterns: tuple[KeyPattern, ...], place: FileOrigin
) -> tuple[dict[str, ClassKey], list[Finding]]:
    """Key -> where its value comes from, sorted, and what stands in the way.

    Only of (service, version)s that have an endpoint: a class parameter keeps its default where there is none.
    """
    keys: dict[str, ClassKey] = {}
    findings: list[Finding] = []
    for pattern in patterns:
        for owner, entry in registry.entries():
            if entry.declared or (pattern.has_version and owner[1] is None):
                continue
            key = pattern.key(*owner)
            new = ClassKey(owner, pattern)
            finding = _misnamed(key, new, place) or _collision(key, keys.get(key), new, place)
            if finding is None:
                keys[key] = new
            else:
                findings.append(finding)
    return dict(sorted(keys.items())), findings


def _pattern(text: str, value: Any, settings: OutputSettings) -> KeyPattern:
    if value not in VALUES:
        close = get_close_matches(str(value), VALUES, 1)
        raise UsageError(
            f"the output `{settings.name}` feeds `{text}` from `{value}`, which is no value of a service",
            origin=settings.origin,
            help=f"did you mean `{close[0]}`?" if close else f"one of {', '.join(VALUES)}",
        )
    try:
        parts = parse(text)
    except PatternError as error:
        raise _unreadable(text, f"has {error} at character {error.position + 1}", settings) from error
    for part in parts:
        if isinstance(part, Placeholder) and (part.key is not None or part.name not in _PLACEHOLDERS):
            raise _unreadable(text, f"has an unknown placeholder {part}", settings)
    if not makes_class_parameters(parts):
        raise _unreadable(text, "makes no name of a class parameter", settings)
    return KeyPattern(text, parts, value)


def _unreadable(text: str, problem: str, settings: OutputSettings) -> UsageError:
    return UsageError(
        f"the key pattern `{text}` of the output `{settings.name}` {problem}",
        origin=settings.origin,
        help=CLASS_PARAMETER_HELP,
    )


def _misnamed(key: str, new: ClassKey, place: FileOrigin) -> Finding | None:
    if CLASS_PARAMETER.fullmatch(key) and key != "lookup_options":
        return None
    service, version = new.owner
    return INVALID_KEY.finding(
        f"`{new.pattern.text}` gives {_named(new.owner)} the key `{key}`, which cannot name a class parameter",
        service=service,
        version=version,
        value=key,
        origin=place,
    )


def _collision(key: str, old: ClassKey | None, new: ClassKey, place: FileOrigin) -> Finding | None:
    if old is not None:
        other = f"{_named(old.owner)} by `{old.pattern.text}`"
    elif key == INDEX or key.startswith(SERVICE):
        other = "frostline's own data"
    else:
        return None
    service, version = new.owner
    return KEY_COLLISION.finding(
        f"{_named(new.owner)} by `{new.pattern.text}` and {other} have the same key `{key}`",
        service=service,
        version=version,
        value=key,
        origin=place,
    )


def _named(owner: Key) -> str:
    return f"`{owner[0]}` `{version_label(owner[1])}`"
