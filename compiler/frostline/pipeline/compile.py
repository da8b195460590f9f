"""The order of the stages, and nothing else.

    config -> sources -> selection -> lock -> registry -> checks -> artifacts -> plan -> publish

`freezing` is all that touches a network; `compiled` is pure but for reading local files; `publish` is all that writes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import cast

from msgspec import Struct

from frostline.checks.base import Context, run_checks
from frostline.checks.guards import Published, emptied_segments, empty_sources, guard_findings
from frostline.errors import PublishError, UsageError
from frostline.events import stage
from frostline.files.targets import Root
from frostline.lock import store as lock_store
from frostline.model import (
    Contribution,
    FileChange,
    FileOrigin,
    Finding,
    Key,
    Lock,
    ManifestEntry,
    Registry,
    Snapshot,
)
from frostline.outputs.base import service_value
from frostline.pipeline.freeze import live_sources
from frostline.pipeline.rendering import Views, rendered
from frostline.pipeline.spool import Kept, Room, Spool
from frostline.plan.changes import Plan, changed_keys, plan_of
from frostline.publish.manifest import Manifest, read_manifest
from frostline.publish.ownership import DesiredFile, file_changes, next_manifest
from frostline.publish.publishing import Publication, publish, run_lock
from frostline.registry.assembling import assemble, contribution_of, entry_digest
from frostline.registry.declaring import contribution_of_declaration
from frostline.settings import Allow, Config, DeclaringSettings, OutputSettings
from frostline.sources.base import contributes, declares, keys_are_independent, needs_other_sources, source_module
from frostline.text import did_you_mean, display_path

# --- the pure middle --------------------------------------------------------------------------------------------------


def declared_contributions(config: Config) -> tuple[Contribution, ...]:
    """What the sources bring whose files declare services: these are read once a run."""
    brought: list[Contribution] = []
    for settings in config.sources.values():
        if declares(settings.type):
            with stage(f"reading source {settings.name}"):
                declaration = source_module(settings.type).declare(settings)
            brought.append(contribution_of_declaration(declaration, cast(DeclaringSettings, settings)))
    return tuple(brought)


def contributions_of(
    config: Config,
    lock: Lock,
    declared: Sequence[Contribution] | None = None,
    among: Collection[Key] | None = None,
) -> tuple[Contribution, ...]:
    """What each source brings: live ones from the lock, then local ones, last those that need the others' names.

    declared: what `declared_contributions` gave, where it is known already. among: all that is wanted of live sources.
    """
    brought: list[Contribution] = []
    local = [settings for settings in config.sources.values() if contributes(settings.type)]
    if not all(keys_are_independent(settings.type) for settings in local):
        among = None
    for name, live in live_sources(config).items():
        snapshots = [snapshot for snapshot in lock.snapshots if snapshot.source == name]
        brought.append(contribution_of(name, snapshots, live.naming, among))
    brought += declared_contributions(config) if declared is None else declared
    for last in (False, True):
        known = {contribution.source: frozenset(contribution.endpoints) for contribution in brought}
        for settings in local:
            if needs_other_sources(settings.type) is last:
                brought.append(source_module(settings.type).contribute(settings, known))
    return tuple(brought)


class Options(Struct, frozen=True, kw_only=True):
    """How to compile: output names in scope (() for all), what --allow lets pass, the day for waivers.

    publish: whether what comes out may be published, or only looked at.
    """

    only: tuple[str, ...] = ()
    allow: Allow = Allow()
    today: date
    guard: bool = True
    publish: bool = True


class Compilation(Struct, frozen=True, kw_only=True):
    """All that one run found out, before anything is written.

    lock: what would be locked; manifest: what is published now; services: the manifest's lines that would be;
    files: every file in scope with its change; findings: sorted, waivers applied.
    """

    lock: Lock
    committed: Lock | None
    registry: Registry
    manifest: Manifest | None
    services: tuple[ManifestEntry, ...]
    wanted: tuple[DesiredFile, ...]
    files: tuple[FileChange, ...]
    findings: tuple[Finding, ...]
    plan: Plan

    @property
    def refused(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)


def compiled(config: Config, lock: Lock, committed: Lock | None, options: Options) -> Compilation:
    """The registry of this lock, checked, rendered, guarded, and compared with what is published."""
    declared = declared_contributions(config)
    with stage("assembling the registry"):
        contributions = contributions_of(config, lock, declared)
        views = Views(config, contributions)
        registry, found = views.assembled((), ())
    wanted, more = rendered(config, views, outputs_in_scope(config, options.only))
    endpoints = sum(len(entry.endpoints) for _, entry in registry.entries())
    with Spool(wanted, endpoints, keep=options.publish) as spool:
        with stage("checking"):
            context = Context(value_of=service_value, root=config.root)
            findings = list(run_checks(registry, config.checks, options.today, context, dict.fromkeys((*found, *more))))
        services = service_lines(registry)
        with stage("comparing with what is published"):
            wanted = spool.finished()
            manifest = read_manifest(config.manifest)
            files = file_changes(config.root, wanted, manifest, allow=options.allow, outputs=options.only or None)
    known = (registry, services)
    moves = lock_moves(config, lock, committed)
    if moves:
        among = frozenset(changed_keys(manifest.services, services)) if manifest else None
        older = registry_of_lock(config, committed, declared, among)
        known = (older, service_lines(older))
    before = manifest.services if manifest else known[1] if committed else None
    if options.guard:
        now = _published(services) or {}
        findings += guard_findings(_published(before), now, config.guards, options.allow, needed(registry))
        findings += lock_guards(config, lock, committed, options.allow) if moves else ()
    findings += _refused_files(config, files)
    return Compilation(
        lock=lock,
        committed=committed,
        registry=registry,
        manifest=manifest,
        services=services,
        wanted=wanted,
        files=files,
        findings=tuple(sorted(findings, key=Finding.sort_key)),
        plan=plan_of(
            manifest.services if manifest else (),
            services,
            known,
            registry,
            files,
            ("update" if committed else "create") if moves else None,
        ),
    )


def lock_moves(config: Config, lock: Lock, committed: Lock | None) -> bool:
    """Whether the lock would be written anew. Without live sources there is none."""
    return bool(live_sources(config)) and lock != committed


def outputs_in_scope(config: Config, only: Sequence[str]) -> tuple[OutputSettings, ...]:
    """The outputs of these names, () for all. UsageError: there is none of one of the names."""
    names = sorted(output.name for output in config.outputs)
    for name in only:
        if name not in names:
            hint = did_you_mean(name, names, f"outputs: {', '.join(names) or 'none'}")
            raise UsageError(f"there is no output `{name}`", help=hint)
    return tuple(output for output in config.outputs if not only or output.name in only)


def service_lines(registry: Registry) -> tuple[ManifestEntry, ...]:
    """The manifest's line of each (service, version)."""
    return tuple(
        ManifestEntry(service=service, version=version, digest=entry_digest(entry), endpoints=len(entry.endpoints))
        for (service, version), entry in registry.entries()
    )


def registry_of_lock(
    config: Config,
    lock: Lock | None,
    declared: Sequence[Contribution] | None = None,
    among: Collection[Key] | None = None,
) -> Registry:
    """The registry that a lock gives under today's configuration, whatever its findings.

    among: the (service, version)s that it is asked for, None for all: of others, what live sources bring is missing.
    """
    return assemble(contributions_of(config, lock or Lock(), declared, among), config.precedence, config.merge)[0]


def needed(registry: Registry) -> dict[Key, tuple[str, ...]]:
    """Who declares each (service, version) as an upstream, sorted; those that are looked up elsewhere aside."""
    consumers: dict[Key, set[str]] = {}
    for one in registry.upstreams:
        if not one.is_elsewhere:
            consumers.setdefault(one.key, set()).add(one.upstream.consumer)
    return {key: tuple(sorted(names)) for key, names in consumers.items()}


def _published(lines: Iterable[ManifestEntry] | None) -> Mapping[Key, Published] | None:
    if lines is None:
        return None
    return {line.key: Published(digest=line.digest, endpoints=line.endpoints) for line in lines}


def lock_guards(config: Config, lock: Lock, committed: Lock | None, allow: Allow) -> tuple[Finding, ...]:
    """What guards say of a new lock alone: segments that are empty now, live sources that answered nothing at all."""
    had = segment_sizes(committed.snapshots if committed else (), config)
    now = segment_sizes(lock.snapshots, config)
    emptied = emptied_segments(had, now, config.guards, allow)
    # Of a source that had something, its emptied segments say it all.
    known = {segment[0] for segment, size in had.items() if size}
    first = {segment: size for segment, size in now.items() if segment[0] not in known}
    return (*emptied, *empty_sources(first, config.guards, allow))


def segment_sizes(snapshots: Iterable[Snapshot], config: Config) -> dict[tuple[str, str, str], int]:
    live = live_sources(config)
    return {
        one.segment: len(one.instances) + len(one.declared) + len(one.upstreams)
        for one in snapshots
        if one.source in live
    }


_REFUSALS = {
    "edited": ("it was edited since frostline wrote it", "--allow edited"),
    "adopt": ("it is there already, and not frostline's", "--allow adopt"),
}


def _refused_files(config: Config, files: Iterable[FileChange]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            rule=file.refusal,
            message=_REFUSALS[file.refusal][0],
            value=file.path,
            origin=FileOrigin(display_path(config.root / file.path)),
            help=f"keep it by moving it away, or overwrite it with `frostline compile {_REFUSALS[file.refusal][1]}`",
        )
        for file in files
        if file.refusal
    )


def freeze_guards(config: Config, lock: Lock, committed: Lock | None, allow: Allow) -> tuple[Finding, ...]:
    """What guards say of a lock that is to be committed: of the registry that it gives, and of its segments."""
    if lock == committed:
        return ()
    manifest = read_manifest(config.manifest)
    declared = declared_contributions(config)
    before = manifest.services if manifest else None
    if before is None and committed is not None:
        before = service_lines(registry_of_lock(config, committed, declared))
    registry = registry_of_lock(config, lock, declared)
    now = _published(service_lines(registry)) or {}
    findings = guard_findings(_published(before), now, config.guards, allow, needed(registry))
    return tuple(sorted((*findings, *lock_guards(config, lock, committed, allow)), key=Finding.sort_key))


# --- all that writes --------------------------------------------------------------------------------------------------


@contextmanager
def writing(config: Config) -> Iterator[Root]:
    """The root folder, made if it is not there, for this run alone; what a killed run left is finished or undone."""
    missing: list[Path] = []
    try:
        missing += [folder for folder in (config.root, *config.root.parents) if not folder.exists()]
        config.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PublishError(
            f"the root folder `{display_path(config.root)}` cannot be made: {error.strerror}",
            help="make it, or set `root` to a folder that can be made",
        ) from None
    try:
        with run_lock(config.root, outside=[config.lock]) as root:
            yield root
    finally:
        for folder in missing:
            with suppress(OSError):  # something was published in it
                folder.rmdir()


def publish_compilation(config: Config, root: Root, compilation: Compilation, only: Sequence[str] = ()) -> None:
    """Write lock, outputs and manifest: all or none."""
    with stage("publishing"):
        publish(
            root,
            Publication(
                files=compilation.wanted,
                changes=compilation.files,
                lock_files=_lock_changes(config, compilation.lock) if compilation.plan.lock else (),
                manifest_path=config.manifest,
                manifest=next_manifest(compilation.manifest, compilation.files, compilation.services, only or None),
            ),
        )


def publish_lock(config: Config, root: Root, lock: Lock) -> None:
    """Write the lock alone."""
    publish(root, Publication(lock_files=_lock_changes(config, lock)))


def _lock_changes(config: Config, lock: Lock) -> tuple[tuple[Path, Iterable[bytes] | None], ...]:
    """The lock files with their bytes; None for one in the lock's folder that holds no segment any more."""
    there = lock_store.existing_files(config.lock, is_folder=config.lock_is_folder)
    files: dict[Path, Iterable[bytes] | None] = dict.fromkeys(there)
    room = Room()
    for file in lock_store.lock_files(lock, config.lock, is_folder=config.lock_is_folder):
        files[file.path] = Kept(file, room)
    return tuple(sorted(files.items(), key=lambda item: item[0]))
