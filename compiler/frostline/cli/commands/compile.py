"""`frostline compile`: read, check, render, guard and publish."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from msgspec.structs import replace

from frostline import errors
from frostline.cli.console import Invocation, info, print_json, report_value, show_findings
from frostline.cli.invoking import DifferentError, invoked, load_invocation_config, note_compilation
from frostline.cli.locks import ONLY_LOCK, check_lock_options, freeze_locks, merge_locks
from frostline.cli.options import (
    DIGEST,
    DURATION,
    FORMATS,
    allow_option,
    common_options,
    format_option,
    metrics_option,
    offline_option,
    only_option,
    timings_option,
    wait_option,
)
from frostline.errors import FrostlineError
from frostline.model import FileOrigin
from frostline.pipeline.check.comparing import registry_difference
from frostline.pipeline.compile.compiling import Compilation, CompileOptions, compile_registry, outputs_in_scope
from frostline.pipeline.compile.holding import hold_refused
from frostline.pipeline.freeze.confirmations import now_utc
from frostline.pipeline.freeze.locks import CommittedLock, LockPair, offline_locks
from frostline.pipeline.publish import saved_plans
from frostline.pipeline.publish.session import publish_compilation, publish_session
from frostline.pipeline.publish.verifying import as_verified, check_unverified, verify_changes
from frostline.plan import saved as saved_plan
from frostline.plan.changes import plan_value, published_line
from frostline.settings import Allow, Config
from frostline.text import display_path

_MOST_NAMED = 10
_FIT_A_SAVED_PLAN = frozenset(
    {"config", "quiet", "verbose", "color", "format_", "timings", "metrics", "plan", "expect", "max_age"}
)
"""The options that may be given with `--plan`; a saved plan holds the values of all others."""


@click.command("compile")
@offline_option
@click.option("--locked", is_flag=True, help="Exit with 1 if the registry would change.")
@click.option(
    "--exact", is_flag=True, help="With --locked: also exit with 1 if only the lock would change (ids, nodes)."
)
@click.option(
    "--lock", "locks", multiple=True, metavar="GLOB", help="Merge these locks instead of reading sources (repeatable)."
)
@only_option
@click.option(
    "--plan", type=click.Path(path_type=Path), metavar="FILE", help="Publish exactly this saved plan; no network."
)
@click.option("--expect", type=DIGEST, metavar="DIGEST", help="With --plan: refuse another plan than the one reviewed.")
@click.option(
    "--max-age", type=DURATION, metavar="AGE", help="With --plan: refuse a plan older than this, such as 24h."
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
    offline: bool,
    locked: bool,
    exact: bool,
    locks: Sequence[str],
    only: Sequence[str],
    plan: Path | None,
    expect: str | None,
    max_age: float | None,
    wait: float,
    allow: Allow,
) -> int:
    """Read the sources, check, render and publish.

    Outputs, lock and manifest are replaced together or not at all. Exits with 4 if a check or a guard refuses.
    """
    if plan is not None:
        _refuse_options_beside_plan(click.get_current_context())
        return _compile_plan(invocation, plan, expect, max_age)
    if expect is not None or max_age is not None:
        raise click.UsageError(f"{'--max-age' if expect is None else '--expect'} needs --plan FILE")
    check_lock_options(offline=offline, globs=locks, wait=wait)
    if exact and not locked:
        raise click.UsageError("--exact needs --locked: without it, the lock may change")
    options = CompileOptions(only=tuple(only), allow=allow, today=invocation.today)
    return _compile(invocation, options, offline=offline, locked=locked, exact=exact, globs=locks, wait=wait)


def _refuse_options_beside_plan(context: click.Context) -> None:
    for parameter in context.command.get_params(context):
        name = parameter.name or ""
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name not in _FIT_A_SAVED_PLAN:
            raise click.UsageError(
                f"--plan and {parameter.opts[0]} exclude each other: a saved plan holds its own options"
            )


def _compile(
    invocation: Invocation,
    options: CompileOptions,
    *,
    offline: bool,
    locked: bool,
    exact: bool,
    globs: Sequence[str],
    wait: float,
) -> int:
    config = load_invocation_config(invocation)
    outputs_in_scope(config, options.only)  # an unknown name is an error before any source is read
    check_unverified(config, options.allow)
    with publish_session(config) as root:
        if globs:
            locks = merge_locks(invocation, config, globs, options.allow)
        elif offline:
            locks = hold_refused(config, offline_locks(config), options.allow, options.today)
        else:
            locks = freeze_locks(invocation, config, options.allow, wait=wait)
        if locked and locks.changed:
            locks = _as_committed(invocation, config, locks, exact=exact)
        compilation = verify_changes(config, compile_registry(config, locks, options), options)
        show_findings(compilation.findings, invocation)
        if not compilation.refused:
            publish_compilation(config, root, compilation, options.only)
    return _report(invocation, compilation)


def _compile_plan(invocation: Invocation, path: Path, expect: str | None, max_age: float | None) -> int:
    """Publish exactly the saved plan, without a network. Raises RefusedError if one of its inputs has changed.

    expect: the digest that it must have. max_age: its greatest age, in seconds.
    """
    file, shown = saved_plan.read_saved(path), display_path(path)
    saved = file.saved
    if expect is not None:
        saved_plans.check_expected(file, expect, shown)
    if max_age is None:
        info(invocation, f"{saved_plans.age_of(saved, now_utc())[1]}.")
    else:
        saved_plans.check_age(saved, max_age, now_utc(), shown)
    config = load_invocation_config(invocation)
    options = saved_plans.options_of(saved.basis)
    outputs_in_scope(config, options.only)
    with publish_session(config) as root:
        saved_plans.check_basis(config, saved, shown)
        new = saved_plans.new_lock(config, saved, shown)
        readings = saved_plans.readings_in(saved)
        locks = replace(CommittedLock(config).pair_with(new), readings=readings, merged=saved.merged)
        compilation = compile_registry(config, locks, options)
        saved_plans.check_files(file, as_verified(config, compilation, options.allow), shown)
        compilation = verify_changes(config, compilation, options)
        show_findings(compilation.findings, invocation)
        if not compilation.refused:
            publish_compilation(config, root, compilation, options.only)
    return _report(invocation, compilation)


def _report(invocation: Invocation, compilation: Compilation) -> int:
    note_compilation(invocation, compilation)
    if invocation.format == "json":
        print_json({**plan_value(compilation.plan), "report": report_value(compilation.findings)})
    if compilation.refused:
        info(invocation, "refused: nothing was published")
        return errors.REFUSED
    services = sum(1 for _ in compilation.registry.entries())
    info(invocation, published_line(compilation.plan, services))
    if compilation.plan.verified:
        info(invocation, f"Verified: {', '.join(compilation.plan.verified)}.")
    return errors.DONE


def _as_committed(invocation: Invocation, config: Config, locks: LockPair, *, exact: bool) -> LockPair:
    """Return the locks with the committed lock as the new one, if only the lock would change.

    The readings then confirm only the segments that were read just as the committed lock has them.
    Raises DifferentError if the registry would change, or with `exact` if the lock would change.
    """
    changes = registry_difference(config, locks)
    if locks.fault or locks.committed is None or exact or changes:
        raise locks.fault or (_lock_would_change if exact else _registry_would_change)(config, locks, changes)
    info(invocation, f"{ONLY_LOCK} It stays as it is; `--exact` refuses.")
    same = {snapshot.segment for snapshot in locks.committed.snapshots if snapshot in locks.new.snapshots}
    readings = tuple(
        replace(reading, segments=tuple(segment for segment in reading.segments if segment in same))
        for reading in locks.readings
    )
    return replace(locks, new=locks.committed, changed=False, readings=readings)


def _registry_would_change(config: Config, locks: LockPair, changes: Sequence[str]) -> FrostlineError:
    more = f" and {len(changes) - _MOST_NAMED} more" if len(changes) > _MOST_NAMED else ""
    return DifferentError(
        f"the registry would change ({', '.join(changes[:_MOST_NAMED])}{more}); nothing was published",
        origin=FileOrigin(display_path(config.lock)),
        help="run `frostline plan` to see how, then `frostline compile`, and commit what it writes",
    )


def _lock_would_change(config: Config, locks: LockPair, changes: Sequence[str]) -> FrostlineError:
    old = {snapshot.segment: snapshot for snapshot in locks.committed.snapshots} if locks.committed else {}
    new = {snapshot.segment: snapshot for snapshot in locks.new.snapshots}
    changed = sorted(segment for segment in {*old, *new} if old.get(segment) != new.get(segment))
    named = "; ".join(f"source `{source}`, datacenter `{datacenter}`" for source, datacenter, _ in changed)
    return DifferentError(
        f"the lock would change ({named}); nothing was published",
        origin=FileOrigin(display_path(config.lock)),
        help="run `frostline freeze`, review the lock and commit it",
    )
