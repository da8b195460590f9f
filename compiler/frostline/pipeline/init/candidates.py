"""The sources that a first configuration may have: each is tried by itself, by a compile that writes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from msgspec import Struct

from frostline.config.reading import ConfigText
from frostline.errors import ErrorGroup, FrostlineError
from frostline.lock.codec import lock_of
from frostline.model import Finding
from frostline.pipeline.compile.compiling import Compilation, CompileOptions, compile_registry
from frostline.pipeline.freeze.freezing import freeze
from frostline.pipeline.freeze.locks import CommittedLock
from frostline.pipeline.init.surroundings import Surroundings
from frostline.pipeline.load.config import NAME, config_in
from frostline.text import escape_control, pluralize

_PATIENCE = ("connect_timeout: 2s", "timeout: 10s", "deadline: 30s", "retries: 0")
"""Keys that a live source is tried with: most folders have no agent beside them."""


class Candidate(Struct, frozen=True, kw_only=True):
    """name: of the source; keys: its lines in frostline.yaml, without comments; hints: lines that are commented out.

    what: what it is, for a person; live: whether it asks a server.
    """

    name: str
    what: str
    keys: tuple[str, ...]
    hints: tuple[str, ...] = ()
    live: bool = False


class Tried(Struct, frozen=True):
    """services: how many it gives; problem: why it can't be used, "" where it can.

    errors: how many findings refuse what it gives. It is used all the same: `frostline plan` shows them one by one.
    """

    candidate: Candidate
    services: int = 0
    problem: str = ""
    errors: int = 0


def candidates(around: Surroundings, environment: Mapping[str, str]) -> tuple[Candidate, ...]:
    """What may be a source here, in the order of the configuration. environment: whether there are tokens in it."""
    found = [
        Candidate(
            name="mesh",
            what="Consul",
            keys=("type: consul", *_token("CONSUL_HTTP_TOKEN", environment)),
            hints=(
                *_token_hint("CONSUL_HTTP_TOKEN", environment),
                "address: https://consul.example:8501   # default: $CONSUL_HTTP_ADDR, else http://127.0.0.1:8500",
                'datacenters: ["*"]                      # default: the one of the agent',
            ),
            live=True,
        ),
        Candidate(
            name="live",
            what="Nomad",
            keys=("type: nomad", *_token("NOMAD_TOKEN", environment)),
            hints=(
                *_token_hint("NOMAD_TOKEN", environment),
                "address: https://nomad.example:4646     # default: $NOMAD_ADDR, else http://127.0.0.1:4646",
            ),
            live=True,
        ),
    ]
    if around.job_files:
        files = f"files: {json.dumps(list(around.job_files))}"
        found.append(Candidate(name="jobs", what="Nomad job files", keys=("type: jobspec", files)))
    return tuple(found)


def _token(variable: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    return (f"token: {{env: {variable}}}",) if environment.get(variable) else ()


def _token_hint(variable: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The key that a server with ACLs wants. init reads without a token where the variable is not set."""
    if environment.get(variable):
        return ()
    return (f"{f'token: {{env: {variable}}}':<39} # where ACLs are enabled",)


def try_candidate(candidate: Candidate, folder: Path, today: date) -> Tried:
    """What a configuration in this folder, with this source alone, would give."""
    lines = [*candidate.keys, *(_PATIENCE if candidate.live else ())]
    text = f"version: 1\nsources:\n  {candidate.name}:\n" + "".join(f"    {line}\n" for line in lines)
    compilation = compiled(text, folder, today)
    if isinstance(compilation, str):
        return Tried(candidate, problem=compilation.removeprefix(f"source {candidate.name}: "))
    services = sum(1 for _ in compilation.registry.entries())
    if not services and (refusal := refusal_of(compilation)):
        return Tried(candidate, problem=refusal)
    return Tried(candidate, services, errors=len(_refused(compilation)))


def refusal_of(compilation: Compilation) -> str:
    """Why compile would refuse this, a line; "" where it would not."""
    refused = _refused(compilation)
    if not refused:
        return ""
    first = refused[0]
    about = " ".join(part for part in (first.service, first.version) if part)
    more = f", and {pluralize(len(refused) - 1, 'more error')}" if len(refused) > 1 else ""
    return escape_control(f"{about}{': ' if about else ''}{first.message}{more}")


def _refused(compilation: Compilation) -> list[Finding]:
    return [finding for finding in compilation.findings if finding.severity == "error"]


def compiled(text: str, folder: Path, today: date) -> Compilation | str:
    """What this configuration in this folder compiles to; nothing is written. Else why it can't be compiled, a line."""
    try:
        config = config_in(ConfigText(NAME, folder / NAME, text.encode()))
        committed = CommittedLock(config)
        frozen = freeze(config, committed)
        locks = committed.pair_with(lock_of(frozen.snapshots), frozen)
        return compile_registry(config, locks, CompileOptions(today=today, keep_bytes=False))
    except FrostlineError as error:
        first = error.errors[0] if isinstance(error, ErrorGroup) else error
        origin = first.origin
        # A place in the text that is tried says nothing: it is not the text that is written.
        is_elsewhere = origin is not None and getattr(origin, "path", "") != NAME
        if not is_elsewhere:
            return escape_control(first.message)
        return escape_control(f"{origin}: {first.message}{f'; {first.help}' if first.help else ''}")
