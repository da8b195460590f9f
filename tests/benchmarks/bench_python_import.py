"""How quick the generated module is, in ratios to a dict literal with the same content.

Run by hand: python tests/benchmarks/bench_python_import.py [ENDPOINTS ...]

- import without bytecode and one lookup, in a fresh interpreter, against a module that is one dict literal: of urls
  only, and of whole instances
- url() after first use against a lookup in that dict
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from frostline.model import Endpoint, Entry, FileOrigin, Key, Registry, registry_of
from frostline.outputs.base import View
from frostline.outputs.python.output import render
from frostline.settings import OutputSettings

ROUNDS = 7
INSTANCES = 17

IMPORT = """
from time import perf_counter
start = perf_counter()
import {module}
{module}.{lookup}
print(perf_counter() - start)
"""

MEMORY = """
import tracemalloc
tracemalloc.start()
import {module}
{module}.{lookup}
print(tracemalloc.get_traced_memory()[0])
"""

LOOKUP = """
from timeit import repeat
from registry import url
known = {{{key!r}: url(*{key!r})}}
service, version = {key!r}
scope = dict(url=url, known=known, service=service, version=version)
for statement in "url(service, version)", "known[service, version]":
    print(min(repeat(statement, globals=scope, number=200_000, repeat=5)))
"""


def registry_with(endpoints: int) -> Registry:
    """That many endpoints, INSTANCES for each service where they are more than 10,000."""
    each = INSTANCES if endpoints > 10_000 else 1
    return registry_of(dict(entry_of(number, each) for number in range(endpoints // each)))


def entry_of(number: int, each: int) -> tuple[Key, Entry]:
    service, version = f"service-{number:05d}", f"v{number % 3 + 1}"
    endpoints = []
    for instance in range(each):
        address = f"10.{number >> 8 & 255}.{number & 255}.{instance + 1}"
        endpoints.append(
            Endpoint(
                url=f"http://{address}:8080/{version}",
                address=address,
                port=8080,
                source="mesh",
                datacenter="dc1",
                tags=("api", "http"),
                meta={"owner": f"team-{number % 40}"},
            )
        )
    return (service, version), Entry(url=endpoints[0].url, endpoints=tuple(endpoints), sources=("mesh",))


def url_literal(registry: Registry) -> Iterator[str]:
    yield "ENDPOINTS = {\n"
    for key, entry in registry.entries():
        yield f"    {key!r}: {entry.url!r},\n"
    yield "}\n"


def instance_literal(registry: Registry) -> Iterator[str]:
    yield "ENDPOINTS = {\n"
    for key, entry in registry.entries():
        yield f"    {key!r}: (\n"
        for one in entry.endpoints:
            fields = (one.url, one.address, one.port, one.datacenter, one.tags, one.meta, one.weight)
            yield f"        {fields!r},\n"
        yield "    ),\n"
    yield "}\n"


def seconds(folder: Path, script: str) -> list[float]:
    done = subprocess.run([sys.executable, "-B", "-c", script], cwd=folder, check=True, capture_output=True, text=True)
    return [float(line) for line in done.stdout.split()]


def show(name: str, ratios: list[float]) -> None:
    ordered = sorted(ratios)
    print(f"  {name:<55} {ordered[0]:7.3f} {ordered[len(ordered) // 2]:7.3f} {ordered[-1]:7.3f}")


def measure(endpoints: int, folder: Path) -> None:
    registry = registry_with(endpoints)
    settings = OutputSettings(name="registry", type="python", path=folder / "registry.py", origin=FileOrigin("bench"))
    view = View(registry=registry, prefer=(), preferring=lambda _: registry)
    for artifact in render(view, settings).artifacts:
        (folder / artifact.path).write_bytes(b"".join(artifact.chunks))
    (folder / "url_literal.py").write_text("".join(url_literal(registry)))
    (folder / "instance_literal.py").write_text("".join(instance_literal(registry)))
    key = list(registry.entries())[len(registry.services) // 2][0]

    ours, by_url, by_instances, lookups = [], [], [], []
    for _ in range(ROUNDS):
        ours.append(seconds(folder, IMPORT.format(module="registry", lookup=f"url(*{key!r})"))[0])
        for module, times in ("url_literal", by_url), ("instance_literal", by_instances):
            times.append(seconds(folder, IMPORT.format(module=module, lookup=f"ENDPOINTS[{key!r}]"))[0])
        called, looked_up = seconds(folder, LOOKUP.format(key=key))
        lookups.append(called / looked_up)
    milliseconds = f"{min(ours) * 1000:.1f}, {min(by_url) * 1000:.1f}, {min(by_instances) * 1000:.1f} ms"
    print(f"{endpoints} endpoints, {len(registry.services)} services: {milliseconds}; ratios: minimum, median, maximum")
    show("import and lookup / literal of urls", [a / b for a, b in zip(ours, by_url, strict=True)])
    show("import and lookup / literal of instances", [a / b for a, b in zip(ours, by_instances, strict=True)])
    show("url() / dict lookup", lookups)
    if endpoints > 10_000:  # tracing the allocations of a compiler takes minutes
        return
    memory = [
        seconds(folder, MEMORY.format(module=module, lookup=lookup))[0]
        for module, lookup in (("registry", f"url(*{key!r})"), ("instance_literal", f"ENDPOINTS[{key!r}]"))
    ]
    print(f"  memory that stays / literal of instances {memory[0] / memory[1]:.3f}")


if __name__ == "__main__":
    for size in [int(argument) for argument in sys.argv[1:]] or [10_000, 170_000]:
        with TemporaryDirectory() as scratch:
            measure(size, Path(scratch))
