"""Merge the files that `freeze --out` wrote, maybe on other machines, into one lock: `compile --lock`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from frostline.errors import UsageError
from frostline.files.finding import TooManyRecursionsError, find
from frostline.lock import merge as lock_merge
from frostline.lock import store as lock_store
from frostline.lock.confirmed import is_confirmed
from frostline.model import Lock, Reading, Segment
from frostline.pipeline.freeze.confirmations import reading_beside
from frostline.pipeline.freeze.live import live_sources, settings_digests
from frostline.pipeline.freeze.locks import CommittedLock, LockPair
from frostline.settings import Config
from frostline.sources.base import reads_segment


def merge_files(config: Config, globs: Sequence[str], now: datetime) -> tuple[LockPair, tuple[str, ...]]:
    """Merge the lock files that these globs match, relative to the working folder. Return the locks, and warnings.

    Raises UsageError if a file is not a lock, or does not fit the other files or the configuration; SourceError if no
    file has a segment of the committed lock.
    """
    files = _files_of(globs)
    parts = lock_store.read_locks(files)
    committed = CommittedLock(config)
    new = _merged(config, committed.segments, parts, " ".join(globs))
    readings, warnings = _readings(config, files, parts, now)
    locks = replace(committed.pair_with(new), merged=True, readings=readings)
    return locks, (*warnings, *locks.warnings)


def _files_of(globs: Sequence[str]) -> list[tuple[str, Path]]:
    """Return the path for messages and the path of each lock file, sorted."""
    files: dict[Path, str] = {}
    for glob in globs:
        found = [path for path in _matching_files(glob) if not is_confirmed(path) and not path.is_dir()]
        if not found:
            raise UsageError(
                f"no file matches --lock `{glob}`", help="freeze with `--out FILE` first, or correct the pattern"
            )
        files.update({path: str(path) for path in found})
    return [(shown, path) for path, shown in sorted(files.items())]


def _matching_files(glob: str) -> list[Path]:
    """Return the files that this glob matches; [] if it is not a valid glob."""
    try:
        return find(glob, Path())
    except TooManyRecursionsError as error:
        raise UsageError(f"--lock `{glob}`: {error}", help="name the folders, or give --lock several times") from None
    except (ValueError, IndexError, OSError):  # `**b`, a name that is too long
        return []


def _merged(config: Config, committed: Iterable[Segment], parts: Sequence[tuple[str, Lock]], shown: str) -> Lock:
    """Merge these locks into one. committed: the segments of the committed lock. shown: a name for messages."""
    live = live_sources(config)
    wanted = [
        (source, datacenter, namespace)
        for source, datacenter, namespace in committed
        if source in live and reads_segment(live[source], datacenter, namespace)
    ]
    new = lock_merge.merge_locks(lock_merge.join_locks(parts), wanted, live)
    digests = settings_digests(config)
    lock_merge.check_same_settings(parts, digests)
    lock_merge.check_settings(new, digests, shown)
    return new


def _readings(
    config: Config, files: Sequence[tuple[str, Path]], parts: Sequence[tuple[str, Lock]], now: datetime
) -> tuple[tuple[Reading, ...], list[str]]:
    """Read the confirmations beside these files, if the configuration has `confirmed`. Return readings and warnings."""
    readings: list[Reading] = []
    warnings: list[str] = []
    if config.confirmed:
        for (shown, path), (_, lock) in zip(files, parts, strict=True):
            read, warned = reading_beside(path, shown, lock, now)
            readings += read
            warnings += warned
    return tuple(readings), warnings
