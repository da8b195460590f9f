"""`keep.endpoints: false`: what can be made of names alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from frostline.model import Declared, DeclaredProperties, Lock, Snapshot
from frostline.pipeline.compile.assembling import contributions_of, registry_of_lock
from frostline.pipeline.compile.rendering import RegistryViews
from frostline.settings import Config

MESH = {"type": "consul", "address": "http://127.0.0.1:9", "keep": {"endpoints": False}}
EDGE = {"type": "router", "url": "http://router/{service}", "unversioned_url": "http://router/{service}"}
NEEDY = ({"type": "python", "path": "registry.py"}, {"type": "hiera", "path": "data"})
NAMES = Lock(
    (
        Snapshot(
            source="mesh",
            datacenter="dc1",
            namespace="default",
            settings="",
            declared=(Declared(service="pay-v1", tags=("api",)), Declared(service="shop")),
        ),
    )
)


def without_address(configure: Callable[..., Config], **keys: Any) -> list[str]:
    config = configure(**keys)
    views = RegistryViews(config, contributions_of(config, NAMES))
    found = [finding for output in config.outputs for finding in views.of(output).findings]
    assert all(finding.rule == "address-not-kept" and finding.severity == "error" for finding in found)
    return [finding.message for finding in found]


@pytest.mark.parametrize("output", NEEDY)
def test_an_output_of_addresses_needs_more_than_names(configure: Callable[..., Config], output: dict[str, Any]) -> None:
    (said,) = without_address(configure, sources={"mesh": MESH}, outputs=[output])
    assert said == (
        f"the output `{output['path']}` needs addresses, but `endpoints: false` under `keep` of `mesh` freezes none of "
        "`pay/v1`, `shop`"
    )
    routed = {**EDGE, "services": {"from": ["mesh"]}}
    assert without_address(configure, sources={"mesh": MESH, "edge": routed}, outputs=[output]) == []
    half = {**EDGE, "services": {"from": ["mesh"], "select": ["shop"]}}
    (said,) = without_address(configure, sources={"mesh": MESH, "edge": half}, outputs=[output])
    assert said.endswith("freezes none of `pay/v1`")
    chosen = [{**output, "select": ["shop"]}]
    assert without_address(configure, sources={"mesh": MESH, "edge": half}, outputs=chosen) == []


def test_names_without_addresses_read_as_recorded(configure: Callable[..., Config], matches_golden: Any) -> None:
    config = configure(sources={"mesh": MESH}, outputs=[NEEDY[0]])
    found = RegistryViews(config, contributions_of(config, NAMES)).of(config.outputs[0]).findings
    matches_golden("address-not-kept", found)


def test_an_output_of_names_takes_names(configure: Callable[..., Config], tmp_path: Path) -> None:
    (tmp_path / "t.j2").write_text("{% for s in services %}{{ s.name | nginx }}{% endfor %}")
    template = {"type": "template", "path": "t", "template": "t.j2"}
    assert (
        without_address(configure, sources={"mesh": MESH}, outputs=[{"type": "yaml", "path": "all.yaml"}, template])
        == []
    )


def test_tags_and_meta_of_names_are_in_the_registry(configure: Callable[..., Config]) -> None:
    config = configure(sources={"mesh": MESH})
    lines = [
        Declared(service="shop", tags=("api", "v1"), meta={"owner": "a", "tier": "1"}),
        Declared(service="shop", tags=("api", "v2"), meta={"owner": "a", "tier": "2"}),
    ]
    lock = Lock((replace(NAMES.snapshots[0], declared=tuple(lines)),))
    entry = registry_of_lock(config, lock).services["shop"][None]
    assert entry.properties == DeclaredProperties(tags=("api", "v1", "v2"), meta={"owner": "a"})
    whole = configure(sources={"mesh": {**MESH, "keep": {}}})
    assert registry_of_lock(whole, lock).services["shop"][None].properties is None


def test_a_declared_service_of_a_whole_source_needs_no_address(configure: Callable[..., Config]) -> None:
    assert without_address(configure, sources={"mesh": {**MESH, "keep": {}}}, outputs=list(NEEDY)) == []
