"""Paths of a configuration: relative to its folder, and as users type them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from frostline.config.cursor import Cursor
from frostline.errors import UsageError


def resolved(folder: Path, written: str) -> Path:
    """The absolute path that `written` means in `folder`, without `.` and `..`; symbolic links are not followed."""
    path = os.path.normpath(folder / written)  # pathlib cannot take `..` away without following links
    return Path("/", path.lstrip("/"))  # POSIX: what `//` at the beginning means is up to the system


def working_folder() -> Path:
    """The folder that the command was started in. UsageError: it has been removed."""
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError(
            f"the working folder cannot be used: {error.strerror}", help="somebody removed it: change to another folder"
        ) from None


def path_reader(folder: Path) -> Callable[[Cursor], Path]:
    """Reads a path of the configuration in `folder`."""
    return lambda cursor: resolved(folder, cursor.value)


def is_file(path: Path) -> bool:
    """Whether a file is there; one that cannot be looked at is not."""
    try:
        return path.is_file()
    except OSError:  # a name that is too long, a folder that may not be entered
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder is there; one that cannot be looked at is not."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_other(path: Path) -> bool:
    """Whether something is there that is no folder."""
    try:
        return path.exists() and not path.is_dir()
    except OSError:
        return False
