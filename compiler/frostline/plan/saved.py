"""A saved plan: a reviewed plan with the lock that it would write, and digests of its inputs.

The file is canonical JSON (schemas/plan.schema.json); its last key is the digest of everything before it. We read it as
hostile: no path comes from it, its lock is read as any lock is, and publishing makes the whole file again and compares
the bytes. So what the plan shows is what is published. It is not authenticated: `--expect` binds it to a digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from frostline.canonical import canonical_line, json_fault
from frostline.errors import RefusedError, UsageError
from frostline.files.reading import MOST_OF_LOCK, read_regular
from frostline.model import FileOrigin, Reading
from frostline.plan.changes import FORMAT
from frostline.published import FileChange
from frostline.settings import Allow
from frostline.text import display_path, quote

MOST_NAMED = 10
_MAKE = "make it with this version of frostline: `frostline plan --out FILE`"
MAKE_AGAIN = "make a new plan with `frostline plan --out FILE`, review it, and publish that one"

Digest = Annotated[str, Meta(pattern="^sha256:[0-9a-f]{64}\\Z")]


class Basis(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a plan was made from.

    only, allow, today: the options of the command.
    inputs: path, relative to the configuration's folder -> digest of the file's bytes.
    lock, manifest: digests of the committed files; None if the file did not exist.
    """

    only: tuple[str, ...]
    allow: Allow
    today: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}\Z")]
    inputs: dict[str, Digest]
    lock: Digest | None
    manifest: Digest | None


class Saved(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a saved plan holds besides the plan itself.

    made: when it was made, in UTC.
    changes: every file with its change.
    new_lock: the text of the lock that it would write.
    readings: which segments of that lock were read, and when; () if the plan was made offline.
    merged: whether the lock was merged from the files of `--lock`.
    """

    made: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\\Z")]
    basis: Basis
    changes: tuple[FileChange, ...]
    new_lock: str
    readings: tuple[Reading, ...] = ()
    merged: bool = False


class SavedFile(Struct, frozen=True):
    """A saved plan that was read from a file. data: the file's bytes; digest: the file's own digest, checked."""

    saved: Saved
    data: bytes
    digest: str


class _File(Struct, frozen=True):
    format: str
    saved: Saved
    digest: Digest


def saved_bytes(plan: Mapping[str, Any], saved: Saved) -> tuple[bytes, str]:
    """Return the file's bytes and the plan's digest. plan: its JSON values, from `plan_value`."""
    text = canonical_line({**plan, "saved": saved})
    digest = f"sha256:{sha256(text).hexdigest()}"
    return text[:-1] + _ending(digest), digest


def _ending(digest: str) -> bytes:
    return f',"digest":"{digest}"}}\n'.encode()


def read_saved(path: Path) -> SavedFile:
    """Read a saved plan.

    Raises UsageError if the file cannot be read or is not a saved plan of this format; RefusedError if its digest is
    wrong.
    """
    origin = FileOrigin(display_path(path))
    try:
        data = read_regular(path, most=MOST_OF_LOCK, may_be_gits=True)
    except OSError as error:
        raise UsageError(f"the plan cannot be read: {error.strerror}", origin=origin, help=_MAKE) from None
    if not data:
        raise UsageError("this is not a saved plan: the file is empty", origin=origin, help=_MAKE)
    try:
        file = msgspec.json.decode(data, type=_File)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UsageError(f"this is not a saved plan: {json_fault(error, data)}", origin=origin, help=_MAKE) from None
    if file.format != FORMAT:
        message = f"this frostline reads saved plans of the format {quote(FORMAT)}, not of {quote(file.format)}"
        raise UsageError(message, origin=origin, help=_MAKE)
    ending = _ending(file.digest)
    if not data.endswith(ending) or f"sha256:{sha256(data[: -len(ending)] + b'}').hexdigest()}" != file.digest:
        raise RefusedError(
            "the saved plan was changed since it was made: its digest does not match; nothing was published",
            origin=origin,
            help=MAKE_AGAIN,
        )
    return SavedFile(file.saved, data, file.digest)


def digest_of(path: Path) -> str | None:
    """Return `sha256:…` of a file's bytes; None if there is no file. Raises UsageError if it cannot be read."""
    try:
        return f"sha256:{sha256(read_regular(path, most=MOST_OF_LOCK)).hexdigest()}"
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(
            f"the file cannot be read: {error.strerror}",
            origin=FileOrigin(display_path(path)),
            help="make the file readable, or remove it from the configuration",
        ) from None


def changed_inputs(then: Basis, now: Basis) -> list[str]:
    """Name the inputs that changed since the plan was made, for a message."""
    paths = sorted(path for path in {*then.inputs, *now.inputs} if then.inputs.get(path) != now.inputs.get(path))
    names = [f"`{path}`" for path in paths]
    if then.lock != now.lock:
        names.append("the committed lock")
    if then.manifest != now.manifest:
        names.append("the manifest")
    return names


def changed_files(then: Iterable[FileChange], now: Iterable[FileChange]) -> list[str]:
    """Return the paths of the files that would change in another way than the plan says, sorted."""
    planned, current = ({change.path: change for change in changes} for changes in (then, now))
    return sorted(path for path in {*planned, *current} if planned.get(path) != current.get(path))
