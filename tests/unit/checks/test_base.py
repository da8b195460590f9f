from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from frostline.checks.base import TABLE, check_module, check_names, run_checks
from frostline.model import FileOrigin, Finding
from frostline.settings import CheckSettings, PolicySetting, Waiver

PLACE = FileOrigin("frostline.yaml", 60, 7)
TODAY = date(2027, 1, 1)


@pytest.fixture(autouse=True)
def _built_in_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frostline.checks.schema.schema_text", lambda name: b'{"$defs": {"service": true}}')


def test_every_check_of_the_table_has_its_function() -> None:
    assert set(TABLE) <= set(check_names())
    assert all(callable(check_module(name).findings) for name in TABLE)


def test_an_unknown_check_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        check_module("nothing")


def test_all_checks_run_and_their_findings_are_sorted_with_those_of_earlier_stages(
    registry: Any, endpoint: Any, context: Any
) -> None:
    (context.root / "ours.json").write_text('{"required": ["v9"]}')
    settings = CheckSettings(
        schema=(context.root / "ours.json",),
        policies={"required": PolicySetting(value=["web"], origin=PLACE, severity="warning")},
    )
    earlier = [Finding(rule="port-zero", service=name, version="v1", message="it has no port") for name in ("z", "a")]
    found = run_checks(registry(payments={"v1": [endpoint()]}), settings, TODAY, context, earlier)
    assert [(finding.rule, finding.service) for finding in found] == [
        ("port-zero", "a"),
        ("schema", "payments"),
        ("port-zero", "z"),
        ("required", "web"),
    ]


def test_waivers_silence_findings_of_earlier_stages_too(registry: Any, context: Any) -> None:
    earlier = [Finding(rule="port-zero", service="a", version="v1", message="it has no port")]
    waiver = Waiver(rule="port-zero", service="a", until="2027-01-01", why="soon", origin=PLACE)
    assert run_checks(registry(), CheckSettings(waivers=(waiver,)), TODAY, context, earlier) == ()


def test_checks_of_other_packages_run_too(registry: Any, context: Any, install_entries: Any) -> None:
    finding = Finding(rule="theirs", message="no")
    install_entries(checks={"theirs": {"findings": lambda registry, settings, context: [finding]}})
    assert [finding.rule for finding in run_checks(registry(), CheckSettings(), TODAY, context)] == ["theirs"]
