"""The journal: what a run that publishes has staged, so that whoever comes after a crash can undo or finish it.

It is written twice: before the first file is staged, and again, committed, once all of them are safe on disk. The
second is the moment of truth: a run that died before it is undone, one that died after it is finished.
Anybody could have put the file there: it is read as hostile, and no path in it leaves the root folder.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Annotated, Literal, NoReturn

import msgspec
from msgspec import Meta, Struct

from frostline.errors import PublishError
from frostline.files.targets import Root, as_publish_error, file_bytes, permitted, write_new_file

NAME = ".frostline.journal"
_UNFINISHED = NAME + ".tmp"
_STAGED = re.compile(r"\.frostline\.[0-9a-f]{16}\.[0-9]{1,9}\.tmp")
_Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}\\Z")]

GIVE_UP = (
    f"or give it up: remove `{NAME}` and the files named `.frostline.*.tmp`, restore the published files and the lock "
    "from your repository, and run again"
)


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file to replace or delete. target: its key; staged: the new file's name in the same folder, None to delete.

    sha256: of the new bytes, None to delete; old: of the bytes to be replaced, None where there is no file yet.
    """

    target: str
    staged: str | None
    sha256: _Digest | None
    old: _Digest | None


class Journal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """folders: keys of those that the run makes, outer ones first. steps: in order, the manifest's the last."""

    format: Literal["frostline.journal/1"] = "frostline.journal/1"
    committed: bool
    folders: tuple[str, ...]
    steps: tuple[Step, ...]


def staged_name(run: str, number: int) -> str:
    """The name of a staged file. run: 16 random hex digits, so that runs of two nested roots do not meet."""
    return f".frostline.{run}.{number}.tmp"


def write_journal(root: Root, journal: Journal) -> None:
    """Puts the journal in place, whole and durable."""
    with as_publish_error(NAME, "written"):
        discard_unfinished(root)
        write_new_file(root.fd, _UNFINISHED, [msgspec.json.encode(journal)], 0o600)
        os.rename(_UNFINISHED, NAME, src_dir_fd=root.fd, dst_dir_fd=root.fd)
        os.fsync(root.fd)


def discard_unfinished(root: Root) -> None:
    """Removes a journal that was not written to its end."""
    with as_publish_error(_UNFINISHED, "removed"), suppress(FileNotFoundError):
        os.unlink(_UNFINISHED, dir_fd=root.fd)


def remove_journal(root: Root) -> None:
    """The run is over: nothing is left to undo or to finish."""
    with as_publish_error(NAME, "removed"):
        os.unlink(NAME, dir_fd=root.fd)
        os.fsync(root.fd)


def read_journal(root: Root) -> Journal | None:
    """The journal that a run left behind, None: there is none. PublishError: it is not one, or names other files."""
    data = file_bytes(root, NAME)
    if data is None:
        return None
    try:
        journal = msgspec.json.decode(data, type=Journal)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        _refuse(f"it is damaged ({error})")
    for step in journal.steps:
        if not permitted(root, step.target):
            _refuse(f"it names `{step.target}`, which is not this configuration's")
        if step.staged is not None and not _STAGED.fullmatch(step.staged):
            _refuse(f"it names `{step.staged}`, which no run stages")
        if (step.staged is None) != (step.sha256 is None) or (step.staged is None and step.old is None):
            _refuse(f"what it says of `{step.target}` makes no sense")
    if len({step.target for step in journal.steps}) < len(journal.steps):
        _refuse("it names a file twice")
    for made in journal.folders:
        if not (permitted(root, made) or any(key.startswith(made + "/") for key in root.outside)):
            _refuse(f"it names the folder `{made}`, which is not this configuration's")
    return journal


def _refuse(reason: str) -> NoReturn:
    raise PublishError(
        f"`{NAME}`, which a run that was cut off left behind, cannot be trusted: {reason}", help="see to it, " + GIVE_UP
    )
