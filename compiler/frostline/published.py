"""What is published: the manifest's entries and the changes of files. Several rooms share these values."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from frostline.model import Key


class ManifestEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A published (service, version).

    digest: `sha256:…` of everything that the registry holds of it. endpoints: their number.
    properties: digest of `endpoint_runs.properties_of` it, 16 hex digits; "" in older manifests.
    """

    service: str
    version: str | None
    digest: str
    endpoints: int
    properties: str = ""

    @property
    def key(self) -> Key:
        return Key(self.service, self.version)


class FileChange(Struct, frozen=True, kw_only=True):
    """What publishing does to one file.

    action: `adopt` takes over a file with the right bytes that the manifest does not list; `keep` changes nothing.
    refusal: why the action needs an `--allow`: the file was `edited` since it was published, it is not frostline's
    (`adopt`), or no configured output writes it any more (`orphans`). None if nothing speaks against it.
    sha256: of the new bytes, in hex; None for a delete. old: of the existing bytes; None if there is no file.
    mode: the permission bits in the manifest.
    """

    path: str
    output: str
    action: Literal["create", "update", "delete", "adopt", "keep"]
    refusal: Literal["edited", "adopt", "orphans"] | None = None
    sha256: str | None = None
    old: str | None = None
    mode: int = 0o644
