"""The file of confirmations: when each segment was last read from its source, and the digest of its lock content then.

It is committed beside the lock and consists of canonical, sorted JSON Lines: the first line names the format, each
other line is about one segment. Outputs never depend on it. It may have been merged by git, edited, or written by an
attacker, so parsing trusts nothing in it.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from operator import attrgetter
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
from msgspec import Meta, Struct

from frostline.canonical import canonical_line, json_fault
from frostline.errors import UsageError
from frostline.files.conflicts import both_sides, conflict_line
from frostline.files.reading import read_regular
from frostline.files.targets import as_publish_error, file_bytes, open_root
from frostline.lock.codec import describe_segment, lock_chunks
from frostline.lock.faults import FREEZE_AGAIN, crlf_help
from frostline.model import FileOrigin, Segment, Snapshot
from frostline.text import display_path

FORMAT = "frostline.confirmed/1"
STARTS = b'{"format":"frostline.confirmed/'
"""The start of a file of confirmations, in any version of the format."""
SUFFIX = ".confirmed"
"""The suffix of the file that `freeze --out` writes beside a lock."""
_HEADER = canonical_line({"format": FORMAT})
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Confirmation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the file: the segment was read at this time, and the lock then had this content.

    digest: `segment_digest` of the content. at: when the read began, in UTC, as `time_text` formats it.
    """

    source: str
    datacenter: str
    namespace: str
    digest: Annotated[str, Meta(pattern="^sha256:[0-9a-f]{64}\\Z")]
    at: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\\Z")]

    @property
    def segment(self) -> Segment:
        return (self.source, self.datacenter, self.namespace)

    def age(self, now: datetime) -> float:
        """Return the seconds since the read; negative if a clock is wrong."""
        return (now - time_of(self.at)).total_seconds()


Confirmations = Mapping[Segment, Confirmation]


def segment_digest(snapshot: Snapshot) -> str:
    """Return `sha256:…` of the lock's content for this segment, its settings included."""
    digest = sha256()
    for chunk in lock_chunks((snapshot,)):
        digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"


def time_text(time: datetime) -> str:
    """Format a time in UTC, to the second."""
    return time.astimezone(UTC).strftime(_TIME)


def time_of(text: str) -> datetime:
    """Parse what `time_text` wrote. Raises ValueError if there is no such time."""
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)


def confirmed_chunks(confirmations: Iterable[Confirmation]) -> Iterator[bytes]:
    """Yield the file's bytes, whole lines at a time, sorted by segment."""
    yield _HEADER + b"\n"
    for confirmation in sorted(confirmations, key=lambda confirmation: confirmation.segment):
        yield canonical_line(confirmation) + b"\n"


def read_confirmed(path: Path) -> dict[Segment, Confirmation]:
    """Read the confirmations; {} if the file does not exist. Raises UsageError, with the line, if it is invalid."""
    data = _read(path)
    return {} if data is None else parse_confirmed(data, display_path(path))


def recover_confirmed(path: Path) -> dict[Segment, Confirmation]:
    """Read the confirmations for a run that rewrites the file. What a merge or an editor broke does not stop it.

    If both sides of a merge confirmed a segment, the older confirmation counts. Invalid lines are ignored.
    Raises UsageError if no line names the format: then it is somebody else's file and must not be overwritten.
    """
    data = _read(path) or b""
    lines = list(both_sides(data.replace(b"\r\n", b"\n").split(b"\n")))
    if data and _HEADER not in lines:
        _refuse(display_path(path), 1, f"these are no confirmations: no line is {_HEADER.decode()}")
    confirmations: dict[Segment, Confirmation] = {}
    for number, line in enumerate(lines, 1):
        with suppress(UsageError):
            confirmation = _decode(line, display_path(path), number)
            other = confirmations.get(confirmation.segment, confirmation)
            confirmations[confirmation.segment] = min(confirmation, other, key=attrgetter("at"))
    return confirmations


def path_beside(lock: Path) -> Path:
    """Return the path of the confirmations of a lock other than the committed one: `dc1.lock.confirmed` beside
    `dc1.lock`."""
    return lock.with_name(lock.name + SUFFIX)


def is_confirmed(path: Path) -> bool:
    """Whether this is a file of confirmations beside a lock, judging by its suffix and its first bytes."""
    with suppress(OSError, ValueError):
        return path.name.endswith(SUFFIX) and read_regular(path).startswith(STARTS)
    return False


def read_beside(lock: Path, shown: str) -> dict[Segment, Confirmation]:
    """Read the confirmations beside a lock; {} if there are none. shown: the lock's path as users would type it.

    Raises UsageError, with the line, if the file is invalid.
    """
    path, shown = path_beside(lock), shown + SUFFIX
    try:
        data = read_regular(path)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOENT, errno.ENAMETOOLONG):
            return {}
        reason = error.strerror if isinstance(error, OSError) else "it is not a path"
        raise UsageError(
            f"the confirmations cannot be read: {reason}", origin=FileOrigin(shown), help=_REMOVE_OR_FREEZE
        ) from None
    try:
        return parse_confirmed(data, shown)
    except UsageError as error:
        raise UsageError(error.message, origin=error.origin, help=_REMOVE_OR_FREEZE) from None


_REMOVE_OR_FREEZE = "freeze it again with `frostline freeze --out FILE`; without this file the lock is not confirmed"


def _read(path: Path) -> bytes | None:
    with as_publish_error(display_path(path), "read", is_key=False):
        if not path.parent.is_dir():
            return None
    with open_root(path.parent) as folder:
        return file_bytes(folder, path.name)


_DECODER = msgspec.json.Decoder(Confirmation)


def parse_confirmed(data: bytes, shown: str) -> dict[Segment, Confirmation]:
    """Parse a file of confirmations. shown: its path for messages. Raises UsageError like `read_confirmed`."""
    lines = data.split(b"\n")
    conflict = conflict_line(lines)
    if conflict:
        _refuse(shown, conflict, "the confirmations have merge conflicts")
    if b"\r\n" in data:
        message = "the lines end in CRLF: git or an editor has converted them"
        raise UsageError(message, origin=FileOrigin(shown, 1), help=crlf_help(shown, FREEZE_AGAIN))
    if lines[0] != _HEADER:
        _refuse(shown, 1, f"these are no confirmations: the first line is not {_HEADER.decode()}")
    if lines.pop():
        _refuse(shown, len(lines) + 1, "the confirmations are cut short in this line")
    confirmations: dict[Segment, Confirmation] = {}
    for number, line in enumerate(lines[1:], 2):
        confirmation = _decode(line, shown, number)
        if confirmations and next(reversed(confirmations)) >= confirmation.segment:
            _refuse(shown, number, f"{describe_segment(confirmation.segment)} is duplicated or out of order")
        confirmations[confirmation.segment] = confirmation
    return confirmations


def _decode(line: bytes, shown: str, line_number: int) -> Confirmation:
    try:
        confirmation = _DECODER.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        _refuse(shown, line_number, f"this is not a confirmation: {json_fault(error, line)}")
    try:
        time_of(confirmation.at)
    except ValueError:
        _refuse(shown, line_number, f"there is no such time: {confirmation.at}")
    # Another spelling of the same value (a repeated key, an escape) could show a reviewer other text than is read.
    if canonical_line(confirmation) != line:
        _refuse(shown, line_number, "this line is not written as frostline writes it")
    return confirmation


def _refuse(shown: str, line: int, reason: str) -> NoReturn:
    raise UsageError(reason, origin=FileOrigin(shown, line), help=FREEZE_AGAIN)
