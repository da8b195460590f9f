"""The one family of errors: each has an exit status, a place and a way out.

Nothing below the command prints or exits; it raises one of these, and the command maps it to a message and a status.
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
"""What every run ends with whose exit status is UNREADABLE."""


class FrostlineError(Exception):
    """What went wrong (`message`), where (`origin`) and what to do next (`help`).

    `ending`: what is said once, after all errors of the run; None for nothing.
    `status` is the exit status of the command (the highest of all that apply).
    The message may quote hostile text unescaped: whoever prints it escapes it (`text.escape_for_log`).
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

    unreachable: nobody answered, or nobody who could: a server that is down, fails, or has no leader. It may pass.
    """

    status = UNREADABLE
    unreachable = False


class RefusedError(FrostlineError):
    """A check or a guard refuses to publish."""

    status = REFUSED


class PublishError(FrostlineError):
    """Writing failed, or another run is at work.

    key: the file that it is about, as its path from the open root folder, which makes the origin of it; None: none.
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
