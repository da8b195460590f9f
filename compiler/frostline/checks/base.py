"""What a check is. A new one is a module of this protocol and a line in TABLE, or an entry point `frostline.checks`.

A check is a pure function: registry and settings in, findings out. It changes nothing and asks no server. It may read
only the files that its settings name. Its module lists the rules of its findings in `RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from frostline import plug_ins
from frostline.checks.waivers import apply_waivers, waiver_of, with_way_past
from frostline.config import context as config
from frostline.config.cursor import Cursor
from frostline.errors import RefusedError
from frostline.model import Entry, Finding, Registry
from frostline.plug_ins import PlugIn, Seam, isolated
from frostline.settings import CheckSettings, Waiver
from frostline.value_types import MisfitError

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
    "schema": "frostline.checks.schema.check",
    "policies": "frostline.checks.policies.check",
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


Found = Mapping[str, tuple[Finding, ...]]
"""The name of each check -> all that it finds, waived or not."""


def run_checks(registry: Registry, settings: CheckSettings, context: Context) -> Found:
    """What all checks find. Raises UsageError for a wrong schema file or policy."""
    theirs = cache(lambda: isolated(registry))
    return {
        name: tuple(check_module(name).findings(registry if name in TABLE else theirs(), settings, context))
        for name in check_names()
    }


def judge(found: Found, settings: CheckSettings, today: date, earlier: Iterable[Finding] = ()) -> tuple[Finding, ...]:
    """What a waiver does not silence on `today`, sorted by `Finding.sort_key`.

    earlier: what other stages found, such as the registry's own findings; waivers silence these too.
    Raises UsageError for a wrong waiver.
    """
    kept = apply_waivers((*earlier, *chain(*found.values())), settings.waivers, today)
    return tuple(sorted(map(with_way_past, _folded_by_check(found, kept)), key=Finding.sort_key))


def pair_with_waivers(
    found: Found, settings: CheckSettings, earlier: Iterable[Finding] = ()
) -> tuple[tuple[Finding, Waiver | None], ...]:
    """All findings, each with its waiver whatever the day, sorted by `Finding.sort_key`. earlier: as of `judge`."""
    groups: dict[Waiver | None, list[Finding]] = {}
    for finding in (*earlier, *chain(*found.values())):
        groups.setdefault(waiver_of(finding, settings.waivers), []).append(finding)
    pairs = ((one, waiver) for waiver, group in groups.items() for one in _folded_by_check(found, group))
    return tuple(sorted(pairs, key=lambda pair: pair[0].sort_key()))


def _folded_by_check(found: Found, kept: Sequence[Finding]) -> Sequence[Finding]:
    for name, made in found.items():
        module = check_module(name)
        if hasattr(module, "fold"):
            own = frozenset(made)
            folded = module.fold([finding for finding in kept if finding in own])
            kept = (*(finding for finding in kept if finding not in own), *folded)
    return kept
