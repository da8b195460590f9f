"""The locks that a command works from: the committed one, and the one that files or the sources give."""

from __future__ import annotations

from collections.abc import Sequence

from frostline.cli.console import Invocation
from frostline.cli.invoking import print_warnings
from frostline.lock.codec import lock_of
from frostline.model import Lock
from frostline.pipeline import freeze as freezing
from frostline.settings import Config


def known_locks(config: Config, globs: Sequence[str] = ()) -> tuple[Lock, Lock | None]:
    """The lock to work from without a network (merged from these files, if any), and the committed one."""
    committed = freezing.committed_lock(config)
    new = freezing.merged_lock(config, committed, globs) if globs else freezing.offline_lock(config, committed)
    return new, committed


def read_locks(invocation: Invocation, config: Config, held: freezing.Committed) -> tuple[Lock, Lock | None]:
    """The lock that the sources give now, and the committed one: the same object if they are equal."""
    new = fresh_lock(invocation, config, held)
    return new, held.beside(new)


def fresh_lock(invocation: Invocation, config: Config, committed: freezing.Committed) -> Lock:
    """The lock that the sources give now; their warnings are printed."""
    frozen = freezing.freeze(config, committed)
    print_warnings(invocation, frozen.warnings)
    return lock_of(frozen.snapshots)
