"""The metrics of `--metrics`, by which a run tells a monitoring system how it ended, and the checks of their file.

The file is not an output of the registry, so it may hold times.
"""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from frostline.errors import FrostlineError, UsageError
from frostline.lock.confirmed import time_of
from frostline.model import FileOrigin, Finding, Lock, Reading, Segment
from frostline.pipeline.compile.inputs import Ownership
from frostline.pipeline.freeze.confirmations import ages_of_lock
from frostline.publish.manifest import read_manifest
from frostline.publish.single_file import replace_file
from frostline.reporters.exposition import Sample, exposition, sample, samples_in
from frostline.settings import Config
from frostline.text import display_path

_RUN = "frostline_run_timestamp_seconds"
_STATUS = "frostline_run_exit_status"
_SUCCESS = "frostline_success_timestamp_seconds"
_CONFIRMED = "frostline_segment_confirmed_timestamp_seconds"
_PUBLISHED = "frostline_publication_timestamp_seconds"
_SERVICES = "frostline_services"
_ENDPOINTS = "frostline_endpoints"
_REFUSALS = "frostline_refusals"
_WARNINGS = "frostline_warnings"
_TRIES = "frostline_read_tries"
_EXEC = "frostline_exec_failed"

METRICS: Mapping[str, str] = {
    _RUN: "When the latest run, or turn of a watch, ended.",
    _STATUS: "The exit status of the latest run; of a watch, the one that compile would have had.",
    _SUCCESS: "When the latest run ended that had exit status 0.",
    _CONFIRMED: "When the segment of the lock was last read from its source and found to be so.",
    _PUBLISHED: "When the manifest of what is published was last written.",
    _SERVICES: "How many services, each version counted, are published.",
    _ENDPOINTS: "How many endpoints are published.",
    _REFUSALS: "How many errors of this rule the latest run had.",
    _WARNINGS: "How many warnings of this rule the latest run had.",
    _TRIES: "How many reads the latest run needed until one was proved to be of one moment.",
    _EXEC: "Whether the program of --exec failed when it last ran.",
}
"""All metrics with their descriptions, in the order of the file. All of them are gauges."""

_FROM_MANIFEST = frozenset({_PUBLISHED, _SERVICES, _ENDPOINTS})
_START = f"# HELP {_RUN} ".encode()
"""Every file that we wrote begins so. Any other file belongs to somebody else."""
_MODE = 0o644
_LARGEST = 1 << 24


class RunFacts(Struct, frozen=True, kw_only=True):
    """What is known of a run.

    command: the name of the command. config_path: where the configuration is, or `-`.
    config: None if it could not be read.
    findings: of the run; they are counted by severity and rule.
    lock: the lock after the run; None if the run was refused or failed before.
    readings: which segments of that lock the run read, and when.
    tries: (source, datacenter) -> number of reads.
    exec_failed: whether the program of `--exec` failed when it last ran; None if it has not run.
    """

    command: str
    config_path: str
    config: Config | None = None
    findings: Sequence[Finding] = ()
    lock: Lock | None = None
    readings: Sequence[Reading] = ()
    tries: Mapping[tuple[str, str], int] = {}
    exec_failed: bool | None = None

    @property
    def labels(self) -> dict[str, str]:
        """The labels that tell its metrics from those of other runs on the machine."""
        return {"command": self.command, "config": self.config_path}


def check_place(path: Path) -> None:
    """Check that a file of metrics may be there.

    Raises UsageError if its name does not end in `.prom`, if its folder is missing, or if it is a link, a folder or
    somebody else's file.
    """
    shown = display_path(path)
    if path.suffix != ".prom":
        raise _refusal(
            f"`{shown}` does not end with .prom", "node_exporter's textfile collector reads only files that do"
        )
    if not path.parent.is_dir():
        raise _refusal(f"`{display_path(path.parent)}` is not a folder", "name a file in the collector's folder")
    try:
        kind = path.lstat().st_mode
    except OSError:
        return  # it is new, or writing it will say what is wrong
    if not stat.S_ISREG(kind):
        what = "a symbolic link" if stat.S_ISLNK(kind) else "a folder" if stat.S_ISDIR(kind) else "not a regular file"
        raise _refusal(f"`{shown}` is {what}", "name another file, or remove this one")
    with suppress(OSError), path.open("rb") as file:
        if not (file.read(len(_START)) or _START).startswith(_START):
            raise _refusal(
                f"`{shown}` exists and does not hold metrics of frostline, so it is not replaced", "name another file"
            )


def check_unused(path: Path, config: Config) -> None:
    """Raise UsageError if this configuration publishes the file.

    A file that the configuration reads exists already, so `check_place` has refused it.
    """
    if use := Ownership(config).use_of(path):
        raise _refusal(f"`{display_path(path)}` {use}", "name a file in the collector's folder", config)


def _refusal(reason: str, help_text: str, config: Config | None = None) -> UsageError:
    origin = FileOrigin(display_path(config.path)) if config else None
    return UsageError(f"--metrics: {reason}", origin=origin, help=help_text)


def write_metrics(path: Path, facts: RunFacts, *, status: int, ended: float) -> None:
    """Replace the file, so that a reader sees the old or the new one. Everybody may read a new one.

    status, ended: of the run; seconds since 1970. What only an earlier run knew is kept from the old file.
    Raises PublishError if the file cannot be written, and UsageError as `check_place` does: much time may have passed
    since it was checked.
    """
    check_place(path)
    before = _samples_before(path, facts)
    samples = [*_outcome(facts, before, status, ended), *_samples(facts, before)]
    replace_file(path, [exposition(samples, METRICS).encode()], mode=_MODE)


def _samples_before(path: Path, facts: RunFacts) -> list[Sample]:
    """Return the old file's samples of this command and configuration."""
    own = sample("", facts.labels, 0).labels
    with suppress(OSError, ValueError), path.open("rb") as file:
        return [old for old in samples_in(file.read(_LARGEST).decode()) if old.labels[: len(own)] == own]
    return []


def _outcome(facts: RunFacts, before: Sequence[Sample], status: int, ended: float) -> Iterator[Sample]:
    labels = facts.labels
    yield sample(_RUN, labels, ended)
    yield sample(_STATUS, labels, status)
    if status == 0:
        yield sample(_SUCCESS, labels, ended)
    else:
        yield from (old for old in before if old.name == _SUCCESS)


def _samples(facts: RunFacts, before: Sequence[Sample]) -> Iterator[Sample]:
    labels = facts.labels
    yield from _confirmations(facts, [old for old in before if old.name == _CONFIRMED])
    if facts.config:
        yield from _published(facts.config, labels)
    else:
        yield from (old for old in before if old.name in _FROM_MANIFEST)
    for (severity, rule), count in Counter((finding.severity, finding.rule) for finding in facts.findings).items():
        yield sample(_REFUSALS if severity == "error" else _WARNINGS, {**labels, "rule": rule}, count)
    for (source, datacenter), tries in facts.tries.items():
        yield sample(_TRIES, {**labels, "source": source, "datacenter": datacenter}, tries)
    if facts.exec_failed is not None:
        yield sample(_EXEC, labels, facts.exec_failed)


def _published(config: Config, labels: Mapping[str, str]) -> Iterator[Sample]:
    """Yield what the manifest says, whatever the outcome of the run."""
    with suppress(FrostlineError, OSError):
        manifest = read_manifest(config.manifest)
        if manifest is not None:
            yield sample(_PUBLISHED, labels, config.manifest.stat().st_mtime)
            yield sample(_SERVICES, labels, len(manifest.services))
            yield sample(_ENDPOINTS, labels, sum(entry.endpoints for entry in manifest.services))


def _confirmations(facts: RunFacts, before: Iterable[Sample]) -> Iterator[Sample]:
    """Yield when each segment was confirmed: by this run, else as `confirmed` says, else as the old file says."""
    if facts.config is None or facts.lock is None:
        yield from before
        return
    own = facts.labels
    earlier = {tuple(value for _, value in old.labels[len(own) :]): old for old in before}
    known = _configured_times(facts.config, facts.lock)
    known |= {segment: reading.at for reading in facts.readings for segment in reading.segments}
    for snapshot in facts.lock.snapshots:
        source, datacenter, namespace = snapshot.segment
        labels = {**own, "source": source, "datacenter": datacenter, "namespace": namespace}
        at = known.get(snapshot.segment)
        if at is not None:
            yield sample(_CONFIRMED, labels, time_of(at).timestamp())
            continue
        carried = sample(_CONFIRMED, labels, 0)
        key = tuple(value for _, value in carried.labels[len(own) :])
        yield from (earlier[key],) if key in earlier else ()


def _configured_times(config: Config, lock: Lock) -> dict[Segment, str]:
    """Return the time that `confirmed` has for each segment whose content is still as it was confirmed."""
    with suppress(FrostlineError):
        return {age.snapshot.segment: age.at for age in ages_of_lock(config, lock) if age.at is not None}
    return {}
