"""What each command does: plain arguments in, an exit status out. Data to stdout, everything else to stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from frostline import errors
from frostline.cli.console import (
    Invocation,
    emit,
    emit_json,
    emit_report,
    emit_text,
    report_value,
    say,
    show_findings,
    tell,
    text_report,
)
from frostline.cli.invoking import DifferentError, config_of, tell_warnings
from frostline.errors import FrostlineError, UsageError
from frostline.lock import codec as lock_codec
from frostline.lock import merge as lock_merge
from frostline.lock import store as lock_store
from frostline.model import FileOrigin, Finding, Lock, Snapshot
from frostline.pipeline import ahead
from frostline.pipeline import compile as pipeline
from frostline.pipeline import freeze as freezing
from frostline.pipeline import saved_plans as planning
from frostline.pipeline.compile import Compilation, Options
from frostline.plan import saved as saved_plan
from frostline.plan.changes import Plan, plan_lines, plan_value, summary
from frostline.publish import publishing as publish
from frostline.settings import Allow, Config
from frostline.text import did_you_mean, display_path, pluralize

# --- compile, plan, freeze --------------------------------------------------------------------------------------------


def compile_command(
    invocation: Invocation, offline: bool, locked: bool, locks: Sequence[str], only: Sequence[str], allow: Allow
) -> int:
    """Freeze, check, render, guard, publish."""
    config = config_of(invocation)
    pipeline.outputs_in_scope(config, only)  # an unknown name is known before anybody is asked
    options = Options(only=tuple(only), allow=allow, today=invocation.today)
    with pipeline.writing(config) as root:
        if offline or locks:
            new, committed = _known_locks(config, locks)
        else:
            held = freezing.Committed(config)
            with ahead.looking(config, held, options) as looking:
                new, committed = _asked_locks(config, held, invocation)
                if looking and committed is new and (number := ahead.unchanged(looking)) is not None:
                    return _unchanged(invocation, number)
        if locked and pipeline.lock_moves(config, new, committed):
            raise _lock_would_change(config, new, committed)
        compilation = pipeline.compiled(config, new, committed, options)
        show_findings(compilation.findings, invocation)
        if not compilation.refused:
            pipeline.publish_compilation(config, root, compilation, options.only)
    return _compiled(invocation, compilation)


def _unchanged(invocation: Invocation, number: int) -> int:
    """Nothing to do: so many services are published as they should be."""
    if invocation.format == "json":
        emit_json({**plan_value(Plan(services=(), files=(), lock=False)), "report": report_value(())})
    tell(invocation, _nothing_line(number))
    return errors.DONE


def _nothing_line(number: int) -> str:
    return f"nothing to do: {pluralize(number, 'service')} published as they should be"


def _compiled(invocation: Invocation, compilation: Compilation) -> int:
    if invocation.format == "json":
        emit_json({**plan_value(compilation.plan), "report": report_value(compilation.findings)})
    if compilation.refused:
        tell(invocation, "refused: nothing was published")
        return errors.REFUSED
    tell(invocation, _published_line(compilation))
    return errors.DONE


def compile_plan_command(invocation: Invocation, file: Path) -> int:
    """Publish exactly the saved plan, with no network; refused where anything that it was made from has moved."""
    saved = saved_plan.read_saved(file)
    config = config_of(invocation)
    options = planning.options_of(saved.basis)
    pipeline.outputs_in_scope(config, options.only)
    with pipeline.writing(config) as root:
        planning.check_basis(config, saved, display_path(file))
        committed = freezing.committed_lock(config)
        new = planning.new_lock(config, saved, display_path(file))
        compilation = pipeline.compiled(config, new, committed, options)
        planning.check_files(saved, compilation, display_path(file))
        show_findings(compilation.findings, invocation)
        if not compilation.refused:
            pipeline.publish_compilation(config, root, compilation, options.only)
    return _compiled(invocation, compilation)


def _published_line(compilation: Compilation) -> str:
    counts = summary(compilation.plan)
    number = sum(1 for _ in compilation.registry.entries())
    if not compilation.plan.changes:
        return _nothing_line(number)
    return (
        f"published {pluralize(number, 'service')} "
        f"({counts['add']} added, {counts['change']} changed, {counts['remove']} removed): "
        f"{pluralize(counts['write'], 'file')} written, {counts['delete']} deleted"
    )


def _lock_would_change(config: Config, new: Lock, committed: Lock | None) -> FrostlineError:
    had = {snapshot.segment: snapshot for snapshot in committed.snapshots} if committed else {}
    now = {snapshot.segment: snapshot for snapshot in new.snapshots}
    moved = sorted(segment for segment in {*had, *now} if had.get(segment) != now.get(segment))
    named = "; ".join(f"source `{source}`, datacenter `{datacenter}`" for source, datacenter, _ in moved)
    return DifferentError(
        f"the lock would change ({named}); nothing was published",
        origin=FileOrigin(display_path(config.lock)),
        help="run `frostline freeze`, review the lock and commit it",
    )


def _known_locks(config: Config, globs: Sequence[str] = ()) -> tuple[Lock, Lock | None]:
    """The lock to work from without a network (merged from these files, if any), and the committed one."""
    committed = freezing.committed_lock(config)
    new = freezing.merged_lock(config, committed, globs) if globs else freezing.offline_lock(config, committed)
    return new, committed


def _asked_locks(config: Config, held: freezing.Committed, invocation: Invocation) -> tuple[Lock, Lock | None]:
    """The lock that the sources give now, and the committed one: the same object where it is the same lock."""
    new = _fresh(config, held, invocation)
    return new, held.beside(new)


def _fresh(config: Config, committed: freezing.Committed, invocation: Invocation) -> Lock:
    frozen = freezing.freeze(config, committed)
    tell_warnings(invocation, frozen.warnings)
    return lock_codec.lock_of(frozen.snapshots)


def plan_command(
    invocation: Invocation, offline: bool, only: Sequence[str], allow: Allow, out: Path | None = None
) -> int:
    """What compile would do; 1 if anything, 4 if it would be refused. out: where the plan is saved, unless refused."""
    config = config_of(invocation)
    pipeline.outputs_in_scope(config, only)
    _tell_pending(config, invocation)
    new, committed = _known_locks(config) if offline else _asked_locks(config, freezing.Committed(config), invocation)
    options = Options(only=tuple(only), allow=allow, today=invocation.today, publish=False)
    compilation = pipeline.compiled(config, new, committed, options)
    value = plan_value(compilation.plan)
    if invocation.format == "json":
        emit_json({**value, "report": report_value(compilation.findings)})
    elif invocation.format == "text":
        emit_text(invocation, plan_lines(compilation.plan), signs=True)
    else:
        emit_report(invocation, compilation.findings, plan=value)
    show_findings(compilation.findings, invocation)
    if compilation.refused:
        tell(invocation, f"`frostline compile` would refuse this{'; no plan was saved' if out else ''}")
        return errors.REFUSED
    if out is not None:
        publish.replace_file(out, planning.chunks(config, compilation, options))
        tell(
            invocation, f"saved to {display_path(out)}: publish it with `frostline compile --plan {display_path(out)}`"
        )
    return errors.DIFFERENT if compilation.plan.changes else errors.DONE


def _tell_pending(config: Config, invocation: Invocation) -> None:
    if publish.is_interrupted(config.root):
        tell(invocation, "warning: a run was cut off while it published; the next compile finishes it")


def freeze_command(
    invocation: Invocation, sources: Sequence[str], datacenters: Sequence[str], out: Path | None, allow: Allow
) -> int:
    """Live sources to lock only."""
    config = config_of(invocation)
    live = freezing.live_sources(config)
    for name in sources:
        if name not in live:
            hint = did_you_mean(name, live, f"live sources: {', '.join(live) or 'none'}")
            raise UsageError(f"there is no live source `{name}`", help=hint)
    if not live:
        tell(invocation, "there is no live source: nothing to freeze")
        if invocation.format == "json":
            emit_json(report_value(lock=display_path(config.lock), segments=[]))
        return errors.DONE
    with pipeline.writing(config) as root:
        held = freezing.Committed(config)
        frozen = freezing.freeze(config, held, sources=sources, datacenters=datacenters)
        read = lock_codec.lock_of(frozen.snapshots)
        narrowed = bool(sources or datacenters)
        new = lock_merge.replace_segments(held.lock, read.snapshots, live) if narrowed else read
        committed = held.beside(new)
        findings = pipeline.freeze_guards(config, new, committed, allow)
        refused = any(finding.severity == "error" for finding in findings)
        written = read if out else new
        if not refused and out:
            publish.replace_file(out, lock_store.LockFile(out, read.snapshots))
        elif not refused:
            pipeline.publish_lock(config, root, new)
    tell_warnings(invocation, frozen.warnings)
    show_findings(findings, invocation)
    where = display_path(out or config.lock)
    if invocation.format == "json":
        segments = [] if refused else [_segment(snapshot) for snapshot in written.snapshots]
        emit_json(report_value(findings, lock=where, segments=segments))
    if refused:
        tell(invocation, "refused: the lock stays as it was")
        return errors.REFUSED
    instances = sum(len(snapshot.instances) for snapshot in written.snapshots)
    if not out and new == committed:
        tell(invocation, f"nothing to do: {where} holds these {pluralize(instances, 'instance')} already")
    else:
        tell(invocation, f"froze {pluralize(instances, 'instance')} to {where}")
    return errors.DONE


def _segment(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "source": snapshot.source,
        "datacenter": snapshot.datacenter,
        "namespace": snapshot.namespace,
        "instances": len(snapshot.instances),
        "declared": len(snapshot.declared),
        "upstreams": len(snapshot.upstreams),
    }


# --- check ------------------------------------------------------------------------------------------------------------

_DRIFT = {
    "create": "is missing",
    "update": "is behind the lock or the configuration",
    "delete": "is no longer wanted",
    "adopt": "is right, but not in the manifest",
}


def check_command(invocation: Invocation, live: bool) -> int:
    """Do outputs, manifest and lock agree, do the checks pass; with `live`, has the world moved since."""
    config = config_of(invocation)
    _tell_pending(config, invocation)
    committed = freezing.committed_lock(config)
    used = freezing.offline_lock(config, committed)
    compilation = pipeline.compiled(
        config, used, committed, Options(today=invocation.today, guard=False, publish=False)
    )
    findings = [finding for finding in compilation.findings if finding.rule not in ("edited", "adopt")]
    drift = [*_file_drift(config, compilation), *_manifest_drift(config, compilation)]
    unread: FrostlineError | None = None
    try:
        drift += _live_drift(config, committed, invocation) if live else []
    except FrostlineError as error:  # what is known without the sources is said all the same
        unread = error
    if invocation.format == "json":
        emit_json(report_value(findings, unread, drift=[{"what": one.what, "why": one.why} for one in drift]))
    elif invocation.format != "text":
        emit_report(invocation, [*findings, *map(_drift_finding, drift)], unread)
    else:
        emit_text(invocation, (f"{one.what} {one.why}" for one in drift))
        emit(text_report(invocation, sys.stdout, findings))
    for line in text_report(invocation, sys.stderr, (), unread):
        say(line)
    refused = any(finding.severity == "error" for finding in findings)
    if refused or unread:
        return max(errors.REFUSED if refused else errors.DONE, unread.status if unread else errors.DONE)
    if drift:
        tell(invocation, "run `frostline compile` to publish, or `frostline plan` to see what would change")
        return errors.DIFFERENT
    tell(invocation, "outputs, manifest and lock agree")
    return errors.DONE


class _Drift(Struct, frozen=True):
    """A difference: what differs, how, and the file."""

    what: str
    why: str
    path: Path


def _drift_finding(one: _Drift) -> Finding:
    """A difference as a finding, for the formats that know nothing else."""
    return Finding(
        rule="drift",
        message=f"{one.what} {one.why}",
        value=one.what,
        origin=FileOrigin(display_path(one.path)),
        help="run `frostline compile` to publish, or `frostline plan` to see what would change",
    )


def _file_drift(config: Config, compilation: Compilation) -> list[_Drift]:
    return [
        _Drift(file.path, _why(file.action, file.refusal), config.root / file.path)
        for file in compilation.files
        if file.action != "keep"
    ]


def _why(action: str, refusal: str | None) -> str:
    if refusal == "edited":
        return "was edited since it was published"
    return "is not frostline's" if refusal == "adopt" else _DRIFT[action]


def _manifest_drift(config: Config, compilation: Compilation) -> list[_Drift]:
    if compilation.manifest is None:
        return [_Drift("the manifest", "is missing: nothing was published yet", config.manifest)]
    if compilation.manifest.services != compilation.services:
        return [_Drift("the manifest", "is behind the lock or the configuration", config.manifest)]
    return []


def _live_drift(config: Config, committed: Lock | None, invocation: Invocation) -> list[_Drift]:
    new = _fresh(config, freezing.Committed(config), invocation)
    if not pipeline.lock_moves(config, new, committed):
        return []
    options = Options(today=invocation.today, guard=False, publish=False)
    plan = pipeline.compiled(config, new, committed, options).plan
    moved = [f"{one.action} {one.service} {one.version or 'unversioned'}" for one in plan.services]
    why = f"is behind the world: {', '.join(moved[:10])}{' …' if len(moved) > 10 else ''}" if moved else ""
    return [_Drift("the lock", why or "is behind the world, though no service changes", config.lock)]
