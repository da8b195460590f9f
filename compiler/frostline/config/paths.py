"""Paths of a configuration: relative to its folder, and as users type them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from frostline.config.cursor import Cursor
from frostline.errors import UsageError
from frostline.files.reading import is_out_of_bounds


def resolved(folder: Path, written: str) -> Path:
    """Return the absolute path that `written` means in `folder`, without `.` and `..`, without following links."""
    path = os.path.normpath(folder / written)  # pathlib cannot remove `..` without following links
    return Path("/", path.lstrip("/"))  # POSIX leaves the meaning of a leading `//` to the system


def working_folder() -> Path:
    """Return the folder that the command was started in. Raises UsageError if it has been removed."""
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError(
            f"the working folder cannot be used: {error.strerror}", help="somebody removed it: change to another folder"
        ) from None


def path_reader(folder: Path) -> Callable[[Cursor], Path]:
    """Return a reader of paths that are relative to `folder`."""
    return lambda cursor: resolved(folder, cursor.value)


def is_file(path: Path) -> bool:
    """Whether a file exists at this path; False also if that cannot be found out.

    True for what is out of bounds: whoever reads it reports that, and nobody learns what exists there.
    """
    try:
        return is_out_of_bounds(path) or path.is_file()
    except OSError:  # the name is too long, or a folder must not be entered
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder exists at this path; False also if that cannot be found out."""
    try:
        return not is_out_of_bounds(path) and path.is_dir()
    except OSError:
        return False


def is_other(path: Path) -> bool:
    """Whether something other than a folder exists at this path."""
    try:
        return not is_out_of_bounds(path) and path.exists() and not path.is_dir()
    except OSError:
        return False
