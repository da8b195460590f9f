from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from frostline.checks.base import TABLE, check_module, check_names, judge, pair_with_waivers, run_checks
from frostline.model import FileOrigin, Finding
from frostline.settings import CheckSettings, PolicySetting, Waiver

PLACE = FileOrigin("frostline.yaml", 60, 7)
TODAY = date(2027, 1, 1)


@pytest.fixture(autouse=True)
def _built_in_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frostline.checks.schema.check.schema_text", lambda name: b'{"$defs": {"service": true}}')


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
    found = run_checks(registry(payments={"v1": [endpoint()]}), settings, context)
    assert [(finding.rule, finding.service) for finding in judge(found, settings, TODAY, earlier)] == [
        ("port-zero", "a"),
        ("schema", "payments"),
        ("port-zero", "z"),
        ("required", "web"),
    ]


def test_waivers_silence_findings_of_earlier_stages_too(registry: Any, context: Any) -> None:
    earlier = [Finding(rule="port-zero", service="a", version="v1", message="it has no port")]
    waiver = Waiver(rule="port-zero", service="a", until="2027-01-01", why="soon", origin=PLACE)
    settings = CheckSettings(waivers=(waiver,))
    assert judge(run_checks(registry(), settings, context), settings, TODAY, earlier) == ()


def test_every_finding_has_its_waiver_even_after_its_last_day(registry: Any, context: Any) -> None:
    earlier = [Finding(rule="port-zero", service=name, version="v1", message="it has no port") for name in ("b", "a")]
    waivers = [
        Waiver(rule=rule, service="a", until=until, why="soon", origin=PLACE)
        for rule, until in (("port-zero", "1999-01-01"), ("port-zero", "2001-01-01"), ("meta", "2099-01-01"))
    ]
    settings = CheckSettings(waivers=tuple(waivers))
    pairs = pair_with_waivers(run_checks(registry(), settings, context), settings, earlier)
    assert pairs == ((earlier[1], waivers[1]), (earlier[0], None))


def test_checks_of_other_packages_run_too(registry: Any, context: Any, install_entries: Any) -> None:
    finding = Finding(rule="theirs", message="no")
    install_entries(checks={"theirs": {"findings": lambda registry, settings, context: [finding]}})
    assert run_checks(registry(), CheckSettings(), context)["theirs"] == (finding,)
