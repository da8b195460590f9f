"""Which folders git would take for a repository, before git is started there."""

from __future__ import annotations

import os
from pathlib import Path

from frostline.errors import UsageError
from frostline.files.reading import real_path
from frostline.text import display_path


def refuse_bare_repository(folder: Path) -> None:
    """Raise UsageError if git, started in this folder, would use a folder that looks like a bare repository.

    A branch can hold such a folder, and its configuration would name programs. git's own `safe.bareRepository` exists
    from git 2.38 on. git looks in each folder for `.git` first (git's setup.c), which no branch can hold.
    """
    start = real_path(folder)
    for place in (start, *start.parents):
        if os.path.lexists(place / ".git"):
            return
        if _looks_like_a_repository(place):
            raise UsageError(
                f"the folder `{display_path(place)}` looks like a bare git repository, and git would use it",
                help="remove its `HEAD`, or go to a folder that belongs to the repository you mean",
            )


def _looks_like_a_repository(folder: Path) -> bool:
    """Whether git may take this folder itself for a repository; with `commondir` the rest may lie elsewhere."""
    parts = {name for name in ("HEAD", "commondir", "objects", "refs") if os.path.lexists(folder / name)}
    return "HEAD" in parts and ("commondir" in parts or {"objects", "refs"} <= parts)
