"""The file of confirmations: when each segment was last read from its source, and what the lock then had of it.

Canonical, sorted JSON Lines, committed beside the lock: the first line names the format, then there is a line for each
segment. Outputs never depend on it. It may have been merged by git, edited, or written by somebody else: it is read as
hostile.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
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
from frostline.model import FileOrigin, Segment, Snapshot
from frostline.text import display_path

FORMAT = "frostline.confirmed/1"
STARTS = b'{"format":"frostline.confirmed/'
"""How such a file begins, of whichever format."""
SUFFIX = ".confirmed"
"""Of the file beside a lock that `freeze --out` writes."""
_HEADER = canonical_line({"format": FORMAT})
_AGAIN = "run `frostline freeze` to write it anew"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Confirmation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a segment was read, and that this was the lock's. A line of the file.

    digest: of the lock's content, from `segment_digest`. at: when the read began, in UTC, as `time_text` writes it.
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
        """Seconds since then; below 0 where a clock is wrong."""
        return (now - time_of(self.at)).total_seconds()


Confirmations = Mapping[Segment, Confirmation]


def segment_digest(snapshot: Snapshot) -> str:
    """`sha256:…` of what a lock has of this segment, its settings included."""
    digest = sha256()
    for chunk in lock_chunks((snapshot,)):
        digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"


def time_text(time: datetime) -> str:
    """A time in UTC, to the second."""
    return time.astimezone(UTC).strftime(_TIME)


def time_of(text: str) -> datetime:
    """The time that `time_text` wrote. ValueError: there is no such time."""
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)


def confirmed_chunks(confirmations: Iterable[Confirmation]) -> Iterator[bytes]:
    """The file's bytes, whole lines at a time, sorted."""
    yield _HEADER + b"\n"
    for confirmation in sorted(confirmations, key=lambda confirmation: confirmation.segment):
        yield canonical_line(confirmation) + b"\n"


def read_confirmed(path: Path) -> dict[Segment, Confirmation]:
    """The confirmations in this file, {} if there is none yet. UsageError with the line: it is not such a file."""
    data = _bytes_of(path)
    return {} if data is None else parse_confirmed(data, display_path(path))


def recover_confirmed(path: Path) -> dict[Segment, Confirmation]:
    """The confirmations in this file, for a run that writes it anew: what a merge or an editor made of it stops nobody.

    Of a segment that both sides of a merge confirmed, the older one counts. A line that is none confirms nothing.
    UsageError: without the line that names the format it is somebody else's file, which must not be overwritten.
    """
    data = _bytes_of(path) or b""
    lines = list(both_sides(data.replace(b"\r\n", b"\n").split(b"\n")))
    if data and _HEADER not in lines:
        _refuse(display_path(path), 1, f"these are no confirmations: no line is {_HEADER.decode()}")
    found: dict[Segment, Confirmation] = {}
    for at, line in enumerate(lines, 1):
        with suppress(UsageError):
            confirmation = _decoded(line, display_path(path), at)
            earlier = found.get(confirmation.segment, confirmation)
            found[confirmation.segment] = min(confirmation, earlier, key=lambda one: one.at)
    return found


def path_beside(lock: Path) -> Path:
    """Where the confirmations of a lock are that is not the committed one: `dc1.lock.confirmed` beside `dc1.lock`."""
    return lock.with_name(lock.name + SUFFIX)


def is_confirmed(path: Path) -> bool:
    """Whether this is a file of confirmations beside a lock, by its name and how it begins."""
    with suppress(OSError, ValueError):
        return path.name.endswith(SUFFIX) and read_regular(path).startswith(STARTS)
    return False


def read_beside(lock: Path, shown: str) -> dict[Segment, Confirmation]:
    """The confirmations beside this lock, {} if there are none. shown: the lock's path, as users would type it.

    UsageError with the line: it is not such a file.
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


def _bytes_of(path: Path) -> bytes | None:
    with as_publish_error(display_path(path), "read", is_key=False):
        if not path.parent.is_dir():
            return None
    with open_root(path.parent) as folder:
        return file_bytes(folder, path.name)


_DECODER = msgspec.json.Decoder(Confirmation)


def parse_confirmed(data: bytes, shown: str) -> dict[Segment, Confirmation]:
    """The confirmations in these bytes; shown: the path for messages. UsageError: see `read_confirmed`."""
    lines = data.split(b"\n")
    conflict = conflict_line(lines)
    if conflict:
        _refuse(shown, conflict, "the confirmations have merge conflicts")
    if b"\r\n" in data:
        way = f"keep git from it with the line `{Path(shown).name} -text` in .gitattributes, then {_AGAIN}"
        raise UsageError("the lines end in CRLF: git has converted them", origin=FileOrigin(shown, 1), help=way)
    if lines[0] != _HEADER:
        _refuse(shown, 1, f"these are no confirmations: the first line is not {_HEADER.decode()}")
    if lines.pop():
        _refuse(shown, len(lines) + 1, "the confirmations are cut short in this line")
    found: dict[Segment, Confirmation] = {}
    for at, line in enumerate(lines[1:], 2):
        confirmation = _decoded(line, shown, at)
        if found and next(reversed(found)) >= confirmation.segment:
            _refuse(shown, at, f"{describe_segment(confirmation.segment)} is duplicated or out of order")
        found[confirmation.segment] = confirmation
    return found


def _decoded(line: bytes, shown: str, at: int) -> Confirmation:
    try:
        confirmation = _DECODER.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        _refuse(shown, at, f"this is not a confirmation: {json_fault(error, line)}")
    try:
        time_of(confirmation.at)
    except ValueError:
        _refuse(shown, at, f"there is no such time: {confirmation.at}")
    # Another spelling of the same value (a repeated key, an escape) could show a reviewer other text than is read.
    if canonical_line(confirmation) != line:
        _refuse(shown, at, "this line is not written as frostline writes it")
    return confirmation


def _refuse(shown: str, line: int, reason: str) -> NoReturn:
    raise UsageError(reason, origin=FileOrigin(shown, line), help=_AGAIN)
