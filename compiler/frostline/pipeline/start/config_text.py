"""The text of a first frostline.yaml, and which files it writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from msgspec import Struct

from frostline.pipeline.start.candidates import Tried
from frostline.pipeline.start.surroundings import Surroundings

_EXAMPLE = (
    "  example:                       # stands in until a source above is there: services that no discovery knows",
    "    type: static",
    '    services: {example: {v1: "http://127.0.0.1:8080/v1"}}',
)


class Output(Struct, frozen=True):
    """line: in frostline.yaml; files: what it writes, as patterns of .gitattributes."""

    line: str
    files: tuple[str, ...]


def outputs_of(around: Surroundings) -> tuple[Output, ...]:
    """The outputs for what is here; YAML always, for reviewers and scripts."""
    found = [Output("{type: yaml, path: registry/services.yaml}", ("registry/**",))]
    if around.package:
        stem = f"{around.package}/registry"
        found.append(Output(f"{{type: python, path: {stem}.py}}", (f"{stem}.py", f"{stem}.pyi")))
    if around.modules:
        folder = f"{around.modules}/frostline"
        found.append(Output(f"{{type: puppet-module, path: {folder}}}", (f"{folder}/**",)))
    return tuple(found)


def config_text(sources: Sequence[Tried], outputs: Sequence[Output]) -> str:
    """frostline.yaml: the sources that can be used, the others as comments, and these outputs. It compiles as it is."""
    return "\n".join((*_lines(sources, outputs), ""))


def _lines(sources: Sequence[Tried], outputs: Sequence[Output]) -> Iterator[str]:
    yield "# What frostline reads, checks and writes: `frostline plan` shows it, `frostline compile` does it."
    yield "# Each key is described by `frostline schema config`."
    yield "version: 1"
    yield ""
    yield "sources:"
    for source in sources:
        yield from _block(source)
    usable = [source.candidate.name for source in sources if not source.problem]
    if not usable:
        yield from _EXAMPLE
    yield ""
    if len(usable) > 1:
        yield f"precedence: {json.dumps(usable)}   # the first that knows a (service, version) wins it"
        yield ""
    yield from (
        "# checks:",
        "#   policies:",
        '#     names: "^[a-z][a-z0-9-]*$"',
        '#     addresses: {allow: ["10.0.0.0/8"]}',
        "#     upstreams: resolve          # whatever somebody declares to call is in the registry",
        "",
        "outputs:",
    )
    yield from (f"  - {output.line}" for output in outputs)


def _block(source: Tried) -> Iterator[str]:
    candidate = source.candidate
    lines = [f"{candidate.name}:", *(f"  {line}" for line in candidate.keys)]
    lines += [f"  # {line}" for line in candidate.hints]
    if not source.problem:
        yield from (f"  {line}" for line in lines)
        return
    yield f"  # {candidate.what} could not be used when this file was written: {source.problem}"
    yield from (f"  # {line}" for line in lines)


def attributes_text(outputs: Sequence[Output]) -> str:
    """.gitattributes for lock, manifest and outputs."""
    generated = sorted(pattern for output in outputs for pattern in output.files)
    lines = ["frostline.lock -text -merge", "frostline.manifest -text"]
    lines += [f"{pattern} -text -merge linguist-generated" for pattern in generated]
    return "".join(f"{line}\n" for line in lines)
