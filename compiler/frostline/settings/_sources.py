"""What the configuration says of each source, as values. The settings of each type are beside its module.

They extend `SourceSettings`. The defaults here are those of schemas/config.schema.json (a test compares).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from frostline.model import FileOrigin

DEFAULT_NAMING = ("{service}-{version}", "{service}")
DEFAULT_VERSION_PATTERN = "v[0-9][A-Za-z0-9._]*"
DEFAULT_URL = "{scheme}://{address}:{port}/{version}"
DEFAULT_UNVERSIONED_URL = "{scheme}://{address}:{port}"


class Token(Struct, frozen=True):
    """Where a token comes from: exactly one of an environment variable and a file. The token itself is never here."""

    env: str | None = None
    file: Path | None = None


class Tls(Struct, frozen=True, kw_only=True):
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    server_name: str | None = None
    verify: bool = True


class Select(Struct, frozen=True, kw_only=True):
    """Which instances are taken. Globs: `!` excludes, the last match wins."""

    services: tuple[str, ...] = ("*", "!consul")
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = {}
    health: tuple[str, ...] = ("passing",)
    kinds: tuple[str, ...] = ("service",)
    node_meta: Mapping[str, str] = {}


class Keep(Struct, frozen=True, kw_only=True):
    """Which tags and meta keys are frozen, as globs, and whether ids, nodes and endpoints are.

    endpoints: False freezes names, versions, tags and meta alone.
    """

    tags: tuple[str, ...] = ("*",)
    meta: tuple[str, ...] = ("*",)
    ids: bool = True
    nodes: bool = True
    endpoints: bool = True


class VersionFrom(Struct, frozen=True, kw_only=True):
    """What names the version: the service's name (both None), a meta key, or a tag's regular expression (group 1)."""

    meta: str | None = None
    tag: str | None = None


class SchemeRule(Struct, frozen=True, kw_only=True):
    """A rule for the scheme of an instance's URL; the first that applies gives it.

    meta alone: where an instance has that meta value, the value is its scheme. meta and equals, or tag: where it has
    that value or tag, its scheme is `scheme`. None of them: it applies to all.
    """

    meta: str | None = None
    equals: str | None = None
    tag: str | None = None
    scheme: str = ""


DEFAULT_SCHEME = (SchemeRule(meta="scheme"), SchemeRule(scheme="http"))


class Naming(Struct, frozen=True, kw_only=True):
    """How a registered name becomes (service, version), and an instance a URL.

    schemes: those that a meta value may name besides the usual ones, in lower case.
    auth: the meta key that names the authentication scheme of an instance; "" for none.
    """

    patterns: tuple[str, ...] = DEFAULT_NAMING
    version_pattern: str = DEFAULT_VERSION_PATTERN
    version_from: VersionFrom = VersionFrom()
    url: str = DEFAULT_URL
    unversioned_url: str = DEFAULT_UNVERSIONED_URL
    scheme: tuple[SchemeRule, ...] = DEFAULT_SCHEME
    schemes: tuple[str, ...] = ()
    auth: str = ""


class LiveLimits(Struct, frozen=True, kw_only=True):
    """How long and how hard a live source is asked; seconds."""

    connections: int = 8
    connect_timeout: float = 5.0
    timeout: float = 10.0
    deadline: float = 300.0
    retries: int = 4


class SourceSettings(Struct, frozen=True, kw_only=True):
    """What every source has. The keys of its type are in a struct of its own, beside its module."""

    name: str
    type: str
    origin: FileOrigin


class LiveSettings(SourceSettings, frozen=True, kw_only=True):
    """A source that asks a server: how its answer is selected, what of it is frozen, and how it is named."""

    select: Select = Select()
    keep: Keep = Keep()
    naming: Naming = Naming()
    address_from: str = "service"
    port_from: str = ""

    @property
    def fallbacks(self) -> tuple[str, ...]:
        """The datacenters whose endpoints count only where no other one has any, in their order of precedence."""
        return ()

    def ask_for(self, services: tuple[str, ...]) -> Self:
        """The settings that read the services that these globs take, selected or not, where that may be asked."""
        return replace(self, select=replace(self.select, services=services))


class SegmentList(Struct, frozen=True):
    """A key of a live source that lists segments by globs, such as `datacenters`.

    name_of: (datacenter, namespace) of a segment -> its name in the list; None: the list is not about this segment.
    empty_is_own: an empty list means the agent's own; False: it means none.
    """

    name_of: Callable[[str, str], str | None]
    empty_is_own: bool = True


class ServerSettings(LiveSettings, frozen=True, kw_only=True):
    """A source that asks an HTTP server. address None: what the environment says, else the usual one. Seconds.

    partial_max_age: how old what the lock has may be where `partial` keeps it; None: any age.
    address_origin, token_origin, tls_origin: where these keys stand; None: they are not written.
    """

    address: str | None = None
    address_origin: FileOrigin | None = None
    token: Token | None = None
    token_origin: FileOrigin | None = None
    tls: Tls = Tls()
    tls_origin: FileOrigin | None = None
    partial: bool = False
    partial_max_age: float | None = None
    consistency: str = "snapshot"
    max_stale: float = 2.0
    limits: LiveLimits = LiveLimits()


class DeclaringSettings(SourceSettings, frozen=True, kw_only=True):
    """A source whose files declare services. services: globs of registered names."""

    services: tuple[str, ...] = ("*",)
    keep: Keep = Keep()
    naming: Naming = Naming()


class PluginSettings(LiveSettings, frozen=True, kw_only=True):
    """A source of another package that has no `configure`. options: all its keys but `type`, as they are written."""

    options: Mapping[str, Any] = {}
