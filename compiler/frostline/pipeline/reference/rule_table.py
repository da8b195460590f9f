"""The table of all rules: those of frostline, and those that plug-ins list in `RULES`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any

from frostline import rules
from frostline.checks.base import check_module, check_names
from frostline.errors import FrostlineError, UsageError
from frostline.outputs.base import output_module, output_types
from frostline.rules import Rule, rules_by_name
from frostline.sources.base import source_module, source_types
from frostline.text import did_you_mean

_MODULES = (
    "frostline.addresses",
    "frostline.checks.expiring",
    "frostline.checks.guards.consent",
    "frostline.checks.guards.changes",
    "frostline.checks.guards.held",
    "frostline.checks.guards.outputs",
    "frostline.checks.guards.segments",
    "frostline.checks.guards.unknown",
    "frostline.checks.waivers",
    "frostline.outputs.file_names",
    "frostline.outputs.hiera.key_rules",
    "frostline.outputs.template.names",
    "frostline.pipeline.compile.file_rules",
    "frostline.pipeline.check.reach",
    "frostline.registry.assembling",
    "frostline.registry.auth",
    "frostline.registry.configured_consumers",
    "frostline.registry.output_views.consumer",
    "frostline.registry.named_ports",
    "frostline.registry.overrides.rules",
    "frostline.registry.url_values",
    "frostline.verify.rules",
)
"""The modules of this package with rules that are not in the tables of sources, checks and outputs."""


@cache
def rule_table() -> Mapping[str, Rule]:
    """Return all rules by name, sorted. Imports every source, check and output.

    Raises UsageError if two rules have the same name.
    """
    return _table(_modules(lambda load, name: [load(name)]))


def rules_for_reports() -> Mapping[str, Rule]:
    """Return all rules, as `rule_table`, but skip plug-ins that cannot be used: the report may be about one of them."""

    def usable(load: Callable[[str], Any], name: str) -> list[Any]:
        with suppress(FrostlineError):
            module = load(name)
            return [module] if getattr(module, "RULES", ()) is not None else []
        return []

    try:
        return _table(_modules(usable))
    except UsageError:
        return _table([import_module(name) for name in _MODULES])


def _modules(usable: Callable[[Callable[[str], Any], str], list[Any]]) -> list[Any]:
    """Return the modules that have rules. usable: (function that loads the module, its name) -> [the module], or []."""
    modules = [import_module(name) for name in _MODULES]
    for load, names in ((source_module, source_types), (check_module, check_names), (output_module, output_types)):
        modules += [module for name in names() for module in usable(load, name)]
    return modules


def _table(modules: Iterable[Any]) -> Mapping[str, Rule]:
    all_rules = [*rules.RULES, *(rule for module in modules for rule in getattr(module, "RULES", ()))]
    try:
        return rules_by_name(all_rules)
    except ValueError as error:
        raise UsageError(str(error), help="a plug-in has one of them: uninstall it, or rename its rule") from None


def find_rule(name: str) -> Rule:
    """Return the rule of this name. Raises UsageError, with the closest name, if there is none."""
    table = rule_table()
    if name not in table:
        hint = did_you_mean(name, table, "`frostline rule` lists all rules")
        raise UsageError(f"there is no rule `{name}`", help=hint)
    return table[name]
