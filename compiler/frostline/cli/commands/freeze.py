"""`frostline freeze`: read the live sources and write the lock only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from frostline import errors
from frostline.cli.completing import one_of, source_names
from frostline.cli.console import Invocation, info, print_json, report_value, show_findings
from frostline.cli.invoking import invoked, load_invocation_config, print_warnings
from frostline.cli.options import (
    FORMATS,
    allow_option,
    common_options,
    format_option,
    metrics_option,
    timings_option,
    wait_option,
)
from frostline.errors import UsageError
from frostline.model import FileOrigin, Lock, Snapshot
from frostline.pipeline.freeze.live import live_sources
from frostline.pipeline.publish.lock_update import LockUpdate, update_lock
from frostline.plan.changes import plan_value
from frostline.settings import Allow, Config
from frostline.sources.base import is_live, source_types
from frostline.text import display_path, list_names, pluralize


@click.command("freeze")
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="NAME",
    shell_complete=one_of(source_names),
    help="Read only this source (repeatable).",
)
@click.option(
    "--datacenter", "datacenters", multiple=True, metavar="NAME", help="Read only this datacenter (repeatable)."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write what was read to this file instead of the committed lock.",
)
@wait_option
@allow_option
@format_option(*FORMATS)
@timings_option
@metrics_option
@common_options
@invoked
def command(
    invocation: Invocation,
    sources: Sequence[str],
    datacenters: Sequence[str],
    out: Path | None,
    wait: float,
    allow: Allow,
) -> int:
    """Read the live sources and write the lock only.

    The guards of compile apply. What --source and --datacenter leave out stays in the lock as it is.
    """
    config = load_invocation_config(invocation)
    if not sources and not live_sources(config):
        if datacenters or out:
            raise _nothing_to_read(config, datacenters)
        info(invocation, "Nothing to freeze: no live source is configured.")
        if invocation.format == "json":
            print_json(report_value(lock=display_path(config.lock), segments=[]))
        return errors.DONE
    update = update_lock(config, allow, invocation.today, sources=sources, datacenters=datacenters, out=out, wait=wait)
    if invocation.metrics:
        lock = None if update.refused else Lock(update.snapshots)
        invocation.metrics.note_result(findings=update.findings, lock=lock, readings=update.readings)
    _print_update(invocation, update, display_path(out or config.lock))
    return errors.REFUSED if update.refused else errors.DONE


def _nothing_to_read(config: Config, datacenters: Sequence[str]) -> UsageError:
    """Return the error of `--datacenter` or `--out` without live sources: nothing can be read or written."""
    asked = f"of the datacenter {list_names(datacenters)} " if datacenters else ""
    return UsageError(
        f"there is nothing to read {asked}and no lock to write: no live source is configured",
        origin=FileOrigin(display_path(config.path)),
        help=f"configure a source of type {list_names(filter(is_live, source_types()), 'or')}, "
        f"or leave {'`--datacenter`' if datacenters else '`--out`'} out",
    )


def _print_update(invocation: Invocation, update: LockUpdate, path: str) -> None:
    print_warnings(invocation, update.warnings)
    show_findings(update.findings, invocation)
    if invocation.format == "json":
        segments = [] if update.refused else [_segment_value(snapshot) for snapshot in update.snapshots]
        plan: dict[str, Any] = {"plan": plan_value(update.plan)} if update.plan else {}
        print_json(report_value(update.findings, lock=path, segments=segments, **plan))
    instances = pluralize(sum(len(snapshot.instances) for snapshot in update.snapshots), "instance")
    if update.refused:
        info(invocation, "refused: the lock was not changed")
    elif update.changed:
        info(invocation, f"Froze {instances} to {path}.")
    else:
        info(invocation, f"Up to date: {instances} in {path}.")


def _segment_value(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "source": snapshot.source,
        "datacenter": snapshot.datacenter,
        "namespace": snapshot.namespace,
        "instances": len(snapshot.instances),
        "declared": len(snapshot.declared),
        "upstreams": len(snapshot.upstreams),
    }
