from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from frostline.checks.base import Context, judge, pair_with_waivers, run_checks
from frostline.checks.dynamic_ports import findings
from frostline.model import FileOrigin, Finding, Registry
from frostline.settings import CheckSettings, Waiver

TODAY = date(2027, 1, 1)
ID = "_nomad-task-7b1e-web-payments-v1-http"


@pytest.fixture(autouse=True)
def _built_in_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frostline.checks.schema.check.schema_text", lambda name: b'{"$defs": {"service": true}}')


@pytest.fixture
def found(context: Context) -> Callable[..., tuple[Finding, ...]]:
    """`found(registry, waived=GLOB)`: what all checks say of it."""

    def run(registry: Registry, waived: str = "") -> tuple[Finding, ...]:
        place = FileOrigin("frostline.yaml", 60, 7)
        waiver = Waiver(rule="port-dynamic", service=waived, until="2027-01-31", why="soon", origin=place)
        settings = CheckSettings(waivers=(waiver,) if waived else ())
        return judge(run_checks(registry, settings, context), settings, TODAY)

    return run


def test_the_finding_reads_as_recorded(registry: Any, endpoint: Any, found: Any, matches_golden: Any) -> None:
    seen = registry(
        payments={"v1": [endpoint(id=ID, port=port) for port in (20000, 32000)], "v2": [endpoint(id=ID, port=25000)]},
        search={None: [endpoint(id=ID, port=25000), endpoint(id=ID, port=25000, source="live", datacenter="global")]},
        ledger={"v1": [endpoint(port=25000)]},
    )
    matches_golden("port-dynamic", found(seen))


@pytest.mark.parametrize(
    "fields",
    [
        {"id": ID, "port": 19999},
        {"id": ID, "port": 32001},
        {"id": ID, "port": 8080},
        {"id": "payments-1", "port": 25000},
        {"id": "", "port": 25000},
        {"id": "_nomad-task-7b1e-web-payments-v1-25000", "port": 25000},
    ],
)
def test_a_port_is_dynamic_only_by_nomads_id_and_range(registry: Any, endpoint: Any, found: Any, fields: Any) -> None:
    assert found(registry(payments={"v1": [endpoint(**fields)]})) == ()


def test_of_a_source_that_allocates_ports_the_port_alone_says_it(registry: Any, endpoint: Any, context: Any) -> None:
    seen = registry(payments={"v1": [endpoint(id="", port=25000), endpoint(id="", port=25000, source="live")]})
    assert list(findings(seen, CheckSettings(), context)) == []
    [warning] = findings(seen, CheckSettings(), replace(context, allocating=frozenset({"live"})))
    assert "1 endpoint from `live`" in warning.message


def test_an_endpoint_of_an_override_hides_none_that_moves(registry: Any, endpoint: Any, context: Any) -> None:
    written = endpoint(id="", port=25000, source="live", declared_at=FileOrigin("night.yaml", 1, 1))
    seen = registry(payments={"v1": [written, endpoint(id="", port=25001, source="live", datacenter="global")]})
    [warning] = findings(seen, CheckSettings(), replace(context, allocating=frozenset({"live"})))
    assert "1 endpoint from `live`" in warning.message
    assert not isinstance(warning.origin, FileOrigin)


def test_a_url_without_the_port_freezes_none(registry: Any, endpoint: Any, found: Any) -> None:
    named = replace(endpoint(id=ID, port=25000), url="http://payments.service.consul/v1")
    assert found(registry(payments={"v1": [named]})) == ()


def test_ten_thousand_services_give_one_warning(registry: Any, endpoint: Any, found: Any) -> None:
    services = {f"s{number}": {"v1": [endpoint(id=ID, port=25000)] * 2} for number in range(10_000)}
    [warning] = found(registry(**services))
    assert (warning.severity, warning.value, warning.service) == ("warning", "20000", None)
    assert warning.message.startswith("20000 endpoints from `mesh` have a port")
    assert warning.message.endswith("and 9990 more")


def test_a_waiver_silences_the_services_that_it_names(registry: Any, endpoint: Any, found: Any) -> None:
    seen = registry(**{name: {"v1": [endpoint(id=ID, port=25000)]} for name in ("a", "b", "c")})
    assert found(seen, waived="*") == ()
    assert ": `a/v1`, `c/v1`" in found(seen, waived="b/v1")[0].message
    assert [warning.service for warning in found(seen, waived="[ab]")] == ["c"]


def test_a_declared_service_has_no_port_to_judge(registry: Any, context: Context) -> None:
    assert list(findings(registry(payments={"v1": []}), CheckSettings(), context)) == []


def test_waived_ones_are_folded_apart_from_the_others(registry: Any, endpoint: Any, context: Context) -> None:
    seen = registry(**{name: {"v1": [endpoint(id=ID, port=20000)]} for name in ("a", "b", "c1", "c2")})
    place = FileOrigin("frostline.yaml", 60, 7)
    waiver = Waiver(rule="port-dynamic", service="c*", until="1999-01-31", why="soon", origin=place)
    settings = CheckSettings(waivers=(waiver,))
    pairs = pair_with_waivers(run_checks(seen, settings, context), settings)
    assert [(finding.message.rpartition(": ")[2], given) for finding, given in pairs] == [
        ("`a/v1`, `b/v1`", None),
        ("`c1/v1`, `c2/v1`", waiver),
    ]
