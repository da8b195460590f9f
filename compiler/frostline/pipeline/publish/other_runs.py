"""Look at what is published while another run may be publishing: for a moment, files are partly old and partly new."""

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
_UNSTEADY = "warning: another run published meanwhile, so this result may mix old and new: rerun"


def look(config: Config, find: Callable[[], _Result], say: Callable[[str], None]) -> _Result:
    """Return the result of `find`, which is called again if another run has published meanwhile.

    say: prints a line for the user. An error of `find` counts only if nobody has published meanwhile.
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
    """Wait while another run is publishing, but not for a killed run, which only left its journal."""
    until = time.monotonic() + _MOST_WAIT
    said = False
    while is_interrupted(config.root) and is_at_work(config.root) and time.monotonic() < until:
        if not said:
            say(_WAITING)
            said = True
        time.sleep(_STEP)


def _state(config: Config) -> tuple[tuple[str, int, int] | None, ...]:
    """Return the state of all that another publishing run changes: its journal, the manifest, the lock."""
    return tuple(_stamps(config))


def _stamps(config: Config) -> Iterator[tuple[str, int, int] | None]:
    yield ("journal", 0, 0) if is_interrupted(config.root) else None
    yield _stamp(config.manifest)
    try:
        files = existing_files(config.lock, is_folder=config.lock_is_folder)
    except OSError:  # reading the lock reports it
        files = ()
    for file in files:
        yield _stamp(file)


def _stamp(path: Path) -> tuple[str, int, int] | None:
    """Return what changes when the file is published anew: its inode, or the time of its bytes."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (path.name, status.st_ino, status.st_mtime_ns)
