"""Overrides in a compile: guards look past what was done on purpose and past nothing else; a plan says it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from frostline.lock.codec import lock_of
from frostline.model import Instance, Lock
from frostline.pipeline.compile.compiling import Compilation, CompileOptions
from frostline.pipeline.publish.saved_plans import basis_of
from frostline.plan.changes import plan_value
from frostline.plan.text import plan_lines
from frostline.publish.manifest import Manifest, manifest_chunks
from frostline.settings import Config

Configure = Callable[..., Config]
MakeSnapshot = Callable[..., Any]
Compile = Callable[..., Compilation]
MESH = {"type": "consul", "address": "http://127.0.0.1:9"}


def lock(config: Config, snapshot: MakeSnapshot, sizes: dict[str, int], *, first: int = 1) -> Lock:
    """Return a lock with this many instances of each service, at 10.0.0.1 and so on."""
    instances = [
        Instance(service=name, node="n", id=f"{name}-{at}", address=f"10.0.0.{first + at}", port=80)
        for name, size in sizes.items()
        for at in range(size)
    ]
    return lock_of([replace(snapshot(config), instances=tuple(sorted(instances, key=Instance.sort_key)))])


def drop(*addresses: str, service: str = "*", **more: Any) -> dict[str, Any]:
    matches = [{"address": address} for address in addresses]
    return {"service": service, "drop": matches, "until": "2026-12-31", "why": "disk", **more}


def publish(config: Config, compilation: Compilation) -> None:
    """Publish as far as guards see it: write the manifest."""
    config.manifest.write_bytes(b"".join(manifest_chunks(Manifest((), compilation.entries))))


def refusals(compilation: Compilation) -> list[str]:
    return [finding.rule for finding in compilation.findings if finding.severity == "error"]


SIZES = dict.fromkeys("abcdefgh", 4)


@pytest.fixture
def published(configure: Configure, snapshot: MakeSnapshot, compiled: Compile) -> Callable[..., Compilation]:
    """`published(sizes, overrides, new_sizes, new_overrides)`: the second compilation after the first is published."""

    def run(sizes: Any, overrides: Any, new_sizes: Any, new_overrides: Any, first: int = 1) -> Compilation:
        before = configure(sources={"mesh": MESH}, overrides=overrides, guards={"floor": 0, "move": "0%"})
        old = lock(before, snapshot, sizes)
        publish(before, compiled(before, old, None))
        after = configure(sources={"mesh": MESH}, overrides=new_overrides, guards={"floor": 0, "move": "0%"})
        return compiled(after, lock(after, snapshot, new_sizes, first=first), old)

    return run


THREE = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


def test_endpoints_that_an_override_removes_do_not_count(published: Callable[..., Compilation]) -> None:
    found = published(SIZES, [], SIZES, [drop(*THREE)])
    assert refusals(found) == []
    assert [(change.before, change.after) for change in found.plan.services] == [(4, 1)] * 8


def test_a_changed_or_removed_override_does_not_count(published: Callable[..., Compilation]) -> None:
    assert refusals(published(SIZES, [drop(THREE[0])], SIZES, [drop(*THREE)])) == []
    assert refusals(published(SIZES, [drop(*THREE)], SIZES, [drop(THREE[0])])) == []
    assert refusals(published(SIZES, [drop(*THREE)], SIZES, [drop(*THREE)])) == []
    more = [drop(service="a", add=[f"http://10.9.0.{number}:80" for number in range(9)])]
    del more[0]["drop"]
    assert refusals(published({"a": 2}, more, {"a": 2}, more)) == []


def test_another_loss_cannot_hide_behind_an_override(published: Callable[..., Compilation]) -> None:
    lost = {**SIZES, "a": 1}
    add = {"add": [f"http://10.9.0.{number}:80" for number in range(4)]}
    for overrides in ([], [drop(THREE[0], service="a", **add)]):
        assert refusals(published(SIZES, overrides, lost, [drop(THREE[0], service="a", **add)])) == ["guard-instances"]


def test_a_move_behind_an_override_counts(published: Callable[..., Compilation]) -> None:
    one = [drop("10.0.0.4", service="a")]
    assert refusals(published({"a": 4}, [], {"a": 4}, one, first=21)) == ["guard-move"]
    assert refusals(published({"a": 4}, [], {"a": 4}, one)) == []


def test_an_override_that_leaves_nothing_is_refused_as_such_and_may_be_waived(
    configure: Configure, snapshot: MakeSnapshot, compiled: Compile
) -> None:
    whole = [drop("10.0.0.1", service="a")]
    config = configure(sources={"mesh": MESH}, overrides=whole)
    assert refusals(compiled(config, lock(config, snapshot, {"a": 1, "b": 1}))) == ["override-no-endpoint"]
    waiver = {"rule": "override-no-endpoint", "service": "a", "until": "2026-12-31", "why": "it is off"}
    config = configure(sources={"mesh": MESH}, overrides=whole, checks={"waivers": [waiver]})
    assert refusals(compiled(config, lock(config, snapshot, {"a": 1, "b": 1}))) == []


def test_an_override_that_leaves_nothing_to_one_output_is_refused_too(
    configure: Configure, snapshot: MakeSnapshot, compiled: Compile
) -> None:
    config = configure(
        sources={"mesh": MESH, "west": MESH},
        precedence=[["mesh", "west"]],
        overrides=[drop("10.0.0.1")],
        outputs=[{"type": "yaml", "path": f"{name}.yaml", "sources": [name]} for name in ("mesh", "west")],
    )
    (west,) = lock(config, snapshot, {"a": 1}, first=7).snapshots
    both = lock_of([*lock(config, snapshot, {"a": 1}).snapshots, replace(west, source="west")])
    compilation = compiled(config, both, None)
    (found,) = (found for found in compilation.findings if found.severity == "error")
    assert (found.rule, found.service) == ("override-no-endpoint", "a")
    assert found.message.endswith("it has 1 without them, in an output of `mesh`")


def test_an_expired_override_is_refused_and_the_bytes_are_the_same(
    configure: Configure, snapshot: MakeSnapshot, compiled: Compile
) -> None:
    old, new = ({**drop("10.0.0.1"), "until": until} for until in ("2025-12-31", "2026-01-01"))
    found = []
    for entry in (old, new):
        config = configure(sources={"mesh": MESH}, overrides=[entry])
        found.append(compiled(config, lock(config, snapshot, {"a": 2})))
    assert [refusals(compilation) for compilation in found] == [["override-expired"], []]
    assert found[0].wanted[0].sha256 == found[1].wanted[0].sha256


def test_a_plan_shows_which_endpoints_an_override_changes_and_why(published: Callable[..., Compilation]) -> None:
    swap = {"replace": {"http://10.0.0.2:80": "http://10.0.0.9:80"}}
    plan = published({"a": 2}, [], {"a": 2}, [drop("10.0.0.1", service="a", add=["http://10.0.0.8:80"], **swap)]).plan
    assert list(plan_lines(plan))[1:7] == [
        "  ~ a unversioned: 2 of 2 moved, dc1 2",
        "      ! override until 2026-12-31: disk (frostline.yaml:1:160)",
        "      + http://10.0.0.8:80",
        "      + http://10.0.0.9:80",
        "      - http://10.0.0.1:80",
        "      - http://10.0.0.2:80",
    ]
    (value,) = json.loads(json.dumps(plan_value(plan)))["services"]
    assert value["overrides"] == [{"until": "2026-12-31", "why": "disk", "place": "frostline.yaml:1:160"}]


def test_each_output_has_what_the_overrides_leave(
    configure: Configure, snapshot: MakeSnapshot, compiled: Compile
) -> None:
    outputs = [
        {"type": "yaml", "path": "all.yaml", "format": "json"},
        {"type": "yaml", "path": "near.yaml", "format": "json", "prefer": ["dc2"], "sources": ["mesh"]},
    ]
    config = configure(sources={"mesh": MESH}, overrides=[drop("10.0.0.1")], outputs=outputs)
    for file in compiled(config, lock(config, snapshot, {"a": 2})).wanted:
        value = json.loads(b"".join(file.chunks))
        assert [endpoint["address"] for endpoint in value["services"]["a"]["unversioned"]["endpoints"]] == ["10.0.0.2"]


def test_a_replaced_endpoint_stays_in_the_layer_of_its_datacenter(
    configure: Configure, snapshot: MakeSnapshot, compiled: Compile
) -> None:
    outputs = [{"type": "hiera", "path": "data", "layers": ["datacenter"], "format": "json"}]
    swap = {"replace": {"http://10.0.0.1:80": "http://10.9.9.9:80"}, "until": "2026-12-31", "why": "disk"}

    def layers(*overrides: dict[str, Any]) -> dict[str, str]:
        config = configure(sources={"mesh": MESH}, overrides=list(overrides), outputs=outputs)
        snapshots = [
            replace(lock(config, snapshot, {"a": 1}, first=first).snapshots[0], datacenter=name)
            for name, first in (("dc1", 1), ("dc2", 2))
        ]
        return {file.path: b"".join(file.chunks).decode() for file in compiled(config, lock_of(snapshots)).wanted}

    plain, replaced = layers(), layers({"service": "a", **swap})
    assert plain.keys() == replaced.keys()
    near = next(path for path in plain if "dc1" in path)
    assert "10.0.0.1" in plain[near]
    assert '"datacenter": "dc1"' in plain[near]
    assert replaced[near] == plain[near].replace("10.0.0.1", "10.9.9.9")


def test_a_saved_plan_is_bound_to_the_file_of_the_overrides(
    configure: Configure, compiled: Compile, tmp_path: Path
) -> None:
    (tmp_path / "night.yaml").write_text("# none yet\n")
    config = configure(sources={"mesh": MESH}, overrides="night.yaml")
    basis = basis_of(config, CompileOptions(today=date(2026, 1, 1)))
    assert set(basis.inputs) == {"frostline.yaml", "night.yaml"}
