"""Compile: from the locks to everything that publishing would do. Writes nothing.

    assemble -> check -> render -> judge -> compare files -> guard -> plan

Each step is a function from values to a value. The steps read local files and what is published, but use no network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from frostline.checks.base import Context, Found, judge, pair_with_waivers, run_checks
from frostline.checks.expiring import expiring_findings
from frostline.checks.guards.held import Held, held_findings
from frostline.errors import UsageError
from frostline.events import stage
from frostline.model import Finding, Lock, Reading, Registry
from frostline.outputs.values import service_value
from frostline.pipeline.compile.assembling import (
    Assembly,
    assemble,
    configured_consumers_of,
    declared_contributions,
    state_of_lock,
)
from frostline.pipeline.compile.file_rules import EMPTY_OUTPUT
from frostline.pipeline.compile.guarding import (
    guard_files,
    guard_lock,
    guard_outputs,
    guard_registry,
    guard_unknown,
    published_before,
    warn_of_manifest,
)
from frostline.pipeline.compile.holding import held_services
from frostline.pipeline.compile.inputs import Ownership
from frostline.pipeline.compile.rendering import Rendered, render_outputs
from frostline.pipeline.compile.states import as_published, guarded_states
from frostline.pipeline.compile.waivable import judge_waivers
from frostline.pipeline.freeze.locks import LockPair
from frostline.plan.changes import Comparison, LockAction, Plan, RegistryState, changed_keys, plan_of
from frostline.publish.manifest import Manifest, read_manifest
from frostline.publish.ownership import DesiredFile, file_changes
from frostline.publish.salvage import Salvaged, salvage_manifest
from frostline.published import FileChange, ManifestEntry
from frostline.registry.overrides.rules import findings_on
from frostline.settings import Allow, Config, OutputSettings
from frostline.sources.base import allocates_ports
from frostline.text import did_you_mean


class CompileOptions(Struct, frozen=True, kw_only=True):
    """How to compile.

    only: names of the outputs in scope; () for all. allow: what `--allow` lets pass.
    today: the day for which waivers and overrides are judged.
    guard: whether guards judge the result.
    keep_bytes: keep the rendered files in memory, because the result will be published; False if it is only looked at.
    """

    only: tuple[str, ...] = ()
    allow: Allow = Allow()
    today: date
    guard: bool = True
    keep_bytes: bool = True


class Compilation(Struct, frozen=True, kw_only=True):
    """The result of a compile, before anything is written.

    lock: the lock to write. readings, made_from, merged, base: as in LockPair.
    manifest: what is published now; None if nothing is. entries: of the services in the new manifest.
    wanted: every file in scope. files: the change of each file.
    findings: sorted, waivers applied.
    """

    lock: Lock
    readings: tuple[Reading, ...] = ()
    made_from: Lock | None = None
    merged: bool = False
    registry: Registry
    manifest: Manifest | None
    entries: tuple[ManifestEntry, ...]
    wanted: tuple[DesiredFile, ...]
    files: tuple[FileChange, ...]
    findings: tuple[Finding, ...]
    plan: Plan
    base: Mapping[str, str] | None = None

    @property
    def refused(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)


class FileComparison(Struct, frozen=True):
    """What is published, and what happens to each file in scope."""

    salvaged: Salvaged
    files: tuple[FileChange, ...]

    @property
    def manifest(self) -> Manifest | None:
        return self.salvaged.manifest


def compile_registry(config: Config, locks: LockPair, options: CompileOptions) -> Compilation:
    """Compile the registry of the new lock, and compare it with what is published."""
    assembly = assemble(config, locks.new)
    outputs = outputs_in_scope(config, options.only)
    found = check(config, assembly)
    lasting = cache(lambda: pair_with_waivers(found, config.checks, dict.fromkeys(assembly.findings)))
    rendered = render_outputs(config, assembly.views, outputs, lasting, keep_bytes=options.keep_bytes)
    findings = judge_all(config, assembly, found, rendered, options.today)
    compared = diff_files(config, rendered, options)
    baseline = baseline_of(config, locks, assembly, compared.manifest if compared.salvaged.is_whole else None)
    refusals = guard(config, locks, assembly, baseline, compared, options)
    if options.guard:
        emptied = guard_outputs(config, rendered.empty, compared.files, options.allow)
        refusals, findings = (*refusals, *emptied), without_warning_of(findings, emptied)
    held = held_services(config, locks)
    return Compilation(
        lock=locks.new,
        readings=locks.readings,
        made_from=locks.made_from,
        merged=locks.merged,
        registry=assembly.registry,
        manifest=compared.manifest,
        entries=assembly.state.entries,
        wanted=rendered.files,
        files=compared.files,
        findings=tuple(sorted((*findings, *refusals, *held_findings(held, options.today)), key=Finding.sort_key)),
        plan=replace(plan(config, locks, assembly, baseline, compared), held=_service_names(held)),
        base=locks.base,
    )


def outputs_in_scope(config: Config, only: Sequence[str]) -> tuple[OutputSettings, ...]:
    """Return the outputs of these names; () for all. Raises UsageError if a name is unknown."""
    names = sorted(output.name for output in config.outputs)
    for name in only:
        if name not in names:
            hint = did_you_mean(name, names, f"outputs: {', '.join(names) or 'none'}")
            raise UsageError(f"there is no output `{name}`", help=hint)
    return tuple(output for output in config.outputs if not only or output.name in only)


def check(config: Config, assembly: Assembly) -> Found:
    """Run the checks."""
    with stage("checking"):
        allocating = frozenset(name for name, source in config.sources.items() if allocates_ports(source.type))
        context = Context(value_of=service_value, root=config.root, allocating=allocating)
        return run_checks(assembly.registry, config.checks, context)


def judge_all(config: Config, assembly: Assembly, found: Found, rendered: Rendered, today: date) -> tuple[Finding, ...]:
    """Judge what checks, assembling and rendering found, with the waivers of this day."""
    dated = findings_on(config.overrides, assembly.effects, today)
    others = dict.fromkeys((*assembly.findings, *dated, *rendered.findings))
    rules = {finding.rule for finding in (*others, *chain(*found.values()))}
    return (
        *judge(found, config.checks, today, others),
        *judge_waivers(config.checks.waivers, rules),
        *expiring_findings(config.checks.waivers, config.overrides, config.guards.accept, today),
    )


def without_warning_of(findings: tuple[Finding, ...], emptied: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Leave out the warnings about empty outputs that are refused anyway, as emptied."""
    names = {finding.value for finding in emptied}
    return tuple(finding for finding in findings if not (finding.rule == EMPTY_OUTPUT.name and finding.value in names))


def diff_files(config: Config, rendered: Rendered, options: CompileOptions) -> FileComparison:
    """Compare the rendered files with those on disk."""
    with stage("comparing with what is published"):
        # Without guards nothing is published, so that a broken manifest is an error: nobody writes it anew.
        salvaged = salvage_manifest(config.manifest) if options.guard else Salvaged(read_manifest(config.manifest))
        if salvaged.fault and options.only:
            help_text = "run `frostline compile` without `--only`: the files of all outputs are written anew"
            raise UsageError(salvaged.fault.message, origin=salvaged.fault.origin, help=help_text)
        ownership = Ownership(config)
        files = file_changes(
            config.root,
            rendered.files,
            salvaged.manifest,
            allow=options.allow,
            outputs=options.only or None,
            is_orphan=ownership.is_orphan,
            is_input=ownership.is_input,
        )
    return FileComparison(salvaged, files)


def baseline_of(config: Config, locks: LockPair, assembly: Assembly, manifest: Manifest | None) -> RegistryState:
    """Return the registry of the committed lock. With a manifest it covers only the keys that change: all a plan needs.

    manifest: None if there is none, or if it may lack lines.
    """
    published = manifest.services if manifest else None
    if not locks.changed:
        return as_published(assembly.state, published)
    only_keys = frozenset(changed_keys(manifest.services, assembly.state.entries)) if manifest else None
    return as_published(state_of_lock(config, locks.committed, assembly.declared, only_keys), published)


def guard(
    config: Config,
    locks: LockPair,
    assembly: Assembly,
    baseline: RegistryState,
    compared: FileComparison,
    options: CompileOptions,
) -> tuple[Finding, ...]:
    """Return what guards refuse. Without a manifest, the committed lock counts as published."""
    refusals: tuple[Finding, ...] = ()
    if options.guard:
        before = published_before(compared.salvaged, baseline if locks.committed else None, locks.fault)
        refusals += (*warn_of_manifest(compared.salvaged), *guard_unknown(config, before, options.allow))
        states = guarded_states(before.entries, baseline, assembly.state)
        refusals += guard_registry(
            config,
            states.published,
            states.baseline,
            states.new,
            options.allow,
            today=options.today,
            unhealthy=locks.unhealthy,
        )
        refusals += guard_lock(config, locks.new, locks.committed, options.allow) if locks.changed else ()
    return (*refusals, *guard_files(config, compared.files, has_manifest=compared.manifest is not None))


def plan(
    config: Config, locks: LockPair, assembly: Assembly, baseline: RegistryState, compared: FileComparison
) -> Plan:
    """Plan what publishing would change."""
    published = compared.manifest.services if compared.manifest else ()
    configured_consumers = configured_consumers_of(config, published, assembly.state.entries)
    comparison = Comparison(
        published=published, baseline=baseline, new=assembly.state, configured_consumers=configured_consumers
    )
    lock: LockAction | None = ("update" if locks.committed or locks.fault else "create") if locks.changed else None
    return plan_of(comparison, compared.files, lock)


def guard_frozen(
    config: Config, locks: LockPair, allow: Allow, today: date, *, is_whole: bool = True
) -> tuple[Finding, ...]:
    """Return what guards say about a lock that is committed without outputs: its registry and its segments.

    is_whole: False for a lock of some segments only, if the others are not known.
    """
    warnings = held_findings(held_services(config, locks), today)
    if not locks.changed:
        return warnings
    if not is_whole and locks.committed is None:
        return guard_lock(config, locks.new, None, allow)
    salvaged = salvage_manifest(config.manifest)
    new, baseline = _frozen_states(config, locks, salvaged.manifest)
    before = published_before(salvaged, baseline if locks.committed else None, locks.fault)
    refusals = guard_unknown(config, before, allow)
    states = guarded_states(before.entries, baseline, new)
    refusals += guard_registry(
        config, states.published, states.baseline, states.new, allow, today=today, unhealthy=locks.unhealthy
    )
    refusals += guard_lock(config, locks.new, locks.committed, allow)
    return tuple(sorted((*refusals, *warnings), key=Finding.sort_key))


def plan_frozen(config: Config, locks: LockPair) -> Plan:
    """Plan what would change in the registry if only this lock were committed. The plan has no files."""
    salvaged = salvage_manifest(config.manifest)
    new, baseline = _frozen_states(config, locks, salvaged.manifest)
    before = published_before(salvaged, baseline if locks.committed else None, locks.fault)
    published = before.entries or ()
    configured_consumers = configured_consumers_of(config, published, new.entries)
    comparison = Comparison(published=published, baseline=baseline, new=new, configured_consumers=configured_consumers)
    plan = plan_of(comparison, (), "update" if locks.committed or locks.fault else "create")
    return replace(plan, held=_service_names(held_services(config, locks)))


def _service_names(held: Iterable[Held]) -> tuple[str, ...]:
    return tuple(service.service for service in held)


def _frozen_states(config: Config, locks: LockPair, manifest: Manifest | None) -> tuple[RegistryState, RegistryState]:
    """Return the registries of the new lock and of the committed lock."""
    declared = declared_contributions(config)
    new, baseline = (state_of_lock(config, lock, declared) for lock in (locks.new, locks.committed))
    return new, as_published(baseline, manifest.services if manifest else None)
