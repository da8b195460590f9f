"""What the commands that only show do: list, graph, explain, sources, schema. An exit status comes out."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from frostline import errors, resources
from frostline.cli.console import Invocation, emit, emit_json, emit_text, report_value, say, tell, text_report
from frostline.cli.invoking import DifferentError, config_of, tell_warnings
from frostline.errors import ErrorGroup, FrostlineError, UsageError
from frostline.lock import codec as lock_codec
from frostline.model import SegmentAnswer, Snapshot
from frostline.pipeline import compile as pipeline
from frostline.pipeline import explaining, graphing
from frostline.pipeline import freeze as freezing
from frostline.text import did_you_mean, pluralize


def list_command(invocation: Invocation) -> int:
    """The services of the committed lock and the local sources."""
    config = config_of(invocation)
    used = freezing.offline_lock(config, freezing.committed_lock(config))
    registry = pipeline.registry_of_lock(config, used)
    if invocation.format == "json":
        emit_json(report_value(services=explaining.list_value(registry)))
    else:
        header = ("SERVICE", "VERSION", "ENDPOINTS", "SOURCE", "URL")
        emit_text(invocation, explaining.table_lines(header, explaining.list_rows(registry)))
    return errors.DONE


def graph_command(invocation: Invocation, form: str) -> int:
    """Who depends on whom, as the committed lock and the local sources have it."""
    config = config_of(invocation)
    used = freezing.offline_lock(config, freezing.committed_lock(config))
    registry = pipeline.registry_of_lock(config, used)
    if invocation.format == "json":
        emit_json(report_value(upstreams=graphing.graph_value(registry)))
    else:
        emit_text(invocation, graphing.FORMS[form](registry))
    return errors.DONE


def explain_command(invocation: Invocation, service: str, version: str | None, offline: bool) -> int:
    """Where a service's endpoints come from, and why its other instances are left out; 1 where it is unknown."""
    config = config_of(invocation)
    answers: tuple[SegmentAnswer, ...] = ()
    if offline:
        used = freezing.offline_lock(config, freezing.committed_lock(config))
        tell(invocation, "from the lock alone: which instances were left out is not known")
    else:
        frozen = freezing.freeze(config, freezing.Committed(config), every_service=True)
        tell_warnings(invocation, frozen.warnings)
        used, answers = lock_codec.lock_of(frozen.snapshots), frozen.answers
    declared = pipeline.declared_contributions(config)
    contributions = pipeline.contributions_of(config, used, declared)
    registry = pipeline.registry_of_lock(config, used, declared)
    live = freezing.live_sources(config)
    absences = [*explaining.unselected(answers, live), *explaining.displaced(contributions, registry)]
    keys = explaining.chosen(registry, absences, service, version)
    if not keys:
        close = explaining.closest(registry, absences, service, version)
        hint = f"closest: {', '.join(f'`{name}`' for name in close)}" if close else "see `frostline list`"
        asked = service if version is None else f"{service} {version}"
        raise DifferentError(f"`{asked}` is not known", help=hint)
    if invocation.format == "json":
        emit_json(report_value(explained=explaining.explanation_value(keys, registry, absences)))
    else:
        emit_text(invocation, explaining.explanation_lines(keys, registry, absences))
    return errors.DONE


def sources_command(invocation: Invocation) -> int:
    """Ask each source whether it can be read and what it sees; 3 where one cannot be."""
    config = config_of(invocation)
    committed = freezing.Committed(config)
    live = freezing.live_sources(config)
    rows: list[tuple[str, str, str, str]] = []
    failed: list[FrostlineError] = []
    snapshots: list[Snapshot] = []
    for name, settings in live.items():
        try:
            frozen = freezing.freeze(config, committed, sources=[name])
        except FrostlineError as error:
            failed.append(error)
            rows.append((name, settings.type, "cannot be read", ""))
            continue
        tell_warnings(invocation, frozen.warnings)
        snapshots += frozen.snapshots
        read = {(answer.datacenter, answer.namespace) for answer in frozen.answers}
        for one in frozen.snapshots:
            state = "can be read" if one.segment[1:] in read else "not reached, kept as locked"
            rows.append((name, settings.type, state, _seen(one)))
    for local in pipeline.contributions_of(config, lock_codec.lock_of(snapshots)):
        if local.source not in live:
            sees = pluralize(len(local.endpoints), "service")
            sees += f", {pluralize(len(local.upstreams), 'upstream')}" if local.upstreams else ""
            rows.append((local.source, config.sources[local.source].type, "local", sees))
    _show_sources(invocation, sorted(rows), ErrorGroup(failed) if failed else None)
    return max((error.status for error in failed), default=errors.DONE)


def _show_sources(invocation: Invocation, rows: Sequence[tuple[str, str, str, str]], error: ErrorGroup | None) -> None:
    header = ("SOURCE", "TYPE", "STATE", "SEES")
    if invocation.format == "json":
        values = [dict(zip(("source", "type", "state", "sees"), row, strict=True)) for row in rows]
        emit_json(report_value(error=error, sources=values))
    else:
        emit_text(invocation, explaining.table_lines(header, rows))
    for line in text_report(invocation, sys.stderr, (), error):
        say(line)


def _seen(snapshot: Snapshot) -> str:
    services = {one.service for one in snapshot.instances} | {one.service for one in snapshot.declared}
    names, number = pluralize(len(services), "service"), pluralize(len(snapshot.instances), "instance")
    namespace = "" if snapshot.namespace == "default" else f"/{snapshot.namespace}"
    upstreams = f", {pluralize(len(snapshot.upstreams), 'upstream')}" if snapshot.upstreams else ""
    return f"{snapshot.datacenter}{namespace}: {names}, {number}{upstreams}"


def schema_command(invocation: Invocation, name: str | None) -> int:
    """Print a schema; without a name, the names."""
    names = resources.schema_names()
    if name is None:
        emit(names)
        return errors.DONE
    if name not in names:
        raise UsageError(f"there is no schema `{name}`", help=did_you_mean(name, names, f"schemas: {', '.join(names)}"))
    emit(resources.schema_text(name).decode().rstrip("\n").split("\n"))
    return errors.DONE
