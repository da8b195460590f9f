"""What a check is. A new one is a module of this protocol and a line in TABLE, or an entry point `frostline.checks`.

A check is a pure function: registry and settings in, findings out. It changes nothing and asks no server. It may read
only the files that its settings name. Its module lists the rules of its findings in `RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from frostline.checks.waivers import apply_waivers, with_way_past
from frostline.config import context as config
from frostline.config.cursor import Cursor
from frostline.model import Entry, Finding, Registry
from frostline.settings import CheckSettings

ValueOf = Callable[[Mapping[str | None, Entry]], dict[str, Any]]
"""A service as the registry's formats have it, from its version -> entry: what a schema is applied to."""


class Context(Struct, frozen=True, kw_only=True):
    """What a check needs besides the registry.

    root: the folder that no file which a schema refers to may lie outside of. allocating: the sources whose server
    schedules all that it has (Nomad), and gives it ports.
    """

    value_of: ValueOf
    root: Path
    allocating: frozenset[str] = frozenset()


class Check(Protocol):
    """The module of a check. Only `findings` is needed. With a SCHEMA the configuration may have `checks.NAME`."""

    SCHEMA: Mapping[str, Any]
    """The JSON Schema of the value of `checks.NAME`. `$ref` may name a shared definition of
    schemas/config.schema.json."""

    def configure(self, cursor: Cursor, context: config.Context) -> Any:
        """The settings that the value of `checks.NAME`, at `cursor`, means: `settings.options[NAME]`.

        Without this function these are the plain value.
        """

    def inputs(self, settings: CheckSettings) -> tuple[Path, ...]:
        """The local files that it reads: no output may overwrite them, a saved plan must find them unchanged."""

    def findings(self, registry: Registry, settings: CheckSettings, context: Context) -> Iterable[Finding]:
        """What is wrong, in any order. Raises UsageError where the settings themselves are."""

    def fold(self, found: Sequence[Finding]) -> Iterable[Finding]:
        """Optional: how its findings are shown, where there may be too many to show each; after the waivers."""


TABLE: Mapping[str, str] = {
    "dynamic-ports": "frostline.checks.dynamic_ports",
    "schema": "frostline.checks.schema",
    "policies": "frostline.checks.policies",
}


def check_names() -> tuple[str, ...]:
    """All checks, sorted."""
    return tuple(sorted({*TABLE, *(entry.name for entry in entry_points(group="frostline.checks"))}))


def check_module(name: str) -> Any:
    """The module of this check, imported on first use. KeyError: there is no such check."""
    if name in TABLE:
        return import_module(TABLE[name])
    for entry in entry_points(group="frostline.checks"):
        if entry.name == name:
            return entry.load()
    raise KeyError(name)


def inputs_of(settings: CheckSettings) -> dict[Path, str]:
    """The local files that the checks read -> the name of the check."""
    return {
        path: name
        for name in check_names()
        if hasattr(module := check_module(name), "inputs")
        for path in module.inputs(settings)
    }


def run_checks(
    registry: Registry, settings: CheckSettings, today: date, context: Context, earlier: Iterable[Finding] = ()
) -> tuple[Finding, ...]:
    """What all checks find, without what a waiver silences on `today`, sorted by `Finding.sort_key`.

    earlier: what the stages before found (the registry's own findings); waivers silence these too.
    Raises UsageError for a wrong schema file, policy or waiver.
    """
    found = list(earlier)
    modules = [check_module(name) for name in check_names()]
    for module in modules:
        found.extend(module.findings(registry, settings, context))
    kept = apply_waivers(found, settings.waivers, today)
    for module in modules:
        if hasattr(module, "fold"):
            rules = {rule.name for rule in module.RULES}
            own = [finding for finding in kept if finding.rule in rules]
            kept = (*(finding for finding in kept if finding.rule not in rules), *module.fold(own))
    return tuple(sorted(map(with_way_past, kept), key=Finding.sort_key))
