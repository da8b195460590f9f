"""The locks that a command works from."""

from __future__ import annotations

from frostline.cli.console import Invocation
from frostline.cli.invoking import print_warnings
from frostline.lock.codec import lock_of
from frostline.pipeline.freeze import CommittedLock, LockPair, freeze
from frostline.pipeline.holding import hold_refused
from frostline.settings import Allow, Config

ONLY_LOCK = "Only the lock would change (ids, nodes): no service, endpoint or upstream changes."
"""What a command says that judges the registry."""


def freeze_locks(invocation: Invocation, config: Config, allow: Allow, *, wait: float = 0.0) -> LockPair:
    """The lock that the sources give now, with what it holds, and the committed one. Prints the sources' warnings.

    wait: as `pipeline.freeze.freeze` takes it.
    """
    committed = CommittedLock(config)
    frozen = freeze(config, committed, allow=allow, wait=wait)
    print_warnings(invocation, frozen.warnings)
    locks = committed.pair_with(lock_of(frozen.snapshots), frozen)
    print_warnings(invocation, locks.warnings)
    return hold_refused(config, locks, allow, invocation.today)
