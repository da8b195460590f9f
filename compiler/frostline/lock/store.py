"""The lock on disk: one file, or a folder with one file for each segment."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from msgspec import Struct

from frostline.errors import UsageError
from frostline.files.reading import MOST_OF_LOCK, check_bounds, read_regular
from frostline.lock.codec import lock_chunks, named_segments, parse_lock
from frostline.lock.faults import FREEZE_AGAIN, is_foreign
from frostline.lock.merge import join_locks
from frostline.lock.salvage import salvage
from frostline.model import FileOrigin, Lock, Segment, Snapshot

SUFFIX = ".lock"


class LockFile(Struct, frozen=True):
    """A lock file to write. It can be iterated repeatedly and yields the same bytes each time."""

    path: Path
    snapshots: tuple[Snapshot, ...]

    def __iter__(self) -> Iterator[bytes]:
        return lock_chunks(self.snapshots)


def lock_files(lock: Lock, path: Path, *, is_folder: bool) -> tuple[LockFile, ...]:
    """Return the files that hold this lock: one, or in a folder one for each segment, see `segment_file_name`."""
    if not is_folder:
        return (LockFile(path, lock.snapshots),)
    return tuple(LockFile(path / segment_file_name(snapshot.segment), (snapshot,)) for snapshot in lock.snapshots)


def segment_file_name(segment: Segment) -> str:
    """Return `SOURCE.DATACENTER.NAMESPACE.lock`. Dots and special characters within the parts are percent-encoded.

    A name that is too long for file systems (255 bytes) is cut and ends in its digest instead.
    """
    name = ".".join(quote(part, safe="").replace(".", "%2E").replace("~", "%7E") for part in segment)
    if len(name) + len(SUFFIX) > 255:
        name = f"{name[:180]}-{sha256(name.encode()).hexdigest()}"
    return name + SUFFIX


def existing_files(path: Path, *, is_folder: bool) -> tuple[Path, ...]:
    """Return the existing lock files, sorted by name. Raises OSError if the folder cannot be read."""
    check_bounds(path)
    if is_folder:  # glob would take an unreadable folder for an empty one
        return tuple(sorted(file for file in path.iterdir() if file.name.endswith(SUFFIX))) if path.is_dir() else ()
    return (path,) if path.exists() else ()


class ReadableLock(Struct, frozen=True):
    """What can be read of a lock if some of its files are broken.

    lock: the content of the valid files; None if there are none. broken: the other files. fault: the error of the first
    broken file.
    """

    lock: Lock | None
    broken: tuple[Path, ...] = ()
    fault: UsageError | None = None


class LockText(Struct, frozen=True):
    """The unparsed files of a lock.

    path: of the file, or of the folder. files: (path, path as users would type it, bytes) of each file, sorted by name;
    empty if there is no lock yet.
    """

    path: Path
    is_folder: bool
    files: tuple[tuple[Path, str, bytes], ...]

    def parse(self) -> Lock | None:
        """Parse the lock; None if there is none yet. Raises UsageError, with file and line, if a file is not a lock."""
        self.refuse_foreign()
        return join_locks([(shown, parse_lock(data, shown)) for _, shown, data in self.files]) if self.files else None

    def refuse_foreign(self) -> None:
        """Raise UsageError if one of the files never was a lock."""
        for _, shown, data in self.files:
            if is_foreign(data):
                raise UsageError(
                    "this file is not a lock and never was: it is somebody else's, so frostline does not change it",
                    origin=FileOrigin(shown, 1),
                    help="correct `lock`, or, if nobody needs the file, delete it and run `frostline compile`",
                )

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 (hex) of each file, by its name."""
        return {path.name: sha256(data).hexdigest() for path, _, data in self.files}

    def segments(self) -> list[Segment]:
        """Return the segments that the files name (see `named_segments`)."""
        return [segment for _, _, data in self.files for segment in named_segments(data)]

    def parse_readable(self) -> ReadableLock:
        """Parse the files that are valid locks, and report the others."""
        locks: list[tuple[str, Lock]] = []
        broken: list[Path] = []
        faults: list[UsageError] = []
        for path, shown, data in self.files:
            try:
                locks.append((shown, parse_lock(data, shown)))
            except UsageError as error:
                broken.append(path)
                faults.append(error)
        try:
            return ReadableLock(join_locks(locks) if locks else None, tuple(broken), faults[0] if faults else None)
        except UsageError as error:
            return ReadableLock(None, tuple(path for path, _, _ in self.files), error)

    def salvage(self) -> Lock | None:
        """Recover the content of broken files (see `salvage`); None if some of it is lost."""
        parts = [(shown, salvage(data)) for _, shown, data in self.files]
        try:
            locks = [(shown, part) for shown, part in parts if part is not None]
            return join_locks(locks) if len(locks) == len(parts) else None
        except UsageError:
            return None

    def holds(self, lock: Lock) -> bool:
        """Whether writing this lock would give exactly these files. Much faster than parsing them."""
        expected = sorted(lock_files(lock, self.path, is_folder=self.is_folder), key=lambda file: file.path)
        return [file.path for file in expected] == [path for path, _, _ in self.files] and all(
            _equals(data, file) for file, (_, _, data) in zip(expected, self.files, strict=True)
        )


def _equals(data: bytes, chunks: Iterable[bytes]) -> bool:
    position = 0
    for chunk in chunks:
        if not data.startswith(chunk, position):
            return False
        position += len(chunk)
    return position == len(data)


def read_lock_text(path: Path, *, is_folder: bool, shown: str) -> LockText:
    """Read the files of the committed lock. shown: its path as users would type it.

    Raises UsageError if a file cannot be read.
    """
    files = []
    try:
        paths = existing_files(path, is_folder=is_folder)
    except OSError as error:
        raise _unreadable(error, shown) from None
    for file in paths:
        name = f"{shown.rstrip('/')}/{file.name}" if is_folder else shown
        files.append((file, name, _read(file, name, inside=path if is_folder else None)))
    return LockText(path, is_folder, tuple(files))


def read_lock(path: Path, *, is_folder: bool, shown: str) -> Lock | None:
    """Read and parse the committed lock; None if there is none yet. shown: its path as users would type it.

    Raises UsageError, with file and line, if a file is not a lock.
    """
    return read_lock_text(path, is_folder=is_folder, shown=shown).parse()


def read_locks(files: Sequence[tuple[str, Path]]) -> list[tuple[str, Lock]]:
    """Read locks other than the committed one. files: (path for messages, path); returns (path for messages, lock).

    Raises UsageError, with file and line, if a file is not a lock.
    """
    return [(shown, parse_elsewhere(_read(file, shown), shown, _FREEZE_OUT)) for shown, file in files]


_FREEZE_OUT = "freeze it again with `frostline freeze --out FILE`"


def parse_elsewhere(data: bytes, shown: str, mend: str) -> Lock:
    """Parse a lock other than the committed one. Compiling does not rewrite it, so `mend` says what does."""
    try:
        return parse_lock(data, shown)
    except UsageError as error:
        raise mended_elsewhere(error, mend) from None


def mended_elsewhere(error: UsageError, mend: str) -> UsageError:
    """Adapt the help line of an error to a lock other than the committed one: `mend` replaces a freeze or a compile."""
    help_text = mend if "compile" in (error.help or "") else (error.help or "").replace(FREEZE_AGAIN, mend)
    return UsageError(error.message, origin=error.origin, help=help_text)


def _read(path: Path, shown: str, inside: Path | None = None) -> bytes:
    try:
        return read_regular(path, most=MOST_OF_LOCK, inside=inside)
    except (OSError, ValueError) as error:
        raise _unreadable(error, shown) from None


_HELP = {
    errno.EACCES: "give this user the right to read it",
    errno.EPERM: "give this user the right to read it",
    errno.EINVAL: "move it away, or set `lock` to a file",
}


def _unreadable(error: OSError | ValueError, shown: str) -> UsageError:
    number, reason = (error.errno, error.strerror) if isinstance(error, OSError) else (None, "it is not a path")
    help_text = _HELP.get(number or 0, "correct `lock`")
    return UsageError(f"the lock cannot be read: {reason}", origin=FileOrigin(shown), help=help_text)
