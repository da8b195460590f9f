"""`consumers` of the configuration: in findings, guards, plans, `explain` and `graph`, and in no output."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from project import assert_fits

from frostline.cli.main import run
from frostline.model import FileOrigin, Lock
from frostline.pipeline.check.comparing import diff_locks
from frostline.pipeline.load.config import load_config
from frostline.pipeline.publish.lock_update import update_lock
from frostline.settings import Allow, CalledGlob, Config, Consumer

SERVICES = {"payments": {"v1": "http://p1", "v2": "http://p2"}, "ledger": "http://l", "mail": "http://m"}


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Config]:
    """`configured(services, consumers={…}, …)`: a configuration of these static services, in the current folder."""
    monkeypatch.chdir(tmp_path)

    def configure(services: dict[str, Any] = SERVICES, **keys: Any) -> Config:
        sources = {"partners": {"type": "static", "services": services}}
        value = {"version": 1, "sources": sources, "outputs": [{"type": "yaml", "path": "services.yaml"}], **keys}
        (tmp_path / "frostline.yaml").write_text(json.dumps(value, indent=1))
        return load_config(tmp_path / "frostline.yaml")

    return configure


def without(name: str) -> dict[str, Any]:
    return {service: urls for service, urls in SERVICES.items() if service != name}


def test_the_key_is_read_with_its_places(configured: Any) -> None:
    config = configured(consumers={"shop": ["payments/v1"], "a": ["*", "!mail"]})
    assert [consumer.name for consumer in config.consumers] == ["shop", "a"]
    assert config.consumers[0] == Consumer(
        name="shop", calls=(CalledGlob("payments/v1", FileOrigin("frostline.yaml", 24, 4)),)
    )


def test_a_service_that_somebody_calls_does_not_vanish_unaccepted(configured: Any, capsys: Any) -> None:
    configured(consumers={"shop": ["payments/v1", "ledger/*"]})
    assert run(["compile", "-q"]) == 0
    configured(without("ledger"), consumers={"shop": ["payments/v1", "ledger/*"]})
    assert run(["compile", "-q"]) == 4
    err = capsys.readouterr().err
    assert "error[guard-upstream]: ledger: not registered, but it is an upstream of `shop`" in err
    assert "--allow deletes=ledger" in err
    assert run(["compile", "-q", "--allow", "deletes=ledger"]) == 0


def test_a_service_that_nobody_calls_may_vanish(configured: Any) -> None:
    consumers = {"shop": ["payments/v1", "ledger/*", "!mail"]}
    configured(consumers=consumers)
    assert run(["compile", "-q"]) == 0
    configured(without("mail"), consumers=consumers)
    assert run(["compile", "-q"]) == 0


def test_an_empty_registry_is_refused_even_if_somebody_calls_what_it_had(configured: Any, capsys: Any) -> None:
    configured(consumers={"shop": ["*"]})
    assert run(["compile", "-q"]) == 0
    configured({}, consumers={"shop": ["*"]})
    assert run(["compile", "-q", "--allow", "deletes"]) == 4
    assert "error[guard-empty]" in capsys.readouterr().err


def test_a_plan_says_who_calls_what_it_removes(configured: Any, capsys: Any) -> None:
    configured(consumers={"shop": ["*"], "app": ["ledger"]})
    assert run(["compile", "-q"]) == 0
    configured(without("ledger"), consumers={"shop": ["*"], "app": ["ledger"]})
    assert run(["plan", "--allow", "deletes"]) == 1
    out = capsys.readouterr().out
    assert "      ! app depends on it\n      ! shop depends on it\n" in out
    run(["plan", "--allow", "deletes", "--format", "markdown"])
    assert "shop" in capsys.readouterr().out
    run(["plan", "--allow", "deletes", "--format", "json"])
    plan = json.loads(capsys.readouterr().out)
    assert_fits(plan)
    assert plan["services"][0]["dependents"] == ["app", "shop"]


def test_a_difference_of_two_locks_names_the_callers_of_removed_services(live_config: Config, snapshot: Any) -> None:
    consumers = (Consumer(name="shop", calls=(CalledGlob("b", FileOrigin("frostline.yaml")),)),)
    config = replace(live_config, consumers=consumers)
    before, after = (Lock((snapshot(config, *names),)) for names in (("a", "b"), ("a",)))
    assert diff_locks(config, before, after).services[0].dependents == ("shop",)


def test_a_freeze_without_outputs_is_guarded_too(live_config: Config, answers: Any) -> None:
    consumers = (Consumer(name="shop", calls=(CalledGlob("b", FileOrigin("frostline.yaml")),)),)
    config = replace(live_config, consumers=consumers)
    update_lock(config, Allow(), date(2026, 1, 1))
    answers.give("mesh", "a")
    refused = update_lock(config, Allow(), date(2026, 1, 1))
    assert [finding.rule for finding in refused.findings if finding.severity == "error"] == ["guard-upstream"]


def test_a_glob_that_matches_nothing_is_a_warning_that_can_be_waived(configured: Any, capsys: Any) -> None:
    configured(consumers={"shop": ["paymets/v1"]})
    assert run(["check"]) == 1
    capsys.readouterr()
    assert run(["compile"]) == 0
    assert "warning[consumers-unmatched]: paymets v1: `shop` calls `paymets/v1`" in capsys.readouterr().err
    waiver = {"rule": "consumers-unmatched", "service": "paymets/*", "until": "2999-01-01", "why": "soon"}
    configured(consumers={"shop": ["paymets/v1"]}, checks={"waivers": [waiver]})
    assert run(["compile"]) == 0
    assert "consumers-unmatched" not in capsys.readouterr().err


def test_a_glob_that_matches_nothing_is_refused_by_the_policy_upstreams(configured: Any, capsys: Any) -> None:
    configured(consumers={"shop": ["paymets/v1"]}, checks={"policies": {"upstreams": "resolve"}})
    assert run(["compile"]) == 4
    assert "error[consumers-unmatched]" in capsys.readouterr().err


def test_no_output_holds_the_configured_consumers(configured: Any, tmp_path: Path) -> None:
    configured()
    assert run(["compile", "-q"]) == 0
    before = {name: (tmp_path / name).read_bytes() for name in ("services.yaml", "frostline.manifest")}
    configured(consumers={"shop": ["payments/v1", "cart"]})
    assert run(["plan"]) == 0
    assert run(["compile", "-q"]) == 0
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


def test_explain_names_the_consumer_and_its_line(configured: Any, capsys: Any) -> None:
    configured(consumers={"shop": ["payments/v1", "cart/v1"]})
    assert run(["freeze", "-q"]) == 0
    capsys.readouterr()
    assert run(["explain", "--offline", "-q", "payments", "v1"]) == 0
    assert "  < shop depends on it, frostline.yaml:24:4\n" in capsys.readouterr().out
    assert run(["explain", "--offline", "-q", "cart"]) == 0
    assert capsys.readouterr().out == "cart v1\n  not in the registry\n  < shop depends on it, frostline.yaml:25:4\n"
    assert run(["explain", "--offline", "-q", "--format", "json", "payments", "v1"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert_fits(value)
    assert [dependent["consumer"] for dependent in value["explained"][0]["dependents"]] == ["shop"]


def test_the_graph_has_the_consumers(configured: Any, capsys: Any) -> None:
    configured(consumers={"shop": ["payments/v1", "cart/v1"], 'a"b': ["mail"]})
    assert run(["graph"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        'a"b',
        "  -> mail unversioned",
        "shop",
        "  -> cart v1  (not in the registry)",
        "  -> payments v1",
    ]
    assert run(["graph", "--as", "dot"]) == 0
    out = capsys.readouterr().out
    assert '  "caller a\\"b" -> "service mail";' in out
    assert '  "caller shop" -> "version 2 cart v1" [style=dashed];' in out
    assert run(["graph", "--as", "mermaid"]) == 0
    out = capsys.readouterr().out
    assert '  c0["a#34;b"]' in out
    assert "  c1 -.-> s" in out
    assert run(["graph", "--format", "json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert_fits(value)
    assert [(call["consumer"], call["service"], call["state"]) for call in value["consumers"]] == [
        ('a"b', "mail", "served"),
        ("shop", "cart", "unknown"),
        ("shop", "payments", "served"),
    ]
