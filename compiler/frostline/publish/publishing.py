"""Publishing: all files or none, whatever happens in between. Stage beside each target, commit a journal, rename.

A reader of any file sees the old or the new bytes. A run that is killed at any instant is undone by the next one
(before the journal's commit) or finished (after it); `run_lock` does so before anything else.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from frostline.errors import ErrorGroup, FrostlineError, PublishError
from frostline.events import report_progress
from frostline.files.targets import (
    FileState,
    Root,
    as_publish_error,
    digest_of_chunks,
    file_state,
    folder_of,
    key_of,
    mode_of,
    name_of,
    open_folder,
    open_root,
    permitted,
    write_new_file,
)
from frostline.model import FileChange
from frostline.publish.journal import NAME, Journal, Step, staged_name, write_journal
from frostline.publish.manifest import Manifest, manifest_chunks
from frostline.publish.ownership import DesiredFile, refusals
from frostline.publish.recovery import finish, recover, sync_folders

__all__ = ["is_interrupted", "publish", "replace_file", "run_lock"]


@contextmanager
def run_lock(root: Path, *, outside: Sequence[Path] = ()) -> Iterator[Root]:
    """The root folder, locked for this run, with what an earlier run left behind undone or finished.

    outside: the lock file, or the folder of lock files, if it may lie outside of the root. The lock is flock(2) on the
    folder itself: it ends with the process and leaves nothing behind. PublishError: another run has it.
    """
    with open_root(root, outside) as top:
        try:
            with as_publish_error(str(root), "locked"):
                fcntl.flock(top.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except PublishError as error:
            if isinstance(error.__cause__, BlockingIOError):
                help_ = "wait until it is done and run again"
                raise PublishError(f"another run is at work in `{root}`", help=help_) from None
            raise
        try:
            recover(top)
            yield top
        finally:
            with suppress(OSError):  # the folder's descriptor is closed next, which ends the lock as well
                fcntl.flock(top.fd, fcntl.LOCK_UN)


def is_interrupted(root: Path) -> bool:
    """Whether a run was cut off in the midst of publishing (or is at it now): the next one will undo or finish it."""
    return os.path.lexists(root / NAME)


class _Piece(Struct, frozen=True, kw_only=True):
    """One file to write (chunks) or to delete (None). found: what is there now."""

    key: str
    chunks: Iterable[bytes] | None
    sha256: str | None
    found: str | None
    mode: int
    exact: bool


def publish(
    root: Root,
    wanted: Iterable[DesiredFile],
    changes: Iterable[FileChange],
    *,
    extra: Iterable[tuple[Path, Iterable[bytes] | None]] = (),
    manifest_path: Path | None = None,
    manifest: Manifest | None = None,
) -> None:
    """Makes these changes, those of `extra` and the manifest's, all or none. Files that stay the same are not touched.

    root: from `run_lock`. extra: lock files, which nobody owns, and their bytes; None deletes one.
    RefusedError: a change is refused. PublishError: before the commit everything is as it was; after it, the next run
    finishes. An interrupt after the commit is raised once all is done.
    """
    pieces = _pieces(root, wanted, tuple(changes), tuple(extra), manifest_path, manifest)
    if not pieces:
        return
    run = secrets.token_hex(8)
    steps = tuple(
        Step(
            target=piece.key,
            staged=None if piece.chunks is None else staged_name(run, number),
            sha256=piece.sha256,
            old=piece.found,
        )
        for number, piece in enumerate(pieces)
    )
    folders = tuple(_missing_folders(root, pieces))
    committed = Journal(committed=True, folders=folders, steps=steps)
    try:
        write_journal(root, Journal(committed=False, folders=folders, steps=steps))
        _make_folders(root, folders)
        for number, (piece, step) in enumerate(zip(pieces, steps, strict=True)):
            report_progress("", number, len(pieces))
            _stage(root, piece, step)
        sync_folders(root, {folder_of(step.target) for step in steps if step.staged})
        for piece in pieces:
            _confirm(root, piece)
        write_journal(root, committed)
        finish(root, committed)
    except BaseException:
        # An interrupt can come between any two instructions: what is on disk tells which side of the commit this is.
        with suppress(FrostlineError):
            recover(root)
        raise


def _pieces(
    root: Root,
    wanted: Iterable[DesiredFile],
    changes: Sequence[FileChange],
    extra: Sequence[tuple[Path, Iterable[bytes] | None]],
    manifest_path: Path | None,
    manifest: Manifest | None,
) -> list[_Piece]:
    """What is to be done on disk; the manifest last."""
    refused = refusals(changes)
    if refused:
        raise refused[0] if len(refused) == 1 else ErrorGroup(refused)
    chunks = {file.path: file.chunks for file in wanted}
    pieces = [_change_piece(root, change, chunks) for change in changes if change.action not in ("keep", "adopt")]
    unowned = [(key_of(root, path), content) for path, content in extra]
    if manifest_path is not None and manifest is not None:
        unowned.append((key_of(root, manifest_path), list(manifest_chunks(manifest))))
    taken = {change.path for change in changes}
    for key, content in unowned:
        if key in taken or not permitted(root, key):
            reason = "an output would write it too" if key in taken else "it is outside of the root folder"
            raise PublishError(f"`{key}` cannot be written: {reason}", help="give it another path in frostline.yaml")
        taken.add(key)
        piece = _unowned_piece(key, content, file_state(root, key))
        if piece.sha256 != piece.found:
            pieces.append(piece)
    return pieces


def _change_piece(root: Root, change: FileChange, chunks: dict[str, Iterable[bytes]]) -> _Piece:
    mode = mode_of(root, change.path)
    return _Piece(
        key=change.path,
        chunks=None if change.action == "delete" else chunks[change.path],
        sha256=change.sha256,
        found=change.old,
        mode=change.mode | 0o666 if mode is None else mode,
        exact=mode is not None,
    )


def _unowned_piece(key: str, content: Iterable[bytes] | None, found: FileState | None) -> _Piece:
    return _Piece(
        key=key,
        chunks=content,
        sha256=None if content is None else digest_of_chunks(content),
        found=found.sha256 if found else None,
        mode=found.mode if found else 0o666,
        exact=found is not None,
    )


def _missing_folders(root: Root, pieces: Iterable[_Piece]) -> Iterator[str]:
    """The keys of the folders that are to be made, outer ones first."""
    above: set[str] = set()
    for piece in pieces:
        key = folder_of(piece.key) if piece.chunks is not None else ""
        while key and key not in above:
            above.add(key)
            key = folder_of(key)
    for key in sorted(above):
        if not _is_there(root, key):
            yield key


def _is_there(root: Root, key: str) -> bool:
    with as_publish_error(key, "opened"):
        try:
            with open_folder(root, key):
                return True
        except FileNotFoundError:
            return False


def _make_folders(root: Root, keys: Iterable[str]) -> None:
    for key in keys:
        with as_publish_error(key, "made"), open_folder(root, folder_of(key)) as parent:
            with suppress(FileExistsError):
                os.mkdir(name_of(key), dir_fd=parent)
            os.fsync(parent)


def _stage(root: Root, piece: _Piece, step: Step) -> None:
    if piece.chunks is None or step.staged is None:
        return
    with as_publish_error(piece.key, "written"), open_folder(root, folder_of(piece.key)) as parent:
        written = write_new_file(parent, step.staged, piece.chunks, piece.mode, exact=piece.exact)
    if written != piece.sha256:
        raise FrostlineError(f"`{piece.key}` was rendered twice and came out different", help="please report it")


def _confirm(root: Root, piece: _Piece) -> None:
    """Last look before the commit: nobody has put another file there since it was compared."""
    found = file_state(root, piece.key)
    if (found.sha256 if found else None) != piece.found:
        raise PublishError(f"`{piece.key}` was changed by somebody else during this run", help="run again")


def replace_file(path: Path, chunks: Iterable[bytes]) -> None:
    """Writes one file that no manifest owns, whole or not at all (a saved plan, a lock for another machine).

    Folders above it that are not there are made, as for outputs.
    PublishError: it cannot be written, or is a symbolic link, a folder, a device.
    """
    staged = f".frostline.{path.name}.tmp"
    with as_publish_error(str(path.parent), "made"):
        path.parent.mkdir(parents=True, exist_ok=True)
    with open_root(path.parent) as parent:
        found = file_state(parent, path.name)
        with as_publish_error(str(path), "written"):
            try:
                with suppress(FileNotFoundError):
                    os.unlink(staged, dir_fd=parent.fd)
                write_new_file(parent.fd, staged, chunks, found.mode if found else 0o666, exact=found is not None)
                os.rename(staged, path.name, src_dir_fd=parent.fd, dst_dir_fd=parent.fd)
                os.fsync(parent.fd)
            except BaseException:
                with suppress(OSError):
                    os.unlink(staged, dir_fd=parent.fd)
                raise
