"""The order of the stages, and nothing else.

    config -> sources -> selection -> lock -> registry -> checks -> artifacts -> plan -> publish

`freeze` is all that touches a network; `compiled` is pure but for reading local files; `publish` is all that writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from frostline import lock as locks
from frostline.checks.base import Context, run_checks
from frostline.checks.guards import Published, emptied_segments, guard_findings, silent_sources
from frostline.errors import PublishError, SourceError, UsageError
from frostline.globs import matches
from frostline.manifest import Manifest, read_manifest
from frostline.model import (
    Answer,
    Contribution,
    FileChange,
    FileOrigin,
    Finding,
    Key,
    Lock,
    Registry,
    ServiceLine,
    Snapshot,
    registry_of,
)
from frostline.outputs.base import View, output_module, service_value
from frostline.ownership import Wanted, file_changes, next_manifest
from frostline.plan import Plan, plan_of
from frostline.publish import publish, running
from frostline.registry.assembling import assembled, contribution_of, entry_digest, with_prefer
from frostline.registry.selection import snapshot_of
from frostline.settings import Allow, Config, ConsulSettings, OutputSettings, RouterSettings
from frostline.sources.base import Progress, is_live, source_module
from frostline.targets import Root


def shown(path: Path) -> str:
    """A path as the user would type it: relative to the working folder where it is below it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


# --- freeze: all that touches a network -------------------------------------------------------------------------------


class Frozen(Struct, frozen=True, kw_only=True):
    """What live sources answered: their snapshots, the answers themselves (for explain), and warnings."""

    snapshots: tuple[Snapshot, ...]
    answers: tuple[Answer, ...]
    warnings: tuple[str, ...]


def live_sources(config: Config) -> dict[str, ConsulSettings]:
    """The configured sources that ask a server, by name, sorted."""
    # A plug-in's live source has settings with the same fields, as far as they are used here.
    named = sorted(config.sources.items())
    return {name: cast(ConsulSettings, settings) for name, settings in named if is_live(settings.type)}


def settings_digests(config: Config) -> dict[str, str]:
    """The digest of the settings that shape its answer, for each live source."""
    return {
        name: locks.settings_digest(source_module(settings.type).shape(settings))
        for name, settings in live_sources(config).items()
    }


def freeze(
    config: Config,
    committed: Lock | None,
    *,
    sources: Sequence[str] = (),
    datacenters: Sequence[str] = (),
    every_service: bool = False,
    progress: Progress | None = None,
) -> Frozen:
    """Read the live sources (only these, only these datacenters). SourceError: one could not be read whole.

    every_service: the answers hold the services too that `select.services` leaves out; the snapshots do not.
    """
    digests = settings_digests(config)
    snapshots: list[Snapshot] = []
    answers: list[Answer] = []
    warnings: list[str] = []
    for name, settings in live_sources(config).items():
        if sources and name not in sources:
            continue
        asked = _asking_for_all(settings) if every_service else settings
        reading = source_module(settings.type).read(asked, datacenters=tuple(datacenters), progress=progress)
        snapshots += [snapshot_of(answer, settings, digests[name]) for answer in reading.answers]
        snapshots += _kept(name, reading.unreachable, committed, digests[name])
        answers += reading.answers
        warnings += reading.warnings
    return Frozen(snapshots=tuple(snapshots), answers=tuple(answers), warnings=tuple(warnings))


def _asking_for_all(settings: ConsulSettings) -> ConsulSettings:
    """The settings that read every service; a scoped token may ask for its own names only."""
    if settings.acl == "scoped":
        return settings
    return replace(settings, select=replace(settings.select, services=("*",)))


def _kept(source: str, unreachable: Iterable[str], committed: Lock | None, digest: str) -> list[Snapshot]:
    """What the committed lock has of the datacenters that did not answer (`partial: true`)."""
    kept: list[Snapshot] = []
    for datacenter in unreachable:
        found = [
            snapshot
            for snapshot in (committed.snapshots if committed else ())
            if snapshot.segment[:2] == (source, datacenter) and snapshot.settings == digest
        ]
        if not found:
            raise SourceError(
                f"source `{source}`: datacenter `{datacenter}` cannot be reached, and nothing of it is locked",
                help="freeze it once while it can be reached",
            )
        kept += found
    return kept


def committed_lock(config: Config) -> Lock | None:
    """The lock as it is committed; None where there is none yet."""
    return locks.read_lock(config.lock, is_folder=config.lock_is_folder, shown=shown(config.lock))


def offline_lock(config: Config, committed: Lock | None) -> Lock:
    """The committed lock, fit to work from. UsageError: it is missing, or was frozen with other settings."""
    locks.check_settings(committed, settings_digests(config), shown(config.lock))
    return committed or Lock()


def merged_lock(config: Config, committed: Lock | None, globs: Sequence[str]) -> Lock:
    """The locks in the files that these globs name (relative to the working folder), as one."""
    files: dict[Path, str] = {}
    for glob in globs:
        base = Path(glob).anchor or "."
        found = sorted(Path(base).glob(str(Path(glob).relative_to(Path(glob).anchor)))) if glob else []
        if not found:
            raise UsageError(f"no file fits --lock `{glob}`", help="freeze with `--out FILE` first")
        files.update({path: str(path) for path in found})
    new = locks.read_locks([(name, path) for path, name in sorted(files.items())])
    locks.check_settings(new, settings_digests(config), " ".join(globs))
    return locks.merged(new, committed, live_sources(config))


# --- the pure middle --------------------------------------------------------------------------------------------------


def contributions_of(config: Config, lock: Lock) -> tuple[Contribution, ...]:
    """What each source brings: live ones from the lock, then local ones, then routers, which need the others' names."""
    brought: list[Contribution] = []
    for name, live in live_sources(config).items():
        snapshots = [snapshot for snapshot in lock.snapshots if snapshot.source == name]
        brought.append(contribution_of(name, snapshots, live.naming))
    local = [settings for settings in config.sources.values() if not is_live(settings.type)]
    for routers in (False, True):
        known = {one.source: frozenset(one.endpoints) for one in brought}
        for settings in local:
            if isinstance(settings, RouterSettings) is routers:
                brought.append(source_module(settings.type).contribute(settings, known))
    return tuple(brought)


class Options(Struct, frozen=True, kw_only=True):
    """How to compile: output names in scope (() for all), what --allow lets pass, the day for waivers."""

    only: tuple[str, ...] = ()
    allow: Allow = Allow()
    today: date
    guard: bool = True


class Compilation(Struct, frozen=True, kw_only=True):
    """All that one run found out, before anything is written.

    lock: what would be locked; manifest: what is published now; services: the manifest's lines that would be;
    files: every file in scope with its change; findings: sorted, waivers applied.
    """

    lock: Lock
    committed: Lock | None
    registry: Registry
    manifest: Manifest | None
    services: tuple[ServiceLine, ...]
    wanted: tuple[Wanted, ...]
    files: tuple[FileChange, ...]
    findings: tuple[Finding, ...]
    plan: Plan

    @property
    def refused(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)


def compiled(config: Config, lock: Lock, committed: Lock | None, options: Options) -> Compilation:
    """The registry of this lock, checked, rendered, guarded, and compared with what is published."""
    contributions = contributions_of(config, lock)
    registry, found = assembled(contributions, config.precedence, config.merge)
    wanted, more = rendered(config, contributions, _outputs_in_scope(config, options.only))
    context = Context(value_of=service_value, root=config.root)
    findings = list(run_checks(registry, config.checks, options.today, context, dict.fromkeys((*found, *more))))
    manifest = read_manifest(config.manifest)
    files = file_changes(config.root, wanted, manifest, allow=options.allow, outputs=options.only or None)
    services = service_lines(registry)
    known = registry if lock == committed else registry_of_lock(config, committed)
    before = manifest.services if manifest else service_lines(known) if committed else None
    if options.guard:
        findings += guard_findings(_published(before), _published(services) or {}, config.guards, options.allow, {})
        findings += lock_guards(config, lock, committed, options.allow)
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
            manifest.services if manifest else (), services, known, registry, files, lock_moves(config, lock, committed)
        ),
    )


def lock_moves(config: Config, lock: Lock, committed: Lock | None) -> bool:
    """Whether the lock would be written anew. Without live sources there is none."""
    return bool(live_sources(config)) and lock != committed


def _outputs_in_scope(config: Config, only: Sequence[str]) -> tuple[OutputSettings, ...]:
    names = {output.name for output in config.outputs}
    for name in only:
        if name not in names:
            raise UsageError(f"there is no output `{name}`", help=f"outputs: {', '.join(sorted(names))}")
    return tuple(output for output in config.outputs if not only or output.name in only)


def rendered(
    config: Config, contributions: Sequence[Contribution], outputs: Iterable[OutputSettings]
) -> tuple[tuple[Wanted, ...], tuple[Finding, ...]]:
    """The files that these outputs want, with paths relative to the root, and what is wrong with them."""
    wanted: list[Wanted] = []
    findings: list[Finding] = []
    for output in outputs:
        view, more = view_of(config, contributions, output)
        module = output_module(output.type)
        rendering = module.render(view, output)
        findings += (*more, *rendering.findings)
        folder = module.folder(output).relative_to(config.root)
        wanted += [
            Wanted(path=(folder / artifact.path).as_posix(), chunks=artifact.chunks, output=output.name)
            for artifact in rendering.artifacts
        ]
    return tuple(wanted), tuple(findings)


def view_of(
    config: Config, contributions: Sequence[Contribution], output: OutputSettings
) -> tuple[View, tuple[Finding, ...]]:
    """The registry as this output sees it: of its sources alone, so that precedence is decided among them."""
    chosen = [one for one in contributions if not output.sources or one.source in output.sources]
    registry, findings = assembled(chosen, config.precedence, config.merge, output.prefer)
    entries = {key: entry for key, entry in registry.entries() if matches(output.select, key[0])}
    seen = registry_of(entries, registry.upstreams)
    view = View(registry=seen, prefer=output.prefer, preferring=lambda prefer: with_prefer(seen, prefer))
    return view, findings


def service_lines(registry: Registry) -> tuple[ServiceLine, ...]:
    """The manifest's line of each (service, version)."""
    return tuple(
        ServiceLine(service=service, version=version, digest=entry_digest(entry), endpoints=len(entry.endpoints))
        for (service, version), entry in registry.entries()
    )


def registry_of_lock(config: Config, lock: Lock | None) -> Registry:
    """The registry that a lock gives under today's configuration, whatever its findings."""
    return assembled(contributions_of(config, lock or Lock()), config.precedence, config.merge)[0]


def _published(lines: Iterable[ServiceLine] | None) -> Mapping[Key, Published] | None:
    if lines is None:
        return None
    return {(line.service, line.version): Published(digest=line.digest, endpoints=line.endpoints) for line in lines}


def lock_guards(config: Config, lock: Lock, committed: Lock | None, allow: Allow) -> tuple[Finding, ...]:
    """What guards say of the lock alone: segments that are empty now, live sources that answered nothing at all."""
    if committed == lock:
        return ()
    had = segment_sizes(committed.snapshots if committed else (), config)
    now = segment_sizes(lock.snapshots, config)
    return (
        *emptied_segments(had, now, config.guards, allow),
        *silent_sources(now, config.guards, allow),
    )


def segment_sizes(snapshots: Iterable[Snapshot], config: Config) -> dict[tuple[str, str, str], int]:
    live = live_sources(config)
    return {one.segment: len(one.instances) + len(one.declared) for one in snapshots if one.source in live}


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
            origin=FileOrigin(shown(config.root / file.path)),
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
    before = manifest.services if manifest else None
    if before is None and committed is not None:
        before = service_lines(registry_of_lock(config, committed))
    after = service_lines(registry_of_lock(config, lock))
    findings = guard_findings(_published(before), _published(after) or {}, config.guards, allow, {})
    return tuple(sorted((*findings, *lock_guards(config, lock, committed, allow)), key=Finding.sort_key))


# --- all that writes --------------------------------------------------------------------------------------------------


@contextmanager
def writing(config: Config) -> Iterator[Root]:
    """The root folder, made if it is not there, for this run alone; what a killed run left is finished or undone."""
    made = not config.root.exists()
    if made:
        try:
            config.root.mkdir(parents=True)
        except OSError as error:
            raise PublishError(f"the root folder `{config.root}` cannot be made: {error.strerror}") from None
    try:
        with running(config.root, outside=[config.lock]) as root:
            yield root
    finally:
        if made:
            with suppress(OSError):
                config.root.rmdir()


def publish_compilation(config: Config, root: Root, compilation: Compilation, only: Sequence[str] = ()) -> None:
    """Write lock, outputs and manifest: all or none."""
    publish(
        root,
        compilation.wanted,
        compilation.files,
        extra=_lock_changes(config, compilation.lock) if live_sources(config) else (),
        manifest_path=config.manifest,
        manifest=next_manifest(compilation.manifest, compilation.files, compilation.services, only or None),
    )


def publish_lock(config: Config, root: Root, lock: Lock) -> None:
    """Write the lock alone."""
    publish(root, (), (), extra=_lock_changes(config, lock))


def _lock_changes(config: Config, lock: Lock) -> list[tuple[Path, Iterable[bytes] | None]]:
    """The lock files with their bytes; None for one in the lock's folder that holds no segment any more."""
    there = locks.existing_files(config.lock, is_folder=config.lock_is_folder)
    files: dict[Path, Iterable[bytes] | None] = dict.fromkeys(there)
    files.update({file.path: file for file in locks.lock_files(lock, config.lock, is_folder=config.lock_is_folder)})
    return sorted(files.items(), key=lambda item: item[0])
