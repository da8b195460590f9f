"""The door for all that is read, but for what `-c` names: regular files on a disk, up to a limit of bytes.

A path that the configuration or a command names may be anywhere. What is found through it (by a glob, an include, a
call of `file`, a link in a folder) stays in its folder: `inside`. For what nobody trusts, as in a pull request, the
variable `INSIDE` bounds all of it.
"""

from __future__ import annotations

import errno
import os
import stat
from functools import cache
from pathlib import Path

INSIDE = "_FROSTLINE_INSIDE"
"""The variable that names the folders, a line each, out of which nothing is read."""

MIB = 1 << 20
MOST_OF_LOCK = 2048 * MIB
"""Of a lock, and of a plan, which holds one: about 400 bytes an instance."""
MOST_OF_TEXT = 64 * MIB
"""Of what people write, or frostline for them: a configuration, overrides, a template, a schema, confirmations."""
MOST_OF_SECRET = MIB
"""Of a token, a certificate or a key. A bundle of all public authorities has 250 kB."""

# O_NONBLOCK: if somebody replaces the file by a FIFO after the check, opening it must not hang.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KERNEL = frozenset({"proc", "sysfs", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs", "configfs", "efivarfs"})
"""File systems whose files are what the kernel or a process says of itself (proc(5)): environments, memory, keys."""


def read_regular(path: Path, *, most: int = MOST_OF_TEXT, inside: Path | None = None) -> bytes:
    """The bytes of this file. inside: the folder that it must lie in once links are followed; None: anywhere.

    OSError, whose strerror ends "… cannot be read: …": no such file, not a regular file, larger than `most` bytes, of
    the kernel, outside of its folder. ValueError: not a path.
    """
    if is_out_of_bounds(path):
        raise OSError(errno.EXDEV, "it is outside of the repository, or a link that leads out of it")
    if inside is not None and not path.resolve().is_relative_to(inside.resolve()):
        raise OSError(errno.EXDEV, "it is a link that leads out of its folder")
    _check_kind(path.stat())
    with os.fdopen(os.open(path, _FLAGS), "rb") as file:
        found = os.fstat(file.fileno())
        _check_kind(found)
        data = file.read(most + 1) if found.st_size <= most else b""
    if found.st_size > most or len(data) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most // MIB} MiB")
    return data


def is_out_of_bounds(path: Path) -> bool:
    """Whether this path, once links are followed, is outside of the folders that `INSIDE` names."""
    bounds = os.environ.get(INSIDE, "").split("\n")
    return bounds != [""] and not any(path.resolve().is_relative_to(Path(folder).resolve()) for folder in bounds)


def _check_kind(found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    if found.st_dev in _kernel_devices():
        raise OSError(errno.EINVAL, "it is not a file on a disk, but what the kernel says of a process or the machine")


@cache
def _kernel_devices() -> frozenset[int]:
    """The devices (st_dev) of the kernel's file systems that are mounted, wherever. Linux (proc(5), mountinfo)."""
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
