"""Reading the bytes of the configuration: from a regular file, or once from a pipe, a device or standard input."""

from __future__ import annotations

import os
import re
import stat
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from frostline.config.paths import resolved
from frostline.errors import UsageError
from frostline.files.reading import check_bounds, read_regular
from frostline.model import FileOrigin
from frostline.text import display_path

STDIN = "<stdin>"
_MOST = 64 << 20
"""Size limit of a configuration that is not a regular file: a device may never end."""

_HELP = {
    IsADirectoryError: "name the file, not its folder",
    PermissionError: "give this user the right to read it, or name another one with -c FILE",
}

# These paths name open files of the process. With `< frostline.yaml`, /dev/stdin looks like a regular file in /dev.
_OPEN_FILE = re.compile(r"/dev/(stdin|fd/[0-9]+)|/proc/[^/]+/(task/[^/]+/)?fd/[0-9]+")


class ConfigText(Struct, frozen=True):
    """The text of a configuration.

    shown: its path for messages. path: its path; if it is not a regular file, a made-up one in the working folder.
    digest: `sha256:…` of the bytes if they cannot be read again; None for a regular file.
    """

    shown: str
    path: Path
    content: bytes
    digest: str | None = None


def read_config_text(given: Path, folder: Path) -> ConfigText:
    """Read the configuration that `-c` names. folder: the working folder. Raises UsageError if it cannot be read."""
    path = resolved(folder, str(given))
    is_stdin = str(given) == "-"
    shown = STDIN if is_stdin else display_path(path)
    try:
        if not is_stdin and not _is_open_file(path) and stat.S_ISREG(path.stat().st_mode):
            return ConfigText(shown, path, read_regular(path))
        if not is_stdin:
            check_bounds(path)  # in a pull request even a device or a pipe is not read
        with open(0 if is_stdin else path, "rb", closefd=not is_stdin) as file:
            content = file.read(_MOST + 1)
    except (OSError, ValueError) as error:
        help_text = next((help_text for kind, help_text in _HELP.items() if isinstance(error, kind)), None)
        raise _unreadable(shown, getattr(error, "strerror", None) or "not a path", help_text) from None
    if len(content) > _MOST:
        raise _unreadable(shown, f"it is larger than {_MOST >> 20} MiB or endless", None)
    return ConfigText(shown, folder / STDIN, content, f"sha256:{sha256(content).hexdigest()}")


def _is_open_file(path: Path) -> bool:
    return _OPEN_FILE.fullmatch(os.fspath(path)) is not None


def _unreadable(shown: str, reason: str, help_text: str | None) -> UsageError:
    return UsageError(
        f"the configuration cannot be read: {reason}",
        origin=FileOrigin(shown),
        help=help_text or "name another one with -c FILE",
    )
