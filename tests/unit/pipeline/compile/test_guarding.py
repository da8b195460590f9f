from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frostline.cli.main import run
from frostline.model import (
    Lock,
    Snapshot,
)
from frostline.pipeline.compile.compiling import Compilation
from frostline.pipeline.compile.guarding import guard_lock
from frostline.settings import Allow, Config

STATIC = {"type": "static", "services": {"billing": "https://billing.example", "payments": {"v1": "https://p.example"}}}

Configure = Callable[..., Config]
MakeSnapshot = Callable[..., Snapshot]
Compile = Callable[..., Compilation]


def mesh(**keys: Any) -> dict[str, Any]:
    return {"type": "consul", "address": "http://127.0.0.1:9", **keys}


def rules(compilation: Compilation) -> list[str]:
    return [finding.rule for finding in compilation.findings]


def test_an_emptied_segment_is_reported_once(configure: Configure, snapshot: MakeSnapshot, compiled: Compile) -> None:
    config = configure(sources={"mesh": mesh(), "partners": STATIC})
    old, new = Lock((snapshot(config, "a"),)), Lock((snapshot(config),))
    assert [finding.rule for finding in guard_lock(config, new, old, Allow())] == ["guard-segment"]
    assert [finding.rule for finding in guard_lock(config, new, None, Allow())] == ["guard-source"]
    assert guard_lock(config, new, old, Allow(empty=("*",))) == ()
    assert rules(compiled(config, new, old)) == ["guard-segment"]
    assert rules(compiled(config, new, Lock(tuple(new.snapshots)))) == []


def test_a_source_that_is_no_longer_configured_is_not_missed(configure: Configure, snapshot: MakeSnapshot) -> None:
    both = configure(sources={"mesh": mesh(), "other": mesh()})
    old = Lock((snapshot(both, "a"), snapshot(both, "b", source="other")))
    config = configure(sources={"mesh": mesh()})
    assert guard_lock(config, Lock(old.snapshots[:1]), old, Allow()) == ()


def test_a_foreign_file_is_a_finding_with_its_place(configure: Configure, tmp_path: Path, compiled: Compile) -> None:
    config = configure(sources={"partners": STATIC})
    (tmp_path / "services.yaml").write_text("mine")
    (finding,) = compiled(config).findings
    assert (finding.rule, str(finding.origin)) == ("adopt", "services.yaml:1:1")
    assert "--allow adopt" in str(finding.help)


@pytest.mark.parametrize(("rule", "published"), [("adopt", False), ("edited", True)])
def test_a_file_that_may_not_be_replaced_reads_as_recorded(
    configure: Configure, tmp_path: Path, compiled: Compile, rule: str, published: bool, matches_golden: Any
) -> None:
    config = configure(sources={"partners": STATIC}, outputs=[{"type": "yaml", "path": "app/services.yaml"}])
    if published:
        assert run(["compile", "-q"]) == 0
    (tmp_path / "app").mkdir(exist_ok=True)
    (tmp_path / "app" / "services.yaml").write_text("mine")
    matches_golden(rule, compiled(config).findings)


def test_a_file_that_no_output_writes_any_more_reads_as_recorded(
    configure: Configure, compiled: Compile, matches_golden: Any
) -> None:
    configure(sources={"partners": STATIC}, outputs=[{"type": "yaml", "path": "app/services.yaml"}])
    assert run(["compile", "-q"]) == 0
    config = configure(sources={"partners": STATIC}, outputs=[{"type": "yaml", "path": "services.yaml"}])
    matches_golden("orphans", compiled(config).findings)


def test_empty_local_files_are_not_blamed_on_a_server(configure: Configure, compiled: Compile) -> None:
    (of_files,) = compiled(configure(sources={"partners": {"type": "static", "services": {}}})).findings
    (of_server,) = compiled(configure(sources={"mesh": mesh()})).findings
    assert of_files.rule == of_server.rule == "guard-empty"
    assert "check `files`" in str(of_files.help)
    assert "token" not in str(of_files.help)
    assert "a missing token" in str(of_server.help)


def test_a_broken_manifest_reads_as_recorded(
    configure: Configure, tmp_path: Path, compiled: Compile, matches_golden: Any
) -> None:
    config = configure(sources={"partners": STATIC})
    assert run(["compile", "-q"]) == 0
    manifest = tmp_path / "frostline.manifest"
    first, second, *rest = manifest.read_text().split("\n")
    conflict = ["<" * 7 + " HEAD", "=" * 7, ">" * 7 + " topic"]
    manifest.write_text("\n".join([first, second, *conflict, *rest]))
    matches_golden("manifest-broken", compiled(config).findings)
