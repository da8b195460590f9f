"""Finding the files that match a glob."""

from __future__ import annotations

from pathlib import Path

MOST_RECURSIONS = 3
"""How many `**` a glob may have. Each multiplies the work by the depth of the folders; ten would never finish."""


class TooManyRecursionsError(ValueError):
    """The glob has more than MOST_RECURSIONS `**`."""


def find(glob: str, folder: Path) -> list[Path]:
    """Return the paths that match the glob, sorted. A relative glob starts at `folder`.

    Raises TooManyRecursionsError; another ValueError, NotImplementedError, IndexError or OSError if the text is not a
    valid glob.
    """
    path = Path(glob)
    recursions = path.parts.count("**")
    if recursions > MOST_RECURSIONS:
        raise TooManyRecursionsError(f"it has {recursions} `**`, at most {MOST_RECURSIONS} are searched")
    if path.is_absolute():
        return sorted(set(Path(path.anchor).glob(str(path.relative_to(path.anchor)))))
    return sorted(set(folder.glob(glob)))
