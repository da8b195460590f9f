"""`frostline freeze`: from the live sources to the lock, and no further."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from frostline import errors
from frostline.cli.console import Invocation, info, print_json, report_value, show_findings
from frostline.cli.invoking import invoked, load_invocation_config, print_warnings
from frostline.cli.options import FORMATS, allow_option, common_options, format_option, timings_option
from frostline.errors import UsageError
from frostline.lock.codec import lock_of
from frostline.lock.merge import replace_segments
from frostline.lock.store import LockFile
from frostline.model import Snapshot
from frostline.pipeline import compile as pipeline
from frostline.pipeline import freeze as freezing
from frostline.publish.publishing import replace_file
from frostline.settings import Allow
from frostline.text import did_you_mean, display_path, pluralize


@click.command("freeze")
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Read only this source (repeatable).")
@click.option(
    "--datacenter", "datacenters", multiple=True, metavar="NAME", help="Read only this datacenter (repeatable)."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write what was read to this file instead of the committed lock.",
)
@allow_option
@format_option(*FORMATS)
@timings_option
@common_options
@invoked
def command(
    invocation: Invocation, sources: Sequence[str], datacenters: Sequence[str], out: Path | None, allow: Allow
) -> int:
    """Read the live sources and write the lock only.

    The guards of compile apply. What --source and --datacenter leave out stays in the lock as it is.
    """
    config = load_invocation_config(invocation)
    live = freezing.live_sources(config)
    for name in sources:
        if name not in live:
            hint = did_you_mean(name, live, f"live sources: {', '.join(live) or 'none'}")
            raise UsageError(f"there is no live source `{name}`", help=hint)
    if not live:
        info(invocation, "Nothing to freeze: no live source is configured.")
        if invocation.format == "json":
            print_json(report_value(lock=display_path(config.lock), segments=[]))
        return errors.DONE
    with pipeline.writing(config) as root:
        held = freezing.Committed(config)
        frozen = freezing.freeze(config, held, sources=sources, datacenters=datacenters)
        read = lock_of(frozen.snapshots)
        narrowed = bool(sources or datacenters)
        new = replace_segments(held.lock, read.snapshots, live) if narrowed else read
        committed = held.beside(new)
        findings = pipeline.freeze_guards(config, new, committed, allow)
        refused = any(finding.severity == "error" for finding in findings)
        written = read if out else new
        if not refused and out:
            replace_file(out, LockFile(out, read.snapshots))
        elif not refused:
            pipeline.publish_lock(config, root, new)
    print_warnings(invocation, frozen.warnings)
    show_findings(findings, invocation)
    where = display_path(out or config.lock)
    if invocation.format == "json":
        segments = [] if refused else [_segment_value(snapshot) for snapshot in written.snapshots]
        print_json(report_value(findings, lock=where, segments=segments))
    if refused:
        info(invocation, "refused: the lock was not changed")
        return errors.REFUSED
    instances = pluralize(sum(len(snapshot.instances) for snapshot in written.snapshots), "instance")
    if not out and new == committed:
        info(invocation, f"Up to date: {instances} in {where}.")
    else:
        info(invocation, f"Froze {instances} to {where}.")
    return errors.DONE


def _segment_value(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "source": snapshot.source,
        "datacenter": snapshot.datacenter,
        "namespace": snapshot.namespace,
        "instances": len(snapshot.instances),
        "declared": len(snapshot.declared),
        "upstreams": len(snapshot.upstreams),
    }
