"""`split: entry`: a file for each (service, version), whose path is a pattern.

The folder before the first placeholder belongs to the output, so that no other output writes into it. Values in file
names are percent-encoded as in the output yaml, so that they cannot name another folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from msgspec import Struct

from frostline.config.cursor import Cursor
from frostline.config.readers import pattern_parts
from frostline.model import Key, Registry, version_label
from frostline.outputs.file_names import LONGEST_STEM, PathCollision, file_stem
from frostline.outputs.values import entry_name
from frostline.patterns import PatternError, Placeholder, parse
from frostline.service_keys import key_text

_PLACEHOLDERS = {"name": False, "service": False, "version": False}
_SHORTEST = 40
"""The least number of bytes of a shortened value, which ends in a digest of 32."""

COLLISION_HELP = "rename one of them, leave one out with `select`, or tell them apart with {service} and {version}"


class SplitPath(Struct, frozen=True):
    """folder: as written. pattern: the path inside the folder, with placeholders."""

    folder: str
    pattern: str


def has_placeholder(path: str) -> bool:
    """Whether this path is meant to be a pattern."""
    try:
        return any(isinstance(part, Placeholder) and part.name in _PLACEHOLDERS for part in parse(path))
    except PatternError:
        return False


def split_path(cursor: Cursor) -> SplitPath | None:
    """The path of an output with `split: entry`; None if it is refused."""
    parts = pattern_parts(cursor, _PLACEHOLDERS)
    if parts is None:
        return None
    names = {part.name for part in parts if isinstance(part, Placeholder)}
    if "name" not in names and not {"service", "version"} <= names:
        cursor.refuse(
            "`path` does not tell the files of `split: entry` apart",
            "write {name} in it, or {service} and {version}: `FOLDER/{name}.json`",
        )
        return None
    if ".." in cursor.value.split("/"):
        cursor.refuse("`path` has `..` beside its placeholders", "write the folder itself")
        return None
    first = parts[0] if isinstance(parts[0], str) else ""
    folder = first.rpartition("/")[0]
    if not PurePosixPath(folder).name:
        cursor.refuse(
            "`path` has no folder before its placeholders",
            "write one, which is this output's own: `FOLDER/{name}.json`",
        )
        return None
    # The folder's braces are doubled where they are literal; the pattern keeps its own.
    return SplitPath(folder, cursor.value[len(_doubled(folder)) + 1 :])


def _doubled(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def file_path(pattern: str, key: Key, name: str) -> PurePosixPath:
    """The path of the file of this (service, version), relative to the folder."""
    values = {"name": name, "service": key.service, "version": version_label(key.version)}
    return PurePosixPath(*(_file_name(part, values) for part in pattern.split("/") if part))


def _file_name(pattern: str, values: Mapping[str, str]) -> str:
    parts = parse(pattern)
    longest = max(_SHORTEST, LONGEST_STEM // max(1, sum(isinstance(part, Placeholder) for part in parts)))
    return "".join(part if isinstance(part, str) else file_stem(values[part.name], longest) for part in parts)


def file_paths(pattern: str, registry: Registry) -> tuple[dict[Key, PurePosixPath], list[tuple[Key, PathCollision]]]:
    """The path of each entry's file, and the entries without a file because they collide with an earlier one."""
    paths: dict[Key, PurePosixPath] = {}
    owners: dict[str, tuple[Key, PurePosixPath]] = {}
    collisions: list[tuple[Key, PathCollision]] = []
    for key, entry in registry.entries():
        path = file_path(pattern, key, entry_name(key, entry))
        owner, taken = owners.setdefault(str(path).lower(), (key, path))
        if owner == key:
            paths[key] = path
        else:
            collisions.append((key, PathCollision(key_text(owner), key_text(key), path, taken == path)))
    return paths, collisions
