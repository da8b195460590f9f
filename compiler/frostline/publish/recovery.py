"""Undo or finish an interrupted run. The journal on disk decides which."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from contextlib import suppress

from frostline.errors import PublishError
from frostline.files.targets import Root, as_publish_error, file_state, folder_of, name_of, open_folder, sync
from frostline.publish.journal import (
    GIVE_UP,
    NAME,
    Identity,
    Journal,
    Step,
    discard_unfinished,
    read_journal,
    remove_journal,
)

_HALF = "published files are partly old and partly new: fix the cause above and rerun, which finishes the run"


def recover(root: Root) -> None:
    """Undo an interrupted run, or finish it if it was committed.

    Raises PublishError if the journal cannot be trusted, or if a file has changed since the run left it.
    """
    discard_unfinished(root)
    journal = read_journal(root)
    if journal is None:
        return
    if journal.committed:
        finish(root, journal, done=_done_targets(root, journal))
    else:
        _undo(root, journal)


def finish(root: Root, journal: Journal, *, done: Collection[str] = ()) -> None:
    """Apply the steps of a committed journal, except those with a target in `done`.

    The last step, the manifest, is applied after the folders of the others are synced.
    """
    for step in journal.steps[:-1]:
        if step.target not in done:
            _apply(root, step)
    sync_folders(root, {folder_of(step.target) for step in journal.steps[:-1]})
    for step in journal.steps[-1:]:
        if step.target not in done:
            _apply(root, step)
        sync_folders(root, {folder_of(step.target)})
    _remove_emptied_folders(root, journal.steps)
    remove_journal(root)


def _apply(root: Root, step: Step) -> None:
    name = name_of(step.target)
    with (
        as_publish_error(step.target, "deleted" if step.staged is None else "replaced", help=_HALF),
        open_folder(root, folder_of(step.target)) as parent,
    ):
        if step.staged is None:
            os.unlink(name, dir_fd=parent)
        else:
            os.rename(step.staged, name, src_dir_fd=parent, dst_dir_fd=parent)


def _done_targets(root: Root, journal: Journal) -> set[str]:
    """Return the targets that are already written. Raises PublishError if another one can no longer be written."""
    return {step.target for step in journal.steps if _is_done(root, step)}


def _is_done(root: Root, step: Step) -> bool:
    state = file_state(root, step.target)
    present = state.sha256 if state else None
    if step.staged is None:
        if present not in (None, step.old):
            raise _edited_error(step)
        return present is None
    staged = file_state(root, sibling_key(step.target, step.staged))
    if staged is not None and _staged_identity(root, step.target, step.staged) != step.identity:
        raise PublishError(
            f"`{NAME}` cannot be trusted: `{step.staged}` is not the file that the run staged for `{step.target}`",
            key=NAME,
            help="find out who changed it, " + GIVE_UP,
        )
    if staged is None and present == step.sha256:
        return True
    if staged is None or staged.sha256 != step.sha256:
        raise PublishError(
            f"the interrupted run cannot be finished: its new file for `{step.target}` is gone or has changed",
            key=step.target,
            help=GIVE_UP[3:],
        )
    if present not in (None, step.old, step.sha256):
        raise _edited_error(step)
    return False


def _staged_identity(root: Root, target: str, staged: str) -> Identity:
    """Return the identity of the file that now has the staged name, beside its target."""
    with open_folder(root, folder_of(target)) as parent:
        status = os.stat(staged, dir_fd=parent, follow_symlinks=False)
    return status.st_dev, status.st_ino


def _edited_error(step: Step) -> PublishError:
    return PublishError(
        f"`{step.target}` was edited after an interrupted run, which still has to replace it",
        key=step.target,
        help="move your edit away and rerun, " + GIVE_UP,
    )


def _undo(root: Root, journal: Journal) -> None:
    staged = [(step.target, step.staged) for step in journal.steps if step.staged is not None]
    for target, name in staged:
        with (
            as_publish_error(target, "cleared of staged files"),
            suppress(FileNotFoundError),
            open_folder(root, folder_of(target)) as parent,
        ):
            # Stat first: on a read-only file system nothing was staged, but unlink(2) would still fail.
            os.stat(name, dir_fd=parent, follow_symlinks=False)
            os.unlink(name, dir_fd=parent)
    for folder in reversed(journal.folders):
        _remove_if_empty(root, folder)
    sync_folders(root, {folder_of(target) for target, _ in staged})
    remove_journal(root)


def _remove_emptied_folders(root: Root, steps: Iterable[Step]) -> None:
    for folder in sorted({folder_of(step.target) for step in steps if step.staged is None}, reverse=True):
        while folder and not folder.startswith(".."):
            _remove_if_empty(root, folder)
            folder = folder_of(folder)


def _remove_if_empty(root: Root, key: str) -> None:
    with suppress(OSError), open_folder(root, folder_of(key)) as parent:
        os.rmdir(name_of(key), dir_fd=parent)


def sync_folders(root: Root, keys: Iterable[str]) -> None:
    """Make the names in these folders durable. Folders that no longer exist are skipped."""
    for key in sorted(keys):
        with as_publish_error(key or ".", "written"), suppress(FileNotFoundError), open_folder(root, key) as fd:
            sync(fd)


def sibling_key(key: str, name: str) -> str:
    """Return the key of the file `name` in the folder of `key`."""
    return f"{folder_of(key)}/{name}" if "/" in key else name
