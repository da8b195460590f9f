"""Every fault at every request of a freeze: refused in time, or mended by asking again; never a wrong registry."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from children import Done, Warm
from consul_agent import ConsulAgent
from faults import BROKEN, FAULTS, HEADERS, SHAPES
from published import Tree, restore, tree_of
from wire import Aim, WireProxy
from worlds import DEADLINE, LIMITS, ConsulWorld, NomadWorld, World

FULL = os.environ.get("FROSTLINE_CAMPAIGN") == "full"
ENDS = 0.8
"""Seconds that a run may take beside the deadline, on a machine that is busy with other tests."""

# Unindexed: the agent's own knowledge. Probes: only their index is read.
PLAIN = ("/v1/acl/", "/v1/catalog/datacenters", "/v1/agent/", "/v1/regions", "/v1/namespaces", "/v1/client/")
PROBES = ("filter=Node", "node-meta=")
CONSUL_WORLDS: dict[str, Callable[[ConsulAgent], World]] = {
    "by service": lambda consul: ConsulWorld(consul, 4),
    "by node": lambda consul: ConsulWorld(consul, 52),
    "dump": lambda consul: ConsulWorld(consul, 4, "a/../b"),
}
LIES = ("nothing", "half")
"""Answers that are whole, and not the truth."""
SAMPLED = ("reset", "half a body", "301", "403", "429", "not JSON", "another shape", "no leader", "half", "refused")


class Place(NamedTuple):
    """A project before a server that moved since it was published. targets: of the requests of a whole freeze."""

    world: World
    folder: Path
    proxy: WireProxy
    old: Tree
    new: Tree
    asked: tuple[str, ...]


@pytest.fixture(scope="module", params=CONSUL_WORLDS if FULL else ["by service"])
def consul_place(
    request: pytest.FixtureRequest, consul: ConsulAgent, warm: Warm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    with prepared(CONSUL_WORLDS[request.param](consul), warm, tmp_path_factory.mktemp("faults")) as place:
        yield place


@pytest.fixture(scope="module")
def nomad_place(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with prepared(NomadWorld(), warm, tmp_path_factory.mktemp("faults")) as place:
        yield place


@contextmanager
def prepared(world: World, warm: Warm, folder: Path) -> Iterator[Place]:
    """A project in this folder whose published files are those from before the world moved."""
    world.start()
    proxy = WireProxy(world.port)
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
        # Of requests that differ only in a name, the first ones.
        if sum(_kind(each) == _kind(target) for each in seen) <= (2 if isinstance(place.world, ConsulWorld) else 1):
            all_of_them += [Aim(fault, target, nth), Aim(fault, target, nth, once=True)]
    if FULL:
        return all_of_them
    named = [aim for aim in all_of_them if aim.target and "/service/" in aim.target]
    return named[:2]


def _kind(target: str) -> str:
    path, _, query = target.partition("?")
    return f"{path.rpartition('/')[0] if path.count('/') > 3 else path}?{query.count('filter')}"


def fails(place: Place, aim: Aim) -> bool:
    """Whether there is no way to the registry past this fault."""
    fault, target = aim.fault, aim.target
    if aim.once and (fault.passes or isinstance(place.world, NomadWorld)):
        return False  # what Nomad lists and does not know is looked for again
    if target is None:
        return fault.name in BROKEN | {"301"}
    if target.startswith(place.world.tolerated or "\0"):
        return False
    indexed = not target.startswith(PLAIN)
    if fault.name in HEADERS:
        return indexed and isinstance(place.world, ConsulWorld)
    if fault.name in SHAPES:
        return (
            isinstance(place.world, ConsulWorld)
            and not any(probe in target for probe in PROBES)
            and "/catalog/node-services/" not in target
        )
    if fault.name == "cut JSON":
        return not target.startswith("/v1/acl/")  # words, not JSON, where ACLs are off
    return fault.name in BROKEN


def judged(place: Place, aim: Aim, done: Done, took: float) -> str:
    """refused, mended, or a lie: the run was refused in the right way, or what it published is right."""
    now = tree_of(place.folder)
    shown = (aim.fault.name, aim.target, aim.nth, aim.once, done)
    assert "Traceback" not in done.stderr, shown
    assert took < DEADLINE + ENDS, (took, shown)
    assert place.proxy.most_open <= LIMITS["connections"], (place.proxy.most_open, shown)
    tolerated = aim.target is not None and aim.target.startswith(place.world.tolerated or "\0")
    if done.status == 0:
        assert not fails(place, aim), shown
        if now == place.new:
            return "mended"
        # A server that says less than it knows is believed as far as guards go, where it is not asked twice.
        twice = aim.once and str(aim.target).startswith(("/v1/health/service/", "/v1/health/connect/"))
        assert (aim.fault.name in LIES and not twice) or tolerated, shown
        return "lies within the guards"
    assert now == place.old, shown
    assert not (aim.once and aim.fault.passes) or tolerated, shown
    if done.status == 4:
        assert aim.fault.name in LIES or tolerated or (isinstance(place.world, NomadWorld) and aim.fault.name == "null")
        return "refused"
    assert done.status == 3, shown
    assert "error: source mesh: " in done.stderr, shown
    assert names_the_request(aim, done.stderr), shown
    assert "help: " in done.stderr, shown
    return "refused"


def names_the_request(aim: Aim, said: str) -> bool:
    """Whether the message names what was asked. What is left out of an answer may be missed by a later request."""
    path = aim.target.partition("?")[0] if aim.target else "/v1/"
    if aim.fault.name in ("refused", *LIES):
        path = "/v1/"
    # No single request is at fault where the whole catalog cannot be read, or the server takes no connection.
    whole = ("not read within the `deadline`", "no instance answers for", "during each of")
    if aim.fault.name == "refused":
        whole += ("cannot reach http://127.0.0.1:",)
    return f"GET {path}" in said or any(words in said for words in whole)


@pytest.mark.parametrize("name", FAULTS if FULL else SAMPLED)
def test_a_fault_of_consul_is_refused_or_mended_wherever_it_comes(
    consul_place: Place, warm: Warm, figures: Callable[..., None], name: str
) -> None:
    assert_refused_or_mended(consul_place, warm, figures, name)


@pytest.mark.parametrize("name", FAULTS if FULL else SAMPLED)
def test_a_fault_of_nomad_is_refused_or_mended_wherever_it_comes(
    nomad_place: Place, warm: Warm, figures: Callable[..., None], name: str
) -> None:
    assert_refused_or_mended(nomad_place, warm, figures, name)


def assert_refused_or_mended(place: Place, warm: Warm, figures: Callable[..., None], name: str) -> None:
    counts: Counter[str] = Counter()
    for aim in aims(place, name):
        restore(place.folder, place.old)
        place.proxy.renew(aim)
        began = time.monotonic()
        done = warm.run("compile", cwd=place.folder)
        took = time.monotonic() - began
        if place.proxy.hits:
            counts[judged(place, aim, done, took)] += 1
    assert counts
    figures("faults", faults=counts.total(), wrong_registries=0, past_their_deadline=0, **counts)
