"""The locks that a command works from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import click

from frostline.cli.console import Invocation
from frostline.cli.invoking import print_warnings
from frostline.lock.codec import lock_of
from frostline.pipeline.compile.holding import hold_refused
from frostline.pipeline.freeze.confirmations import now_utc
from frostline.pipeline.freeze.freezing import freeze
from frostline.pipeline.freeze.locks import CommittedLock, LockPair
from frostline.pipeline.freeze.merging import merge_files
from frostline.settings import Allow, Config

ONLY_LOCK = "Only the lock would change (ids, nodes): no service, endpoint or upstream changes."
"""Said by a command that judges the registry and not the lock."""


def check_lock_options(*, offline: bool, globs: Sequence[str], wait: float) -> None:
    """Raise click.UsageError if options exclude each other: --offline, --lock and --wait."""
    if offline and globs:
        raise click.UsageError("--offline and --lock exclude each other")
    if wait and (offline or globs):
        raise click.UsageError(f"{'--offline' if offline else '--lock'} and --wait exclude each other")


def freeze_locks(invocation: Invocation, config: Config, allow: Allow, *, wait: float = 0.0) -> LockPair:
    """Read the sources, hold refused services, and return the new and the committed lock. Prints warnings.

    wait: as for `freeze`.
    """
    locks, warnings = read_locks(config, allow, invocation.today, wait=wait)
    print_warnings(invocation, warnings)
    return locks


def merge_locks(invocation: Invocation, config: Config, globs: Sequence[str], allow: Allow) -> LockPair:
    """Merge these lock files, hold refused services, and return the new and the committed lock. Prints warnings."""
    merged, warnings = merge_files(config, globs, now_utc())
    print_warnings(invocation, warnings)
    return hold_refused(config, merged, allow, invocation.today)


def read_locks(config: Config, allow: Allow, today: date, *, wait: float = 0.0) -> tuple[LockPair, tuple[str, ...]]:
    """As `freeze_locks`, but return the warnings instead of printing them. today: the day for `guards.accept`."""
    committed = CommittedLock(config)
    frozen = freeze(config, committed, allow=allow, wait=wait)
    locks = committed.pair_with(lock_of(frozen.snapshots), frozen)
    return hold_refused(config, locks, allow, today), (*frozen.warnings, *locks.warnings)
