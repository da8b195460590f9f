"""`frostline sources`: whether each source can be read, and what it sees."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from frostline import errors
from frostline.cli.console import (
    Invocation,
    print_err,
    print_json,
    print_text,
    report_value,
    text_report,
)
from frostline.cli.invoking import invoked, load_invocation_config, print_warnings
from frostline.cli.options import FORMATS, common_options, format_option
from frostline.errors import ErrorGroup, FrostlineError
from frostline.lock.codec import lock_of
from frostline.model import Snapshot
from frostline.pipeline import compile as pipeline
from frostline.pipeline import explaining
from frostline.pipeline import freeze as freezing
from frostline.text import pluralize


@click.command("sources")
@format_option(*FORMATS)
@common_options
@invoked
def command(invocation: Invocation) -> int:
    """Ask each source whether it can be read and what it sees.

    Exits with 3 if a source cannot be read.
    """
    config = load_invocation_config(invocation)
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
        print_warnings(invocation, frozen.warnings)
        snapshots += frozen.snapshots
        read = {(answer.datacenter, answer.namespace) for answer in frozen.answers}
        for one in frozen.snapshots:
            state = "can be read" if one.segment[1:] in read else "not reached, kept as locked"
            rows.append((name, settings.type, state, _seen(one)))
    for local in pipeline.contributions_of(config, lock_of(snapshots)):
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
        print_json(report_value(error=error, sources=values))
    else:
        print_text(invocation, explaining.table_lines(header, rows))
    for line in text_report(invocation, sys.stderr, (), error):
        print_err(line)


def _seen(snapshot: Snapshot) -> str:
    services = {one.service for one in snapshot.instances} | {one.service for one in snapshot.declared}
    names, number = pluralize(len(services), "service"), pluralize(len(snapshot.instances), "instance")
    namespace = "" if snapshot.namespace == "default" else f"/{snapshot.namespace}"
    upstreams = f", {pluralize(len(snapshot.upstreams), 'upstream')}" if snapshot.upstreams else ""
    return f"{snapshot.datacenter}{namespace}: {names}, {number}{upstreams}"
