"""Which rules no waiver silences, and the waivers that are of one of them or of none at all."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from frostline.checks.waivers import RULES as WAIVER_RULES
from frostline.checks.waivers import ineffective_waivers
from frostline.model import Finding
from frostline.pipeline.compile.file_rules import ADOPT, BROKEN_MANIFEST, DRIFT, EDITED, ORPHANS
from frostline.pipeline.reference.rule_table import rules_for_reports
from frostline.settings import Waiver
from frostline.verify.rules import RULES as VERIFY_RULES

_NOT_OF_THE_REGISTRY = (ADOPT, BROKEN_MANIFEST, DRIFT, EDITED, ORPHANS, *VERIFY_RULES, *WAIVER_RULES)


def judge_waivers(waivers: Sequence[Waiver], found: Collection[str]) -> tuple[Finding, ...]:
    """A warning for each waiver that cannot silence anything. found: the rules of what was found, also by plug-ins that
    list none."""
    if not waivers:
        return ()  # the table of rules imports every room
    rules = {*rules_for_reports(), *found}
    unwaivable = {rule.name for rule in _NOT_OF_THE_REGISTRY} | {name for name in rules if name.startswith("guard-")}
    return tuple(ineffective_waivers(waivers, rules, unwaivable))
