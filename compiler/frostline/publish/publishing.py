"""Publish all files or none: stage each file beside its target, commit a journal, rename.

A reader of any file sees the old or the new bytes. If a run is killed before the journal's commit, the next run undoes
it; if it is killed later, the next run finishes it. `run_lock` does so before anything else.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from frostline.errors import ErrorGroup, FrostlineError, PublishError
from frostline.events import report_progress
from frostline.files.access import access_of
from frostline.files.targets import (
    FileState,
    Root,
    as_publish_error,
    digest_of_chunks,
    file_state,
    folder_of,
    is_in_place,
    key_of,
    may_write,
    mode_of,
    name_of,
    open_folder,
    sync,
    write_new_file,
)
from frostline.publish.journal import NAME, Journal, Step, identity_of, staged_name, write_journal
from frostline.publish.manifest import Manifest, manifest_chunks
from frostline.publish.ownership import DesiredFile, refusals
from frostline.publish.permissions import check_deletable, check_replaceable
from frostline.publish.recovery import finish, recover, sync_folders
from frostline.published import FileChange
from frostline.text import display_path


def is_interrupted(root: Path) -> bool:
    """Whether a run is publishing now or was interrupted while publishing. The next run undoes or finishes it."""
    return os.path.lexists(root / NAME)


class Publication(Struct, frozen=True, kw_only=True):
    """Everything that one run writes.

    files: the files of the outputs. changes: what happens to each of them, from `file_changes`.
    lock_files: the path and new bytes of each lock file; None to delete it. The manifest does not list them.
    manifest: the new manifest at `manifest_path`; None to leave it as it is.
    """

    files: Iterable[DesiredFile] = ()
    changes: tuple[FileChange, ...] = ()
    lock_files: tuple[tuple[Path, Iterable[bytes] | None], ...] = ()
    manifest_path: Path | None = None
    manifest: Manifest | None = None


class _Write(Struct, frozen=True, kw_only=True):
    """One file to write or delete.

    chunks: the new bytes; None to delete the file.
    sha256: digest of the new bytes. present: digest of the present bytes; None if there is no file.
    exact: whether to set `mode` regardless of the umask.
    """

    key: str
    chunks: Iterable[bytes] | None
    sha256: str | None
    present: str | None
    mode: int
    exact: bool


def publish(root: Root, publication: Publication, confirm: Callable[[], None] = lambda: None) -> None:
    """Write everything or nothing. Files whose bytes stay the same are not touched.

    root: from `run_lock`.
    confirm: called once the present digest of every file is known; it raises if a file is not as the run found it at
    its beginning. Later changes are noticed here.
    Raises RefusedError if a change is refused, and PublishError if writing fails: before the commit, everything is as
    it was; after it, the next run finishes. An interrupt after the commit is raised once everything is written.
    """
    writes = _writes(root, publication)
    confirm()
    if not writes:
        return
    run = secrets.token_hex(8)
    steps = tuple(
        Step(
            target=write.key,
            staged=None if write.chunks is None else staged_name(run, number),
            sha256=write.sha256,
            old=write.present,
        )
        for number, write in enumerate(writes)
    )
    folders = tuple(_missing_folders(root, writes))
    journal = Journal(committed=False, root=identity_of(root.fd), folders=folders, steps=steps)
    try:
        write_journal(root, journal)
        _make_folders(root, folders)
        staged = []
        for number, (write, step) in enumerate(zip(writes, steps, strict=True)):
            report_progress("", number, len(writes))
            staged.append(_stage(root, write, step))
        committed = replace(journal, committed=True, steps=tuple(staged))
        sync_folders(root, {folder_of(step.target) for step in steps if step.staged})
        for write in writes:
            _check_untouched(root, write)
        _check_in_place(root)
        write_journal(root, committed)
        finish(root, committed)
    except BaseException:
        # An interrupt can come between any two instructions, so only the journal on disk tells whether we committed.
        with suppress(FrostlineError):
            recover(root)
        raise


def _writes(root: Root, publication: Publication) -> list[_Write]:
    """Return the files to write and delete; the manifest is last. Raises RefusedError if a change is refused."""
    refused = refusals(publication.changes)
    if refused:
        raise refused[0] if len(refused) == 1 else ErrorGroup(refused)
    chunks = {file.path: file.chunks for file in publication.files}
    writes = [
        _output_write(root, change, chunks) for change in publication.changes if change.action not in ("keep", "adopt")
    ]
    unlisted = [(key_of(root, path), content) for path, content in publication.lock_files]
    if publication.manifest_path is not None and publication.manifest is not None:
        unlisted.append((key_of(root, publication.manifest_path), list(manifest_chunks(publication.manifest))))
    taken = {change.path for change in publication.changes}
    for key, content in unlisted:
        if key in taken or not may_write(root, key):
            reason = "an output would write it too" if key in taken else "it is outside the root folder"
            way = "give it another path in frostline.yaml"
            raise PublishError(f"`{key}` cannot be written: {reason}", key=key, help=way)
        taken.add(key)
        write = _unlisted_write(key, content, file_state(root, key))
        if write.sha256 != write.present:
            writes.append(write)
    return writes


def _output_write(root: Root, change: FileChange, chunks: dict[str, Iterable[bytes]]) -> _Write:
    mode = mode_of(root, change.path)
    return _Write(
        key=change.path,
        chunks=None if change.action == "delete" else chunks[change.path],
        sha256=change.sha256,
        present=change.old,
        mode=change.mode | 0o666 if mode is None else mode,
        exact=mode is not None,
    )


def _unlisted_write(key: str, content: Iterable[bytes] | None, present: FileState | None) -> _Write:
    return _Write(
        key=key,
        chunks=content,
        sha256=None if content is None else digest_of_chunks(content),
        present=present.sha256 if present else None,
        mode=present.mode if present else 0o666,
        exact=present is not None,
    )


def _missing_folders(root: Root, writes: Iterable[_Write]) -> Iterator[str]:
    """Yield the keys of the folders to create, outer ones first."""
    folders: set[str] = set()
    for write in writes:
        folder = folder_of(write.key) if write.chunks is not None else ""
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder_of(folder)
    for folder in sorted(folders):
        if not _folder_exists(root, folder):
            yield folder


def _folder_exists(root: Root, key: str) -> bool:
    with as_publish_error(key, "opened"):
        try:
            with open_folder(root, key):
                return True
        except FileNotFoundError:
            return False


def _make_folders(root: Root, keys: Iterable[str]) -> None:
    for key in keys:
        with as_publish_error(key, "created"), open_folder(root, folder_of(key)) as parent:
            with suppress(FileExistsError):
                os.mkdir(name_of(key), dir_fd=parent)
            sync(parent)


def _stage(root: Root, write: _Write, step: Step) -> Step:
    """Stage one file, or check that it can be deleted. Return the step with the identity of the staged file."""
    done_to = "deleted" if write.chunks is None else "written"
    with as_publish_error(write.key, done_to), open_folder(root, folder_of(write.key)) as parent:
        old = check_replaceable(parent, write.key, name_of(write.key))
        if write.chunks is None or step.staged is None:
            check_deletable(parent)
            return step
        access = access_of(parent, name_of(write.key)) if old else None
        written = write_new_file(parent, step.staged, write.chunks, write.mode, exact=write.exact, access=access)
        new = os.stat(step.staged, dir_fd=parent, follow_symlinks=False)
    if written != write.sha256:
        raise FrostlineError(f"`{write.key}` was rendered twice, with different results", help="please report it")
    return replace(step, identity=(new.st_dev, new.st_ino))


def _check_in_place(root: Root) -> None:
    """Check that `root`, which may be a link, still leads to the folder that we compared and write to."""
    with as_publish_error(display_path(root.given), "opened", is_key=False):
        if not is_in_place(root):
            raise PublishError(
                f"the root folder `{display_path(root.given)}` was replaced by another one during this run",
                help="nothing was published: rerun",
            )


def _check_untouched(root: Root, write: _Write) -> None:
    """Check once more before the commit that nobody changed the file since we compared it."""
    state = file_state(root, write.key)
    if (state.sha256 if state else None) != write.present:
        raise PublishError(
            f"`{write.key}` was changed by somebody else during this run",
            key=write.key,
            help="nothing was published: rerun",
        )
