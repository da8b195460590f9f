"""Warn about waivers that silence nothing: of rules that cannot be waived, and of unknown rules."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta

from frostline.checks.expiring import RULES as EXPIRING_RULES
from frostline.checks.waivers import RULES as WAIVER_RULES
from frostline.checks.waivers import ineffective_waivers
from frostline.model import Finding
from frostline.pipeline.compile.file_rules import ADOPT, BROKEN_MANIFEST, DRIFT, EDITED, ORPHANS
from frostline.pipeline.reference.rule_table import rules_for_reports
from frostline.settings import Waiver
from frostline.verify.rules import RULES as VERIFY_RULES

_NOT_OF_THE_REGISTRY = frozenset(
    rule.name
    for rule in (ADOPT, BROKEN_MANIFEST, DRIFT, EDITED, ORPHANS, *VERIFY_RULES, *WAIVER_RULES, *EXPIRING_RULES)
)
_DAYS = 14


def is_waivable(rule: str) -> bool:
    """Whether a waiver can silence the findings of this rule."""
    return rule not in _NOT_OF_THE_REGISTRY and not rule.startswith("guard-")


def waiver_line(rule: str, today: date) -> str | None:
    """Return the entry of `checks.waivers` that silences this rule for two weeks, as YAML; None if no waiver can."""
    if not is_waivable(rule):
        return None
    until = today + timedelta(days=_DAYS)
    return f'{{rule: {rule}, service: "*", until: {until.isoformat()}, why: "say why"}}'


def judge_waivers(waivers: Sequence[Waiver], found: Collection[str]) -> tuple[Finding, ...]:
    """Return a warning for each waiver that cannot silence anything.

    found: the rules of the run's findings: a plug-in may find something of a rule that it does not list.
    """
    if not waivers:
        return ()  # the table of rules imports every room
    rules = {*rules_for_reports(), *found}
    return tuple(ineffective_waivers(waivers, rules, {name for name in rules if not is_waivable(name)}))
