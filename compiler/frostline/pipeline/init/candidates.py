"""The sources that a first configuration may have. Each is tried alone, with a compile that writes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path

from msgspec import Struct

from frostline.config.reading import ConfigText
from frostline.errors import ErrorGroup, FrostlineError
from frostline.lock.codec import lock_of
from frostline.model import Finding, Lock
from frostline.pipeline.compile.compiling import Compilation, CompileOptions, compile_registry
from frostline.pipeline.freeze.freezing import freeze
from frostline.pipeline.freeze.live import live_sources
from frostline.pipeline.freeze.locks import CommittedLock
from frostline.pipeline.init.surroundings import Surroundings
from frostline.pipeline.load.config import NAME, config_in
from frostline.settings import Config
from frostline.sources.base import known_segments
from frostline.text import escape_control, pluralize

_PATIENCE = ("connect_timeout: 2s", "timeout: 10s", "deadline: 30s", "retries: 0")
"""Short limits for trying a live source: on most machines no agent is running."""


class Candidate(Struct, frozen=True, kw_only=True):
    """A source that the first configuration may have.

    name: of the source. what: its name for people. segments: what its server calls its parts; "" if it asks no server.
    keys: its lines in frostline.yaml. hints: further lines, which are written as comments.
    """

    name: str
    what: str
    keys: tuple[str, ...]
    hints: tuple[str, ...] = ()
    segments: str = ""


class Tried(Struct, frozen=True):
    """The result of trying a candidate.

    services: how many it gives. problem: why it cannot be used; "" if it can.
    errors: how many findings refuse what it gives. It is still used: `frostline plan` shows them one by one.
    others: the datacenters or regions that its server knows and that the source does not read by default, sorted.
    """

    candidate: Candidate
    services: int = 0
    problem: str = ""
    errors: int = 0
    others: tuple[str, ...] = ()


def candidates(around: Surroundings, environment: Mapping[str, str]) -> tuple[Candidate, ...]:
    """Return the possible sources, in the order of the configuration. environment: tells which tokens are set."""
    sources = [
        Candidate(
            name="mesh",
            what="Consul",
            keys=("type: consul", *_token("CONSUL_HTTP_TOKEN", environment)),
            hints=(
                *_token_hint("CONSUL_HTTP_TOKEN", environment),
                "address: https://consul.example:8501   # default: $CONSUL_HTTP_ADDR, else http://127.0.0.1:8500",
            ),
            segments="datacenter",
        ),
        Candidate(
            name="live",
            what="Nomad",
            keys=("type: nomad", *_token("NOMAD_TOKEN", environment)),
            hints=(
                *_token_hint("NOMAD_TOKEN", environment),
                "address: https://nomad.example:4646     # default: $NOMAD_ADDR, else http://127.0.0.1:4646",
            ),
            segments="region",
        ),
    ]
    if around.job_files:
        files = f"files: {json.dumps(list(around.job_files))}"
        sources.append(Candidate(name="jobs", what="Nomad job files", keys=("type: jobspec", files)))
    return tuple(sources)


def _token(variable: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    return (f"token: {{env: {variable}}}",) if environment.get(variable) else ()


def _token_hint(variable: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the key that a server with ACLs needs, as a comment. Without the variable, init reads without a token."""
    if environment.get(variable):
        return ()
    return (f"{f'token: {{env: {variable}}}':<39} # where ACLs are enabled",)


def try_candidate(candidate: Candidate, folder: Path, today: date) -> Tried:
    """Try a configuration in this folder that has only this source."""
    lines = [*candidate.keys, *(_PATIENCE if candidate.segments else ())]
    text = f"version: 1\nsources:\n  {candidate.name}:\n" + "".join(f"    {line}\n" for line in lines)
    compilation = try_compile(text, folder, today)
    if isinstance(compilation, str):
        return Tried(candidate, problem=compilation.removeprefix(f"source {candidate.name}: "))
    services = sum(1 for _ in compilation.registry.entries())
    if not services and (refusal := refusal_of(compilation)):
        return Tried(candidate, problem=refusal)
    others = _others(text, folder, candidate.name, compilation.lock) if candidate.segments else ()
    return Tried(candidate, services, errors=len(_refused(compilation)), others=others)


def _others(text: str, folder: Path, name: str, lock: Lock) -> tuple[str, ...]:
    """What the server of this source knows and the lock does not have; () where it cannot be asked."""
    settings = live_sources(_config_of(text, folder))[name]
    read = {snapshot.datacenter for snapshot in lock.snapshots}
    with suppress(FrostlineError):
        return tuple(known for known in known_segments(settings) if known not in read)
    return ()


def refusal_of(compilation: Compilation) -> str:
    """Return in one line why compile would refuse this; "" if it would not."""
    refused = _refused(compilation)
    if not refused:
        return ""
    first = refused[0]
    about = " ".join(part for part in (first.service, first.version) if part)
    more = f", and {pluralize(len(refused) - 1, 'more error')}" if len(refused) > 1 else ""
    return escape_control(f"{about}{': ' if about else ''}{first.message}{more}")


def _refused(compilation: Compilation) -> list[Finding]:
    return [finding for finding in compilation.findings if finding.severity == "error"]


def _config_of(text: str, folder: Path) -> Config:
    return config_in(ConfigText(NAME, folder / NAME, text.encode()))


def try_compile(text: str, folder: Path, today: date) -> Compilation | str:
    """Compile this configuration in this folder, without writing anything. Return the result, or in one line why it
    cannot be compiled."""
    try:
        config = _config_of(text, folder)
        committed = CommittedLock(config)
        frozen = freeze(config, committed)
        locks = committed.pair_with(lock_of(frozen.snapshots), frozen)
        return compile_registry(config, locks, CompileOptions(today=today, keep_bytes=False))
    except FrostlineError as error:
        first = error.errors[0] if isinstance(error, ErrorGroup) else error
        origin = first.origin
        # A place in this text would mislead: it is not the text that init writes.
        is_elsewhere = origin is not None and getattr(origin, "path", "") != NAME
        if not is_elsewhere:
            return escape_control(first.message)
        return escape_control(f"{origin}: {first.message}{f'; {first.help}' if first.help else ''}")
