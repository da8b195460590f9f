"""The lock of a run on its root folder: one run at a time, and nothing of it stays behind."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from frostline.errors import PublishError
from frostline.files.targets import Root, as_publish_error, file_bytes, is_in_place, open_root
from frostline.publish.recovery import recover
from frostline.text import display_path

FILE = ".frostline.run"
"""The lock file, on file systems that cannot lock a folder."""
OWNER = ".frostline.run.owner"
"""Where no file can be locked either: it is there while a run is at work, and names its process."""

# Of a folder, flock(2) is EBADF on NFS (which locks only what is open for writing), and ENOLCK, EINVAL, EOPNOTSUPP or
# ENOSYS on other network and user-space file systems.
_UNSUPPORTED = frozenset(
    {errno.EBADF, errno.ENOLCK, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EISDIR}
)
_BUSY = frozenset({errno.EAGAIN, errno.EACCES})
# A run that may not write a lock file here publishes nothing either; one that has nothing to publish needs no lock.
_NOT_WRITABLE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_ATTEMPTS = 10
_INSTANT = 0.1
"""Seconds. Whoever asks `is_at_work` holds a lock too, for some microseconds."""


@contextmanager
def run_lock(root: Path, *, outside: Sequence[Path] = (), make: bool = False) -> Iterator[Root]:
    """Lock the root folder for this run, and undo or finish what an earlier run left behind.

    outside: files and folders outside of the root that this run may write (frostline.lock, or its folder).
    make: whether a missing root is made; what was made is removed again if nothing was published in it.
    The lock is flock(2) on the folder itself, which ends with the process; where the file system has none, a lock file,
    which the run removes. PublishError: another run holds it.
    """
    with ExitStack() as stack:
        made: list[Path] = []
        top = _lock_in_place(root, outside, made if make else None, stack)
        # Only under the lock, which ends after this: a run that finds another at work must not take its folder away.
        stack.callback(_remove_empty, made)
        recover(top)
        yield top


def _lock_in_place(root: Path, outside: Sequence[Path], made: list[Path] | None, stack: ExitStack) -> Root:
    """The root folder, open and locked until the stack ends. made: gets the folders that were made; None: make none.

    Another run may take a folder away that it made, or a link may lead elsewhere, between one step and the next.
    """
    for attempt in range(_ATTEMPTS):
        is_last = attempt == _ATTEMPTS - 1
        with ExitStack() as steps:
            try:
                if made is not None:
                    _make(root, made)
                top = steps.enter_context(open_root(root, outside))
            except PublishError as error:
                if made is None or is_last or not isinstance(error.__cause__, FileNotFoundError):
                    raise
                continue
            steps.enter_context(_locked(top, root))
            if is_last or is_in_place(top):
                stack.enter_context(steps.pop_all())
                break
    return top


def _make(root: Path, made: list[Path]) -> None:
    """Make the root folder and those above it; those that were missing go into `made`, inner ones first."""
    try:
        missing = [folder for folder in (root, *root.parents) if not folder.exists()]
        made += [folder for folder in missing if folder not in made]
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PublishError(
            f"the root folder `{display_path(root)}` cannot be made: {error.strerror}",
            help="make it, or set `root` to a folder that can be made",
        ) from error


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # something was published in it
            folder.rmdir()


def is_at_work(root: Path) -> bool:
    """Whether another run holds the lock now. Where the file system has none, whether its lock file is there."""
    try:
        fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno == errno.EWOULDBLOCK or any(os.path.lexists(root / name) for name in (FILE, OWNER))
    finally:
        os.close(fd)
    return False


@contextmanager
def _locked(top: Root, shown: Path) -> Iterator[None]:
    with as_publish_error(display_path(shown), "locked", is_key=False):
        try:
            _flock(top.fd)
            by_file = False
        except OSError as error:
            if error.errno == errno.EWOULDBLOCK:
                raise _at_work(shown, holder=_holder(top.fd)) from None
            if error.errno not in _UNSUPPORTED:
                raise
            by_file = True
    if by_file:
        with _locked_by_file(top, shown):
            yield
        return
    try:
        yield
    finally:
        with suppress(OSError):  # closing the folder's descriptor, which follows, ends the lock as well
            fcntl.flock(top.fd, fcntl.LOCK_UN)


def _flock(fd: int) -> None:
    """Lock this folder. BlockingIOError: another run has it, and not for the instant of `is_at_work` alone."""
    until = time.monotonic() + _INSTANT
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise
            time.sleep(_INSTANT / 10)
        else:
            return


@contextmanager
def _locked_by_file(top: Root, shown: Path) -> Iterator[None]:
    with as_publish_error(FILE, "locked"):
        try:
            fd = _open_locked(top, shown)
        except OSError as error:
            if error.errno not in _NOT_WRITABLE:
                raise
            fd = None
    try:
        yield
    finally:
        if fd is not None:
            for name in (OWNER, FILE):
                with suppress(OSError):
                    os.unlink(name, dir_fd=top.fd)  # before its lock ends: whoever opened it sees that it is gone
            with suppress(OSError):
                os.close(fd)


def _open_locked(top: Root, shown: Path) -> int:
    """The descriptor of the lock file, locked. A file that a killed run left is locked as a new one is."""
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        fd = os.open(FILE, flags, 0o600, dir_fd=top.fd)
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            if error.errno in _UNSUPPORTED:
                return _create_owner(top, shown)
            if error.errno in _BUSY:
                raise _at_work(shown) from None
            raise
        if _is_there(top, fd):
            return fd
        os.close(fd)  # another run has removed it meanwhile


def _is_there(top: Root, fd: int) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(FILE, dir_fd=top.fd, follow_symlinks=False))
    except FileNotFoundError:
        return False


def _create_owner(top: Root, shown: Path) -> int:
    """Create OWNER, which alone says that a run is at work; its descriptor.

    One that a killed run of this machine left is replaced.
    """
    text = f"{os.getpid()} {os.uname().nodename}\n".encode()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    if _is_left_over(top):
        with suppress(FileNotFoundError):
            os.unlink(OWNER, dir_fd=top.fd)
    try:
        fd = os.open(OWNER, flags, 0o600, dir_fd=top.fd)
    except FileExistsError:
        raise _at_work(shown, f"; if none is, remove `{display_path(shown / OWNER)}`") from None
    os.write(fd, text)
    return fd


def _is_left_over(top: Root) -> bool:
    """Whether the process that OWNER names ran on this machine, and has ended."""
    try:
        words = (file_bytes(top, OWNER) or b"").decode("ascii", "replace").split()
        if len(words) != 2 or words[1] != os.uname().nodename:
            return False
        os.kill(int(words[0]), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return False


def _holder(fd: int) -> int | None:
    """The process that has flock(2) on this folder, where the system tells (Linux; not from another container)."""
    status = os.fstat(fd)
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()  # 1: FLOCK  ADVISORY  WRITE 4242 fe:00:9977959 0 EOF
            if words[1] == "FLOCK" and words[-3] == place:
                return int(words[-4]) or None
    return None


def _at_work(shown: Path, more: str = "", *, holder: int | None = None) -> PublishError:
    if holder:
        more = f"; if it hangs, end process {holder}{more}"
    return PublishError(
        f"another run is at work in `{display_path(shown)}`{f', process {holder}' if holder else ''}",
        help=f"wait until it is done, then run this again{more}",
    )
