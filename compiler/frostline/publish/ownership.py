"""What publishing would change on disk, and which of these changes are refused. Reads files but writes none."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Literal

from msgspec import Struct

from frostline.errors import PublishError, RefusedError
from frostline.events import report_progress
from frostline.files.names import folded
from frostline.files.targets import FileState, Root, digest_of_chunks, file_bytes, file_state, open_root, path_fault
from frostline.globs import matches
from frostline.publish.manifest import FileLine, Manifest, sorted_manifest
from frostline.publish.salvage import is_made_by_git
from frostline.published import FileChange, ManifestEntry
from frostline.service_keys import glob_of
from frostline.settings import Allow

_PLAIN, _EXECUTABLE = 0o644, 0o755

REFUSAL_REASONS = {
    "edited": "was edited since frostline wrote it",
    "adopt": "exists already, and frostline did not write it",
    "orphans": "is in the manifest, but no configured output writes it",
}
"""Why a file may not be replaced or deleted (`FileChange.refusal`), as the predicate of a sentence about it."""


class DesiredFile(Struct, frozen=True, kw_only=True):
    """A file to publish.

    path: relative to the root, with slashes. output: name of the output that makes it.
    chunks: its bytes, in order; each iteration yields the same bytes.
    sha256: digest of these bytes, in hex, if it is already known.
    """

    path: str
    chunks: Iterable[bytes]
    output: str
    sha256: str | None = None


def file_changes(
    root: Path,
    wanted: Sequence[DesiredFile],
    manifest: Manifest | None,
    *,
    allow: Allow,
    outputs: Collection[str] | None = None,
    is_orphan: Callable[[Root, str], bool] = lambda root, path: False,
    is_input: Callable[[Root, str], bool] = lambda root, path: False,
) -> tuple[FileChange, ...]:
    """Return what publishing `wanted` changes, sorted by path. A missing root counts as empty.

    outputs: names of the outputs in scope; their unwanted files are deleted. None: all outputs.
    is_orphan: tells whether no configured output writes a path; the manifest alone does not prove it.
    is_input: tells whether a path is read as input, and therefore never deleted.
    Raises PublishError if a path is not allowed, if two outputs write it, or if a file cannot be replaced safely.
    """
    _check_paths(wanted)
    owned = {line.path: line for line in manifest.files} if manifest else {}
    paths = {file.path for file in wanted}
    unwanted = [line for line in owned.values() if line.path not in paths and _in_scope(line, outputs)]
    if not os.path.lexists(root):
        return tuple(sorted((_change(file, None, owned, allow) for file in wanted), key=lambda change: change.path))
    with open_root(root) as top:
        changes = []
        for number, file in enumerate(wanted):
            report_progress("", number, len(wanted))
            changes.append(_change(file, top, owned, allow))
        for line in unwanted:
            is_read = is_input(top, line.path)
            change = _deletion(line, top, allow, is_orphan=is_read or is_orphan(top, line.path))
            if change and (change.refusal or not is_read):
                changes.append(change)
    return tuple(sorted(changes, key=lambda change: change.path))


def _in_scope(line: FileLine, outputs: Collection[str] | None) -> bool:
    return outputs is None or line.output in outputs


def _check_paths(wanted: Sequence[DesiredFile]) -> None:
    """Raise PublishError if a path is not allowed, or if two outputs would write the same file."""
    outputs: dict[str, str] = {}
    paths_by_folded: dict[str, str] = {}
    for file in wanted:
        fault = path_fault(file.path)
        if fault:
            raise PublishError(f"output `{file.output}` would write `{file.path}`, which {fault}", help=_MOVE)
        if file.path in outputs:
            both = f"`{outputs[file.path]}` and `{file.output}`"
            raise PublishError(f"`{file.path}` would be written by two outputs, {both}", help=_MOVE)
        outputs[file.path] = file.output
        twin = paths_by_folded.setdefault(folded(file.path), file.path)
        if twin != file.path:
            reason = f"`{twin}` and `{file.path}` would be written, which are one file where case or Unicode is folded"
            raise PublishError(reason, help=_MOVE)
    for path, output in outputs.items():
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folder in outputs:
                reason = (
                    f"output `{outputs[folder]}` would write the file `{folder}`, and output `{output}` files below it"
                )
                raise PublishError(reason, help=_MOVE)


_MOVE = "give the outputs other paths in frostline.yaml"


def _change(file: DesiredFile, root: Root | None, owned: Mapping[str, FileLine], allow: Allow) -> FileChange:
    """Return what happens to a wanted file. root: None if the root folder does not exist yet."""
    present = file_state(root, file.path) if root else None
    line = owned.get(file.path)
    new = file.sha256 or digest_of_chunks(file.chunks)
    action: Literal["create", "update", "adopt", "keep"] = "update"
    refusal: Literal["edited", "adopt"] | None = None
    if present is None:
        action = "create"
    elif present.sha256 == new:
        action = "keep" if line else "adopt"
    elif line is None:
        refusal = None if matches(allow.adopt, file.path) else "adopt"
    elif root and _is_edited(root, line, present):
        refusal = None if matches(allow.edited, file.path) else "edited"
    return FileChange(
        path=file.path,
        output=file.output,
        action=action,
        refusal=refusal,
        sha256=new,
        old=present.sha256 if present else None,
        mode=_mode(line, present),
    )


def _mode(line: FileLine | None, present: FileState | None) -> int:
    """Return the manifest's mode; else the one git would record for the file, so that the umask does not matter."""
    if line:
        return line.mode
    return _EXECUTABLE if present and present.mode & 0o100 else _PLAIN


def _is_edited(root: Root, line: FileLine, present: FileState) -> bool:
    """Whether somebody edited this file since it was published. What git makes of it in a merge is not an edit."""
    return not line.wrote(present.sha256) and not is_made_by_git(file_bytes(root, line.path) or b"", line)


def _deletion(line: FileLine, root: Root, allow: Allow, *, is_orphan: bool) -> FileChange | None:
    """Return the deletion of an unwanted file; None if it is already gone."""
    present = file_state(root, line.path)
    if present is None:
        return None
    refusal: Literal["edited", "orphans"] | None = None
    if is_orphan and not matches(allow.orphans, line.path):
        refusal = "orphans"
    elif _is_edited(root, line, present) and not matches(allow.edited, line.path):
        refusal = "edited"
    return FileChange(
        path=line.path,
        output=line.output,
        action="delete",
        refusal=refusal,
        old=present.sha256,
        mode=line.mode,
    )


def refusals(changes: Iterable[FileChange]) -> tuple[RefusedError, ...]:
    """Return an error for each refused change; its help line says how to allow the change."""
    return tuple(_refusal(change) for change in changes if change.refusal)


def _refusal(change: FileChange) -> RefusedError:
    verb = "deleted" if change.action == "delete" else "replaced"
    if change.refusal == "edited":
        return RefusedError(
            f"`{change.path}` {REFUSAL_REASONS['edited']}; it would be {verb}",
            help="move the edit to where it belongs and restore the file, "
            f"or overwrite it with `--allow {quote(f'edited={glob_of(change.path)}')}`",
        )
    if change.refusal == "orphans":
        return RefusedError(
            f"`{change.path}` {REFUSAL_REASONS['orphans']}; it would be {verb}",
            help="to keep it, remove its line from the manifest; "
            f"to delete it, rerun with `--allow {quote(f'orphans={glob_of(change.path)}')}`",
        )
    return RefusedError(
        f"`{change.path}` {REFUSAL_REASONS['adopt']}; it would be {verb}",
        help="move it away, give the output another path, "
        f"or overwrite it with `--allow {quote(f'adopt={glob_of(change.path)}')}`",
    )


def next_manifest(
    old: Manifest | None,
    changes: Iterable[FileChange],
    services: Iterable[ManifestEntry],
    outputs: Collection[str] | None = None,
) -> Manifest:
    """Return the manifest after these changes.

    outputs: names of the outputs in scope; the manifest keeps the files of all others. None: all outputs.
    """
    lines = {
        change.path: FileLine(path=change.path, sha256=change.sha256, mode=change.mode, output=change.output)
        for change in changes
        if change.sha256 is not None
    }
    for line in old.files if old else ():
        if not _in_scope(line, outputs):
            lines.setdefault(line.path, line)
    return sorted_manifest(Manifest(tuple(lines.values()), tuple(services)))
