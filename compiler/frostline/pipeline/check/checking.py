"""Compare outputs, manifest, lock and, with `--live`, the live sources; and run the checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from frostline.checks.guards.held import HELD, held_findings
from frostline.errors import UNTOUCHED, FrostlineError, SourceError, UsageError
from frostline.files.conflicts import digest_in_pointer, has_conflict
from frostline.files.targets import file_bytes, open_root
from frostline.lock.codec import lock_of
from frostline.model import FileOrigin, Finding, Lock
from frostline.pipeline.check.comparing import registry_difference
from frostline.pipeline.check.edited_lines import first_differences
from frostline.pipeline.compile.compiling import Compilation, CompileOptions, compile_registry
from frostline.pipeline.compile.file_rules import ADOPT, DRIFT, EDITED, ORPHANS
from frostline.pipeline.compile.holding import held_services, hold_refused
from frostline.pipeline.freeze.confirmations import SegmentAge, aged_segments
from frostline.pipeline.freeze.freezing import freeze
from frostline.pipeline.freeze.locks import CommittedLock, offline_locks
from frostline.pipeline.publish.verifying import verify_outputs
from frostline.publish.ownership import REFUSAL_REASONS, DesiredFile
from frostline.publish.salvage import is_converted
from frostline.published import FileChange
from frostline.settings import Config
from frostline.text import display_path, list_names

_OUT_OF_DATE = "is out of date with the lock or the configuration"

_FILE_REASONS = {
    "create": "is missing",
    "update": _OUT_OF_DATE,
    "delete": "is no longer wanted",
    "adopt": "has the right content, but is not in the manifest",
}
_HELPS = {rule.name: rule.mend for rule in (EDITED, ADOPT, ORPHANS)}
_AGE_HELP = "run `frostline freeze` where the sources can be reached, and commit what it writes"
_LIVE_HELP = "run `frostline compile` to publish, or `frostline plan` to see what would change"
_MOST_NAMED = 10


class Drift(Struct, frozen=True):
    """A difference, such as `services.yaml` `is missing`.

    path: the file that it is about.
    lines: the first differing lines of an edited file, from `first_differences`; not escaped.
    help: what to do about it.
    """

    subject: str
    reason: str
    path: Path
    lines: tuple[str, ...] = ()
    help: str = DRIFT.mend

    def finding(self) -> Finding:
        """Return the difference as a finding, for the formats that show only findings."""
        origin = FileOrigin(display_path(self.path))
        return DRIFT.finding(f"{self.subject} {self.reason}", value=self.subject, origin=origin, help=self.help)


class CheckResult(Struct, frozen=True, kw_only=True):
    """The result of a check.

    unread: why live sources could not be compared; None if all were. warnings: of the live sources.
    only_lock: whether the sources differ from the lock, but no service, endpoint or upstream would change.
    verified: names of the outputs that their verifiers accepted; None if verifiers were not started.
    lock: the committed lock.
    """

    findings: tuple[Finding, ...]
    drift: tuple[Drift, ...]
    unread: FrostlineError | None = None
    warnings: tuple[str, ...] = ()
    only_lock: bool = False
    verified: tuple[str, ...] | None = None
    lock: Lock | None = None

    @property
    def refused(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)


def check(
    config: Config,
    today: date,
    *,
    live: bool,
    exact: bool = False,
    wait: float = 0.0,
    max_age: float | None = None,
    verify: bool = False,
) -> CheckResult:
    """Compare what is published with what the committed lock gives.

    live: compare the lock with the live sources too. Their errors are in the result; all other errors are raised.
    exact: also count what changes only the lock and not the registry.
    wait: as for `freeze`.
    max_age: the number of seconds within which each segment must have been confirmed.
    verify: start the verifiers of all outputs, last, if no check has refused.
    Raises UsageError for `max_age` without `confirmed`; RefusedError as `verify_outputs` does.
    """
    if max_age is not None and config.confirmed is None:
        raise UsageError(
            "--max-age needs `confirmed`, which knows how old the lock is",
            origin=FileOrigin(display_path(config.path)),
            help="write `confirmed: frostline.confirmed` at the top, then run `frostline freeze`",
        )
    locks = offline_locks(config)
    options = CompileOptions(today=today, guard=False, keep_bytes=False)
    compilation = compile_registry(config, locks, options)
    result = CheckResult(
        # The drift reports what the rules of published files find.
        findings=tuple(finding for finding in compilation.findings if finding.rule not in _HELPS),
        lock=locks.committed,
        drift=(
            *_file_drift(config, compilation),
            *_manifest_drift(config, compilation),
            *(_age_drift(config, locks.committed, max_age) if max_age is not None and locks.committed else ()),
        ),
    )
    result = _with_live_drift(result, config, options, wait, exact=exact) if live else result
    return _with_verifiers(result, config, compilation, options) if verify else result


def _with_verifiers(
    result: CheckResult, config: Config, compilation: Compilation, options: CompileOptions
) -> CheckResult:
    if result.refused:
        return result
    asked = [output for output in config.outputs if output.verifier]
    found = verify_outputs(config, compilation, asked, options)
    refused = {finding.value for finding in found if finding.severity == "error"}
    return replace(
        result,
        findings=tuple(sorted((*result.findings, *found), key=Finding.sort_key)),
        verified=tuple(output.name for output in asked if output.name not in refused),
    )


def _file_drift(config: Config, compilation: Compilation) -> list[Drift]:
    wanted = {file.path: file for file in compilation.wanted}
    return [
        _made_by_git(config, file, compilation)
        or Drift(
            file.path,
            _file_reason(file),
            config.root / file.path,
            _edited_lines(config, file, wanted),
            _HELPS.get(file.refusal or "", DRIFT.mend),
        )
        for file in compilation.files
        if file.action != "keep"
    ]


def _made_by_git(config: Config, file: FileChange, compilation: Compilation) -> Drift | None:
    """Return the drift of a file that git merged with a conflict, converted or did not fetch; None for other files."""
    if file.refusal or file.action != "update":
        return None
    with open_root(config.root) as root:
        data = file_bytes(root, file.path) or b""
    if has_conflict(data):  # the lock may have only one side of the merge
        mend = "run `frostline compile`, which writes it anew"
        return Drift(file.path, "has merge conflicts", config.root / file.path, help=mend)
    mend = "run `frostline compile --offline`, which writes it anew"
    if digest_in_pointer(data):
        way = f"run `git lfs pull` to get it, or {mend}"
        return Drift(file.path, "is a pointer of Git LFS", config.root / file.path, help=way)
    published = compilation.manifest.files if compilation.manifest else ()
    if is_converted(data, [file.sha256 or "", *(line.sha256 for line in published if line.path == file.path)]):
        way = f"keep git from converting line ends with `{file.path} -text` in .gitattributes, then {mend}"
        return Drift(file.path, "has CRLF line ends: git has converted them", config.root / file.path, help=way)
    return None


def _edited_lines(config: Config, file: FileChange, wanted: Mapping[str, DesiredFile]) -> tuple[str, ...]:
    if file.refusal != "edited" or file.path not in wanted:
        return ()
    with open_root(config.root) as root:
        found = file_bytes(root, file.path)
    return () if found is None else first_differences(b"".join(wanted[file.path].chunks), found)


def _file_reason(file: FileChange) -> str:
    return REFUSAL_REASONS[file.refusal] if file.refusal else _FILE_REASONS[file.action]


def _manifest_drift(config: Config, compilation: Compilation) -> list[Drift]:
    if compilation.manifest is None:
        is_first = all(file.action == "create" for file in compilation.files)
        reason = "nothing was published yet" if is_first else "`frostline compile` records what is published"
        return [Drift("the manifest", f"is missing: {reason}", config.manifest)]
    if compilation.manifest.services != compilation.entries:
        return [Drift("the manifest", _OUT_OF_DATE, config.manifest)]
    return []


def _age_drift(config: Config, lock: Lock, limit: float) -> Iterator[Drift]:
    for segment, reason in aged_segments(config, lock, limit):
        yield Drift(segment, reason, config.confirmed or config.lock, help=_AGE_HELP)


def _with_live_drift(
    result: CheckResult, config: Config, options: CompileOptions, wait: float, *, exact: bool
) -> CheckResult:
    """Add to the result how the committed lock differs from what the sources answer now."""
    try:
        committed = CommittedLock(config)
        frozen = freeze(config, committed, wait=wait)
        pair = committed.pair_with(lock_of(frozen.snapshots), frozen)
        locks = hold_refused(config, pair, options.allow, options.today)
        changes = registry_difference(config, locks)
    except FrostlineError as error:  # the result without the sources is still reported
        return replace(result, unread=error)
    only_lock = locks.changed and not changes
    is_reported = bool(changes) or (only_lock and exact)
    drift = (Drift("the lock", _lock_reason(changes), config.lock, help=_LIVE_HELP),) if is_reported else ()
    # Replace the findings about held services: now their reasons are known.
    held = held_findings(held_services(config, locks), options.today)
    findings = (*(finding for finding in result.findings if finding.rule != HELD.name), *held)
    return replace(
        result,
        findings=tuple(sorted(findings, key=Finding.sort_key)),
        drift=(*result.drift, *drift),
        unread=_unread(frozen.kept),
        warnings=frozen.warnings,
        only_lock=only_lock and not exact,
    )


def _unread(kept: Sequence[SegmentAge]) -> SourceError | None:
    """Return the error that these segments were not read; None if there are none."""
    if not kept:
        return None
    names = dict.fromkeys(f"{age.snapshot.source}/{age.snapshot.datacenter}" for age in kept)
    error = SourceError(
        f"{list_names(names)} could not be read: it is not known whether anything there has moved since the lock",
        help="rerun when it can be read; `frostline check` without `--live` asks no source",
    )
    error.ending = UNTOUCHED
    return error


def _lock_reason(changes: Sequence[str]) -> str:
    if not changes:
        return "is out of date, although no service, endpoint or upstream changes"
    more = " …" if len(changes) > _MOST_NAMED else ""
    return f"is out of date: {', '.join(changes[:_MOST_NAMED])}{more}"
