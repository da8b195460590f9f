from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.errors import ErrorGroup, PublishError, SourceError, UsageError
from frostline.lock.codec import lock_chunks
from frostline.model import (
    Contribution,
    Declared,
    Endpoint,
    FileOrigin,
    Instance,
    Key,
    Lock,
    Registration,
    SegmentAnswer,
    Snapshot,
)
from frostline.pipeline import compile as pipeline
from frostline.pipeline import freeze as freezing
from frostline.pipeline.compile import Compilation, Options
from frostline.pipeline.load import load_config
from frostline.reporters.base import report_of
from frostline.reporters.text import lines
from frostline.settings import Allow, Config, PluginSettings
from frostline.sources import base
from frostline.sources.base import ReadResult
from frostline.sources.consul import source as consul

GOLDEN = Path(__file__).parents[2] / "golden" / "findings"
OPTIONS = Options(today=date(2026, 1, 1))
STATIC = {"type": "static", "services": {"billing": "https://billing.example", "payments": {"v1": "https://p.example"}}}
YAML = {"type": "yaml", "path": "services.yaml"}

Configure = Callable[..., Config]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """`configure(sources={…}, …)`: the configuration with these keys, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def config(**keys: Any) -> Config:
        (tmp_path / "frostline.yaml").write_text(json.dumps({"version": 1, "outputs": [YAML], **keys}))
        return load_config(tmp_path / "frostline.yaml")

    return config


def mesh(**keys: Any) -> dict[str, Any]:
    return {"type": "consul", "address": "http://127.0.0.1:9", **keys}


def snapshot(config: Config, *names: str, datacenter: str = "dc1", source: str = "mesh", port: int = 80) -> Snapshot:
    """A segment with one instance of each name, as these settings would freeze it."""
    instances = tuple(
        Instance(service=name, node="n", id=name, address="10.0.0.1", port=port) for name in sorted(names)
    )
    return Snapshot(
        source=source,
        datacenter=datacenter,
        namespace="default",
        settings=freezing.settings_digests(config)[source],
        instances=instances,
    )


def compiled(config: Config, lock: Lock | None = None, committed: Lock | None = None, **options: Any) -> Compilation:
    return pipeline.compiled(config, lock or Lock(), committed, Options(today=OPTIONS.today, **options))


def rules(compilation: Compilation) -> list[str]:
    return [finding.rule for finding in compilation.findings]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- the pure middle --------------------------------------------------------------------------------------------------


def test_compiling_writes_nothing_and_gives_the_same_twice(configure: Configure, tmp_path: Path) -> None:
    config = configure(sources={"mesh": mesh(), "partners": STATIC}, precedence=["partners", "mesh"])
    lock = Lock((snapshot(config, "payments-v1", "search"),))
    first, second = compiled(config, lock), compiled(config, lock)
    assert first.plan == second.plan
    assert first.services == second.services
    assert [b"".join(one.chunks) for one in first.wanted] == [b"".join(one.chunks) for one in second.wanted]
    assert names_in(tmp_path) == ["frostline.yaml"]


def test_a_router_knows_the_names_of_all_other_sources(configure: Configure) -> None:
    edge = {
        "type": "router",
        "url": "http://router/{service}/{version}",
        "unversioned_url": "http://router/{service}",
        "services": {"from": ["mesh", "partners"]},
    }
    config = configure(sources={"a": edge, "mesh": mesh(), "partners": STATIC}, precedence=["a", "partners", "mesh"])
    registry = compiled(config, Lock((snapshot(config, "search"),))).registry
    assert {key: entry.url for key, entry in registry.entries()} == {
        ("billing", None): "http://router/billing",
        ("payments", "v1"): "http://router/payments/v1",
        ("search", None): "http://router/search",
    }


NAMES = st.sampled_from(["a", "a-v1", "a-v2", "b-v1", "billing"])
INSTANCES = st.lists(
    st.tuples(NAMES, st.sampled_from(["n1", "n2"]), st.sampled_from([(), ("v=v1",), ("v=v1", "v=v2")])),
    unique_by=lambda drawn: drawn[:2],
    max_size=6,
)


@pytest.mark.parametrize("version_from", ["name", {"tag": "v=(.*)"}])
def test_a_registry_asked_for_some_services_has_of_them_what_the_whole_one_has(
    configure: Configure, version_from: Any
) -> None:
    edge = {"type": "router", "url": "http://r/{service}/{version}", "services": {"from": ["mesh"], "names": ["a/v9"]}}
    sources = {name: mesh(version_from=version_from) for name in ("mesh", "other")} | {"edge": edge, "static": STATIC}
    config = configure(sources=sources, precedence=["static", ["mesh", "other"], "edge"])

    def lock_of(*segments: list[tuple[str, str, tuple[str, ...]]]) -> Lock:
        return Lock(
            tuple(
                msgspec.structs.replace(
                    snapshot(config, source=source),
                    instances=tuple(
                        Instance(service=name, node=node, id=name, address="10.0.0.1", port=80, tags=tags)
                        for name, node, tags in sorted(drawn)
                    ),
                    declared=(Declared(service="c-v1"),),
                )
                for source, drawn in zip(("mesh", "other"), segments, strict=True)
            )
        )

    @given(first=INSTANCES, second=INSTANCES, data=st.data())
    def holds(first: Any, second: Any, data: st.DataObject) -> None:
        lock = lock_of(first, second)
        whole = dict(pipeline.registry_of_lock(config, lock).entries())
        among = data.draw(st.sets(st.sampled_from(sorted(whole, key=repr))))
        some = dict(pipeline.registry_of_lock(config, lock, among=among).entries())
        assert {key: some[key] for key in among} == {key: whole[key] for key in among}
        # Nothing else of live sources is made.
        assert all({*entry.sources} <= {"edge", "static"} for key, entry in some.items() if key not in among)

    holds()


def test_a_local_source_of_another_package_knows_all_names_whatever_is_asked_for(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    def contribute(settings: PluginSettings, known: Mapping[str, frozenset[Key]]) -> Contribution:
        names = "+".join(sorted(name for keys in known.values() for name, _ in keys))
        hub = Endpoint(url=f"http://hub/{names}", address="hub", port=80, source=settings.name)
        return Contribution(source=settings.name, endpoints={("hub", None): (hub,)})

    monkeypatch.setitem(sys.modules, "hub_source", SimpleNamespace(contribute=contribute))  # type: ignore[arg-type]
    monkeypatch.setitem(cast(dict[str, str], base.TABLE), "hub", "hub_source")
    plain = configure(sources={"mesh": mesh()})
    hub = PluginSettings(name="hub", type="hub", origin=FileOrigin("frostline.yaml"))
    config = msgspec.structs.replace(plain, sources={**plain.sources, "hub": hub})
    registry = pipeline.registry_of_lock(config, Lock((snapshot(plain, "a", "b"),)), among={("hub", None)})
    assert registry.services["hub"][None].url == "http://hub/a+b"


def test_an_output_of_some_sources_decides_precedence_among_them(configure: Configure) -> None:
    outputs = [YAML, {"type": "yaml", "path": "mesh.yaml", "sources": ["mesh"], "select": ["pay*"]}]
    config = configure(sources={"mesh": mesh(), "partners": STATIC}, precedence=["partners", "mesh"], outputs=outputs)
    wanted = {
        one.path: b"".join(one.chunks) for one in compiled(config, Lock((snapshot(config, "payments-v1"),))).wanted
    }
    assert b"https://p.example" in wanted["services.yaml"]
    assert b"http://10.0.0.1:80/v1" in wanted["mesh.yaml"]
    assert b"billing" not in wanted["mesh.yaml"]


def test_an_unknown_output_is_refused_with_the_nearest(configure: Configure) -> None:
    config = configure(sources={"partners": STATIC})
    assert pipeline.outputs_in_scope(config, ()) == config.outputs
    assert pipeline.outputs_in_scope(config, ["services.yaml"]) == config.outputs
    with pytest.raises(UsageError) as caught:
        pipeline.outputs_in_scope(config, ["service.yaml"])
    assert caught.value.help == "did you mean `services.yaml`?"


def test_without_live_sources_the_lock_never_moves(configure: Configure) -> None:
    config = configure(sources={"partners": STATIC})
    assert not pipeline.lock_moves(config, Lock(), None)
    config = configure(sources={"mesh": mesh()})
    assert pipeline.lock_moves(config, Lock(), None)
    assert not pipeline.lock_moves(config, Lock(), Lock())


# --- guards -----------------------------------------------------------------------------------------------------------


def test_the_guards_compare_with_the_lock_until_there_is_a_manifest(configure: Configure) -> None:
    config = configure(sources={"mesh": mesh()})
    old = Lock((snapshot(config, *(f"s{number}" for number in range(10))),))
    new = Lock((snapshot(config, "s0"),))
    assert rules(compiled(config, new, old)) == ["guard-delete"]
    assert rules(compiled(config, new, None)) == []
    assert rules(compiled(config, new, old, guard=False)) == []
    assert rules(compiled(config, new, old, allow=Allow(deletes="*"))) == []
    assert [finding.rule for finding in pipeline.freeze_guards(config, new, old, Allow())] == ["guard-delete"]


def test_an_emptied_segment_is_told_once(configure: Configure) -> None:
    config = configure(sources={"mesh": mesh(), "partners": STATIC})
    old, new = Lock((snapshot(config, "a"),)), Lock((snapshot(config),))
    assert [finding.rule for finding in pipeline.lock_guards(config, new, old, Allow())] == ["guard-segment"]
    assert [finding.rule for finding in pipeline.lock_guards(config, new, None, Allow())] == ["guard-source"]
    assert pipeline.lock_guards(config, new, old, Allow(empty=True)) == ()
    assert rules(compiled(config, new, old)) == ["guard-segment"]
    assert rules(compiled(config, new, Lock(tuple(new.snapshots)))) == []


def test_a_source_that_is_no_longer_configured_is_not_missed(configure: Configure) -> None:
    both = configure(sources={"mesh": mesh(), "other": mesh()})
    old = Lock((snapshot(both, "a"), snapshot(both, "b", source="other")))
    config = configure(sources={"mesh": mesh()})
    assert pipeline.lock_guards(config, Lock(old.snapshots[:1]), old, Allow()) == ()


def test_a_foreign_file_is_a_finding_with_its_place(configure: Configure, tmp_path: Path) -> None:
    config = configure(sources={"partners": STATIC})
    (tmp_path / "services.yaml").write_text("mine")
    (finding,) = compiled(config).findings
    assert (finding.rule, str(finding.origin)) == ("adopt", "services.yaml:1:1")
    assert "--allow adopt" in str(finding.help)


# --- freezing ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What each source answers, by its name: a ReadResult or an exception."""
    answers: dict[str, Any] = {}

    def read(settings: Any, **_: Any) -> ReadResult:
        answer = answers[settings.name]
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    monkeypatch.setattr(consul, "read", read)
    return answers


def reading(*names: str, unreachable: tuple[str, ...] = ()) -> ReadResult:
    registrations = tuple(Registration(service=name, id=name, node="n", address="10.0.0.1", port=80) for name in names)
    answer = SegmentAnswer(source="mesh", datacenter="dc1", namespace="default", registrations=registrations)
    return ReadResult(answers=(answer,), unreachable=unreachable)


def test_every_source_that_fails_is_told(configure: Configure, answering: dict[str, Any]) -> None:
    config = configure(sources={"mesh": mesh(), "other": mesh()})
    answering.update(mesh=UsageError("no token"), other=SourceError("no answer"))
    with pytest.raises(ErrorGroup) as caught:
        freezing.freeze(config, None)
    assert [error.message for error in caught.value.errors] == ["no token", "no answer"]
    assert caught.value.status == 3
    answering["mesh"] = reading("a")
    with pytest.raises(SourceError, match="no answer"):
        freezing.freeze(config, None)
    assert len(freezing.freeze(config, None, sources=["mesh"]).snapshots) == 1


def held(config: Config, lock: Lock | None) -> freezing.Committed:
    """The lock as it is committed once it is written."""
    if lock is None:
        config.lock.unlink(missing_ok=True)
    else:
        config.lock.write_bytes(b"".join(lock_chunks(lock.snapshots)))
    return freezing.Committed(config)


def test_an_unreachable_datacenter_keeps_what_was_frozen_with_the_same_settings(
    configure: Configure, answering: dict[str, Any]
) -> None:
    config = configure(sources={"mesh": mesh(partial=True)})
    answering["mesh"] = reading("a", unreachable=("dc2",))
    kept = snapshot(config, "b", datacenter="dc2")
    assert freezing.freeze(config, held(config, Lock((kept,)))).snapshots[0] == kept
    for committed in (None, Lock(), Lock((snapshot(config, "b", datacenter="dc3"),))):
        with pytest.raises(SourceError, match="datacenter dc2 cannot be reached"):
            freezing.freeze(config, held(config, committed))
    other = configure(sources={"mesh": mesh(partial=True, select={"tags": ["x"]})})
    with pytest.raises(SourceError, match="frozen with these settings"):
        freezing.freeze(other, held(other, Lock((kept,))))


# --- writing ----------------------------------------------------------------------------------------------------------


def test_folders_that_were_made_for_nothing_are_gone_again(configure: Configure, tmp_path: Path) -> None:
    config = configure(sources={"partners": STATIC}, root="a/b", outputs=[{"type": "yaml", "path": "a/b/x.yaml"}])
    with pipeline.writing(config):
        assert (tmp_path / "a" / "b").is_dir()
    assert names_in(tmp_path) == ["frostline.yaml"]
    with pipeline.writing(config) as root:
        pipeline.publish_compilation(config, root, compiled(config))
    assert names_in(tmp_path / "a" / "b") == ["frostline.manifest", "x.yaml"]


def test_one_run_at_a_time(configure: Configure) -> None:
    config = configure(sources={"partners": STATIC})
    with pipeline.writing(config), pytest.raises(PublishError, match="another run is at work"):
        pipeline.writing(config).__enter__()
    pipeline.writing(config).__enter__()


def test_a_lock_folder_loses_the_files_of_segments_that_are_gone(configure: Configure, tmp_path: Path) -> None:
    config = configure(sources={"mesh": mesh()}, lock="locks/")
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "README").write_text("mine")
    with pipeline.writing(config) as root:
        pipeline.publish_lock(config, root, Lock((snapshot(config, "a"), snapshot(config, "b", datacenter="dc2"))))
    assert names_in(tmp_path / "locks") == ["README", "mesh.dc1.default.lock", "mesh.dc2.default.lock"]
    with pipeline.writing(config) as root:
        pipeline.publish_lock(config, root, Lock((snapshot(config, "a"),)))
    assert names_in(tmp_path / "locks") == ["README", "mesh.dc1.default.lock"]


def test_an_output_without_any_service_is_warned_of(configure: Configure) -> None:
    outputs = [YAML, {"type": "yaml", "path": "none.yaml", "select": ["paymets"]}]
    compilation = compiled(configure(sources={"partners": STATIC}, outputs=outputs))
    assert not compilation.refused
    said = "".join(f"{line}\n" for line in lines(report_of(compilation.findings)))
    assert said == (GOLDEN / "output-empty.txt").read_text(encoding="utf-8")


def test_an_empty_registry_is_no_fault_of_its_outputs(configure: Configure) -> None:
    config = configure(sources={"mesh": mesh()})
    lock = Lock((snapshot(config),))
    assert "output-empty" not in {finding.rule for finding in compiled(config, lock).findings}


def test_what_an_output_leaves_out_is_not_found_fault_with(configure: Configure) -> None:
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
