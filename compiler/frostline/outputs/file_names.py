"""Turns names that servers chose into parts of file names and Hiera keys, without collisions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import PurePosixPath

from msgspec import Struct

from frostline.model import FileOrigin, Finding
from frostline.rules import Rule

PATH_COLLISION = Rule(
    name="path-collision",
    summary="two files of an output have paths that are the same, or differ only in case",
    why=(
        "One of the files would overwrite the other. Paths that differ only in case are the same on macOS and Windows."
    ),
    example="frostline.yaml:12:7: error[path-collision]: shop: "
    "the files of `Shop` and `shop` have the same path where file names ignore case: shop.yaml\n"
    "  help: rename one of them, leave one out with `select`, or write this output without `split`",
    mend="rename one of them, or leave one out of this output",
)
RULES = (PATH_COLLISION,)

LONGEST_STEM = 200
"""Maximum bytes of a file's stem. File systems allow 255 for a name; the suffix and staging add to the stem."""

_UNSAFE_IN_KEY = re.compile(rb"[^A-Za-z0-9_-]")
_UNSAFE_IN_STEM = re.compile(rb"\A\.|[^A-Za-z0-9_.-]")


def percent_encode(name: str) -> str:
    """`name` with each byte of its UTF-8 that is not a letter, digit, `_` or `-` written as `%XX`."""
    return _UNSAFE_IN_KEY.sub(_percent, name.encode()).decode()


def file_stem(name: str, longest: int = LONGEST_STEM) -> str:
    """`name` as the stem of a file name, at most `longest` bytes: percent-encoded, except for dots within it.

    A longer stem is cut and ends in `~` and a digest. Encoded names have no `~`, so no two names have the same stem.
    """
    stem = _UNSAFE_IN_STEM.sub(_percent, name.encode()).decode()
    if len(stem) <= longest:
        return stem
    end = "~" + sha256(name.encode()).hexdigest()[:32]
    return stem[: longest - len(end)] + end


class PathCollision(Struct, frozen=True):
    """Two names whose files have the same path where file names ignore case. is_exact: on every file system."""

    first: str
    second: str
    path: PurePosixPath
    is_exact: bool = False

    def finding(self, origin: FileOrigin, help: str, service: str | None = None, version: str | None = None) -> Finding:
        """The error finding. origin: the output's."""
        where = "" if self.is_exact else " where file names ignore case"
        return PATH_COLLISION.finding(
            f"the files of `{self.first}` and `{self.second}` have the same path{where}: {self.path}",
            service=service,
            version=version,
            value=str(self.path),
            origin=origin,
            help=help,
        )


def unique_paths(
    names: Iterable[str], path_of: Callable[[str], PurePosixPath]
) -> tuple[dict[str, PurePosixPath], list[PathCollision]]:
    """name -> path of its file, and the collisions. A name that collides with an earlier one is left out."""
    paths: dict[str, PurePosixPath] = {}
    collisions: list[PathCollision] = []
    owners: dict[str, str] = {}
    for name in names:
        path = path_of(name)
        owner = owners.setdefault(str(path).lower(), name)
        if owner == name:
            paths[name] = path
        else:
            collisions.append(PathCollision(owner, name, path))
    return paths, collisions


def _percent(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found.group()[0]
