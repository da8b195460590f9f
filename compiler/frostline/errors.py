"""The one family of errors: each has an exit status, an origin and a help line.

Code below the command never prints or exits. It raises one of these errors, and the command maps it to a message and
an exit status.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from frostline.model import FileOrigin, InstanceOrigin

DONE = 0
DIFFERENT = 1
USAGE = 2
UNREADABLE = 3
REFUSED = 4
UNPUBLISHED = 5
BUG = 70
INTERRUPTED = 130


UNTOUCHED = "Nothing was written: what is published stays as it is."
"""The last line of every run that exits with UNREADABLE."""


class FrostlineError(Exception):
    """What went wrong (`message`), where (`origin`) and what to do next (`help`).

    `ending` is a line that the run prints once, after all its errors; None for no line.
    `status` is the exit status of the command; the highest status of all errors wins.
    The message may quote hostile text unescaped: the code that prints it escapes it (`text.escape_for_log`).
    """

    status = BUG
    ending: str | None = None

    def __init__(
        self,
        message: str,
        *,
        origin: FileOrigin | InstanceOrigin | None = None,
        help: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.origin = origin
        self.help = help


class UsageError(FrostlineError):
    """The command line, the configuration, a template or a committed file is wrong."""

    status = USAGE


class SourceError(FrostlineError):
    """A source could not be read.

    unreachable: the server is down, fails with 5xx or has no leader, so a retry may succeed.
    """

    status = UNREADABLE
    unreachable = False


class RefusedError(FrostlineError):
    """A check or a guard refuses to publish."""

    status = REFUSED


class PublishError(FrostlineError):
    """Writing failed, or another run is at work.

    key: path, from the root folder, of the file that the error is about; `files.targets.open_root` turns it into the
    origin. None if the error is not about such a file.
    """

    status = UNPUBLISHED

    def __init__(
        self,
        message: str,
        *,
        key: str | None = None,
        origin: FileOrigin | InstanceOrigin | None = None,
        help: str | None = None,
    ) -> None:
        super().__init__(message, origin=origin, help=help)
        self.key = key


class ErrorGroup(FrostlineError):
    """Several errors of one run, reported together."""

    def __init__(self, errors: Sequence[FrostlineError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = tuple(errors)
        self.status = max(error.status for error in errors)
