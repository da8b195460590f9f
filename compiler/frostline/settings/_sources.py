"""What the configuration says about each source, as values.

The settings of each type extend `SourceSettings` and stand beside the type's module. The defaults here are those of
schemas/config.schema.json (a test compares).
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
    """What is frozen of a selected instance. tags, meta: globs of tags and of meta keys.

    endpoints: False freezes only names, versions, tags and meta.
    """

    tags: tuple[str, ...] = ("*",)
    meta: tuple[str, ...] = ("*",)
    ids: bool = True
    nodes: bool = True
    endpoints: bool = True


class VersionFrom(Struct, frozen=True, kw_only=True):
    """What names the version. meta: a meta key. tag: a regular expression whose group 1 is the version.

    Both None: the service's name.
    """

    meta: str | None = None
    tag: str | None = None


class SchemeRule(Struct, frozen=True, kw_only=True):
    """A rule for the scheme of an instance's URL; the first that applies gives it.

    meta alone: the value of this meta key is the scheme. meta and equals, or tag: an instance with this value or tag
    has the scheme `scheme`. Neither meta nor tag: the rule applies to all instances.
    """

    meta: str | None = None
    equals: str | None = None
    tag: str | None = None
    scheme: str = ""


DEFAULT_SCHEME = (SchemeRule(meta="scheme"), SchemeRule(scheme="http"))


class Naming(Struct, frozen=True, kw_only=True):
    """How a registered name becomes (service, version), and an instance a URL.

    schemes: URL schemes that a meta value may name besides the usual ones, in lower case.
    auth: the meta key that names the authentication scheme of an instance; "" without one.
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
    """How long and how hard a live source is asked. Times are in seconds."""

    connections: int = 8
    connect_timeout: float = 5.0
    timeout: float = 10.0
    deadline: float = 300.0
    retries: int = 4


class SourceSettings(Struct, frozen=True, kw_only=True):
    """The settings that every source has. A subclass beside each type's module adds the keys of that type."""

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
        """Datacenters in order of precedence: the endpoints of one count only if no datacenter outside this list, and
        none before it in the list, has endpoints of the same (service, version)."""
        return ()

    def with_services(self, services: tuple[str, ...]) -> Self:
        """These settings, but selecting the services that these globs match. A source that may not ask for services
        outside its own selection returns its settings unchanged."""
        return replace(self, select=replace(self.select, services=services))


class SegmentList(Struct, frozen=True):
    """A key of a live source that lists segments by globs, such as `datacenters`.

    name_of: (datacenter, namespace) of a segment -> its name in the list; None if the list does not concern it.
    empty_is_own: True if an empty list means the agent's own segment, False if it means no segment.
    """

    name_of: Callable[[str, str], str | None]
    empty_is_own: bool = True


class ServerSettings(LiveSettings, frozen=True, kw_only=True):
    """A source that asks an HTTP server.

    address: None for the environment's address, else for the product's default one. partial_max_age: the greatest age,
    in seconds, of what `partial` keeps from the lock; None for any age. max_stale: in seconds.
    address_origin, token_origin, tls_origin: where these keys are written; None if they are not.
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
    """A plug-in's source that has no `configure`. options: all its keys except `type`, as written."""

    options: Mapping[str, Any] = {}
