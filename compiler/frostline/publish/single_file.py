"""Write one file that no manifest lists, whole or not at all: a saved plan, a lock for another machine, overrides.

The file gets a name once it is complete (O_TMPFILE, open(2)), so a killed run leaves nothing behind. On a file system
without nameless files, and for the moment before an old file is replaced, it stands beside the target under a temporary
name. The next run that writes in this folder removes temporary files that killed runs left.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from msgspec import Struct

from frostline.errors import PublishError, UsageError
from frostline.files.access import access_of
from frostline.files.reading import read_regular
from frostline.files.targets import Root, as_publish_error, file_start, file_state, fill, open_root, sync
from frostline.publish.permissions import check_replaceable
from frostline.text import display_path


class Kind(Struct, frozen=True):
    """Which existing files a new file may replace: those that are empty or begin with one of `starts`.

    words: what the other files are, for a message.
    """

    starts: tuple[bytes, ...]
    words: str


OUT = Kind((b'{"format":"frostline.plan/', b'{"format":"frostline.lock/'), "neither a saved plan nor a lock")
BESIDE_OUT = Kind((b'{"format":"frostline.confirmed/',), "not a file of confirmations")


_PATIENCE = 10.0
_TURN = 0.02
"""Seconds: how long, and how often, an edit waits for another one."""
_STAGED = re.compile(r"\.frostline\.[0-9a-f]{16}\.out\.tmp")
_OPEN_LEFTOVER = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NAMELESS = getattr(os, "O_TMPFILE", 0)
# On a file system without O_TMPFILE, open(2) fails with EOPNOTSUPP, EISDIR or ENOENT; FUSE gives EINVAL and EPERM.
_UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL, errno.EPERM, errno.ENOSYS})


def replace_file(path: Path, chunks: Iterable[bytes], *, kind: Kind | None = None, mode: int | None = None) -> None:
    """Write this file. Missing folders above it are created, and removed again if it cannot be written.

    kind: which existing files may be replaced; None: any.
    mode: permission bits of a new file; None: as the umask has it. An existing file keeps its own.
    Raises UsageError if the existing file is of another kind; PublishError if the file cannot be written, or is a
    symbolic link, folder or device.
    """
    if not path.name:  # `.`
        raise PublishError(f"`{display_path(path)}` is a folder", help="name a file in it")
    with _make_folder(path.parent), open_root(path.parent) as parent:
        _check_kind(parent, path, kind)
        state = file_state(parent, path.name)
        with as_publish_error(path.name, "written"):
            old = check_replaceable(parent.fd, path.name, path.name)
            access = access_of(parent.fd, path.name) if old else None
            _remove_leftovers(parent.fd)
            with _new_file(parent.fd, state.mode if state else 0o666) as (file, give_name):
                fill(file, chunks, state.mode if state else mode, access)
                _check_kind(parent, path, kind)  # somebody else may have written it meanwhile
                give_name(path.name)
            sync(parent.fd)


def edit_file(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Replace this file by what `change` makes of its bytes. Of two runs that do so at once, one waits for the other.

    OSError: it cannot be read. PublishError: as for `replace_file`, or another run takes too long.
    """
    with _locked_file(path):
        replace_file(path, [change(read_regular(path))])


@contextmanager
def _locked_file(path: Path) -> Iterator[None]:
    until = time.monotonic() + _PATIENCE
    while True:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if _is_locked(fd) and os.path.samestat(os.fstat(fd), path.stat()):  # the other one may have replaced it
                yield
                return
        finally:
            os.close(fd)
        if time.monotonic() > until:
            raise PublishError(
                f"`{display_path(path)}` is locked by another process", help="run this again when that is done"
            )
        time.sleep(_TURN)


def _is_locked(fd: int) -> bool:
    """Whether this process has the lock now, or the file system has no locks. False: another process has it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno != errno.EWOULDBLOCK
    return True


@contextmanager
def _make_folder(folder: Path) -> Iterator[None]:
    """Create this folder and those above it, and remove the new ones again if the block fails."""
    missing: list[Path] = []
    with as_publish_error(display_path(folder), "created", help=_help_of_folder(folder), is_key=False):
        missing += [above for above in (folder, *folder.parents) if not above.exists()]
        folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for new in missing:
            with suppress(OSError):
                new.rmdir()
        raise


def refuse_other_kind(path: Path, kind: Kind) -> None:
    """Raise UsageError if the file exists and is of another kind."""
    if path.parent.is_dir():
        with open_root(path.parent) as parent:
            _check_kind(parent, path, kind)


def _check_kind(parent: Root, path: Path, kind: Kind | None) -> None:
    start = file_start(parent, path.name) if kind else b""
    if kind and start and not start.startswith(kind.starts):
        raise UsageError(
            f"--out: `{display_path(path)}` exists and is {kind.words}, so it is not replaced",
            help="name another file, or remove this one",
        )


def _help_of_folder(folder: Path) -> str | None:
    """Return a help line if the folder cannot be created because a file is in the way; else None."""
    blocking = next((above for above in (folder, *folder.parents) if os.path.lexists(above)), None)
    if blocking is None or os.path.isdir(blocking):  # noqa: PTH112 - Path.is_dir may raise
        return None
    return f"`{display_path(blocking)}` is not a folder: name another file, or move it away"


GiveName = Callable[[str], None]


@contextmanager
def _new_file(parent: int, mode: int) -> Iterator[tuple[IO[bytes], GiveName]]:
    """Create a file in this open folder, and a function that gives it its final name.

    The file is locked from before it has a name until it is closed. So one that is not locked was left by a killed run.
    """
    fd = _open_nameless(parent, mode)
    if fd is None:
        with _named_file(parent, mode) as named:
            yield named
        return
    with os.fdopen(fd, "wb") as file:
        _lock(fd)
        yield file, lambda name: _give_name(fd, parent, name)


def _open_nameless(parent: int, mode: int) -> int | None:
    """Open a new file without a name; None if the file system has no such files, or they cannot get a name later."""
    if not _NAMELESS:
        return None
    try:
        fd = os.open(".", _NAMELESS | os.O_WRONLY | os.O_CLOEXEC, mode, dir_fd=parent)
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return None
        raise
    if os.path.exists(_path_of(fd)):  # noqa: PTH110 - the link in /proc has no target with a name
        return fd
    os.close(fd)
    return None


def _give_name(fd: int, parent: int, name: str) -> None:
    with suppress(FileExistsError):
        _link(fd, parent, name)
        return
    staged = _staged_name()
    try:
        _link(fd, parent, staged)
        os.rename(staged, name, src_dir_fd=parent, dst_dir_fd=parent)
    except BaseException:
        with suppress(OSError):
            os.unlink(staged, dir_fd=parent)
        raise


def _link(fd: int, parent: int, name: str) -> None:
    # open(2) shows this way at O_TMPFILE: it takes no privilege, but needs /proc.
    os.link(_path_of(fd), name, dst_dir_fd=parent, follow_symlinks=True)


def _path_of(fd: int) -> str:
    return f"/proc/self/fd/{fd}"


@contextmanager
def _named_file(parent: int, mode: int) -> Iterator[tuple[IO[bytes], GiveName]]:
    while True:
        staged = _staged_name()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(staged, flags, mode, dir_fd=parent)
        _lock(fd)
        if os.fstat(fd).st_nlink:
            break
        os.close(fd)  # before we locked it, another run took it for a leftover and removed it
    try:
        with os.fdopen(fd, "wb") as file:
            yield file, lambda name: os.rename(staged, name, src_dir_fd=parent, dst_dir_fd=parent)
    except BaseException:
        with suppress(OSError):
            os.unlink(staged, dir_fd=parent)
        raise


def _staged_name() -> str:
    return f".frostline.{secrets.token_hex(8)}.out.tmp"  # unique, and short even if the target's name is long


def _lock(fd: int) -> None:
    with suppress(OSError):  # where files cannot be locked, `_remove_leftovers` removes none
        fcntl.flock(fd, fcntl.LOCK_EX)


def _remove_leftovers(parent: int) -> None:
    """Remove the temporary files that killed runs left in this folder."""
    for name in os.listdir(parent):
        if not _STAGED.fullmatch(name):
            continue
        with suppress(OSError):
            fd = os.open(name, _OPEN_LEFTOVER, dir_fd=parent)
            try:
                if stat.S_ISREG(os.fstat(fd).st_mode):
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(name, dir_fd=parent)
            finally:
                os.close(fd)
