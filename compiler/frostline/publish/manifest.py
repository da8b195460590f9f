"""The manifest: what is published, as canonical, sorted JSON Lines; committed beside the outputs.

The first line names the format; then there is a line for each file and for each (service, version). It may have been
merged by git, edited, or written by somebody else: it is read as hostile, and no path in it leaves the root folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import msgspec
from msgspec import Meta, Struct

from frostline.canonical import canonical_line, canonical_lines, json_fault
from frostline.errors import UsageError
from frostline.files.targets import as_publish_error, file_bytes, open_root, path_fault
from frostline.model import FileOrigin
from frostline.published import ManifestEntry
from frostline.text import display_path

FORMAT = "frostline.manifest/1"
_HEADER = canonical_line({"format": FORMAT})
_CONFLICT = (b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>")
_RESTORE = "restore it from your repository, or remove it, and run `frostline compile`"


class FileLine(Struct, frozen=True, kw_only=True):
    """A published file. path: relative to the root, with slashes; sha256: hex; mode: permission bits; output: its name.

    mode is 0o644 or 0o755: git keeps no more of it, and the umask differs between machines.
    """

    path: str
    sha256: str
    mode: int
    output: str


class Manifest(Struct, frozen=True):
    """What is published. From `read_manifest`: files sorted by path, services by name and version, None first."""

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
    """The same manifest, sorted."""
    return Manifest(
        tuple(sorted(manifest.files, key=lambda line: line.path)),
        tuple(sorted(manifest.services, key=lambda line: line.key.sort_key())),
    )


def manifest_chunks(manifest: Manifest) -> Iterator[bytes]:
    """The manifest's bytes, whole lines at a time, sorted."""
    yield _HEADER + b"\n"
    ordered = sorted_manifest(manifest)
    for line in ordered.files:
        text = _File(path=line.path, sha256=line.sha256, mode=f"{line.mode:04o}", output=line.output)
        yield canonical_line(text) + b"\n"
    yield from canonical_lines(ordered.services)


def read_manifest(path: Path) -> Manifest | None:
    """The manifest in this file, None if there is no such file.

    UsageError with the line: not a manifest, cut short, or with conflict markers. PublishError: it cannot be read.
    """
    with as_publish_error(display_path(path), "read"):
        if not path.parent.is_dir():
            return None
    with open_root(path.parent) as root:
        data = file_bytes(root, path.name)
    return None if data is None else parse_manifest(data, display_path(path))


def parse_manifest(data: bytes, shown: str) -> Manifest:
    """The manifest in these bytes; shown: the path for messages. UsageError: see `read_manifest`."""
    lines = data.split(b"\n")
    for at, line in enumerate(lines):
        if line.startswith(_CONFLICT):
            place = FileOrigin(shown, at + 1)
            raise UsageError(
                "the manifest has merge conflicts", origin=place, help="take either side and run `frostline compile`"
            )
    if lines[0] != _HEADER:
        _refuse(shown, 1, f"not a manifest that this frostline reads: the first line is not {_HEADER.decode()}")
    if lines.pop():
        _refuse(shown, len(lines) + 1, "the manifest is cut short in this line")
    files: dict[str, FileLine] = {}
    services: dict[tuple[str, str | None], ManifestEntry] = {}
    for at, line in enumerate(lines[1:], 2):
        if line.startswith(b'{"path":'):
            file = _file_line(line, shown, at)
            if files.setdefault(file.path, file) is not file:
                _refuse(shown, at, f"the path `{file.path}` is listed twice")
        else:
            service = _service_line(line, shown, at)
            if services.setdefault((service.service, service.version), service) is not service:
                _refuse(shown, at, f"the service `{service.service}` is listed twice with the same version")
    return sorted_manifest(Manifest(tuple(files.values()), tuple(services.values())))


def _file_line(line: bytes, shown: str, at: int) -> FileLine:
    value = _decoded(_FILE, line, shown, at)
    fault = path_fault(value.path)
    if fault:
        _refuse(shown, at, f"the path `{value.path}` {fault}")
    return FileLine(path=value.path, sha256=value.sha256, mode=int(value.mode, 8), output=value.output)


def _service_line(line: bytes, shown: str, at: int) -> ManifestEntry:
    value = _decoded(_SERVICE, line, shown, at)
    return ManifestEntry(
        service=value.service,
        version=value.version,
        digest=value.digest,
        endpoints=value.endpoints,
        properties=value.properties,
    )


def _decoded(decoder: msgspec.json.Decoder[_Line], line: bytes, shown: str, at: int) -> _Line:
    try:
        value = decoder.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        _refuse(shown, at, f"not a line of a manifest: {json_fault(error, line)}")
    # Another spelling of the same value (a repeated key, an escape) could show a reviewer other text than is read.
    if canonical_line(value) != line:
        _refuse(shown, at, "this line is not written as frostline writes it")
    return value


def _refuse(shown: str, line: int, reason: str) -> NoReturn:
    raise UsageError(reason, origin=FileOrigin(shown, line), help=_RESTORE)
