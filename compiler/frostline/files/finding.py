"""Files that a glob of paths names."""

from __future__ import annotations

from pathlib import Path

MOST_RECURSIONS = 3
"""The `**` of one glob. Each multiplies the work by the depth of the folders: with ten a search would not end."""


class TooManyRecursionsError(ValueError):
    """The glob has more `**` than are searched."""


def find(glob: str, folder: Path) -> list[Path]:
    """The paths that this glob matches from the folder on, sorted.

    TooManyRecursionsError. Other ValueErrors, NotImplementedError, IndexError, OSError: it is no glob.
    """
    path = Path(glob)
    recursions = path.parts.count("**")
    if recursions > MOST_RECURSIONS:
        raise TooManyRecursionsError(f"it has {recursions} `**`, at most {MOST_RECURSIONS} are searched")
    if path.is_absolute():
        return sorted(set(Path(path.anchor).glob(str(path.relative_to(path.anchor)))))
    return sorted(set(folder.glob(glob)))
