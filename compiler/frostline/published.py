"""What is published: the manifest's entries and the changes of files, in words that several rooms share."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from frostline.model import Key


class ManifestEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A published (service, version): `sha256:…` of what is known of it, and how many endpoints it has.

    properties: digest of what its endpoints keep when they move, 16 hex digits; "" in older manifests.
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

    action: `adopt`: not in the manifest, but there with the same bytes; `keep`: as it is already.
    refusal: why it may not be done: `edited` since it was published, `adopt`: not frostline's,
    `orphans`: no configured output writes it.
    sha256: of the new bytes, in hex, None for a delete; old: of those that are there, None where there is no file.
    mode: as the manifest has it.
    """

    path: str
    output: str
    action: Literal["create", "update", "delete", "adopt", "keep"]
    refusal: Literal["edited", "adopt", "orphans"] | None = None
    sha256: str | None = None
    old: str | None = None
    mode: int = 0o644
