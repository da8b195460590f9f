"""A new entry of `overrides`: write it as YAML, try what it changes now, and append it to the file of `overrides`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from msgspec import Struct
from msgspec.structs import replace

from frostline.config.yaml_reader import read_yaml
from frostline.errors import ErrorGroup, FrostlineError, UsageError
from frostline.model import FileOrigin, Finding, Key, Registry, version_label
from frostline.pipeline.compile.assembling import overridden_of_lock
from frostline.pipeline.load.override_file import is_blank, overrides_in
from frostline.pipeline.views.committed import committed_lock
from frostline.registry.overrides.applying import apply_overrides
from frostline.registry.overrides.rules import unused_findings
from frostline.settings import Config, Override
from frostline.text import escape_json

_SHOWN = "the new entry"


class NewOverride(Struct, frozen=True):
    """A new entry of `overrides`. value: its JSON values; override: the parsed entry."""

    value: Mapping[str, Any]
    override: Override

    @property
    def line(self) -> str:
        """The entry as an item of a YAML list, in one line."""
        return _line(self.value)


def _line(value: Mapping[str, Any]) -> str:
    return f"- {_yaml(value)}"


def _yaml(value: Any, key: str = "") -> str:
    if isinstance(value, Mapping):
        items = [f"{name if name.isidentifier() else _yaml(name)}: {_yaml(part, name)}" for name, part in value.items()]
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    if key == "until":
        return str(value)
    return escape_json(json.dumps(value, ensure_ascii=False))


def entry_of(service: str, until: str, why: str, parts: Sequence[tuple[str, Mapping[str, Any]]]) -> NewOverride:
    """Make an entry of these parts, each with the option that asks for it: ("--add", {"add": [URL]}).

    Raises UsageError if the value of an option is not valid.
    """
    head, tail = {"service": service}, {"until": until, "why": why}
    drop: list[Any] = []
    add: list[str] = []
    replaced: dict[str, str] = {}
    for option, part in parts:
        _parse_override({**head, **part, **tail}, f"{option}: ")
        drop += part.get("drop", [])
        add += part.get("add", [])
        for old, new in part.get("replace", {}).items():
            if replaced.setdefault(old, new) != new:
                raise UsageError(f"{option}: `{old}` is to be replaced twice", help="keep one of the two")
    changes: dict[str, Any] = {"drop": drop[0] if len(drop) == 1 else drop, "add": add, "replace": replaced}
    value = {**head, **{key: part for key, part in changes.items() if part}, **tail}
    return NewOverride(value, _parse_override(value, ""))


def _parse_override(value: Mapping[str, Any], start: str) -> Override:
    """Parse an entry. start: what the message of a UsageError begins with."""
    try:
        return overrides_in(_line(value).encode(), _SHOWN)[0]
    except FrostlineError as error:
        first = error.errors[0] if isinstance(error, ErrorGroup) else error
        raise UsageError(f"{start}{first.message}", help=first.help) from None


class Target(Struct, frozen=True):
    """What an entry of `overrides` is written for.

    plain: the registry of the committed lock without overrides.
    keys: the (service, version)s that the user means; () if the service is unknown.
    glob: how an override names them.
    """

    plain: Registry
    keys: tuple[Key, ...]
    glob: str


def find_target(config: Config, service: str, version: str | None) -> Target:
    """Find the (service, version)s of this name; `payments/v1` names a version too.

    Raises UsageError if there is no lock.
    """
    registry = overridden_of_lock(replace(config, overrides=()), committed_lock(config)).registry
    names = [(service, version)]
    if version is None and "/" in service:
        names.append((service.rpartition("/")[0], service.rpartition("/")[2]))
    for name, label in names:
        keys = [
            key for key, _ in registry.entries() if key.service == name and label in (None, version_label(key.version))
        ]
        if keys:
            return Target(registry, tuple(keys), _glob(name, label))
    return Target(registry, (), service)


def _glob(service: str, label: str | None) -> str:
    """Return the glob that matches only this service, or only this version of it."""
    name = service if label is None else f"{service}/{label}"
    literal = "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)
    return f"?{literal[1:]}" if literal.startswith("!") else literal  # `!` would exclude


class Trial(Struct, frozen=True):
    """What a new entry would do.

    unused: findings about parts of it that change nothing.
    findings: findings about overrides that the entry would add.
    urls: the URLs of the present endpoints, with and without the configured overrides.
    done_by: the configured overrides that already do everything that the entry would do; else ().
    """

    unused: tuple[Finding, ...]
    findings: tuple[Finding, ...]
    urls: frozenset[str]
    done_by: tuple[Override, ...] = ()


def try_entry(config: Config, target: Target, override: Override) -> Trial:
    """Apply the entry to the registry of the lock, after the configured overrides."""
    before = apply_overrides(target.plain, config.overrides)
    after = apply_overrides(target.plain, [*config.overrides, override])
    unused = unused_findings([override], after.effects, target.plain)
    entries = [registry.get(key) for registry in (target.plain, before.registry) for key in target.keys]
    changes = any(before.registry.get(key) != after.registry.get(key) for key in target.keys)
    at_work = [effect.override for effect in before.effects if effect.is_at_work and effect.key in target.keys]
    return Trial(
        unused=tuple(unused),
        findings=tuple(finding for finding in after.findings if finding not in before.findings),
        urls=frozenset(endpoint.url for entry in entries if entry for endpoint in entry.endpoints),
        done_by=() if changes else tuple(dict.fromkeys(at_work)),
    )


def with_entry(raw: bytes, entry: NewOverride, shown: str) -> bytes:
    """Return the file of `overrides` with one more item. All else stays byte for byte.

    Raises UsageError if that is not safely possible.
    """
    text = raw.decode()
    newline = "\r\n" if "\r\n" in text else "\n"
    before = overrides_in(raw, shown)
    indent = 0
    if not is_blank(raw):
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(root, yaml.SequenceNode):
            raise _unsafe(shown)
        if root.flow_style and not root.value:
            text = text[: root.start_mark.index] + text[root.end_mark.index :]
        elif root.flow_style:
            raise _unsafe(shown)
        else:
            indent = root.start_mark.column
    if text and not text.endswith(("\n", "\r")):
        text += newline
    new = f"{text}{' ' * indent}{entry.line}{newline}".encode()
    try:
        values = read_yaml(new, shown).value
        after = overrides_in(new, shown)
    except FrostlineError:
        raise _unsafe(shown) from None
    if not isinstance(values, list) or values[-1:] != [entry.value] or after[:-1] != before:
        raise _unsafe(shown)
    return new


def _unsafe(shown: str) -> UsageError:
    return UsageError(
        "the entry cannot be added without changing the rest of the file",
        origin=FileOrigin(shown),
        help="add the line above to the list yourself, or write each item of the list on lines of its own: `- …`",
    )
