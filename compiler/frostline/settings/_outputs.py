"""What the configuration says about each output, as values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from frostline.model import FileOrigin


class OutputConsumer(Struct, frozen=True, kw_only=True):
    """Who an output is for. Either group or service is set.

    group: a job's group, JOB/GROUP or NAMESPACE:JOB/GROUP. service: a Consul service with sidecars. namespace,
    datacenter: those of the service; "" means any.
    """

    group: str = ""
    service: str = ""
    namespace: str = ""
    datacenter: str = ""

    def __str__(self) -> str:
        return self.service or self.group


class OutputSelect(Struct, frozen=True, kw_only=True):
    """What an output selects: the services that match `services`, and their endpoints that match all other fields.

    services, datacenters: globs; `!` excludes, the last match wins. tags: globs; each must match one of the endpoint's
    tags, or with `!` match none. meta: (key, glob) pairs; the value must match the glob, or with `!` be absent or not
    match it.
    """

    services: tuple[str, ...] = ("*",)
    tags: tuple[str, ...] = ()
    meta: tuple[tuple[str, str], ...] = ()
    datacenters: tuple[str, ...] = ("*",)

    @property
    def judges_endpoints(self) -> bool:
        """Whether it may leave out single endpoints of a service."""
        return bool(self.tags or self.meta) or self.datacenters != ("*",)


class UrlPatterns(Struct, frozen=True, kw_only=True):
    """The URL patterns of an output. None: the sources' own pattern applies."""

    url: str | None = None
    unversioned_url: str | None = None

    def present(self) -> dict[str, str]:
        """The patterns that are set, by key."""
        patterns = {"url": self.url, "unversioned_url": self.unversioned_url}
        return {key: pattern for key, pattern in patterns.items() if pattern is not None}


class Verifier(Struct, frozen=True, kw_only=True):
    """The program that judges an output's new bytes.

    words: the program and its arguments, started without a shell; `{path}` and `{root}` in them stand for the verified
    copy and the root folder. timeout: in seconds.
    """

    words: tuple[str, ...]
    origin: FileOrigin
    timeout: float = 60.0


class OutputSettings(Struct, frozen=True, kw_only=True):
    """One output. path: an absolute path, of a file or a folder (hiera, puppet-module, split yaml).

    sources: names of the sources that it shows; () for all. prefer: datacenters in order of preference; "*" for any.
    consumer: who it is for; None for everybody. urls: apply to endpoints of sources that make URLs from patterns.
    verifier: None if no program judges its bytes. options: the settings that only its type has.
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
