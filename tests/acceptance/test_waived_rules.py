"""A waiver that cannot silence anything is a warning, so that a misspelt one is found."""

from __future__ import annotations

import pytest
from project import STATIC, Project

from frostline.pipeline.reference.rule_table import rule_table


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("port_zero", "the waiver of `port_zero`: there is no such rule\n  help: did you mean `port-zero`?"),
        ("edited", "waivers cannot silence the rule `edited`"),
        ("verify", "waivers cannot silence the rule `verify`"),
        ("waiver-expired", "waivers cannot silence the rule `waiver-expired`"),
        ("expires-soon", "waivers cannot silence the rule `expires-soon`"),
        *((name, f"waivers cannot silence the rule `{name}`") for name in rule_table() if name.startswith("guard-")),
    ],
)
def test_a_waiver_of_a_misspelt_rule_or_of_one_that_none_silences_is_a_warning(
    project: Project, rule: str, said: str
) -> None:
    waiver = {"rule": rule, "service": "*", "until": "2999-01-31", "why": "x"}
    project.configure({**STATIC, "checks": {"waivers": [waiver]}})
    assert said in project.done("compile").stderr


@pytest.mark.parametrize("rule", ["port-zero", "override", "endpoint-unreached", "of-some-plug-in"])
def test_a_waiver_that_finds_nothing_to_silence_is_not_reported(project: Project, rule: str) -> None:
    waiver = {"rule": rule, "service": "*", "until": "2999-01-31", "why": "x"}
    project.configure({**STATIC, "checks": {"waivers": [waiver]}})
    assert "warning" not in project.done("compile").stderr
