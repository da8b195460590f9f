"""Find out whether each source can be read, and what it gives after selection."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from frostline.errors import FrostlineError, UsageError
from frostline.lock.codec import lock_of
from frostline.model import Snapshot
from frostline.pipeline.compile.assembling import contributions_of
from frostline.pipeline.freeze.freezing import freeze
from frostline.pipeline.freeze.live import live_sources
from frostline.pipeline.freeze.locks import CommittedLock
from frostline.settings import Config
from frostline.sources.base import policy_of
from frostline.text import did_you_mean, list_names, pluralize, quote


class SourceState(Struct, frozen=True, order=True):
    """The state of a source, or of one of its datacenters.

    state, sees: texts for a person, such as `can be read` and `dc1: 2 services`.
    """

    source: str
    type: str
    state: str
    sees: str


class SourcePolicy(Struct, frozen=True):
    """The least ACL policy that a source needs. policy: in the form that its server takes."""

    source: str
    type: str
    policy: str


class Survey(Struct, frozen=True, kw_only=True):
    """What reading all sources gave.

    states: sorted. errors: of the live sources that could not be read, by name. warnings: of the others.
    """

    states: tuple[SourceState, ...]
    errors: tuple[FrostlineError, ...]
    warnings: tuple[str, ...]


def survey_sources(config: Config) -> Survey:
    """Read every source, one after the other; a live source that fails does not stop the others."""
    committed = CommittedLock(config)
    states: list[SourceState] = []
    errors: list[FrostlineError] = []
    warnings: list[str] = []
    snapshots: list[Snapshot] = []
    for name, settings in live_sources(config).items():
        try:
            frozen = freeze(config, committed, sources=[name])
        except FrostlineError as error:
            errors.append(error)
            states.append(SourceState(name, settings.type, "cannot be read", ""))
            continue
        warnings += frozen.warnings
        snapshots += frozen.snapshots
        read = {(answer.datacenter, answer.namespace) for answer in frozen.answers}
        for snapshot in frozen.snapshots:
            state = "can be read" if snapshot.segment[1:] in read else "not reached, kept as locked"
            states.append(SourceState(name, settings.type, state, _describe(snapshot)))
    states += _local_states(config, snapshots)
    return Survey(states=tuple(sorted(states)), errors=tuple(errors), warnings=tuple(warnings))


def policies_of(config: Config, name: str | None = None) -> tuple[SourcePolicy, ...]:
    """Return the policy of each live source, or only of the source `name`. Uses no network.

    Raises UsageError if `name` is not a live source.
    """
    live = live_sources(config)
    if name is not None and name not in live:
        problem = "asks no server, so it needs no policy" if name in config.sources else "is not in the configuration"
        known = f"the sources that ask a server are {list_names(live)}" if live else "no source asks a server"
        raise UsageError(f"the source {quote(name)} {problem}", help=did_you_mean(name, live, known))
    return tuple(
        SourcePolicy(source, settings.type, policy)
        for source, settings in live.items()
        if name in (None, source) and (policy := policy_of(settings)) is not None
    )


def _local_states(config: Config, snapshots: Sequence[Snapshot]) -> list[SourceState]:
    """Return the state of each local source. snapshots: of the live sources, as routers name their services."""
    live = live_sources(config)
    return [
        SourceState(
            local.source,
            config.sources[local.source].type,
            "local",
            pluralize(len(local.endpoints), "service") + _count_upstreams(local.upstreams),
        )
        for local in contributions_of(config, lock_of(snapshots))
        if local.source not in live
    ]


def _describe(snapshot: Snapshot) -> str:
    services = {instance.service for instance in snapshot.instances}
    services |= {declared.service for declared in snapshot.declared}
    counts = f"{pluralize(len(services), 'service')}, {pluralize(len(snapshot.instances), 'instance')}"
    namespace = "" if snapshot.namespace == "default" else f"/{snapshot.namespace}"
    return f"{snapshot.datacenter}{namespace}: {counts}{_count_upstreams(snapshot.upstreams)}"


def _count_upstreams(upstreams: Sequence[object]) -> str:
    return f", {pluralize(len(upstreams), 'upstream')}" if upstreams else ""
