"""Every fault at every request of a freeze: refused in time, or mended by asking again; never a wrong registry."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from children import Done, Warm
from faults import BROKEN, FAULTS, HEADERS, SHAPES
from published import Tree, restore, tree_of
from wire import Aim, WireProxy
from worlds import DEADLINE, LIMITS, ConsulWorld, NomadWorld, World

FULL = os.environ.get("FROSTLINE_CAMPAIGN") == "full"
ENDS = 0.8
"""Seconds that a run may take beside the deadline, on a machine that is busy with other tests."""

# Unindexed: the agent's own knowledge. Probes: only their index is read.
PLAIN = ("/v1/acl/", "/v1/catalog/datacenters", "/v1/agent/", "/v1/regions", "/v1/namespaces", "/v1/client/")
PROBES = ("filter=", "node-meta=")
WORLDS: dict[str, Callable[[pytest.FixtureRequest], World]] = {
    "by service": lambda request: ConsulWorld(request.getfixturevalue("consul"), 4),
    "by node": lambda request: ConsulWorld(request.getfixturevalue("consul"), 52),
    "dump": lambda request: ConsulWorld(request.getfixturevalue("consul"), 4, "a/../b"),
    "nomad": lambda request: NomadWorld(),
}
SAMPLED = ("reset", "half a body", "301", "403", "429", "not JSON", "another shape", "no leader", "half", "refused")


class Place(NamedTuple):
    """A project before a server that moved since it was published. targets: of the requests of a whole freeze."""

    world: World
    folder: Path
    proxy: WireProxy
    old: Tree
    new: Tree
    asked: tuple[str, ...]


@pytest.fixture(scope="module", params=WORLDS if FULL else ["by service"])
def place(request: pytest.FixtureRequest, warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    world = WORLDS[request.param](request)
    world.start()
    proxy = WireProxy(world.port)
    folder = tmp_path_factory.mktemp("faults")
    outputs = [{"type": "python", "path": "registry.py"}, {"type": "yaml", "path": "all.yaml"}]
    config = {
        "version": 1,
        "sources": {"mesh": world.source(proxy.address)},
        "guards": {"instances": "30%", "floor": 0},
        "outputs": outputs,
    }
    (folder / "frostline.yaml").write_text(json.dumps(config))
    warm.learn("compile", "--locked", cwd=folder)
    assert warm.run("compile", cwd=folder).status == 0
    old = tree_of(folder)
    world.move()
    proxy.renew()
    done = warm.run("compile", cwd=folder)
    assert done.status == 0, done.stderr
    yield Place(world, folder, proxy, old, tree_of(folder), tuple(proxy.asked))
    proxy.close()
    world.stop()


def aims(place: Place, name: str) -> list[Aim]:
    """This fault at each request, from there on and once; and at all requests."""
    fault = FAULTS[name]
    seen: list[str] = []
    all_of_them: list[Aim] = [Aim(fault)]
    for target in place.asked:
        seen.append(target)
        nth = seen.count(target)
        # Of requests that differ only in a name, the first few.
        if sum(_kind(each) == _kind(target) for each in seen) <= 2:
            all_of_them += [Aim(fault, target, nth), Aim(fault, target, nth, once=True)]
    if FULL:
        return all_of_them
    named = [aim for aim in all_of_them if aim.target and "/health/service/" in aim.target]
    return named[:2]


def _kind(target: str) -> str:
    path, _, query = target.partition("?")
    return f"{path.rpartition('/')[0] if path.count('/') > 3 else path}?{query.count('filter')}"


def fails(place: Place, aim: Aim) -> bool:
    """Whether there is no way to the registry past this fault."""
    fault, target = aim.fault, aim.target
    if aim.once and fault.passes:
        return False
    if target is None:
        return fault.name in BROKEN | {"301"}
    if target.startswith(place.world.tolerated or "\0"):
        return False
    indexed = not target.startswith(PLAIN)
    if fault.name in HEADERS:
        return indexed and isinstance(place.world, ConsulWorld)
    if fault.name in SHAPES:
        return not any(probe in target for probe in PROBES) and "/catalog/node/" not in target
    if fault.name == "cut JSON":
        return not target.startswith("/v1/acl/")  # words, not JSON, where ACLs are off
    return fault.name in BROKEN


def judged(place: Place, aim: Aim, done: Done, took: float) -> bool:
    """Whether the run was refused, and in the right way; the registry is right where it was not."""
    now = tree_of(place.folder)
    shown = (aim.fault.name, aim.target, aim.nth, aim.once, done)
    assert "Traceback" not in done.stderr, shown
    assert took < DEADLINE + ENDS, (took, shown)
    assert place.proxy.most_open <= LIMITS["connections"], (place.proxy.most_open, shown)
    if done.status == 0:
        tolerated = aim.target is None or aim.target.startswith(place.world.tolerated or "\0")
        assert now == place.new or (place.world.tolerated and tolerated), shown
        assert not fails(place, aim), shown
        return False
    assert now == place.old, shown
    if done.status == 4:
        assert aim.fault.name in ("nothing", "half"), shown
        return True
    assert done.status == 3, shown
    assert not (aim.once and aim.fault.passes), shown
    assert "error: source mesh: " in done.stderr, shown
    assert names_the_request(aim, done.stderr), shown
    assert "help: " in done.stderr, shown
    return True


def names_the_request(aim: Aim, said: str) -> bool:
    """Whether the message names what was asked; a server that is gone may be missed first by any request."""
    everywhere = aim.target is None or aim.fault.name == "refused"
    path = "/v1/" if everywhere or aim.target is None else aim.target.partition("?")[0]
    return f"GET {path}" in said or "not read within its deadline" in said or "no instance answers for" in said


@pytest.mark.parametrize("name", FAULTS if FULL else SAMPLED)
def test_a_fault_is_refused_or_mended_wherever_it_comes(place: Place, warm: Warm, figures, name: str) -> None:
    runs = refused = 0
    for aim in aims(place, name):
        restore(place.folder, place.old)
        place.proxy.renew(aim)
        began = time.monotonic()
        done = warm.run("compile", cwd=place.folder)
        took = time.monotonic() - began
        if place.proxy.hits:
            runs += 1
            refused += judged(place, aim, done, took)
    assert runs
    figures("faults", faults=runs, refused=refused, mended=runs - refused, wrong_registries=0, past_their_deadline=0)
