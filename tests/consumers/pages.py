"""Pages of registries that no source has to give: large ones, and those with many who call each other."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

from frostline.model import Bind, Dependency, Endpoint, Entry, FileOrigin, Key, Registry, Upstream, registry_of
from frostline.outputs.base import View
from frostline.outputs.page.output import render
from frostline.settings import OutputSettings

SCRIPT = Path(__file__).with_name("page_in_chromium.cjs")


def written(registry: Registry, path: Path) -> Path:
    """The page of this registry, at this path."""
    settings = OutputSettings(name="page", type="page", path=path, origin=FileOrigin("frostline.yaml"))
    view = View(registry=registry, prefer=(), preferring=lambda _: registry)
    path.write_bytes(b"".join(render(view, settings).artifacts[0].chunks))
    return path


def in_chromium(npm: Path, chromium: str, node: str, page: Path, scene: str, value: object = None) -> dict[str, Any]:
    """What happened in a scene of page_in_chromium.cjs. RuntimeError: it failed, with what it said."""
    command = [node, str(SCRIPT), str(npm), chromium, str(page), scene, json.dumps(value)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        raise RuntimeError(done.stderr)
    happened: dict[str, Any] = json.loads(done.stdout)
    return happened


def large_registry(*, unique: bool) -> Registry:
    """10,000 services with 17 endpoints each. unique: each endpoint has a value of meta of its own."""
    services = {}
    for number in range(10_000):
        owner = f"team-{number % 50}"
        metas = [{"owner": owner} | ({"build": f"{number * 17 + n:020x}"} if unique else {}) for n in range(17)]
        found = [
            Endpoint(
                url=f"http://10.{number >> 8}.{number & 255}.{n}:{20000 + number}/v1",
                address=f"10.{number >> 8}.{number & 255}.{n}",
                port=20000 + number,
                source="mesh",
                datacenter=f"dc{n % 3}",
                node=f"node-{number}-{n}.example",
                tags=("api", owner),
                meta=metas[n],
            )
            for n in range(17)
        ]
        services[Key(f"service-{number:05}", "v1")] = Entry(
            url=found[0].url, endpoints=tuple(found), sources=("mesh",), registered=(f"service-{number:05}-v1",)
        )
    return registry_of(services)


def calling(calls: Iterable[tuple[str, str]]) -> Registry:
    """A registry of services with sidecars, of which these call these."""
    pairs = list(calls)
    point = Endpoint(url="http://10.0.0.1:80/", address="10.0.0.1", port=80, source="mesh")
    entry = Entry(url=point.url, endpoints=(point,), sources=("mesh",))
    bind = Bind(address="127.0.0.1", port=9000)
    upstreams = [
        Dependency(
            upstream=Upstream(namespace="", service=caller, destination=called, bind=bind),
            source="mesh",
            service=called,
            version=None,
        )
        for caller, called in pairs
    ]
    return registry_of({Key(name, None): entry for pair in pairs for name in pair}, upstreams)


def dense_calls() -> list[tuple[str, str]]:
    """`hub` calls 100 services; these and 50 more call each other, all of them, and 850 more at random."""
    choose = Random(1)
    near = [("hub", f"n{number}") for number in range(100)]
    every = [(f"n{a}", f"n{b}") for a in range(150) for b in range(150) if a != b]
    far = [(f"n{choose.randrange(1000)}", f"n{choose.randrange(1000)}") for _ in range(10_000)]
    return list(dict.fromkeys([*near, *every, *far]))
