from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.model import (
    Contribution,
    Declared,
    Endpoint,
    FileOrigin,
    Instance,
    Key,
    Lock,
    Snapshot,
)
from frostline.pipeline.compile.assembling import registry_of_lock
from frostline.pipeline.compile.compiling import Compilation
from frostline.settings import Config, PluginSettings
from frostline.sources import base

STATIC = {"type": "static", "services": {"billing": "https://billing.example", "payments": {"v1": "https://p.example"}}}

Configure = Callable[..., Config]
MakeSnapshot = Callable[..., Snapshot]
Compile = Callable[..., Compilation]


def mesh(**keys: Any) -> dict[str, Any]:
    return {"type": "consul", "address": "http://127.0.0.1:9", **keys}


def test_a_router_knows_the_names_of_all_other_sources(
    configure: Configure, snapshot: MakeSnapshot, compiled: Compile
) -> None:
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
def test_a_registry_of_some_keys_has_the_same_entries_for_them_as_the_whole_one(
    configure: Configure, version_from: Any, snapshot: MakeSnapshot
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
        whole = dict(registry_of_lock(config, lock).entries())
        among = data.draw(st.sets(st.sampled_from(sorted(whole, key=repr))))
        some = dict(registry_of_lock(config, lock, only_keys=among).entries())
        assert {key: some[key] for key in among} == {key: whole[key] for key in among}
        # Nothing else of live sources is made.
        assert all({*entry.sources} <= {"edge", "static"} for key, entry in some.items() if key not in among)

    holds()


def test_a_local_source_of_a_plug_in_knows_all_names_even_if_only_some_keys_are_built(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, snapshot: MakeSnapshot
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
    registry = registry_of_lock(config, Lock((snapshot(plain, "a", "b"),)), only_keys={Key("hub", None)})
    assert registry.services["hub"][None].url == "http://hub/a+b"
