"""The configuration as values: what frostline.yaml says, typed, with every default filled in.

`pipeline.load` makes them, the stages take them. The settings of each type of source are beside its module and extend
`SourceSettings`. The defaults here are those of schemas/config.schema.json (a test compares).
Paths are absolute; durations are seconds; shares (of guards) are between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from frostline.model import FileOrigin, Severity

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
    address_origin, token_origin: where these keys stand; None: they are not written.
    """

    address: str | None = None
    address_origin: FileOrigin | None = None
    token: Token | None = None
    token_origin: FileOrigin | None = None
    tls: Tls = Tls()
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


class PolicySetting(Struct, frozen=True, kw_only=True):
    """A policy: its value, where the value stands, and the severity of its findings."""

    value: Any
    origin: FileOrigin
    severity: Severity = "error"


class Waiver(Struct, frozen=True, kw_only=True):
    """Silences findings of `rule` for services that fit the glob, through the day `until` (ISO date)."""

    rule: str
    until: str
    why: str
    origin: FileOrigin
    service: str = "*"


class EndpointMatch(Struct, frozen=True, kw_only=True):
    """Endpoints that have all of these values; None: any. origin: where it is written."""

    origin: FileOrigin
    address: str | None = None
    port: int | None = None
    datacenter: str | None = None
    namespace: str | None = None
    node: str | None = None
    id: str | None = None
    url: str | None = None


class Replacement(Struct, frozen=True):
    """The URL of an endpoint, and the one that takes its place."""

    old: str
    new: str
    origin: FileOrigin


class Override(Struct, frozen=True, kw_only=True):
    """What somebody changes by hand of the services that fit the glob; to be removed after the day `until` (ISO date).

    add: URLs with their places.
    """

    service: str
    until: str
    why: str
    origin: FileOrigin
    drop: tuple[EndpointMatch, ...] = ()
    add: tuple[tuple[str, FileOrigin], ...] = ()
    replace: tuple[Replacement, ...] = ()


class CheckSettings(Struct, frozen=True, kw_only=True):
    """schema: users' JSON Schema files; policies: name -> policy; waivers in the order written.

    options: what is configured for any other check, by the check's name.
    """

    schema: tuple[Path, ...] = ()
    policies: Mapping[str, PolicySetting] = {}
    waivers: tuple[Waiver, ...] = ()
    options: Mapping[str, Any] = {}


class Guards(Struct, frozen=True, kw_only=True):
    """How much may change at once. Shares from 0 to 1; `floor` or fewer changes always pass; empty: refuse, allow.

    refused: what becomes of a service that `instances` refuses: stop, hold. accept: what the guard of the entry's rule
    does not count, through the entry's day.
    """

    delete: float = 0.3
    update: float = 0.6
    move: float = 1.0
    instances: float = 0.6
    floor: int = 3
    empty: str = "refuse"
    refused: str = "stop"
    accept: tuple[Waiver, ...] = ()


class CalledGlob(Struct, frozen=True):
    """A glob of SERVICE or SERVICE/VERSION; `!` excludes."""

    glob: str
    origin: FileOrigin


class Consumer(Struct, frozen=True, kw_only=True):
    """Somebody of this name calls what the globs match; the last one that matches decides."""

    name: str
    calls: tuple[CalledGlob, ...]


class Allow(Struct, frozen=True, kw_only=True):
    """What `--allow` lets pass, as globs: () nothing, ("*",) all.

    deletes, updates, moves: SERVICE or SERVICE/VERSION. empty: SOURCE, SOURCE/DATACENTER or OUTPUT. edited, adopt,
    orphans: paths in the root. unverified: outputs whose verifiers are not started. partial: an unreachable datacenter
    keeps what the lock has of it.
    """

    deletes: tuple[str, ...] = ()
    updates: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    adopt: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    partial: bool = False


class Config(Struct, frozen=True, kw_only=True):
    """frostline.yaml. lock: a file, or a folder (one file a segment) where it is written with a slash at its end.

    confirmed: the file of confirmations; None: there is none.
    precedence: tiers, the first wins; each a tuple of source names whose endpoints unite.
    manifest: `frostline.manifest` in the root. overrides_file: the file that holds `overrides`; None: they stand here.
    digest: `sha256:…` of the configuration where it came through a pipe, and cannot be read again.
    """

    path: Path
    digest: str | None = None
    root: Path
    lock: Path
    lock_is_folder: bool
    confirmed: Path | None = None
    sources: Mapping[str, SourceSettings]
    precedence: tuple[tuple[str, ...], ...] = ()
    checks: CheckSettings = CheckSettings()
    merge: tuple[str, ...] = ()
    guards: Guards = Guards()
    consumers: tuple[Consumer, ...] = ()
    overrides: tuple[Override, ...] = ()
    overrides_file: Path | None = None
    outputs: tuple[OutputSettings, ...] = ()
    manifest: Path
