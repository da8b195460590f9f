"""One golden case for each rule of the checks and guards, as people read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from frostline.checks.base import Context
from frostline.checks.expiring import expiring_findings
from frostline.checks.guards import changes as guards
from frostline.checks.guards import segments
from frostline.checks.guards.consent import entry_findings
from frostline.checks.guards.held import Held, held_findings
from frostline.checks.guards.unknown import unknown_findings
from frostline.checks.policies import check as policies
from frostline.checks.schema import check as schema
from frostline.checks.waivers import apply_waivers, ineffective_waivers
from frostline.errors import UsageError
from frostline.model import Bind, Dependency, FileOrigin, Finding, Key, Upstream
from frostline.settings import Allow, CheckSettings, Guards, Override, PolicySetting, Waiver

PLACE = FileOrigin("frostline.yaml", 60, 7)
POLICIES: dict[str, Any] = {
    "min_instances": {"default": 1, "payments/*": 2},
    "required": ["payments/v1", "payments/v2", "shop", "web*"],
    "addresses": {"allow": ["10.0.0.0/8", "*.example"], "deny": ["10.9.0.0/16"]},
    "ports": {"allow": ["1024-65535"], "deny": ["9000"]},
    "meta": {"required": ["owner", "team"]},
    "tags": {"required": ["api"]},
    "names": "^[a-z][a-z0-9-]*$",
}


@pytest.fixture
def judged(registry: Any, endpoint: Any, context: Context) -> Callable[[str], Iterable[Finding]]:
    """`judged(policy)`: what it finds in a small registry that breaks each in some way."""
    place = FileOrigin("frostline.yaml", 50, 9)
    seen = registry(
        payments={
            "v1": [endpoint(meta={"owner": "x"})],
            "v2": [],
            "v3": [endpoint(address="10.9.0.1", id="payments-3", tags=("api",)), endpoint(address="127.1", port=80)],
        },
        Ledger={None: [endpoint(port=9000, id="ledger-1"), endpoint(address="192.0.2.1", id="ledger-2")]},
        sendgrid={"v3": [endpoint(address="api.sendgrid.test", port=443, datacenter="", declared_at=place)]},
    )

    def judge(name: str) -> Iterable[Finding]:
        bound = PolicySetting(value=POLICIES[name], origin=PLACE, severity="warning" if name == "tags" else "error")
        return policies.findings(seen, CheckSettings(policies={name: bound}), context)

    return judge


@pytest.mark.parametrize("name", POLICIES)
def test_a_policys_findings_read_as_recorded(name: str, judged: Any, matches_golden: Any) -> None:
    matches_golden(name, judged(name))


def test_the_findings_of_upstreams_read_as_recorded(
    registry: Any, endpoint: Any, context: Context, matches_golden: Any
) -> None:
    bind, place = Bind(address="127.0.0.1", port=9101), FileOrigin("jobs/shop.nomad.hcl", 20, 11)
    dependencies = tuple(
        Dependency(
            upstream=Upstream(namespace="default", job="shop", group="web", destination=f"{name}-v1", bind=bind),
            source="jobs",
            service=name,
            version="v1",
            declared_at=place,
        )
        for name in ("payments", "paymets", "ledger", "stock")
    )
    seen = replace(registry(payments={"v1": [endpoint()]}, ledger={"v2": []}), upstreams=dependencies)
    settings = CheckSettings(policies={"upstreams": PolicySetting(value="resolve", origin=PLACE)})
    matches_golden("upstreams", policies.findings(seen, settings, context))


def test_a_schemas_findings_read_as_recorded(
    registry: Any, endpoint: Any, context: Context, monkeypatch: pytest.MonkeyPatch, matches_golden: Any
) -> None:
    monkeypatch.setattr("frostline.checks.schema.check.schema_text", lambda name: b'{"$defs": {"service": true}}')
    (context.root / "ours.schema.json").write_text(
        """{"additionalProperties": {"properties": {"url": {"type": "string"}, "endpoints": {"items": {"properties":
        {"port": {"enum": [80, 443]}, "meta": {"required": ["owner"], "additionalProperties": {"maxLength": 5}}}}}}}}"""
    )
    seen = registry(payments={"v1": [endpoint(), endpoint(port=80, meta={"owner": "x" * 200}, id="b")]}, a={None: []})
    settings = CheckSettings(schema=(context.root / "ours.schema.json",))
    matches_golden("schema", schema.findings(seen, settings, context))


def test_expired_and_ineffective_waivers_read_as_recorded(matches_golden: Any) -> None:
    waiver = Waiver(rule="min_instances", service="legacy/*", until="2027-01-31", why="moves in January", origin=PLACE)
    matches_golden("waiver-expired", apply_waivers([], [waiver], date(2027, 2, 1)))
    misspelt = [replace(waiver, rule=rule) for rule in ("prot-zero", "edited", "of-a-plug-in")]
    matches_golden("waiver-ineffective", [*ineffective_waivers(misspelt, {"port-zero", "edited"}, {"edited"})])


def test_guards_read_as_recorded(matches_golden: Any) -> None:
    old = {Key(f"service-{place}", "v1"): guards.Published("a", 4, properties="p") for place in range(12)}
    old[Key("svc25", None)] = guards.Published("a", 6)
    needed = {Key("service-11", "v1"): ("shop/web", "shop/cron")}

    def record(rule: str, new: dict[Key, guards.Published], settings: Guards, **more: Any) -> None:
        consumers = needed if rule == "guard-upstream" else {}
        before = None if rule == "guard-empty" else {key: old[key] for key in old if key != Key("svc25", None)}
        before = old if rule == "guard-instances" else before
        found = guards.guard_findings(before, new, settings, Allow(), consumers, today=date(2026, 1, 1), **more)
        matches_golden(rule, [finding for finding in found if finding.rule == rule])

    gone = {key: value for place, (key, value) in enumerate(old.items()) if place in (0, 2)}
    record("guard-delete", gone, Guards())
    changed = {key: guards.Published("b", 3) for key in old}
    record("guard-update", changed, Guards())
    record("guard-move", {key: guards.Published("b", 4, properties="p") for key in old}, Guards(move=0.2))
    record("guard-empty", {}, Guards())
    failing = old | {Key("svc25", None): guards.Published("b", 0)}
    record("guard-instances", failing, Guards(), unhealthy={Key("svc25", None): {"critical": 6}})
    record("guard-upstream", {key: value for key, value in old.items() if key not in needed}, Guards())


def test_a_publication_that_nobody_knows_reads_as_recorded(matches_golden: Any) -> None:
    fault = UsageError("the lock is empty", origin=FileOrigin("frostline.lock", 1))
    faults = {"manifest": None, "lock": fault}
    matches_golden("guard-unknown", unknown_findings(faults, Allow()))
    assert not unknown_findings(faults, Allow(deletes=("*",)))
    assert unknown_findings(faults, Allow(deletes=("svc29",)))
    (without_lock,) = unknown_findings({"manifest": fault}, Allow())
    assert "restore the manifest from your repository, or" in (without_lock.help or "")


def test_a_held_service_reads_as_recorded(matches_golden: Any) -> None:
    known = Held("svc25", 6, ("dc1", "dc2"), "0 passing, 6 critical")
    matches_golden("guard-held", held_findings([known, Held("web", 1, ("dc1",))], date(2026, 1, 1)))


def test_what_expires_soon_reads_as_recorded(matches_golden: Any) -> None:
    until, why = "2027-01-31", "moves in January"
    waiver = Waiver(rule="min_instances", service="legacy/*", until=until, why=why, origin=PLACE)
    entry = Waiver(rule="guard-instances", service="svc29", until=until, why="retired", origin=PLACE)
    override = Override(service="payments/v1", until=until, why="disk", origin=PLACE)
    matches_golden("expires-soon", expiring_findings([waiver], [override], [entry], date(2027, 1, 25)))


def test_entries_of_guards_accept_read_as_recorded(matches_golden: Any) -> None:
    def entry(rule: str) -> Waiver:
        return Waiver(rule=rule, service="svc29", until="2027-01-31", why="retired", origin=PLACE)

    expired, unused = entry("guard-instances"), entry("guard-delete")
    matches_golden("guard-accept-expired", entry_findings([expired], [Key("svc29", None)], date(2027, 2, 1)))
    matches_golden("guard-accept-unused", entry_findings([unused], [Key("svc2", None)], date(2027, 1, 31)))


def test_guards_of_the_lock_read_as_recorded(matches_golden: Any) -> None:
    old, new = {("mesh", "dc1", "ops"): 12, ("mesh", "dc2", "ops"): 1}, {("mesh", "dc2", "ops"): 1}
    matches_golden("guard-segment", segments.emptied_segments(old, new, Guards(), Allow()))
    matches_golden("guard-source", segments.empty_sources({("mesh", "dc1", ""): 0}, Guards(), Allow()))
