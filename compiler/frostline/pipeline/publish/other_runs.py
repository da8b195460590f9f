"""Looking at what is published while another run may publish: its files are old and new for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from frostline.errors import FrostlineError
from frostline.lock.store import existing_files
from frostline.publish.publishing import is_interrupted
from frostline.publish.run_lock import is_at_work
from frostline.settings import Config

_Result = TypeVar("_Result")

_MOST_WAIT = 10.0  # seconds; publishing 170,000 instances takes 2
_STEP = 0.05
_TIMES = 3

_WAITING = "Another run is publishing here: waiting until it is done."
_UNSTEADY = "warning: another run published meanwhile: what is said here may mix old and new, run it again"


def look(config: Config, find: Callable[[], _Result], say: Callable[[str], None]) -> _Result:
    """What `find` finds; it is asked again where another run has published meanwhile. say: tells the user.

    An error of `find` counts only where nobody has published.
    """
    for attempt in range(1, _TIMES + 1):
        _wait(config, say)
        before = _state(config)
        try:
            result = find()
        except FrostlineError:
            if attempt == _TIMES or _state(config) == before:
                raise
            continue
        if _state(config) == before:
            return result
    say(_UNSTEADY)
    return result


def _wait(config: Config, say: Callable[[str], None]) -> None:
    """Wait while another run is publishing. What a killed run left is there without one."""
    until = time.monotonic() + _MOST_WAIT
    said = False
    while is_interrupted(config.root) and is_at_work(config.root) and time.monotonic() < until:
        if not said:
            say(_WAITING)
            said = True
        time.sleep(_STEP)


def _state(config: Config) -> tuple[tuple[str, int, int] | None, ...]:
    """What another run that publishes changes: its journal, the manifest, the lock."""
    return tuple(_stamps(config))


def _stamps(config: Config) -> Iterator[tuple[str, int, int] | None]:
    yield ("journal", 0, 0) if is_interrupted(config.root) else None
    yield _stamp(config.manifest)
    try:
        files = existing_files(config.lock, is_folder=config.lock_is_folder)
    except OSError:  # whoever reads it says so
        files = ()
    for file in files:
        yield _stamp(file)


def _stamp(path: Path) -> tuple[str, int, int] | None:
    """A published file is replaced by a new one: another inode, or another time of its bytes."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (path.name, found.st_ino, found.st_mtime_ns)
