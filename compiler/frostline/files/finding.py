"""Finding the files that match a glob."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

from frostline.files.reading import is_gits, is_out_of_bounds
from frostline.globs import is_literal

MOST_RECURSIONS = 3
"""How many `**` a glob may have. Each multiplies the work by the depth of the folders; ten would never finish."""


class TooManyRecursionsError(ValueError):
    """The glob has more than MOST_RECURSIONS `**`."""


def find(glob: str, folder: Path) -> list[Path]:
    """Return the paths that match the glob, sorted. A relative glob starts at `folder`.

    What may not be read is not found: git's own files, and what is outside of the folders that `reading.INSIDE` lists.

    Raises TooManyRecursionsError; another ValueError, NotImplementedError, IndexError or OSError if the text is not a
    valid glob.
    """
    path = Path(glob)
    recursions = path.parts.count("**")
    if recursions > MOST_RECURSIONS:
        raise TooManyRecursionsError(f"it has {recursions} `**`, at most {MOST_RECURSIONS} are searched")
    literal = takewhile(is_literal, path.parts)
    if is_out_of_bounds(folder.joinpath(*literal)):
        return []
    base, pattern = (Path(path.anchor), str(path.relative_to(path.anchor))) if path.is_absolute() else (folder, glob)
    # pathlib fails for `.` and `/`, which match one folder.
    matches = {base} if glob and path == Path(path.anchor) else set(base.glob(pattern))
    return sorted(path for path in matches if not is_gits(path) and not is_out_of_bounds(path))
