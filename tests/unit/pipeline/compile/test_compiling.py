from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from frostline.errors import UsageError
from frostline.model import (
    Lock,
    Snapshot,
)
from frostline.pipeline.compile.compiling import Compilation, guard_frozen, outputs_in_scope
from frostline.pipeline.freeze.locks import pair_locks
from frostline.settings import Allow, Config

STATIC = {"type": "static", "services": {"billing": "https://billing.example", "payments": {"v1": "https://p.example"}}}
YAML = {"type": "yaml", "path": "services.yaml"}

Configure = Callable[..., Config]
MakeSnapshot = Callable[..., Snapshot]
Compile = Callable[..., Compilation]


def mesh(**keys: Any) -> dict[str, Any]:
    return {"type": "consul", "address": "http://127.0.0.1:9", **keys}


def rules(compilation: Compilation) -> list[str]:
    return [finding.rule for finding in compilation.findings]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_compiling_writes_nothing_and_gives_the_same_twice(
    configure: Configure, tmp_path: Path, snapshot: MakeSnapshot, compiled: Compile
) -> None:
    config = configure(sources={"mesh": mesh(), "partners": STATIC}, precedence=["partners", "mesh"])
    lock = Lock((snapshot(config, "payments-v1", "search"),))
    first, second = compiled(config, lock), compiled(config, lock)
    assert first.plan == second.plan
    assert first.entries == second.entries
    assert [b"".join(file.chunks) for file in first.wanted] == [b"".join(file.chunks) for file in second.wanted]
    assert names_in(tmp_path) == ["frostline.yaml"]


def test_an_output_of_some_sources_decides_precedence_among_them(
    configure: Configure, snapshot: MakeSnapshot, compiled: Compile
) -> None:
    outputs = [YAML, {"type": "yaml", "path": "mesh.yaml", "sources": ["mesh"], "select": ["pay*"]}]
    config = configure(sources={"mesh": mesh(), "partners": STATIC}, precedence=["partners", "mesh"], outputs=outputs)
    wanted = {
        file.path: b"".join(file.chunks) for file in compiled(config, Lock((snapshot(config, "payments-v1"),))).wanted
    }
    assert b"https://p.example" in wanted["services.yaml"]
    assert b"http://10.0.0.1:80/v1" in wanted["mesh.yaml"]
    assert b"billing" not in wanted["mesh.yaml"]


def test_an_unknown_output_is_refused_with_the_nearest(configure: Configure) -> None:
    config = configure(sources={"partners": STATIC})
    assert outputs_in_scope(config, ()) == config.outputs
    assert outputs_in_scope(config, ["services.yaml"]) == config.outputs
    with pytest.raises(UsageError) as caught:
        outputs_in_scope(config, ["service.yaml"])
    assert caught.value.help == "did you mean `services.yaml`?"


def test_the_guards_compare_with_the_lock_until_there_is_a_manifest(
    configure: Configure, snapshot: MakeSnapshot, compiled: Compile
) -> None:
    config = configure(sources={"mesh": mesh()})
    old = Lock((snapshot(config, *(f"s{number}" for number in range(10))),))
    new = Lock((snapshot(config, "s0"),))
    assert rules(compiled(config, new, old)) == ["guard-delete"]
    assert rules(compiled(config, new, None)) == []
    assert rules(compiled(config, new, old, guard=False)) == []
    assert rules(compiled(config, new, old, allow=Allow(deletes=("*",)))) == []
    (finding,) = guard_frozen(config, pair_locks(config, new, old), Allow(), date(2026, 1, 1))
    assert finding.rule == "guard-delete"


def test_an_output_without_a_service_is_a_warning(configure: Configure, compiled: Compile, matches_golden: Any) -> None:
    outputs = [YAML, {"type": "yaml", "path": "none.yaml", "select": ["paymets"]}]
    compilation = compiled(configure(sources={"partners": STATIC}, outputs=outputs))
    assert not compilation.refused
    matches_golden("output-empty", compilation.findings)


def test_files_that_windows_cannot_have_are_a_warning(
    configure: Configure, compiled: Compile, matches_golden: Any
) -> None:
    partners = {"type": "static", "services": dict.fromkeys(("aux", "Con", "com", "nul.v2"), "https://p.example")}
    outputs = [{"type": "yaml", "path": "split", "split": "service"}, {"type": "yaml", "path": "COM1/all.yaml"}]
    compilation = compiled(configure(sources={"partners": partners}, outputs=outputs))
    assert not compilation.refused
    matches_golden("path-unportable", compilation.findings)


def test_files_with_impossible_paths_are_refused_together_before_files_are_compared(
    configure: Configure, compiled: Compile, matches_golden: Any
) -> None:
    services = dict.fromkeys(("a" * 300, "b" * 300, "short"), "https://10.0.0.1")
    eds = {"type": "template", "builtin": "envoy-eds", "split": "entry"}
    outputs = [
        {**eds, "name": "eds", "path": f"eds/endpoints-of-{'the-' * 12}{{name}}.json"},
        {**eds, "name": "one", "path": f"one/endpoints-of-{'the-' * 12}{{name}}.json", "select": ["a*"]},
        {**eds, "name": "git", "path": "git/{service}/.git/{version}", "select": ["short"]},
    ]
    compilation = compiled(configure(sources={"partners": {"type": "static", "services": services}}, outputs=outputs))
    assert compilation.refused
    assert [file.path for file in compilation.files] == [f"eds/endpoints-of-{'the-' * 12}short.json"]
    matches_golden("path-impossible", compilation.findings)


def test_an_empty_registry_is_not_reported_for_each_output(
    configure: Configure, snapshot: MakeSnapshot, compiled: Compile
) -> None:
    config = configure(sources={"mesh": mesh()})
    lock = Lock((snapshot(config),))
    assert "output-empty" not in {finding.rule for finding in compiled(config, lock).findings}


def test_a_service_that_an_output_leaves_out_causes_no_finding(
    configure: Configure, snapshot: MakeSnapshot, compiled: Compile
) -> None:
    """`partners` wins `ledger`; in an output of `mesh` alone its two namespaces would be in conflict."""
    partners = {"type": "static", "services": {"ledger": "https://ledger.example"}}
    without = {"type": "yaml", "path": "a.yaml", "sources": ["mesh"], "select": ["*", "!ledger"]}

    def found(output: dict[str, Any]) -> set[str]:
        sources = {"mesh": mesh(), "partners": partners}
        config = configure(sources=sources, precedence=["partners", "mesh"], outputs=[output])
        retail = msgspec.structs.replace(snapshot(config, "ledger"), namespace="retail")
        lock = Lock((snapshot(config, "ledger", "shop"), retail))
        return {finding.rule for finding in compiled(config, lock, lock).findings}

    assert found(without) == set()
    assert found(without | {"select": ["*"]}) == {"namespaces-conflict"}
