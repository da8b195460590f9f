"""Which waivers are said to silence nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from frostline.model import FileOrigin
from frostline.pipeline.compile.waivable import is_waivable, judge_waivers, waiver_line
from frostline.pipeline.load.config import load_config
from frostline.pipeline.reference.rule_table import rule_table
from frostline.settings import Waiver


def test_a_waiver_of_a_plug_ins_rule_is_not_taken_for_a_misspelt_one() -> None:
    waiver = Waiver(rule="port-zeros", service="*", until="2027-01-31", why="x", origin=FileOrigin("frostline.yaml"))
    (finding,) = judge_waivers((waiver,), ())
    assert finding.help == "did you mean `port-zero`?"
    assert judge_waivers((waiver,), {"port-zeros"}) == ()


def test_the_lines_that_rules_print_are_waivers_that_the_configuration_takes(tmp_path: Path) -> None:
    lines = [line for rule in rule_table() if (line := waiver_line(rule, date(2026, 1, 1)))]
    head = "version: 1\nsources: {partners: {type: static, services: {a: http://a}}}\nchecks:\n  waivers:\n"
    path = tmp_path / "frostline.yaml"
    path.write_text(head + "".join(f"    - {line}\n" for line in lines), encoding="utf-8")
    waivers = load_config(path).checks.waivers
    assert [waiver.rule for waiver in waivers] == [rule for rule in rule_table() if is_waivable(rule)]
    assert {(waiver.service, waiver.until) for waiver in waivers} == {("*", "2026-01-15")}
    assert judge_waivers(waivers, ()) == ()


def test_a_rule_that_no_waiver_silences_has_no_line() -> None:
    assert [waiver_line(rule, date(2026, 1, 1)) for rule in ("guard-delete", "edited", "expires-soon")] == [None] * 3
