"""100 calls of `frostline::url` in the module of 10,000 services, against none, in real Puppets.

Each figure is the difference in CPU time of two processes of the same round, so it holds the reading of the data, which
the first call causes. CPU time, because compiling uses one core, and other work on the machine costs only time.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_puppet_lookups import registry_with
from measured import spread

SERVERS = Path(__file__).resolve().parents[1] / "servers"
sys.path.insert(0, str(SERVERS))

from puppet_data import evaluated  # noqa: E402

from frostline.model import FileOrigin  # noqa: E402
from frostline.outputs.base import View  # noqa: E402
from frostline.outputs.puppet_module.output import render  # noqa: E402
from frostline.settings import OutputSettings  # noqa: E402

SERVICES, CALLS, ROUNDS = 10_000, 100, 5
CASES = (("json", 1), ("yaml", 1), ("json", 17))


def write_module(modules: Path, form: str, each: int) -> None:
    registry = registry_with(SERVICES, each)
    path = modules / "frostline"
    settings = OutputSettings(
        name="m", type="puppet-module", path=path, origin=FileOrigin("bench"), options={"format": form}
    )
    view = View(registry=registry, prefer=(), preferring=lambda _: registry)
    for artifact in render(view, settings).artifacts:
        (path / artifact.path).parent.mkdir(parents=True, exist_ok=True)
        (path / artifact.path).write_bytes(b"".join(artifact.chunks))


def seconds(puppet: str, modules: Path, calls: int) -> float:
    code = [f"frostline::url('service-{number * 97:05}', 'v1')" for number in range(calls)]
    with tempfile.TemporaryDirectory() as folder:
        before = children_seconds()
        found, errors = evaluated(puppet, modules, code, Path(folder))
        assert len(found) == calls, errors
        return children_seconds() - before


def children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    found = subprocess.run(
        [str(SERVERS / "install.sh"), "puppet", "puppet-8"], capture_output=True, text=True, check=True
    )
    for puppet in found.stdout.split():
        version = subprocess.run([puppet, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        for form, each in CASES:
            with tempfile.TemporaryDirectory() as modules:
                write_module(Path(modules), form, each)
                rounds = [[seconds(puppet, Path(modules), calls) for calls in (0, 1, CALLS)] for _ in range(ROUNDS)]
            case = f"Puppet {version}, {form}, {SERVICES * each:,} endpoints"
            print(f"{case}: {CALLS} calls take {spread([many - none for none, _, many in rounds], ' s')}")
            next_ones = [(many - one) / (CALLS - 1) * 1000 for _, one, many in rounds]
            print(f"{case}: each call after the first takes {spread(next_ones, ' ms')}", flush=True)


if __name__ == "__main__":
    main()
