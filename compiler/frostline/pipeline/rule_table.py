"""The table of all rules: those of every room, and of plug-ins that list theirs in `RULES`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module

from frostline import rules
from frostline.checks.base import check_module, check_names
from frostline.errors import UsageError
from frostline.outputs.base import output_module, output_types
from frostline.rules import Rule, rules_by_name
from frostline.sources.base import source_module, source_types
from frostline.text import did_you_mean

_MODULES = (
    "frostline.addresses",
    "frostline.checks.consent",
    "frostline.checks.guards",
    "frostline.checks.holding",
    "frostline.checks.segments",
    "frostline.checks.unknown",
    "frostline.checks.waivers",
    "frostline.outputs.file_names",
    "frostline.outputs.hiera.keys",
    "frostline.pipeline.file_rules",
    "frostline.pipeline.reach",
    "frostline.registry.assembling",
    "frostline.registry.callers",
    "frostline.registry.consumers",
    "frostline.registry.named_ports",
    "frostline.registry.override_rules",
    "frostline.registry.url_values",
)
"""The modules of this package that make findings and are not in the tables of sources, checks and outputs."""


@cache
def rule_table() -> Mapping[str, Rule]:
    """All rules by their names, sorted. Imports every source, check and output. ValueError: two have one name."""
    return rules_by_name(_all_rules())


def _all_rules() -> Iterator[Rule]:
    yield from rules.RULES
    modules = [import_module(name) for name in _MODULES]
    modules += map(source_module, source_types())
    modules += map(check_module, check_names())
    modules += map(output_module, output_types())
    for module in modules:
        yield from getattr(module, "RULES", ())


def find_rule(name: str) -> Rule:
    """The rule of this name. Raises UsageError that names the closest."""
    table = rule_table()
    if name not in table:
        hint = did_you_mean(name, table, "`frostline rule` lists all rules")
        raise UsageError(f"there is no rule `{name}`", help=hint)
    return table[name]
