"""The keys that feed class parameters: `keys: {"profile::{service}::url": url}` of a hiera output."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from frostline.config.cursor import Cursor
from frostline.config.readers import pattern_parts
from frostline.errors import UsageError
from frostline.model import Endpoint, Entry, FileOrigin, Finding, Key, Registry, version_label
from frostline.outputs.values import endpoint_values
from frostline.patterns import PatternError, Placeholder, parse
from frostline.rules import Rule
from frostline.settings import OutputSettings
from frostline.text import did_you_mean

INVALID_KEY = Rule(
    name="hiera-key",
    severity="warning",
    summary="a key pattern gives a service a key that cannot name a class parameter; the key is left out",
    why="Puppet takes only lower-case letters, digits and `_` in the name of a class parameter, so it would never look "
    "such a key up.",
    example="frostline.yaml:12:7: warning[hiera-key]: Sh.op v1: `profile::{service}::url` gives `Sh.op` `v1` the key "
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
"""The prefix of the keys of services."""

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


def _chosen_endpoint(entry: Entry) -> Endpoint:
    return next(endpoint for endpoint in entry.endpoints if endpoint.url == entry.url)


VALUES: Mapping[str, Callable[[Entry], Any]] = {
    "url": lambda entry: entry.url,
    "urls": lambda entry: [endpoint.url for endpoint in entry.endpoints],
    "address": lambda entry: _chosen_endpoint(entry).address,
    "port": lambda entry: _chosen_endpoint(entry).port,
    "endpoints": lambda entry: endpoint_values(entry),
}
"""What `keys` may name -> its value: url, address and port of the chosen endpoint; urls or endpoints of all."""


class KeyPattern(Struct, frozen=True):
    """A member of `keys`. text: as written; parts: literals and placeholders; value: a name in VALUES."""

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


class ClassKey(Struct, frozen=True):
    """The (service, version) that a key belongs to, and the pattern that made it."""

    owner: Key
    pattern: KeyPattern

    def value(self, registry: Registry) -> Any:
        """The value of the key (str, int or list) in this registry, not yet escaped for Hiera."""
        return VALUES[self.pattern.value](registry.services[self.owner.service][self.owner.version])


def key_patterns(settings: OutputSettings) -> tuple[KeyPattern, ...]:
    """The patterns of this output. UsageError: a pattern cannot be read, or does not name class parameters."""
    return tuple(_pattern(text, value, settings) for text, value in settings.options.get("keys", {}).items())


def class_keys(
    registry: Registry, patterns: tuple[KeyPattern, ...], origin: FileOrigin
) -> tuple[dict[str, ClassKey], list[Finding]]:
    """Hiera key -> where its value comes from, sorted by key; and findings for keys that are left out or collide.

    origin: of the output. Only (service, version)s with an endpoint get keys: without one, a class parameter keeps its
    default.
    """
    keys: dict[str, ClassKey] = {}
    findings: list[Finding] = []
    for pattern in patterns:
        for owner, entry in registry.entries():
            if entry.declared or (pattern.has_version and owner.version is None):
                continue
            key = pattern.key(*owner)
            new = ClassKey(owner, pattern)
            finding = _invalid_key(key, new, origin) or _key_collision(key, keys.get(key), new, origin)
            if finding is None:
                keys[key] = new
            else:
                findings.append(finding)
    return dict(sorted(keys.items())), findings


def _pattern(text: str, value: Any, settings: OutputSettings) -> KeyPattern:
    if value not in VALUES:
        raise UsageError(
            f"the output `{settings.name}` fills `{text}` with `{value}`, which is not a value of a service",
            origin=settings.origin,
            help=did_you_mean(str(value), VALUES, f"write one of {', '.join(VALUES)}"),
        )
    try:
        parts = parse(text)
    except PatternError as error:
        raise _pattern_error(text, f"has {error} at character {error.position + 1}", settings) from error
    for part in parts:
        if isinstance(part, Placeholder) and not (part.is_plain and part.name in _PLACEHOLDERS):
            raise _pattern_error(text, f"has an unknown placeholder {part}", settings)
    if not makes_class_parameters(parts):
        raise _pattern_error(text, "is not the name of a class parameter", settings)
    return KeyPattern(text, parts, value)


def _pattern_error(text: str, problem: str, settings: OutputSettings) -> UsageError:
    return UsageError(
        f"the key pattern `{text}` of the output `{settings.name}` {problem}",
        origin=settings.origin,
        help=CLASS_PARAMETER_HELP,
    )


def _invalid_key(key: str, new: ClassKey, origin: FileOrigin) -> Finding | None:
    if CLASS_PARAMETER.fullmatch(key) and key != "lookup_options":
        return None
    return INVALID_KEY.finding(
        f"`{new.pattern.text}` gives {_label(new.owner)} the key `{key}`, which cannot name a class parameter",
        service=new.owner.service,
        version=new.owner.version,
        value=key,
        origin=origin,
    )


def _key_collision(key: str, old: ClassKey | None, new: ClassKey, origin: FileOrigin) -> Finding | None:
    if old is not None:
        other = f"{_label(old.owner)} by `{old.pattern.text}`"
    elif key == INDEX or key.startswith(SERVICE):
        other = "frostline's own data"
    else:
        return None
    return KEY_COLLISION.finding(
        f"{_label(new.owner)} by `{new.pattern.text}` and {other} have the same key `{key}`",
        service=new.owner.service,
        version=new.owner.version,
        value=key,
        origin=origin,
    )


def _label(owner: Key) -> str:
    return f"`{owner.service}` `{version_label(owner.version)}`"
