"""What the configuration says of each output, as values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from frostline.model import FileOrigin


class OutputConsumer(Struct, frozen=True, kw_only=True):
    """Who an output is for: the group of a job (JOB/GROUP or NAMESPACE:JOB/GROUP), or a service of Consul.

    namespace, datacenter: of the service; "": any.
    """

    group: str = ""
    service: str = ""
    namespace: str = ""
    datacenter: str = ""

    def __str__(self) -> str:
        return self.service or self.group


class OutputSelect(Struct, frozen=True, kw_only=True):
    """What an output has: the services that fit the globs, and of these the endpoints that fit all the rest.

    services, datacenters: globs, `!` excludes, the last match wins. tags: each a glob that one of the tags fits, or
    `!` and a glob that none fits. meta: (key, glob) pairs; the value fits the glob, or (`!`) does not or is not there.
    """

    services: tuple[str, ...] = ("*",)
    tags: tuple[str, ...] = ()
    meta: tuple[tuple[str, str], ...] = ()
    datacenters: tuple[str, ...] = ("*",)

    @property
    def judges_endpoints(self) -> bool:
        """Whether it may leave out single endpoints."""
        return bool(self.tags or self.meta) or self.datacenters != ("*",)


class UrlPatterns(Struct, frozen=True, kw_only=True):
    """The URL patterns of an output; None: those of the sources."""

    url: str | None = None
    unversioned_url: str | None = None

    def present(self) -> dict[str, str]:
        """Those that there are, by key."""
        patterns = {"url": self.url, "unversioned_url": self.unversioned_url}
        return {key: pattern for key, pattern in patterns.items() if pattern is not None}


class Verifier(Struct, frozen=True, kw_only=True):
    """The program that judges an output's new bytes: its words, started without a shell, and its time in seconds.

    `{path}` and `{root}` in words stand for what is verified and for the root folder.
    """

    words: tuple[str, ...]
    origin: FileOrigin
    timeout: float = 60.0


class OutputSettings(Struct, frozen=True, kw_only=True):
    """One output. path: absolute, a file or a folder (hiera, puppet-module, split yaml). options: of its type alone.

    urls: for the endpoints of sources that make their URLs of patterns.
    sources: names, () for all; prefer: datacenters, in order, "*" for any.
    consumer: who it is for; None: for everybody. verifier: None: nobody judges its bytes.
    """

    name: str
    type: str
    path: Path
    origin: FileOrigin
    select: OutputSelect = OutputSelect()
    sources: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    consumer: OutputConsumer | None = None
    urls: UrlPatterns = UrlPatterns()
    verifier: Verifier | None = None
    options: Mapping[str, Any] = {}
