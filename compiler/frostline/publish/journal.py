"""The journal: what a run has staged, so that the next run can undo or finish it after a crash.

It is written twice: before the first file is staged, and again, marked as committed, once all staged files are synced.
A run that died before the second write is undone, one that died later is finished. Anybody, even git, may have put the
file there, so we read it as hostile: no path in it leaves the root folder, and we follow it only if the devices and
inodes in it are those of this folder and these staged files.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Annotated, Literal, NoReturn

import msgspec
from msgspec import Meta, Struct

from frostline.canonical import json_fault
from frostline.errors import PublishError
from frostline.files.targets import Root, as_publish_error, file_bytes, may_write, sync, write_new_file

NAME = ".frostline.journal"
_UNFINISHED = NAME + ".tmp"
_STAGED = re.compile(r"\.frostline\.[0-9a-f]{16}\.[0-9]{1,9}\.tmp")
Identity = tuple[int, int]
"""The device and inode (stat(2)) of a file or folder. They differ on another machine and for a copy."""
_Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}\\Z")]

GIVE_UP = (
    f"or abandon that run: remove `{NAME}` and the files named `.frostline.*.tmp`, restore the published files and the "
    "lock from your repository, and rerun"
)


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file to write or delete.

    target: its key.
    staged: the name of the new file, in the same folder; None to delete the target.
    sha256: digest of the new bytes; None to delete the target.
    old: digest of the bytes to replace; None if there is no file yet.
    identity: of the staged file; None until it is written, and to delete the target.
    """

    target: str
    staged: str | None
    sha256: _Digest | None
    old: _Digest | None
    identity: Identity | None = None


class Journal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run does.

    root: the identity of the root folder. folders: keys of the folders that the run creates, outer ones first.
    steps: in order; the manifest is last.
    """

    format: Literal["frostline.journal/2"] = "frostline.journal/2"
    committed: bool
    root: Identity
    folders: tuple[str, ...]
    steps: tuple[Step, ...]


def staged_name(run: str, number: int) -> str:
    """Return the name of a staged file. run: 16 random hex digits, so that runs in nested roots do not collide."""
    return f".frostline.{run}.{number}.tmp"


def identity_of(fd: int) -> Identity:
    """Return the identity of an open file or folder."""
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


def write_journal(root: Root, journal: Journal) -> None:
    """Write the journal atomically and durably."""
    with as_publish_error(NAME, "written"):
        discard_unfinished(root)
        write_new_file(root.fd, _UNFINISHED, [msgspec.json.encode(journal)], 0o600)
        os.rename(_UNFINISHED, NAME, src_dir_fd=root.fd, dst_dir_fd=root.fd)
        sync(root.fd)


def discard_unfinished(root: Root) -> None:
    """Remove a journal that was not completely written."""
    with as_publish_error(_UNFINISHED, "removed"), suppress(FileNotFoundError):
        # Stat first: on a read-only file system unlink(2) fails even if there is no such file.
        os.stat(_UNFINISHED, dir_fd=root.fd, follow_symlinks=False)
        os.unlink(_UNFINISHED, dir_fd=root.fd)


def remove_journal(root: Root) -> None:
    """Remove the journal, once nothing is left to undo or finish."""
    with as_publish_error(NAME, "removed"):
        os.unlink(NAME, dir_fd=root.fd)
        sync(root.fd)


def read_journal(root: Root) -> Journal | None:
    """Return the journal that a run left behind; None if there is none.

    Raises PublishError if it is damaged, or names files that this configuration does not write.
    """
    data = file_bytes(root, NAME)
    if data is None:
        return None
    try:
        journal = msgspec.json.decode(data, type=Journal)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        _refuse(f"it is damaged: {json_fault(error, data)}")
    if journal.root != identity_of(root.fd):
        _refuse("it was written for another folder, or on another machine: did git bring it, or a copy?")
    for step in journal.steps:
        if not may_write(root, step.target):
            _refuse(f"it names `{step.target}`, which this configuration does not write")
        if step.staged is not None and not _STAGED.fullmatch(step.staged):
            _refuse(f"it names `{step.staged}`, which is not the name of a staged file")
        if not _is_consistent(step):
            _refuse(f"its step for `{step.target}` contradicts itself")
    if len({step.target for step in journal.steps}) < len(journal.steps):
        _refuse("it names a file twice")
    for folder in journal.folders:
        if not (may_write(root, folder) or any(key.startswith(folder + "/") for key in root.outside)):
            _refuse(f"it names the folder `{folder}`, which this configuration does not write to")
    return journal


def _is_consistent(step: Step) -> bool:
    """Whether the step either writes (a staged name and its digest) or deletes (only an old digest)."""
    if step.staged is None:
        return step.sha256 is None and step.old is not None and step.identity is None
    return step.sha256 is not None


def _refuse(reason: str) -> NoReturn:
    raise PublishError(
        f"`{NAME}`, which an interrupted run left behind, cannot be trusted: {reason}",
        key=NAME,
        help="find out who changed it, " + GIVE_UP,
    )
