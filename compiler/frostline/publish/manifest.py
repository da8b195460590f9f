"""The manifest: what is published, as canonical, sorted JSON Lines; committed beside the outputs.

The first line names the format; then there is a line for each file and for each (service, version). Git may have merged
it, and anybody may have edited it, so we read it as hostile: no path in it leaves the root folder.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Annotated, NoReturn, TypeVar

import msgspec
from msgspec import Meta, Struct

from frostline.canonical import canonical_line, canonical_lines, json_fault
from frostline.errors import UsageError
from frostline.files.conflicts import LFS_POINTER, UTF_16_MARKS, conflict_line
from frostline.files.targets import as_publish_error, file_bytes, open_root, path_fault
from frostline.model import FileOrigin
from frostline.published import ManifestEntry
from frostline.text import display_path

FORMAT = "frostline.manifest/1"
HEADER = canonical_line({"format": FORMAT})
_RESTORE = "restore it from your repository, or remove it, and run `frostline compile`"
_COMPILE = "run `frostline compile`, which writes it anew"


class FileLine(Struct, frozen=True, kw_only=True):
    """A published file.

    path: relative to the root, with slashes. sha256: of its bytes, in hex. output: the name of its output.
    mode: 0o644 or 0o755: git keeps no other permission bits, and the umask differs between machines.
    others: the digests that other sides of a merge have; () in a manifest without a conflict.
    """

    path: str
    sha256: str
    mode: int
    output: str
    others: tuple[str, ...] = ()

    def wrote(self, sha256: str) -> bool:
        """Whether frostline wrote this file with this digest (hex)."""
        return sha256 == self.sha256 or sha256 in self.others


class UnreadableLineError(UsageError):
    """A line is not a line of a manifest: it was cut or damaged, or belongs to something else."""


class Manifest(Struct, frozen=True):
    """What is published. `read_manifest` sorts files by path, and services by name and version (None first)."""

    files: tuple[FileLine, ...] = ()
    services: tuple[ManifestEntry, ...] = ()


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    path: str
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}\\Z")]
    mode: Annotated[str, Meta(pattern="^0(644|755)\\Z")]
    output: str


class _Service(ManifestEntry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    digest: Annotated[str, Meta(pattern="^sha256:[0-9a-f]{64}\\Z")]
    endpoints: Annotated[int, Meta(ge=0)]
    properties: Annotated[str, Meta(pattern="^(|[0-9a-f]{16})\\Z")] = ""


_Line = TypeVar("_Line", _File, _Service)
_FILE = msgspec.json.Decoder(_File)
_SERVICE = msgspec.json.Decoder(_Service)


def sorted_manifest(manifest: Manifest) -> Manifest:
    """Return the same manifest, sorted."""
    return Manifest(
        tuple(sorted(manifest.files, key=lambda line: line.path)),
        tuple(sorted(manifest.services, key=lambda entry: entry.key.sort_key())),
    )


def manifest_chunks(manifest: Manifest) -> Iterator[bytes]:
    """Yield the manifest's bytes, sorted, in whole lines."""
    yield HEADER + b"\n"
    ordered = sorted_manifest(manifest)
    for line in ordered.files:
        text = _File(path=line.path, sha256=line.sha256, mode=f"{line.mode:04o}", output=line.output)
        yield canonical_line(text) + b"\n"
    yield from canonical_lines(ordered.services)


def read_manifest(path: Path) -> Manifest | None:
    """Return the manifest in this file; None if there is no such file.

    Raises UsageError, with the line, if it is not a manifest, is cut short or has conflict markers; PublishError if it
    cannot be read.
    """
    data = manifest_bytes(path)
    return None if data is None else parse_manifest(data, display_path(path))


def manifest_bytes(path: Path) -> bytes | None:
    """Return the bytes of this file; None if there is no such file. Raises PublishError if it cannot be read."""
    with as_publish_error(display_path(path), "read", is_key=False):
        if not path.parent.is_dir():
            return None
    with open_root(path.parent) as root:
        return file_bytes(root, path.name)


def parse_manifest(data: bytes, shown: str) -> Manifest:
    """Parse a manifest. shown: its path for messages. Raises UsageError as `read_manifest` does."""
    lines = data.split(b"\n")
    _check_spelling(data, lines, shown)
    if lines.pop():
        _refuse(shown, len(lines) + 1, "the manifest is cut short in this line", _COMPILE)
    files: dict[str, FileLine] = {}
    services: dict[tuple[str, str | None], ManifestEntry] = {}
    for number, line in enumerate(lines[1:], 2):
        value = parse_line(line, shown, number)
        if isinstance(value, FileLine):
            if files.setdefault(value.path, value) is not value:
                reason = f"the path `{value.path}` is listed twice: were two branches merged?"
                _refuse(shown, number, reason, _COMPILE)
        elif services.setdefault((value.service, value.version), value) is not value:
            reason = f"the service `{value.service}` is listed twice with the same version: were two branches merged?"
            _refuse(shown, number, reason, _COMPILE)
    return sorted_manifest(Manifest(tuple(files.values()), tuple(services.values())))


def _check_spelling(data: bytes, lines: list[bytes], shown: str) -> None:
    """Refuse a file that git or an editor has changed as a whole. lines: those of `data`."""
    conflict = conflict_line(lines)
    if conflict:
        _refuse(shown, conflict, "the manifest has merge conflicts", _COMPILE)
    if b"\r\n" in data:
        way = f"prevent that with the line `{PurePath(shown).name} -text` in .gitattributes, then {_COMPILE}"
        _refuse(shown, 1, "the lines end in CRLF: git or an editor has converted them", way)
    if data.startswith(LFS_POINTER):
        way = f"run `git lfs pull` to get the manifest, or {_COMPILE}"
        _refuse(shown, 1, "this is a pointer of Git LFS in place of the manifest", way)
    if data.startswith((codecs.BOM_UTF8, *UTF_16_MARKS)):
        _refuse(shown, 1, "the manifest is not plain UTF-8: an editor has rewritten it", _COMPILE)
    if lines[0] != HEADER:
        reason = f"not a manifest that this frostline reads: the first line is not {HEADER.decode()}"
        _refuse(shown, 1, "the manifest is empty" if not data else reason, _COMPILE)


def parse_line(line: bytes, shown: str, number: int) -> FileLine | ManifestEntry:
    """Parse one line after the header. shown: the manifest's path; number: the line's, from 1.

    Raises UnreadableLineError if it is not a line of a manifest; UsageError if frostline would not write it so.
    """
    return _file_line(line, shown, number) if line.startswith(b'{"path":') else _service_line(line, shown, number)


def _file_line(line: bytes, shown: str, number: int) -> FileLine:
    value = _decode(_FILE, line, shown, number)
    fault = path_fault(value.path)
    if fault:
        _refuse(shown, number, f"the path `{value.path}` {fault}")
    return FileLine(path=value.path, sha256=value.sha256, mode=int(value.mode, 8), output=value.output)


def _service_line(line: bytes, shown: str, number: int) -> ManifestEntry:
    value = _decode(_SERVICE, line, shown, number)
    return ManifestEntry(
        service=value.service,
        version=value.version,
        digest=value.digest,
        endpoints=value.endpoints,
        properties=value.properties,
    )


def _decode(decoder: msgspec.json.Decoder[_Line], line: bytes, shown: str, number: int) -> _Line:
    try:
        value = decoder.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        reason = f"not a line of a manifest: {json_fault(error, line) if line else 'it is blank'}"
        raise UnreadableLineError(reason, origin=FileOrigin(shown, number), help=_COMPILE) from None
    # Another spelling of the same value (a repeated key, an escape) could show a reviewer text that we do not read.
    if canonical_line(value) != line:
        _refuse(shown, number, "this line is not written as frostline writes it")
    return value


def _refuse(shown: str, line: int, reason: str, way: str = _RESTORE) -> NoReturn:
    raise UsageError(reason, origin=FileOrigin(shown, line), help=way)
