"""The only way to read files, except the one that `-c` names: regular files on a disk, up to a size limit.

A path that the configuration or a command names may be anywhere. A file found through it (by a glob, an include, a call
of `file`, a link in a folder) must stay in its folder (`inside`). For an untrusted configuration, as in a pull request,
the environment variable `INSIDE` restricts all reading to certain folders.
"""

from __future__ import annotations

import errno
import os
import stat
from functools import cache
from pathlib import Path

from frostline.files.names import is_git_folder

INSIDE = "_FROSTLINE_INSIDE"
"""The environment variable that lists the only folders to read from, one a line. Unset: no restriction."""

MIB = 1 << 20
MOST_OF_LOCK = 2048 * MIB
"""Size limit of a lock, and of a saved plan, which contains one. An instance takes about 400 bytes."""
MOST_OF_TEXT = 64 * MIB
"""Size limit of text files: configuration, overrides, templates, schemas, confirmations."""
MOST_OF_SECRET = MIB
"""Size limit of a token, a certificate or a key. A bundle of all public certificate authorities has 250 kB."""

# O_NONBLOCK: opening must not hang if somebody replaces the file by a FIFO after the check.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KERNEL = frozenset({"proc", "sysfs", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs", "configfs", "efivarfs"})
"""File systems whose files expose the kernel or processes (proc(5)): environments, memory, keys."""


def read_regular(
    path: Path, *, most: int = MOST_OF_TEXT, inside: Path | None = None, may_be_gits: bool = False
) -> bytes:
    """Read a file of at most `most` bytes.

    inside: the folder that must contain the file after all links are followed; None for no restriction.
    may_be_gits: whether the file may be in a `.git` folder. Only for files whose content is never shown, and for files
    that the command line names.
    Raises OSError if there is no such file, or if it is not a regular file, is larger than `most`, belongs to the
    kernel or to git, or is outside its folder; the strerror completes the sentence "… cannot be read: …". Raises
    ValueError if `path` has a NUL.
    """
    check_bounds(path)
    if not may_be_gits and is_gits(real_path(path)):
        raise OSError(errno.EXDEV, "it is in a .git folder, which may hold a token")
    if inside is not None and not real_path(path).is_relative_to(real_path(inside)):
        raise OSError(errno.EXDEV, "it is a link that leads out of its folder")
    _check_kind(path.stat())
    with os.fdopen(os.open(path, _FLAGS), "rb") as file:
        status = os.fstat(file.fileno())
        _check_kind(status)
        data = file.read(most + 1) if status.st_size <= most else b""
    if status.st_size > most or len(data) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most // MIB} MiB")
    return data


def check_bounds(path: Path) -> None:
    """Raise OSError, like `read_regular`, if this path is outside the folders that `INSIDE` lists."""
    if is_out_of_bounds(path):
        raise OSError(errno.EXDEV, "it is outside of the repository, or a link that leads out of it")


def is_out_of_bounds(path: Path) -> bool:
    """Whether this path, after all links are followed, is outside the folders that `INSIDE` lists."""
    bounds = os.environ.get(INSIDE, "").split("\n")
    return bounds != [""] and not any(real_path(path).is_relative_to(real_path(Path(folder))) for folder in bounds)


def real_path(path: Path) -> Path:
    """Follow all links. Before Python 3.13, `Path.resolve` raises RuntimeError for a loop of links; this does not."""
    return Path(os.path.realpath(path))


def is_gits(path: Path) -> bool:
    """Whether this path leads into a `.git` folder. git's configuration may hold tokens, for instance in CI."""
    return any(map(is_git_folder, path.parts))


def _check_kind(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    if status.st_dev in _kernel_devices():
        raise OSError(errno.EINVAL, "it is not a file on a disk, but shows the state of the kernel or of a process")


@cache
def _kernel_devices() -> frozenset[int]:
    """Return the devices (st_dev) of all mounted kernel file systems. Only Linux has them (proc(5), mountinfo)."""
    devices = set()
    try:
        lines = Path("/proc/self/mountinfo").read_text(errors="replace").splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        mount, _, kind = line.partition(" - ")
        if kind.split(" ", 1)[0] in _KERNEL:
            major, _, minor = mount.split(" ")[2].partition(":")
            devices.add(os.makedev(int(major), int(minor)))
    return frozenset(devices)
