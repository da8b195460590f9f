"""`frostline plan`: show what compile would change, without writing anything."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from frostline import errors
from frostline.cli.console import (
    Invocation,
    info,
    print_data,
    print_json,
    print_report,
    print_text,
    report_value,
    show_findings,
)
from frostline.cli.invoking import invoked, load_invocation_config, warn_of_pending_run
from frostline.cli.locks import check_lock_options, freeze_locks, merge_locks
from frostline.cli.options import (
    FORMATS,
    REPORT_FORMATS,
    allow_option,
    common_options,
    format_option,
    offline_option,
    only_option,
    timings_option,
    wait_option,
)
from frostline.pipeline.compile.compiling import Compilation, CompileOptions, compile_registry, outputs_in_scope
from frostline.pipeline.freeze.confirmations import now_utc
from frostline.pipeline.freeze.locks import offline_locks
from frostline.pipeline.publish import saved_plans
from frostline.pipeline.publish.other_runs import look
from frostline.pipeline.publish.verifying import check_unverified, verify_changes
from frostline.plan.changes import plan_value
from frostline.plan.saved import Basis
from frostline.plan.text import plan_lines
from frostline.publish.single_file import OUT, replace_file
from frostline.settings import Allow
from frostline.text import display_path


@click.command("plan")
@offline_option
@click.option(
    "--lock", "locks", multiple=True, metavar="GLOB", help="Merge these locks instead of reading sources (repeatable)."
)
@only_option
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Save the plan for `compile --plan`.")
@click.option("--digest", "only_digest", is_flag=True, help="With --out: print only the saved plan's digest.")
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
    locks: Sequence[str],
    only: Sequence[str],
    out: Path | None,
    only_digest: bool,
    registry_only: bool,
    wait: float,
    allow: Allow,
) -> int:
    """Show what compile would change.

    Writes nothing. Exits with 1 if something would change, with 4 if compile would refuse it.
    """
    check_lock_options(offline=offline, globs=locks, wait=wait)
    _refuse_digest_options(invocation, only_digest, out)
    config = load_invocation_config(invocation)
    outputs_in_scope(config, only)
    check_unverified(config, allow)
    options = CompileOptions(only=tuple(only), allow=allow, today=invocation.today, keep_bytes=False)

    def find() -> tuple[Basis | None, Compilation]:
        basis = saved_plans.basis_of(config, options) if out else None  # before anything else is read
        if locks:
            pair = merge_locks(invocation, config, locks, allow)
        elif offline:
            pair = offline_locks(config)
        else:
            pair = freeze_locks(invocation, config, allow, wait=wait)
        return basis, verify_changes(config, compile_registry(config, pair, options), options)

    warn_of_pending_run(invocation, config)
    basis, compilation = look(config, find, partial(info, invocation))
    digest = None
    if out and basis and not compilation.refused:
        saved_plans.check_steady(config, basis, options)
        data, digest = saved_plans.save(compilation, basis, now_utc())
        replace_file(out, [data], kind=OUT)
    _print_plan(invocation, compilation, digest, only_digest=only_digest)
    show_findings(compilation.findings, invocation)
    if compilation.refused:
        info(invocation, f"`frostline compile` would refuse this{'; no plan was saved' if out else ''}")
        return errors.REFUSED
    if out:
        path = display_path(out)
        info(invocation, f"Saved to {path}. Publish it with `frostline compile --plan {path} --expect {digest}`.")
    plan = compilation.plan
    return errors.DIFFERENT if (plan.changes_registry if registry_only else plan.has_changes) else errors.DONE


def _refuse_digest_options(invocation: Invocation, only_digest: bool, out: Path | None) -> None:
    if only_digest and out is None:
        raise click.UsageError("--digest needs --out: only a saved plan has a digest")
    if only_digest and invocation.format not in FORMATS:
        raise click.UsageError(f"--digest and --format {invocation.format} exclude each other")


def _print_plan(invocation: Invocation, compilation: Compilation, digest: str | None, *, only_digest: bool) -> None:
    """Print the plan. digest: of the saved plan. only_digest: print only that, if the format is text."""
    value = plan_value(compilation.plan)
    if invocation.format == "json":
        print_json({**value, "report": report_value(compilation.findings), **({"digest": digest} if digest else {})})
    elif only_digest:
        print_data([digest] if digest else [])
    elif invocation.format == "text":
        print_text(invocation, plan_lines(compilation.plan, verbose=invocation.verbose > 0), signs=True)
    else:
        print_report(invocation, compilation.findings, plan=value)
