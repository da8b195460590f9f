"""What a check is. A new one is a module of this protocol and a line in TABLE, or an entry point `frostline.checks`.

A check is a pure function: registry and settings in, findings out. It changes nothing and asks no server. It may read
only the files that its settings name. Its module lists the rules of its findings in `RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from frostline import plug_ins
from frostline.checks.waivers import apply_waivers, with_way_past
from frostline.config import context as config
from frostline.config.cursor import Cursor
from frostline.contracts import MisfitError
from frostline.errors import RefusedError
from frostline.model import Entry, Finding, Registry
from frostline.plug_ins import PlugIn, Seam, isolated
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
    return plug_ins.names(SEAM)


def check_module(name: str) -> Any:
    """The module of this check, imported on first use. KeyError: there is no such check."""
    if name in TABLE:
        return import_module(TABLE[name])
    return plug_ins.plug_in(SEAM, name)


def _folded(plug_in: PlugIn, result: Any, found: Sequence[Finding]) -> tuple[Finding, ...]:
    folded = plug_ins.items_of(result, Finding)
    if any(finding.severity == "error" for finding in found) and all(one.severity != "error" for one in folded):
        raise MisfitError("it has no error, where there was one to fold")
    return folded


SEAM = Seam(
    group="frostline.checks",
    noun="check",
    table=TABLE,
    functions={
        "configure": lambda plug_in, result, *arguments: result,
        "inputs": lambda plug_in, result, settings: plug_ins.items_of(result, Path),
        "findings": lambda plug_in, result, *arguments: plug_ins.items_of(result, Finding),
        "fold": _folded,
    },
    values=plug_ins.COMMON_VALUES,
    one_of=("findings",),
    error=RefusedError,
)
"""What frostline uses of a check of another package. One that fails has not passed."""


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
    names = check_names()
    modules = [check_module(name) for name in names]
    theirs = cache(lambda: isolated(registry))
    found_by: dict[str, frozenset[Finding]] = {}
    for module, name in zip(modules, names, strict=True):
        seen = registry if name in TABLE else theirs()
        own = tuple(module.findings(seen, settings, context))
        found.extend(own)
        if hasattr(module, "fold"):
            found_by[name] = frozenset(own)
    kept = apply_waivers(found, settings.waivers, today)
    for name, made in found_by.items():
        folded = check_module(name).fold([finding for finding in kept if finding in made])
        kept = (*(finding for finding in kept if finding not in made), *folded)
    return tuple(sorted(map(with_way_past, kept), key=Finding.sort_key))
