"""Lookups of a real Puppet in the Hiera data of 10,000 services, of one and of 17 endpoints each, against an empty one.

Each figure is the difference of two processes of the same round: with and without the data for the first lookup, with
and without 1,000 more keys for each next one.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from measured import spread

SERVERS = Path(__file__).resolve().parents[1] / "servers"
sys.path.insert(0, str(SERVERS))

from puppet_data import look_up  # noqa: E402

from frostline.model import Endpoint, Entry, FileOrigin, Registry, registry_of  # noqa: E402
from frostline.outputs.base import View  # noqa: E402
from frostline.outputs.hiera.output import render  # noqa: E402
from frostline.outputs.hiera_data import layout_of  # noqa: E402
from frostline.settings import OutputSettings  # noqa: E402

SERVICES, NEXT, ROUNDS = 10_000, 1_000, 5
CASES = (("json", 1), ("json", 17), ("yaml", 1))


def registry_with(services: int, each: int) -> Registry:
    entries = {}
    for number in range(services):
        endpoints = tuple(
            Endpoint(
                url=f"http://10.{place}.{number >> 8}.{number & 255}:8080/v1",
                address=f"10.{place}.{number >> 8}.{number & 255}",
                port=8080,
                source="mesh",
                datacenter="dc1",
                tags=("api", f"team-{number % 50}"),
                meta={"owner": f"team-{number % 50}", "tier": "front"},
            )
            for place in range(each)
        )
        entries[f"service-{number:05}", "v1"] = Entry(url=endpoints[0].url, endpoints=endpoints, sources=("mesh",))
    return registry_of(entries)


def written(folder: Path, registry: Registry, form: str) -> Path:
    """The data of this registry, in a folder of its own."""
    folder.mkdir()
    place = FileOrigin("bench")
    settings = OutputSettings(name="data", type="hiera", path=folder, origin=place, options={"format": form})
    view = View(registry=registry, prefer=(), preferring=lambda _: registry)
    for artifact in render(view, settings).artifacts:
        (folder / artifact.path).write_bytes(b"".join(artifact.chunks))
    return folder


def seconds(puppet: str, data: Path, keys: list[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        began = perf_counter()
        look_up(puppet, data, keys, {}, Path(folder))
        return perf_counter() - began


def main() -> None:
    puppet = subprocess.run(
        [str(SERVERS / "install.sh"), "puppet"], capture_output=True, text=True, check=True
    ).stdout.strip()
    keys = [layout_of({}, "frostline", "yaml").service_key(f"service-{number:05}") for number in range(NEXT + 1)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for form, each in CASES:
            empty = written(folder / f"empty-{form}-{each}", registry_of({}), form)
            full = written(folder / f"full-{form}-{each}", registry_with(SERVICES, each), form)
            first, following = [], []
            for _ in range(ROUNDS):
                nothing = seconds(puppet, empty, ["frostline::index"])
                one = seconds(puppet, full, keys[:1])
                many = seconds(puppet, full, keys)
                first.append(one - nothing)
                following.append((many - one) / NEXT * 1000)
            print(f"{form}, {SERVICES * each:,} endpoints: the first lookup takes longer by {spread(first, ' s')}")
            print(
                f"{form}, {SERVICES * each:,} endpoints: each next lookup takes {spread(following, ' ms')}", flush=True
            )


if __name__ == "__main__":
    main()
