"""What a manifest says is published, also where git, an editor or a cut download has broken it.

Of a merge both sides count: what either of them published is known to the guards, and a file that either of them
wrote is frostline's own.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from frostline.errors import UsageError
from frostline.files.conflicts import UTF_16_MARKS, both_sides, digest_in_pointer, has_conflict
from frostline.publish.manifest import (
    HEADER,
    FileLine,
    Manifest,
    UnreadableLineError,
    manifest_bytes,
    parse_line,
    parse_manifest,
    sorted_manifest,
)
from frostline.published import ManifestEntry
from frostline.text import display_path


class Salvaged(Struct, frozen=True):
    """manifest: None where there is none. fault: what is wrong with it; it is written anew then.

    is_whole: False where a line of it may be missing.
    """

    manifest: Manifest | None = None
    fault: UsageError | None = None
    is_whole: bool = True


def salvage_manifest(path: Path) -> Salvaged:
    """What the manifest in this file says, both sides of a merge united.

    UsageError: a line of it is not one that frostline writes. PublishError: it cannot be read.
    """
    data, shown = manifest_bytes(path), display_path(path)
    if data is None:
        return Salvaged()
    try:
        return Salvaged(parse_manifest(data, shown))
    except UsageError as fault:
        manifest, is_whole = _united(data, shown)
        return Salvaged(manifest, fault, is_whole)


def _united(data: bytes, shown: str) -> tuple[Manifest, bool]:
    lines = both_sides(_utf8(data).replace(b"\r\n", b"\n").split(b"\n"))
    is_whole = lines.pop() == b"" and lines[:1] == [HEADER]
    files: dict[str, FileLine] = {}
    services: dict[tuple[str, str | None], ManifestEntry] = {}
    for number, line in enumerate(lines, 1):
        if line in (HEADER, b""):
            continue
        try:
            value = parse_line(line, shown, number)
        except UnreadableLineError:
            is_whole = False
            continue
        if isinstance(value, FileLine):
            files[value.path] = _both_wrote(files.get(value.path, value), value)
        else:
            key = (value.service, value.version)
            services[key] = max(services.get(key, value), value, key=lambda entry: entry.endpoints)
    return sorted_manifest(Manifest(tuple(files.values()), tuple(services.values()))), is_whole


def _utf8(data: bytes) -> bytes:
    if data.startswith(UTF_16_MARKS):
        return data.decode("utf-16", errors="replace").encode()
    return data.removeprefix(codecs.BOM_UTF8)


def _both_wrote(ours: FileLine, theirs: FileLine) -> FileLine:
    digests = dict.fromkeys((*ours.others, theirs.sha256))
    return replace(ours, others=tuple(digest for digest in digests if digest != ours.sha256))


def is_converted(data: bytes, digests: Iterable[str]) -> bool:
    """Whether these bytes are a file with one of these digests (SHA-256, hex), with CRLF in place of LF.

    git does that to what it checks out with core.autocrlf.
    """
    return b"\r\n" in data and sha256(data.replace(b"\r\n", b"\n")).hexdigest() in set(digests)


def is_made_by_git(data: bytes, line: FileLine) -> bool:
    """Whether git made these bytes out of what frostline wrote: merged, converted, or a pointer of Git LFS to it.

    Of a file that both sides of a merge wrote anew, git mixes the two without a word where their changes lie apart.
    """
    is_pointer = digest_in_pointer(data) == line.sha256
    return bool(line.others) or is_pointer or has_conflict(data) or is_converted(data, [line.sha256])
