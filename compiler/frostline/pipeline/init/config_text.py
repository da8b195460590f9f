"""The texts of the first frostline.yaml and .gitattributes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from frostline.pipeline.init.candidates import Tried
from frostline.pipeline.init.first_outputs import FirstOutput
from frostline.text import escape_control, list_names

SCHEMA = "frostline.schema.json"
"""The schema for editors, beside frostline.yaml, so that they need no network and the path is the same everywhere.

No public address has the schema of exactly this version, and the place of an installation differs between machines.
"""

_EXAMPLE = (
    "  example:                       # stands in until a source above is there: services that no discovery knows",
    "    type: static",
    '    services: {example: {v1: "http://127.0.0.1:8080/v1"}}',
)


def config_text(sources: Sequence[Tried], outputs: Sequence[FirstOutput]) -> str:
    """Return the text of frostline.yaml: the usable sources, the others as comments, and these outputs.

    It compiles as it is, unless findings refuse what a source gives.
    """
    return "\n".join((*_lines(sources, outputs), ""))


def _lines(sources: Sequence[Tried], outputs: Sequence[FirstOutput]) -> Iterator[str]:
    yield f"# yaml-language-server: $schema={SCHEMA}"
    yield "# What frostline reads, checks and writes: `frostline plan` shows it, `frostline compile` does it."
    yield "# The first line is for editors, which complete and check the keys. With another version of frostline:"
    yield f"# `frostline schema config >{SCHEMA}`."
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
        "#   waivers:                    # what is known to be wrong, and left out until a day",
        '#     - {rule: port-zero, service: "legacy-*", until: YEAR-MONTH-DAY, why: "has no port"}',
        "#   policies:",
        '#     names: "^[a-z][a-z0-9-]*$"',
        '#     addresses: {allow: ["10.0.0.0/8"]}',
        "#     upstreams: resolve          # whatever somebody declares to call is in the registry",
        "",
        "outputs:" if outputs else "outputs: []   # each path that init would choose is taken",
    )
    yield from (f"  - {output.line}" for output in outputs)


def _block(source: Tried) -> Iterator[str]:
    candidate = source.candidate
    lines = [f"{candidate.name}:", *(f"  {line}" for line in candidate.keys)]
    lines += [f"  # {line}" for line in (*candidate.hints, *_segments_hint(source))]
    if not source.problem:
        yield from (f"  {line}" for line in lines)
        return
    yield f"  # {candidate.what} could not be used when this file was written: {source.problem}"
    yield from (f"  # {line}" for line in lines)


def _segments_hint(source: Tried) -> Iterator[str]:
    """The line that reads all datacenters, or regions, with the names of those that are not read without it."""
    if noun := source.candidate.segments:
        more = f"reads {escape_control(list_names(source.others))} as well; " if source.others else ""
        yield f"""{f'{noun}s: ["*"]':<39} # {more}default: the one of the agent"""


def attributes_text(outputs: Sequence[FirstOutput]) -> str:
    """Return the text of .gitattributes for lock, manifest, schema and outputs."""
    generated = sorted(pattern for output in outputs for pattern in output.files)
    lines = ["frostline.lock -text -merge", "frostline.manifest -text", f"{SCHEMA} -text linguist-generated"]
    lines += [f"{pattern} -text -merge linguist-generated" for pattern in generated]
    return "".join(f"{line}\n" for line in lines)
