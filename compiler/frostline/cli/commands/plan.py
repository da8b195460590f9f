"""`frostline plan`: what compile would do, without doing it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from frostline import errors
from frostline.cli.console import (
    Invocation,
    info,
    print_json,
    print_report,
    print_text,
    report_value,
    show_findings,
)
from frostline.cli.invoking import invoked, load_invocation_config, warn_of_pending_run
from frostline.cli.locks import freeze_locks
from frostline.cli.options import (
    REPORT_FORMATS,
    allow_option,
    common_options,
    format_option,
    offline_option,
    only_option,
    timings_option,
    wait_option,
)
from frostline.pipeline import saved_plans
from frostline.pipeline.compile import CompileOptions, compile_registry, outputs_in_scope
from frostline.pipeline.freeze import offline_locks
from frostline.plan.changes import plan_value
from frostline.plan.text import plan_lines
from frostline.publish.publishing import replace_file
from frostline.settings import Allow
from frostline.text import display_path


@click.command("plan")
@offline_option
@only_option
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Save the plan for `compile --plan`.")
@click.option("--registry-only", is_flag=True, help="Exit with 0 if only the lock would change.")
@wait_option
@allow_option
@format_option(*REPORT_FORMATS)
@timings_option
@common_options
@invoked
def command(
    invocation: Invocation,
    offline: bool,
    only: Sequence[str],
    out: Path | None,
    registry_only: bool,
    wait: float,
    allow: Allow,
) -> int:
    """Show what compile would change.

    Writes nothing. Exits with 1 if something would change, with 4 if compile would refuse it.
    """
    if offline and wait:
        raise click.UsageError("--offline and --wait exclude each other")
    config = load_invocation_config(invocation)
    outputs_in_scope(config, only)
    warn_of_pending_run(invocation, config)
    options = CompileOptions(only=tuple(only), allow=allow, today=invocation.today, keep_bytes=False)
    locks = offline_locks(config) if offline else freeze_locks(invocation, config, allow, wait=wait)
    compilation = compile_registry(config, locks, options)
    value = plan_value(compilation.plan)
    if invocation.format == "json":
        print_json({**value, "report": report_value(compilation.findings)})
    elif invocation.format == "text":
        print_text(invocation, plan_lines(compilation.plan, verbose=invocation.verbose > 0), signs=True)
    else:
        print_report(invocation, compilation.findings, plan=value)
    show_findings(compilation.findings, invocation)
    if compilation.refused:
        info(invocation, f"`frostline compile` would refuse this{'; no plan was saved' if out else ''}")
        return errors.REFUSED
    if out is not None:
        replace_file(out, saved_plans.chunks(config, compilation, options))
        path = display_path(out)
        info(invocation, f"Saved to {path}. Publish it with `frostline compile --plan {path}`.")
    plan = compilation.plan
    return errors.DIFFERENT if (plan.changes_registry if registry_only else plan.has_changes) else errors.DONE
