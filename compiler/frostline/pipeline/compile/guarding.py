"""What guards refuse: changes of the registry, of a new lock, and of files that are not frostline's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from frostline.allow_words import allow_words, say_words_for_all
from frostline.checks.guards.changes import EMPTY, Published, Unhealthy, guard_findings
from frostline.checks.guards.outputs import emptied_outputs
from frostline.checks.guards.segments import emptied_segments, empty_sources
from frostline.checks.guards.unknown import unknown_findings
from frostline.errors import UsageError
from frostline.model import FileOrigin, Finding, Key, Lock, Segment, Snapshot
from frostline.pipeline.compile.assembling import configured_consumers_of, upstream_consumers
from frostline.pipeline.compile.file_rules import ADOPT, BROKEN_MANIFEST, EDITED, ORPHANS
from frostline.pipeline.freeze.live import live_sources, names_only_sources
from frostline.plan.changes import RegistryState
from frostline.publish.ownership import REFUSAL_REASONS
from frostline.publish.salvage import Salvaged
from frostline.published import FileChange, ManifestEntry
from frostline.settings import Allow, Config, OutputSettings
from frostline.sources.base import reads_segment
from frostline.text import display_path

_NO_LOCAL_SERVICES = (
    "no service that the files declare is selected: check `files`, `services` and `select`; if there really is "
    "nothing, rerun with `--allow empty`"
)


def guard_registry(
    config: Config,
    before: Iterable[ManifestEntry] | None,
    baseline: RegistryState,
    new: RegistryState,
    allow: Allow,
    *,
    today: date,
    unhealthy: Unhealthy | None,
) -> tuple[Finding, ...]:
    """Return what guards say about a new registry.

    before: the published entries; None if nothing is published.
    baseline: the committed lock's registry; its entries with a published digest are compared endpoint by endpoint.
    unhealthy: as in FreezeResult; None if the sources were not asked.
    """
    before = None if before is None else tuple(before)
    published = None if before is None else _published(before, baseline)
    findings = guard_findings(
        published,
        _published(new.entries, new),
        config.guards,
        allow,
        upstream_consumers(new.registry),
        configured_consumers=configured_consumers_of(config, before or (), new.entries),
        today=today,
        unhealthy=unhealthy,
        names_only=bool(names_only_sources(config)),
    )
    return findings if live_sources(config) else tuple(map(_of_local_files, findings))


def _of_local_files(finding: Finding) -> Finding:
    """Reword the help of a finding for a configuration without servers, whose answers cannot be the cause."""
    return replace(finding, help=_NO_LOCAL_SERVICES) if finding.rule == EMPTY.name else finding


def _published(entries: Iterable[ManifestEntry], known: RegistryState) -> Mapping[Key, Published]:
    digests = {entry.key: entry.digest for entry in known.entries}
    return {
        entry.key: Published(
            digest=entry.digest,
            endpoints=entry.endpoints,
            entry=known.registry.get(entry.key) if digests.get(entry.key) == entry.digest else None,
            properties=entry.properties,
        )
        for entry in entries
    }


class Before(Struct, frozen=True):
    """What is known of what is published.

    entries: None if nothing is published. is_known: False if a (service, version) may be missing among them.
    manifest_fault, lock_fault: what is wrong with manifest and lock.
    """

    entries: tuple[ManifestEntry, ...] | None
    is_known: bool = True
    manifest_fault: UsageError | None = None
    lock_fault: UsageError | None = None


def published_before(salvaged: Salvaged, committed: RegistryState | None, lock_fault: UsageError | None) -> Before:
    """Return what the manifest says is published; if it is missing or cut, also what the committed lock says.

    committed: the registry of the committed lock; None if there is no lock, or nothing of it is sure.
    """
    if salvaged.manifest is not None and salvaged.is_whole:
        return Before(salvaged.manifest.services)
    entries = {entry.key: entry for entry in committed.entries} if committed else {}
    entries |= {entry.key: entry for entry in salvaged.manifest.services} if salvaged.manifest else {}
    if committed is None and (salvaged.fault or lock_fault):
        return Before(tuple(entries.values()) or None, False, salvaged.fault, lock_fault)
    return Before(tuple(entries.values()) if committed else None)


def guard_unknown(config: Config, before: Before, allow: Allow) -> tuple[Finding, ...]:
    """Refuse to publish if nobody knows what was published before."""
    if before.is_known:
        return ()
    of_lock = {"lock": before.lock_fault} if live_sources(config) else {}
    return unknown_findings({"manifest": before.manifest_fault, **of_lock}, allow)


def guard_lock(config: Config, lock: Lock, committed: Lock | None, allow: Allow) -> tuple[Finding, ...]:
    """Return what guards say about a new lock: segments that became empty, and live sources that answered nothing."""
    before = _segment_sizes(committed.snapshots if committed else (), config)
    sizes = _segment_sizes(lock.snapshots, config)
    emptied = emptied_segments(before, sizes, config.guards, allow)
    # A source that had something is reported by its emptied segments; reporting the whole source would repeat that.
    had_something = {source for (source, _, _), size in before.items() if size}
    of_new_sources = {segment: size for segment, size in sizes.items() if segment[0] not in had_something}
    return (*emptied, *empty_sources(of_new_sources, config.guards, allow))


def _segment_sizes(snapshots: Iterable[Snapshot], config: Config) -> dict[Segment, int]:
    live = live_sources(config)
    return {
        snapshot.segment: len(snapshot.instances) + len(snapshot.declared) + len(snapshot.upstreams)
        for snapshot in snapshots
        if snapshot.source in live and reads_segment(live[snapshot.source], *snapshot.segment[1:])
    }


def warn_of_manifest(salvaged: Salvaged) -> tuple[Finding, ...]:
    """Warn if the manifest is broken."""
    if salvaged.fault is None:
        return ()
    return (BROKEN_MANIFEST.finding(f"{salvaged.fault.message}; it is written anew", origin=salvaged.fault.origin),)


def guard_outputs(
    config: Config, empty: Iterable[OutputSettings], files: Iterable[FileChange], allow: Allow
) -> tuple[Finding, ...]:
    """Return a finding for each output that loses its last service. empty: the outputs that have no service now."""
    return emptied_outputs([(output.name, output.origin) for output in empty], files, config.guards, allow)


_RULES = {rule.name: rule for rule in (EDITED, ADOPT, ORPHANS)}


def guard_files(config: Config, files: Iterable[FileChange], *, has_manifest: bool) -> tuple[Finding, ...]:
    """Return a finding for each file that may not be replaced or deleted. has_manifest: whether there is a manifest."""
    refused: dict[str, list[Finding]] = {}
    for file in files:
        if file.refusal:
            rule, message = _RULES[file.refusal], f"the file {REFUSAL_REASONS[file.refusal]}"
            origin = FileOrigin(display_path(config.root / file.path))
            words = allow_words(file.refusal, [file.path])
            way = rule.mend.replace(f"--allow {file.refusal}", f"--allow {words}")
            if not has_manifest:
                way += f"; if frostline did write it, restore {display_path(config.manifest)} from your repository"
            finding = rule.finding(message, value=file.path, origin=origin, help=way)
            refused.setdefault(file.refusal, []).append(finding)
    return tuple(
        finding
        for word, findings in refused.items()
        for finding in say_words_for_all(findings, word, [finding.value or "" for finding in findings])
    )
