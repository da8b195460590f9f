"""Whether this user may replace or delete a file. A run checks this before it commits: then it only goes forward."""

from __future__ import annotations

import errno
import os
import stat

from frostline.errors import PublishError


def check_deletable(parent: int) -> None:
    """Raise OSError if this user cannot delete files in this open folder. Staging a file there checks the same."""
    if not os.access(".", os.W_OK | os.X_OK, dir_fd=parent, effective_ids=os.access in os.supports_effective_ids):
        number = errno.EROFS if os.fstatvfs(parent).f_flag & os.ST_RDONLY else errno.EACCES
        raise OSError(number, os.strerror(number))


def check_replaceable(parent: int, key: str, name: str) -> os.stat_result | None:
    """Return the state of the file `name` in the open folder `parent`; None if there is no file.

    key: the file's key, for the message. Raises PublishError if only another user may replace or delete the file.
    """
    try:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None
    folder = os.fstat(parent)
    if folder.st_mode & stat.S_ISVTX and os.geteuid() not in (0, found.st_uid, folder.st_uid):
        raise PublishError(
            f"`{key}` cannot be replaced: it belongs to another user, and its folder has the sticky bit",
            key=key,
            help="run as that user, or publish to a folder that belongs to this user",
        )
    return found
