"""The configuration as values: what frostline.yaml says, typed, with every default filled in.

`config` makes them; the stages take them. The defaults here are those of schemas/config.schema.json (a test compares).
Paths are absolute; durations are seconds; shares (of guards) are between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from frostline.model import FileOrigin, Key, Severity

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


class Keep(Struct, frozen=True, kw_only=True):
    """Which tags and meta keys are frozen; globs."""

    tags: tuple[str, ...] = ("*",)
    meta: tuple[str, ...] = ("*",)


class VersionFrom(Struct, frozen=True, kw_only=True):
    """What names the version: the service's name (both None), a meta key, or a tag's regular expression (group 1)."""

    meta: str | None = None
    tag: str | None = None


class Naming(Struct, frozen=True, kw_only=True):
    """How a registered name becomes (service, version), and an instance a URL."""

    patterns: tuple[str, ...] = DEFAULT_NAMING
    version_pattern: str = DEFAULT_VERSION_PATTERN
    version_from: VersionFrom = VersionFrom()
    url: str = DEFAULT_URL
    unversioned_url: str = DEFAULT_UNVERSIONED_URL


class LiveLimits(Struct, frozen=True, kw_only=True):
    """How long and how hard a live source is asked; seconds."""

    connections: int = 8
    connect_timeout: float = 5.0
    timeout: float = 10.0
    deadline: float = 300.0
    retries: int = 4


class ConsulSettings(Struct, frozen=True, kw_only=True):
    """A source of type consul. address None: $CONSUL_HTTP_ADDR, else http://127.0.0.1:8500."""

    name: str
    origin: FileOrigin
    address: str | None = None
    token: Token | None = None
    tls: Tls = Tls()
    datacenters: tuple[str, ...] = ()
    namespace: str | None = None
    partition: str | None = None
    peers: tuple[str, ...] = ()
    partial: bool = False
    acl: str = "strict"
    consistency: str = "snapshot"
    max_stale: float = 2.0
    select: Select = Select()
    keep: Keep = Keep()
    naming: Naming = Naming()
    address_from: str = "service"
    limits: LiveLimits = LiveLimits()
    type: str = "consul"


class NomadSettings(Struct, frozen=True, kw_only=True):
    """A source of type nomad. address None: $NOMAD_ADDR, else http://127.0.0.1:4646. regions (): the agent's own."""

    name: str
    origin: FileOrigin
    address: str | None = None
    token: Token | None = None
    tls: Tls = Tls()
    regions: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ("default",)
    services: bool = True
    upstreams: bool = True
    canaries: bool = False
    partial: bool = False
    consistency: str = "snapshot"
    max_stale: float = 2.0
    select: Select = Select()
    keep: Keep = Keep()
    naming: Naming = Naming()
    address_from: str = "service"
    limits: LiveLimits = LiveLimits()
    type: str = "nomad"


class JobspecSettings(Struct, frozen=True, kw_only=True):
    """A source of type jobspec: Nomad job files.

    folder: what the globs in `files` and the files that a job file names are relative to; root: what they stay inside.
    variables: name -> value as the configuration has it (plain YAML values), with the place of each in `places`.
    environment: names of environment variables that may set a variable.
    """

    name: str
    origin: FileOrigin
    folder: Path
    root: Path
    files: tuple[str, ...] = ()
    files_origin: FileOrigin = FileOrigin("")
    var_files: tuple[Path, ...] = ()
    variables: Mapping[str, Any] = {}
    places: Mapping[str, FileOrigin] = {}
    environment: tuple[str, ...] = ()
    filesystem: bool = False
    services: tuple[str, ...] = ("*",)
    keep: Keep = Keep()
    naming: Naming = Naming()
    type: str = "jobspec"


class StaticService(Struct, frozen=True, kw_only=True):
    service: str
    version: str | None
    url: str
    origin: FileOrigin


class StaticSettings(Struct, frozen=True, kw_only=True):
    """A source of type static: URLs written in the configuration."""

    name: str
    origin: FileOrigin
    services: tuple[StaticService, ...] = ()
    type: str = "static"


class RouterName(Struct, frozen=True, kw_only=True):
    """A (service, version) that the router serves beside those of its sources, and where it is written."""

    key: Key
    origin: FileOrigin


class RouterSettings(Struct, frozen=True, kw_only=True):
    """A source of type router: one URL pattern for all services that `sources` know, and for `names`."""

    name: str
    origin: FileOrigin
    url: str
    unversioned_url: str | None = None
    sources: tuple[str, ...] = ()
    names: tuple[RouterName, ...] = ()
    type: str = "router"


class PluginSettings(Struct, frozen=True, kw_only=True):
    """A source of another package. options: all its keys but `type`, as the configuration has them.

    select, keep, naming, address_from: of a live one; what it answers is selected, named and locked as Consul's is.
    """

    name: str
    type: str
    origin: FileOrigin
    options: Mapping[str, Any] = {}
    select: Select = Select()
    keep: Keep = Keep()
    naming: Naming = Naming()
    address_from: str = "service"


LiveSettings = ConsulSettings | NomadSettings | PluginSettings
SourceSettings = LiveSettings | JobspecSettings | StaticSettings | RouterSettings


class OutputSettings(Struct, frozen=True, kw_only=True):
    """One output. path: absolute, a file or (hiera, split yaml) a folder. options: what only its type knows.

    select: service globs; sources: names, () for all; prefer: datacenters, in order, "*" for any.
    consumer: the group of a job that it is for, as users write it; "" for none.
    """

    name: str
    type: str
    path: Path
    origin: FileOrigin
    select: tuple[str, ...] = ("*",)
    sources: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    consumer: str = ""
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


class CheckSettings(Struct, frozen=True, kw_only=True):
    """schema: users' JSON Schema files; policies: name -> policy; waivers in the order written."""

    schema: tuple[Path, ...] = ()
    policies: Mapping[str, PolicySetting] = {}
    waivers: tuple[Waiver, ...] = ()


class Guards(Struct, frozen=True, kw_only=True):
    """How much may change at once. Shares from 0 to 1; `floor` or fewer changes always pass; empty: refuse, allow."""

    delete: float = 0.3
    update: float = 0.6
    instances: float = 0.6
    floor: int = 3
    empty: str = "refuse"


class Allow(Struct, frozen=True, kw_only=True):
    """What `--allow` lets pass. deletes: a glob of services that may vanish, "*" for all, None for none."""

    deletes: str | None = None
    updates: bool = False
    empty: bool = False
    edited: bool = False
    adopt: bool = False


class Config(Struct, frozen=True, kw_only=True):
    """frostline.yaml. lock: a file, or a folder (one file a segment) where it is written with a slash at its end.

    precedence: tiers, the first wins; each a tuple of source names whose endpoints unite.
    manifest: `frostline.manifest` in the root.
    """

    path: Path
    root: Path
    lock: Path
    lock_is_folder: bool
    sources: Mapping[str, SourceSettings]
    precedence: tuple[tuple[str, ...], ...] = ()
    checks: CheckSettings = CheckSettings()
    merge: tuple[str, ...] = ()
    guards: Guards = Guards()
    outputs: tuple[OutputSettings, ...] = ()
    manifest: Path
