"""The lock of a run on its root folder: one run at a time. The lock leaves no file behind."""

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
"""A file that exists while a run is at work and names its process, on file systems that cannot lock files either."""

# On a folder, flock(2) fails with EBADF on NFS (which locks only what is open for writing), and with ENOLCK, EINVAL,
# EOPNOTSUPP or ENOSYS on other network and user-space file systems.
_UNSUPPORTED = frozenset(
    {errno.EBADF, errno.ENOLCK, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EISDIR}
)
_BUSY = frozenset({errno.EAGAIN, errno.EACCES})
# A run that may not write a lock file here cannot publish either, and a run that only reads needs no lock.
_NOT_WRITABLE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_ATTEMPTS = 10
_INSTANT = 0.1
"""Seconds that a run waits for the lock: `is_at_work` holds it too, for some microseconds."""


@contextmanager
def run_lock(root: Path, *, outside: Sequence[Path] = (), make: bool = False) -> Iterator[Root]:
    """Lock the root folder for this run, and undo or finish what an earlier run left behind.

    outside: files and folders outside the root that this run may write (frostline.lock, or its folder).
    make: whether to create a missing root; new folders are removed again if nothing was published in them.
    The lock is flock(2) on the folder itself, which ends with the process. On a file system that cannot lock folders it
    is a lock file, which the run removes. Raises PublishError if another run holds the lock.
    """
    with ExitStack() as stack:
        created: list[Path] = []
        top = _lock_in_place(root, outside, created if make else None, stack)
        # Runs before the lock ends: a run that does not hold the lock must not remove the folder of another run.
        stack.callback(_remove_empty, created)
        recover(top)
        yield top


def _lock_in_place(root: Path, outside: Sequence[Path], created: list[Path] | None, stack: ExitStack) -> Root:
    """Return the root folder, open and locked until the stack ends.

    created: the folders that this creates are added to it; None: create none.
    Tries again if, between two steps, another run removes a folder that it had created, or a link leads elsewhere.
    """
    for attempt in range(_ATTEMPTS):
        is_last = attempt == _ATTEMPTS - 1
        with ExitStack() as steps:
            try:
                if created is not None:
                    _create(root, created)
                top = steps.enter_context(open_root(root, outside))
            except PublishError as error:
                if created is None or is_last or not isinstance(error.__cause__, FileNotFoundError):
                    raise
                continue
            steps.enter_context(_locked(top, root))
            if is_last or is_in_place(top):
                stack.enter_context(steps.pop_all())
                break
    return top


def _create(root: Path, created: list[Path]) -> None:
    """Create the root folder and those above it. The missing ones are added to `created`, inner ones first."""
    try:
        missing = [folder for folder in (root, *root.parents) if not folder.exists()]
        created += [folder for folder in missing if folder not in created]
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PublishError(
            f"the root folder `{display_path(root)}` cannot be created: {error.strerror}",
            help="create it, or set `root` to a folder that can be created",
        ) from error


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # something was published in it
            folder.rmdir()


def is_at_work(root: Path) -> bool:
    """Whether another run holds the lock now; on a file system that cannot lock folders, whether a lock file exists."""
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
        with suppress(OSError):  # if this fails, closing the folder's descriptor ends the lock
            fcntl.flock(top.fd, fcntl.LOCK_UN)


def _flock(fd: int) -> None:
    """Lock this folder. Raises BlockingIOError if another run holds the lock for longer than `is_at_work` does."""
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
                    # Before its lock ends, so that another run that has just opened it sees that it is gone.
                    os.unlink(name, dir_fd=top.fd)
            with suppress(OSError):
                os.close(fd)


def _open_locked(top: Root, shown: Path) -> int:
    """Open and lock the lock file. A file that a killed run left is locked like a new one."""
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
    """Create the OWNER file and return its descriptor. A file that a killed run on this machine left is replaced.

    Raises PublishError if the file says that another run is at work.
    """
    text = f"{os.getpid()} {os.uname().nodename}\n".encode()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    if _is_left_over(top):
        with suppress(FileNotFoundError):
            os.unlink(OWNER, dir_fd=top.fd)
    try:
        fd = os.open(OWNER, flags, 0o600, dir_fd=top.fd)
    except FileExistsError:
        raise _at_work(shown, f"; if no run is at work, remove `{display_path(shown / OWNER)}`") from None
    os.write(fd, text)
    return fd


def _is_left_over(top: Root) -> bool:
    """Whether the OWNER file names a process that ran on this machine and has ended."""
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
    """Return the id of the process that holds flock(2) on this folder; None if it is unknown.

    Only Linux tells, and only processes of the same container.
    """
    status = os.fstat(fd)
    inode = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()  # 1: FLOCK  ADVISORY  WRITE 4242 fe:00:9977959 0 EOF
            if words[1] == "FLOCK" and words[-3] == inode:
                return int(words[-4]) or None
    return None


def _at_work(shown: Path, more: str = "", *, holder: int | None = None) -> PublishError:
    if holder:
        more = f"; if it hangs, end process {holder}{more}"
    return PublishError(
        f"another run is at work in `{display_path(shown)}`{f', process {holder}' if holder else ''}",
        help=f"wait until it is done, then rerun{more}",
    )
