"""The protocol of checks. A new check is a module with these functions and a line in TABLE, or an entry point
`frostline.checks` of another package.

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
from frostline.checks.waivers import apply_waivers, waiver_of, with_waiver_help
from frostline.config import context as config
from frostline.config.cursor import Cursor
from frostline.errors import RefusedError
from frostline.model import Entry, Finding, Registry
from frostline.plug_ins import PlugIn, Seam, isolated
from frostline.settings import CheckSettings, Waiver
from frostline.value_types import MisfitError

ValueOf = Callable[[Mapping[str | None, Entry]], dict[str, Any]]
"""version -> entry of a service -> the service as the registry's formats write it. Schemas are applied to that."""


class Context(Struct, frozen=True, kw_only=True):
    """What a check needs besides the registry.

    root: the folder to which schemas may refer; a reference to a file outside it is refused. allocating: the names of
    the sources whose server schedules all its instances and chooses their ports (Nomad).
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
        """Read the value of `checks.NAME` at `cursor`. The result becomes `settings.options[NAME]`.

        Without this function, the plain value does.
        """

    def inputs(self, settings: CheckSettings) -> tuple[Path, ...]:
        """The local files that it reads. No output may overwrite them, and a saved plan must find them unchanged."""

    def findings(self, registry: Registry, settings: CheckSettings, context: Context) -> Iterable[Finding]:
        """The findings, in any order. Raises UsageError if the settings themselves are wrong."""

    def fold(self, found: Sequence[Finding]) -> Iterable[Finding]:
        """Summarize findings that are too many to show one by one. found: the check's findings after the waivers."""


TABLE: Mapping[str, str] = {
    "dynamic-ports": "frostline.checks.dynamic_ports",
    "schema": "frostline.checks.schema.check",
    "policies": "frostline.checks.policies.check",
}


def check_names() -> tuple[str, ...]:
    """All checks, sorted."""
    return plug_ins.names(SEAM)


def check_module(name: str) -> Any:
    """The module of this check, imported on first use. Raises KeyError if there is no such check."""
    if name in TABLE:
        return import_module(TABLE[name])
    return plug_ins.plug_in(SEAM, name)


def _folded(plug_in: PlugIn, result: Any, found: Sequence[Finding]) -> tuple[Finding, ...]:
    folded = plug_ins.items_of(result, Finding)
    if any(finding.severity == "error" for finding in found) and all(finding.severity != "error" for finding in folded):
        raise MisfitError("it has no error, although there was one to fold")
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
"""What frostline uses of a plug-in's check. If the plug-in fails, the run is refused: the check has not passed."""


def inputs_of(settings: CheckSettings) -> dict[Path, str]:
    """The local files that the checks read -> the name of the check."""
    return {
        path: name
        for name in check_names()
        if hasattr(module := check_module(name), "inputs")
        for path in module.inputs(settings)
    }


Found = Mapping[str, tuple[Finding, ...]]
"""The name of each check -> all its findings, waived or not."""


def run_checks(registry: Registry, settings: CheckSettings, context: Context) -> Found:
    """Run all checks. Raises UsageError for a wrong schema file or policy."""
    registry_for_plug_ins = cache(lambda: isolated(registry))
    return {
        name: tuple(
            check_module(name).findings(registry if name in TABLE else registry_for_plug_ins(), settings, context)
        )
        for name in check_names()
    }


def judge(found: Found, settings: CheckSettings, today: date, earlier: Iterable[Finding] = ()) -> tuple[Finding, ...]:
    """The findings that no waiver silences on `today`, sorted by `Finding.sort_key`.

    earlier: findings of other stages, such as those of the registry; waivers silence these too.
    Raises UsageError for a wrong waiver.
    """
    kept = apply_waivers((*earlier, *chain(*found.values())), settings.waivers, today)
    return tuple(sorted(map(with_waiver_help, _folded_by_check(found, kept)), key=Finding.sort_key))


def pair_with_waivers(
    found: Found, settings: CheckSettings, earlier: Iterable[Finding] = ()
) -> tuple[tuple[Finding, Waiver | None], ...]:
    """All findings, each with its waiver, expired or not, sorted by `Finding.sort_key`. earlier: see `judge`."""
    groups: dict[Waiver | None, list[Finding]] = {}
    for finding in (*earlier, *chain(*found.values())):
        groups.setdefault(waiver_of(finding, settings.waivers), []).append(finding)
    pairs = ((finding, waiver) for waiver, group in groups.items() for finding in _folded_by_check(found, group))
    return tuple(sorted(pairs, key=lambda pair: pair[0].sort_key()))


def _folded_by_check(found: Found, kept: Sequence[Finding]) -> Sequence[Finding]:
    for name, made in found.items():
        module = check_module(name)
        if hasattr(module, "fold"):
            own = frozenset(made)
            folded = module.fold([finding for finding in kept if finding in own])
            kept = (*(finding for finding in kept if finding not in own), *folded)
    return kept
