"""Access to the files that a run may replace: by descriptors from the root folder, never through a symbolic link.

The key of a file is its path relative to the root, with slashes. Only a file that the configuration itself places
outside the root (the lock) has a key that begins with `..`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO

from msgspec import Struct

from frostline.errors import PublishError
from frostline.files.access import UNSUPPORTED, Access, set_access
from frostline.files.names import folded, is_git_folder
from frostline.files.reading import MOST_OF_LOCK
from frostline.model import FileOrigin
from frostline.text import display_path

BLOCK = 1 << 20
MANIFEST = "frostline.manifest"
_LONGEST_NAME = 255
"""How many bytes file systems allow in a name (NAME_MAX)."""
_OWN_PREFIX = ".frostline."
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# O_NONBLOCK: opening must not hang if somebody replaces the file by a FIFO after the check.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_HELP = {
    errno.EACCES: "give this user the right to read and write there, then rerun",
    errno.EPERM: "give this user the right to read and write there, then rerun",
    errno.ENOSPC: "free some space, then rerun",
    errno.EDQUOT: "free some space, then rerun",
    errno.EROFS: "the file system is read-only: publish to one that can be written",
    errno.EBUSY: "a mounted file cannot be replaced: mount its folder instead",
}


class Root(Struct, frozen=True):
    """The open root folder.

    fd: its descriptor. given: its absolute path as users write it. real: the same path without symbolic links.
    outside: keys of the files and folders outside the root that may be written.
    """

    fd: int
    given: Path
    real: Path
    outside: frozenset[str] = frozenset()


class FileState(Struct, frozen=True):
    """A file on disk: its SHA-256 (hex) and its permission bits."""

    sha256: str
    mode: int


@contextmanager
def as_publish_error(key: str, done_to: str, *, help: str | None = None, is_key: bool = True) -> Iterator[None]:
    """Turn an OSError of the block into a PublishError: "`KEY` cannot be DONE_TO (read, written …): REASON".

    is_key: False if `key` is not a key, but a path as users would type it.
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        hint = help or _HELP.get(error.errno or 0, "fix the cause above and rerun")
        message = f"`{key}` cannot be {done_to}: {reason}"
        raise PublishError(message, key=key if is_key else None, help=hint) from error


@contextmanager
def open_root(path: Path, outside: Sequence[Path] = ()) -> Iterator[Root]:
    """Open the root folder. Only its own path may lead through symbolic links.

    outside: files and folders that may be written although they are outside the root. A PublishError of the block about
    a key gets the path of that file as its origin. Raises PublishError if the root does not exist.
    """
    missing = None if os.path.lexists(path) else "create the folder, or set `root` to an existing one"
    with as_publish_error(display_path(path), "opened", help=missing, is_key=False):
        fd = os.open(path, _FOLDER)
    try:
        # Keys need `..` resolved by text, as abspath does. Behind a symbolic link, `..` would lead to another folder.
        root = Root(fd, Path(os.path.abspath(path)), Path(os.path.realpath(path)))  # noqa: PTH100
        keys = (key_of(root, path) for path in outside)
        yield Root(fd, root.given, root.real, frozenset(key for key in keys if key.startswith("../")))
    except PublishError as error:
        if error.origin is None and error.key is not None:
            error.origin = FileOrigin(display_path(root.given / error.key))
        raise
    finally:
        with suppress(OSError):  # nothing was written through this descriptor
            os.close(fd)


def is_in_place(root: Root) -> bool:
    """Whether the root's path still leads to the open folder. It may be a link that has been changed."""
    try:
        return os.path.samestat(os.fstat(root.fd), root.given.stat())
    except FileNotFoundError:
        return False


def key_of(root: Root, path: Path) -> str:
    """Return the key of a file. A path below the root gives a key below the root, whatever links it goes through."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100
    for base in (root.given, root.real):
        if absolute.is_relative_to(base):
            return absolute.relative_to(base).as_posix()
    return os.path.relpath(Path(os.path.realpath(absolute.parent)) / absolute.name, root.real)


def path_fault(path: str) -> str | None:
    """Say why `path` cannot be the path of a published file (such as `is absolute`); None if it can.

    A path without a fault stays inside the root.
    """
    parts = path.split("/")
    if not path or "\0" in path:
        return "is empty" if not path else "has a NUL in it"
    if path.startswith("/"):
        return "is absolute"
    if ".." in parts:
        return "leaves the root folder"
    if "." in parts or "" in parts:
        return "is not in its shortest form"
    # Git runs hooks and configuration in .git as programs: no manifest, journal or service name may lead there.
    if any(is_git_folder(part) for part in parts):
        return "is inside a .git folder"
    if folded(path) == MANIFEST or any(folded(part).startswith(_OWN_PREFIX) for part in parts):
        return "is a name that frostline reserves"
    if any("\ud800" <= character <= "\udfff" for character in path):
        return "is not valid Unicode"
    if any(len(part.encode()) > _LONGEST_NAME for part in parts):
        return f"has a name of more than {_LONGEST_NAME} bytes"
    return None


def may_write(root: Root, key: str) -> bool:
    """Whether a run may write this file: it is inside the root, or the configuration itself places it outside."""
    if path_fault(key) is None or key == MANIFEST:
        return True
    parent, _, name = key.rpartition("/")
    return key in root.outside or (parent in root.outside and name not in ("", ".", "..") and "\0" not in name)


def folder_of(key: str) -> str:
    """Return the key of the folder that contains a file; "" is the root."""
    return key.rpartition("/")[0]


def name_of(key: str) -> str:
    """Return the last part of a key."""
    return key.rpartition("/")[2]


@contextmanager
def open_folder(root: Root, key: str) -> Iterator[int]:
    """Open a folder below the root; yield its file descriptor.

    Raises FileNotFoundError if it does not exist, PublishError if a part of `key` is a symbolic link or not a folder.
    """
    fd = os.dup(root.fd)
    try:
        for depth, part in enumerate(key.split("/") if key else ()):
            try:
                inner = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=fd)
            except OSError as error:
                if error.errno in (errno.ENOTDIR, errno.ELOOP):
                    raise _no_folder("/".join(key.split("/")[: depth + 1]), part, fd) from None
                raise
            os.close(fd)
            fd = inner
        yield fd
    finally:
        os.close(fd)


def _no_folder(key: str, name: str, parent: int) -> PublishError:
    if stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        return PublishError(
            f"the folder `{key}` is a symbolic link",
            key=key,
            help="frostline follows no link below the root: set the output's path, or `root`, to the real folder",
        )
    return PublishError(f"`{key}` must be a folder, but is not", key=key, help="move it away and rerun")


def digest_of_chunks(chunks: Iterable[bytes]) -> str:
    """Return the SHA-256 of these bytes, in hex."""
    hashed = sha256()
    for chunk in chunks:
        hashed.update(chunk)
    return hashed.hexdigest()


def file_state(root: Root, key: str) -> FileState | None:
    """Return the digest and mode of a file; None if there is no file.

    Raises PublishError if it is a symbolic link, a folder, a device or a mounted file, if it is behind a symbolic link,
    or if it cannot be read.
    """
    with _open_file(root, key) as fd:
        if fd is None:
            return None
        return FileState(digest_of_chunks(_blocks(fd)), _mode(fd))


def mode_of(root: Root, key: str) -> int | None:
    """Return the permission bits of a file; None if there is no file. Raises PublishError like `file_state`."""
    with _open_file(root, key) as fd:
        return None if fd is None else _mode(fd)


def file_bytes(root: Root, key: str) -> bytes | None:
    """Read a file; None if there is no file. Raises PublishError like `file_state`, and if the file is too large."""
    with _open_file(root, key) as fd:
        if fd is not None and os.fstat(fd).st_size > MOST_OF_LOCK:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return None if fd is None else b"".join(_blocks(fd))


def file_start(root: Root, key: str) -> bytes:
    """Read the first 64 bytes of a file; empty if there is no file. Raises PublishError like `file_state`."""
    with _open_file(root, key) as fd:
        return b"" if fd is None else os.read(fd, 64)


def write_new_file(
    parent: int,
    name: str,
    chunks: Iterable[bytes],
    mode: int,
    *,
    exact: bool = False,
    access: Access | None = None,
) -> str:
    """Write and sync a new file; return its SHA-256 in hex. Raises FileExistsError if it exists already.

    mode: its permission bits, subject to the umask unless `exact`. access: that of the file which it will replace.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, mode, dir_fd=parent), "wb") as file:
        return fill(file, chunks, mode if exact else None, access)


def fill(file: IO[bytes], chunks: Iterable[bytes], mode: int | None, access: Access | None) -> str:
    """Write these bytes to an open new file and sync it; return their SHA-256 in hex.

    mode: the permission bits to set; None to keep those that it has. access: as for `write_new_file`.
    """
    hashed = sha256()
    for chunk in chunks:
        file.write(chunk)
        hashed.update(chunk)
    file.flush()
    set_access(file.fileno(), access, mode)
    sync(file.fileno())
    return hashed.hexdigest()


def sync(fd: int) -> None:
    """Make this file, or the names in this folder, durable, as far as its file system can."""
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise


def _mode(fd: int) -> int:
    return stat.S_IMODE(os.fstat(fd).st_mode) & 0o777


def _blocks(fd: int) -> Iterator[bytes]:
    while block := os.read(fd, BLOCK):
        yield block


@contextmanager
def _open_file(root: Root, key: str) -> Iterator[int | None]:
    with as_publish_error(key, "read"):
        try:
            with open_folder(root, folder_of(key)) as parent:
                fd = _open_regular(key, name_of(key), parent)
        except FileNotFoundError:
            yield None
            return
        try:
            yield fd
        finally:
            os.close(fd)


def _open_regular(key: str, name: str, parent: int) -> int:
    kind = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    if stat.S_ISLNK(kind):
        way = "remove the link, or publish to what it points to"
        raise PublishError(f"`{key}` is a symbolic link", key=key, help=way)
    if not stat.S_ISREG(kind):
        what = "a folder" if stat.S_ISDIR(kind) else "not a regular file"
        raise PublishError(f"`{key}` is {what}", key=key, help="move it away, or publish to another path")
    fd = os.open(name, _FILE, dir_fd=parent)
    if _mount(fd) != _mount(parent):
        os.close(fd)
        raise PublishError(f"`{key}` is a mounted file", key=key, help=_HELP[errno.EBUSY])
    return fd


def _mount(fd: int) -> tuple[int, str]:
    """Return the mount that a file belongs to: its device and, on Linux, the mount's number (proc(5), fdinfo).

    The device alone is not enough: a file that is bind-mounted from the same file system has the same device as its
    folder, yet rename(2) onto it fails with EBUSY.
    """
    device = os.fstat(fd).st_dev
    try:
        lines = Path(f"/proc/self/fdinfo/{fd}").read_text().splitlines()
    except OSError:
        return device, ""
    return device, next((line for line in lines if line.startswith("mnt_id:")), "")
