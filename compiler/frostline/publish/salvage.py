"""What a manifest says is published, even if git, an editor or a cut download has broken it.

Both sides of a merge count: guards know what either side published, and a file that either side wrote is frostline's.
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
    """What could be read of a manifest.

    manifest: None if there is no file. fault: why it is broken; compile then writes it anew.
    is_whole: False if a line may be missing.
    """

    manifest: Manifest | None = None
    fault: UsageError | None = None
    is_whole: bool = True


def salvage_manifest(path: Path) -> Salvaged:
    """Read as much of the manifest as possible, with both sides of a merge.

    Raises UsageError if a line is readable but not as frostline writes it; PublishError if the file cannot be read.
    """
    data, shown = manifest_bytes(path), display_path(path)
    if data is None:
        return Salvaged()
    try:
        return Salvaged(parse_manifest(data, shown))
    except UsageError as fault:
        manifest, is_whole = _merge_sides(data, shown)
        return Salvaged(manifest, fault, is_whole)


def _merge_sides(data: bytes, shown: str) -> tuple[Manifest, bool]:
    """Return the manifest with the lines of both sides of a merge, and whether it is whole."""
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
            files[value.path] = _merge_digests(files.get(value.path, value), value)
        else:
            key = (value.service, value.version)
            services[key] = max(services.get(key, value), value, key=lambda entry: entry.endpoints)
    return sorted_manifest(Manifest(tuple(files.values()), tuple(services.values()))), is_whole


def _utf8(data: bytes) -> bytes:
    if data.startswith(UTF_16_MARKS):
        return data.decode("utf-16", errors="replace").encode()
    return data.removeprefix(codecs.BOM_UTF8)


def _merge_digests(ours: FileLine, theirs: FileLine) -> FileLine:
    digests = dict.fromkeys((*ours.others, theirs.sha256))
    return replace(ours, others=tuple(digest for digest in digests if digest != ours.sha256))


def is_converted(data: bytes, digests: Iterable[str]) -> bool:
    """Whether these bytes are a file with one of these digests (SHA-256, hex), but with CRLF instead of LF.

    git converts files so when it checks them out with core.autocrlf.
    """
    return b"\r\n" in data and sha256(data.replace(b"\r\n", b"\n")).hexdigest() in set(digests)


def is_made_by_git(data: bytes, line: FileLine) -> bool:
    """Whether git made these bytes from what frostline wrote: a merge, another line end, or a pointer of Git LFS.

    If both sides of a merge wrote the file anew, git mixes them silently where their changes do not overlap.
    """
    is_pointer = digest_in_pointer(data) == line.sha256
    return bool(line.others) or is_pointer or has_conflict(data) or is_converted(data, [line.sha256])
