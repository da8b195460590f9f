"""Who may read and write a file, so that the file that replaces it gives the same rights to the same users."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from msgspec import Struct

# On CIFS, vboxsf and file systems in user space, fsync(2) of a folder fails with EINVAL; where there are no modes,
# fchmod(2) fails with EPERM. A missing feature of the file system is no reason to fail. A fault of the disk (EIO) is.
UNSUPPORTED = frozenset({errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EBADF})

_ACL = "system.posix_acl_access"
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Access(Struct, frozen=True):
    """Owner, group and access control list (acl(5)) of a file; acl None: it has no list, or the system has none."""

    user: int
    group: int
    acl: bytes | None


def access_of(parent: int, name: str) -> Access:
    """Read the access of a file in an open folder. Raises OSError."""
    fd = os.open(name, _FILE, dir_fd=parent)
    try:
        found = os.fstat(fd)
        acl = None
        with suppress(OSError, AttributeError):  # only Linux has os.getxattr
            acl = os.getxattr(fd, _ACL)
        return Access(found.st_uid, found.st_gid, acl)
    finally:
        os.close(fd)


def set_access(fd: int, access: Access | None, mode: int | None) -> None:
    """Give these rights to a file, as far as this user may. mode: its permission bits; None to keep those it has."""
    if access:
        _set_owner(fd, access.user, access.group)
    # With a list, the bits of the group are the most that anybody in it may do. As a mode they would be the group's.
    if access and access.acl and _set_acl(fd, access.acl):
        return
    if mode is not None:
        _set_mode(fd, mode)


def _set_owner(fd: int, user: int, group: int) -> None:
    now = os.fstat(fd)
    for wanted in ((user, group), (-1, group)):  # root may set both, others only a group that they are a member of
        if wanted in ((now.st_uid, now.st_gid), (-1, now.st_gid)):
            return
        with suppress(OSError):
            os.fchown(fd, *wanted)
            return


def _set_acl(fd: int, acl: bytes) -> bool:
    with suppress(OSError, AttributeError):
        os.setxattr(fd, _ACL, acl)
        return True
    return False


def _set_mode(fd: int, mode: int) -> None:
    try:
        os.fchmod(fd, mode)
    except OSError as error:
        if error.errno not in UNSUPPORTED | {errno.EPERM}:
            raise
