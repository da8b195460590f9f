"""17,000, 170,000 and 1,700,000 instances, the last in ten locks: merged, compiled and published with no network.

Each step is ten times the one before; the ratios say how much more than ten times the time and the memory it takes.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from measured import FROSTLINE, Took, most_memory, run, show

from frostline.lock.codec import lock_chunks
from frostline.model import Instance, Snapshot
from frostline.pipeline.freeze.live import settings_digests
from frostline.pipeline.load.config import load_config

PER_SERVICE = 17
STEPS = ((17_000, 1), (170_000, 1), (1_700_000, 10))
"""Instances in all, and in how many locks they are: one a datacenter."""


def snapshot(datacenter: str, instances: int, settings: str) -> Snapshot:
    services = instances // PER_SERVICE
    made = [
        Instance(
            service=f"service-{number:06}-v1",
            node=f"node-{place:02}",
            id=f"service-{number:06}-{place:02}",
            address=f"10.{number >> 8 & 255}.{number & 255}.{place}",
            port=20_000 + number % 10_000,
            tags=("api", f"team-{number % 50}"),
            meta={"owner": f"team-{number % 50}", "tier": "front"},
        )
        for number in range(services)
        for place in range(PER_SERVICE)
    ]
    return Snapshot(source="mesh", datacenter=datacenter, namespace="default", settings=settings, instances=tuple(made))


def laid_out(folder: Path, instances: int, locks: int) -> Path:
    """A project with these locks in `parts`."""
    project = folder / str(instances)
    (project / "parts").mkdir(parents=True)
    outputs = [
        {"type": "python", "path": "registry.py"},
        {"type": "yaml", "path": "services.yaml"},
        {"type": "hiera", "path": "data", "format": "json"},
    ]
    source = {"type": "consul", "address": "http://127.0.0.1:1", "datacenters": ["*"]}
    config = {"version": 1, "lock": "locks/", "sources": {"mesh": source}, "outputs": outputs}
    path = project / "frostline.yaml"
    path.write_text(json.dumps(config))
    settings = settings_digests(load_config(path))["mesh"]
    for number in range(locks):
        found = snapshot(f"dc{number}", instances // locks, settings)
        with (project / "parts" / f"dc{number}.lock").open("wb") as file:
            file.writelines(lock_chunks([found]))
    return project


def emptied(project: Path) -> None:
    """Removes what a compile wrote."""
    for name in ("locks", "data"):
        shutil.rmtree(project / name, ignore_errors=True)
    for name in ("registry.py", "registry.pyi", "services.yaml", "frostline.manifest"):
        (project / name).unlink(missing_ok=True)


def main() -> None:
    took: list[Took] = []
    for instances, locks in STEPS:
        with tempfile.TemporaryDirectory() as temporary:
            project = laid_out(Path(temporary), instances, locks)
            command = [*FROSTLINE, "compile", "--lock", "parts/*.lock"]
            emptied(project)
            memory = most_memory(command, project)
            rounds = []
            for _ in range(1 if instances > 1_000_000 else 3):
                emptied(project)
                rounds.append(run(command, project)._replace(memory=memory))
            show(f"{instances:,} instances, {locks} locks", rounds)
            took.append(min(rounds))
    print()
    for (before, _), (after, _), small, large in zip(STEPS, STEPS[1:], took, took[1:], strict=False):
        factor = after / before
        time, memory = large.wall / small.wall / factor, large.memory / small.memory / factor
        print(f"{before:,} -> {after:,}: time x {time:.2f} and memory x {memory:.2f} of in proportion")


if __name__ == "__main__":
    main()
