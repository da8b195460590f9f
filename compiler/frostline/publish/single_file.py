"""Writing one file that no manifest lists, whole or not at all: a saved plan, a lock for another machine, overrides.

The bytes get a name once all of them are there (O_TMPFILE, open(2)): a run that is killed leaves nothing. Where the
file system has no files without a name, and for the moment before an old file is replaced, they stand beside the target
under a name of their own; what a killed run left there is removed by the next one that writes in this folder.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from msgspec import Struct

from frostline.errors import PublishError, UsageError
from frostline.files.targets import Root, as_publish_error, file_start, file_state, fill, open_root, sync
from frostline.publish.permissions import check_replaceable
from frostline.text import display_path


class Kind(Struct, frozen=True):
    """What may be replaced by a file: what begins with one of these, or is empty. words: what the others are."""

    starts: tuple[bytes, ...]
    words: str


OUT = Kind((b'{"format":"frostline.plan/', b'{"format":"frostline.lock/'), "neither a saved plan nor a lock")
BESIDE_OUT = Kind((b'{"format":"frostline.confirmed/',), "no file of confirmations")


_STAGED = re.compile(r"\.frostline\.[0-9a-f]{16}\.out\.tmp")
_LEFT = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NAMELESS = getattr(os, "O_TMPFILE", 0)
# Where a file system lacks it, open(2) fails with EOPNOTSUPP, EISDIR or ENOENT; EINVAL and EPERM are FUSE's.
_UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL, errno.EPERM, errno.ENOSYS})


def replace_file(path: Path, chunks: Iterable[bytes], *, kind: Kind | None = None, mode: int | None = None) -> None:
    """Write this file. Missing folders above it are created, and removed again where it can't be written.

    mode: the permission bits of a new file; None: as the umask has it. An old file's stay.
    UsageError: what is there is not of this kind. PublishError: it cannot be written, or is a symbolic link, folder or
    device.
    """
    if not path.name:  # `.`
        raise PublishError(f"`{display_path(path)}` is a folder", help="name a file in it")
    with _folder_made(path.parent), open_root(path.parent) as parent:
        _check_kind(parent, path, kind)
        found = file_state(parent, path.name)
        with as_publish_error(path.name, "written"):
            old = check_replaceable(parent.fd, path.name, path.name)
            owner = (old.st_uid, old.st_gid) if old else None
            _remove_left(parent.fd)
            with _new_file(parent.fd, found.mode if found else 0o666) as (file, place):
                fill(file, chunks, found.mode if found else mode, owner)
                _check_kind(parent, path, kind)  # somebody else may have written it meanwhile
                place(path.name)
            sync(parent.fd)


@contextmanager
def _folder_made(folder: Path) -> Iterator[None]:
    missing: list[Path] = []
    with as_publish_error(display_path(folder), "made", help=_help_of_folder(folder), is_key=False):
        missing += [above for above in (folder, *folder.parents) if not above.exists()]
        folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for made in missing:
            with suppress(OSError):
                made.rmdir()
        raise


def refuse_other_kind(path: Path, kind: Kind) -> None:
    """UsageError: what is there is not of this kind."""
    if path.parent.is_dir():
        with open_root(path.parent) as parent:
            _check_kind(parent, path, kind)


def _check_kind(parent: Root, path: Path, kind: Kind | None) -> None:
    start = file_start(parent, path.name) if kind else b""
    if kind and start and not start.startswith(kind.starts):
        raise UsageError(
            f"--out: `{display_path(path)}` is there, and {kind.words}: it is not replaced",
            help="name another file, or remove this one",
        )


def _help_of_folder(folder: Path) -> str | None:
    """What to do where the folder cannot be made since something else stands in the way."""
    blocking = next((above for above in (folder, *folder.parents) if os.path.lexists(above)), None)
    if blocking is None or os.path.isdir(blocking):  # noqa: PTH112 - Path.is_dir may raise
        return None
    return f"`{display_path(blocking)}` is no folder: name another file, or move it away"


Place = Callable[[str], None]


@contextmanager
def _new_file(parent: int, mode: int) -> Iterator[tuple[IO[bytes], Place]]:
    """A new file in this open folder, and what gives it the name under which it stays.

    It is locked from before it has a name until it is closed: what is not locked was left by a run that was killed.
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
    """The descriptor of a new file without a name that can be given one; None where the file system has none."""
    if not _NAMELESS:
        return None
    try:
        fd = os.open(".", _NAMELESS | os.O_WRONLY | os.O_CLOEXEC, mode, dir_fd=parent)
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return None
        raise
    if os.path.exists(_path_of(fd)):  # noqa: PTH110 - of a link without a target that can be named
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
    # The way without a privilege that open(2) shows at O_TMPFILE. It needs /proc.
    os.link(_path_of(fd), name, dst_dir_fd=parent, follow_symlinks=True)


def _path_of(fd: int) -> str:
    return f"/proc/self/fd/{fd}"


@contextmanager
def _named_file(parent: int, mode: int) -> Iterator[tuple[IO[bytes], Place]]:
    while True:
        staged = _staged_name()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(staged, flags, mode, dir_fd=parent)
        _lock(fd)
        if os.fstat(fd).st_nlink:
            break
        os.close(fd)  # another run took it for one that was left, before it was locked
    try:
        with os.fdopen(fd, "wb") as file:
            yield file, lambda name: os.rename(staged, name, src_dir_fd=parent, dst_dir_fd=parent)
    except BaseException:
        with suppress(OSError):
            os.unlink(staged, dir_fd=parent)
        raise


def _staged_name() -> str:
    return f".frostline.{secrets.token_hex(8)}.out.tmp"  # of this run alone, and not longer for a long name


def _lock(fd: int) -> None:
    with suppress(OSError):  # where nothing can be locked, nothing is taken for what was left either
        fcntl.flock(fd, fcntl.LOCK_EX)


def _remove_left(parent: int) -> None:
    """Remove what killed runs left in this folder."""
    for name in os.listdir(parent):
        if not _STAGED.fullmatch(name):
            continue
        with suppress(OSError):
            fd = os.open(name, _LEFT, dir_fd=parent)
            try:
                if stat.S_ISREG(os.fstat(fd).st_mode):
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(name, dir_fd=parent)
            finally:
                os.close(fd)
