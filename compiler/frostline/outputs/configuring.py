"""Reads the outputs of a configuration: each type reads its own keys. Refuses outputs whose paths conflict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from frostline.config.context import Context, has_required, known_type
from frostline.config.cursor import Cursor
from frostline.files.names import folded
from frostline.outputs.base import TABLE, Claim, claims_of, inputs_of, output_module, output_types
from frostline.outputs.output_keys import OUTPUT_KEYS, output_settings
from frostline.outputs.verifier_keys import verifier_of
from frostline.settings import OutputSettings
from frostline.text import display_path, quote


class Reserved(Struct, frozen=True):
    """A file, or a folder with everything in it, that outputs may not write. name: as messages name it."""

    path: Path
    name: str
    is_folder: bool = False


class _Claimed(Struct, frozen=True):
    """A claim of an output, and the cursor at which its path is written."""

    claim: Claim
    cursor: Cursor


def outputs_of(cursor: Cursor | None, context: Context, reserved: Sequence[Reserved]) -> tuple[OutputSettings, ...]:
    """The outputs in the order written. reserved: what they may not overwrite, besides each other and their inputs."""
    if cursor is None:
        return ()
    items = cursor.items()
    built = [(item, settings) for item in items if (settings := _output(item, context)) is not None]
    outputs = tuple(settings for _, settings in built)
    inputs = [
        Reserved(path, f"{display_path(path)}, which the output {quote(output.name)} reads")
        for output in outputs
        for path in inputs_of(output)
    ]
    _check_paths(built, context.root, [*reserved, *inputs])
    _check_names(items)
    return outputs


def _output(cursor: Cursor, context: Context) -> OutputSettings | None:
    """The output with its verifier, which is read here so that no type can forget it."""
    settings = _of_type(cursor, context)
    verifier = verifier_of(cursor)
    return replace(settings, verifier=verifier) if settings is not None and verifier is not None else settings


def _of_type(cursor: Cursor, context: Context) -> OutputSettings | None:
    kind = known_type(cursor, output_types(), "output")
    if kind is None:
        return None
    module = output_module(kind)
    if kind not in TABLE and not has_required(cursor, module):
        return None
    if hasattr(module, "configure"):
        settings: OutputSettings | None = module.configure(cursor, context)
        return settings
    options = {key: value for key, value in cursor.value.items() if key != "type" and key not in OUTPUT_KEYS}
    return output_settings(cursor, context, options)


def _check_paths(outputs: Sequence[tuple[Cursor, OutputSettings]], root: Path, reserved: Sequence[Reserved]) -> None:
    """Refuses an output outside root, or one that conflicts with a reserved path or an earlier output."""
    earlier = _Earlier()
    for cursor, settings in outputs:
        written = cursor.get("path") or cursor
        claimed = [_Claimed(claim, written) for claim in claims_of(settings)]
        for claim in claimed:
            if not (
                _is_inside(claim, root)
                and _is_of_its_kind(claim)
                and _is_unreserved(claim, reserved)
                and _is_apart(claim, earlier)
            ):
                break  # a refused output does not conflict with later ones
        else:
            earlier.add(claimed)


class _Earlier:
    """The claims of earlier outputs, indexed by path: comparing each claim with all others would take too long."""

    def __init__(self) -> None:
        self._at: dict[str, _Claimed] = {}
        """path with case and Unicode folded -> its first claim."""
        self._below: dict[Path, _Claimed] = {}
        """folder -> the first claim below it."""

    def add(self, claims: Sequence[_Claimed]) -> None:
        for claimed in claims:
            self._at.setdefault(folded(str(claimed.claim.path)), claimed)
            for folder in claimed.claim.path.parents:
                self._below.setdefault(folder, claimed)

    def conflicting(self, path: Path) -> _Claimed | None:
        """A claim that conflicts with this path: of the same file, else of a folder above, else of a path below."""
        above = (self._at.get(folded(str(folder))) for folder in path.parents)
        candidates = [self._at.get(folded(str(path))), *above, self._below.get(path)]
        return next((claimed for claimed in candidates if claimed and _conflict(claimed.claim.path, path)), None)


def _conflict(first: Path, second: Path) -> bool:
    return _is_alike(first, second) or first in second.parents or second in first.parents


def _is_inside(claimed: _Claimed, root: Path) -> bool:
    cursor, path = claimed.cursor, claimed.claim.path
    if not path.is_relative_to(root):
        cursor.refuse(
            f"the output {quote(cursor.value)} is outside `root`",
            f"write it into {_name_of_root(root)}, or change `root`",
        )
    elif path == root:
        cursor.refuse("the output is `root` itself", "name a file or folder in it")
    else:
        return True
    return False


def _is_of_its_kind(claimed: _Claimed) -> bool:
    """Refuses `data/` as the path of an output that writes a file: the file would be called `data`."""
    written = claimed.cursor.value
    if claimed.claim.is_folder or not isinstance(written, str) or not written.endswith("/"):
        return True
    claimed.cursor.refuse(
        f"{quote(written)} names a folder, but this output writes a file", "name a file in the folder"
    )
    return False


def _name_of_root(root: Path) -> str:
    shown = display_path(root)
    return "the current folder" if shown == "." else f"the folder `{shown}`"


def _is_unreserved(claimed: _Claimed, reserved: Sequence[Reserved]) -> bool:
    claim = claimed.claim
    for place in reserved:
        if _is_alike(claim.path, place.path) or (place.is_folder and claim.path.is_relative_to(place.path)):
            claimed.cursor.refuse(f"the output would overwrite {place.name}", "write it to another path")
            return False
        if place.path.is_relative_to(claim.path) and not claim.is_folder:
            claimed.cursor.refuse(f"the output would be a file where {place.name} needs a folder", "write it elsewhere")
            return False
    return True


def _is_alike(first: Path, second: Path) -> bool:
    """Whether both are the same file, at least on file systems that ignore case or normalize Unicode."""
    return folded(str(first)) == folded(str(second))


def _is_apart(claimed: _Claimed, earlier: _Earlier) -> bool:
    path = claimed.claim.path
    other = earlier.conflicting(path)
    if other is None:
        return True
    line = other.cursor.origin.line
    if path == other.claim.path:
        claimed.cursor.refuse(f"two outputs write {display_path(path)}", f"the other one is in line {line}")
    elif _is_alike(path, other.claim.path):
        both = f"{display_path(other.claim.path)} and {display_path(path)}"
        claimed.cursor.refuse(
            f"two outputs write {both}, which are one file where case or Unicode is folded",
            f"the other one is in line {line}; write one of them elsewhere",
        )
    else:
        inner, outer = sorted((path, other.claim.path), key=lambda path: -len(path.parts))
        claimed.cursor.refuse(
            f"two outputs overlap: {display_path(inner)} lies in {display_path(outer)}",
            f"the other one is in line {line}; write one of them elsewhere",
        )
    return False


def _check_names(items: Sequence[Cursor]) -> None:
    """Refuses a name that an earlier output has. `_check_paths` refuses two outputs without names at the same path."""
    first: dict[str, Cursor] = {}
    for item in items:
        written = item.get("name") or item.get("path")
        if written is None:
            continue
        before = first.setdefault(written.value, written)
        if before is not written and not (before.key == "path" and written.key == "path"):
            written.refuse(
                f"two outputs have the name {quote(written.value)}",
                f"the other one is in line {before.origin.line}; give one of them another `name`",
            )
