"""The configuration as values: what frostline.yaml says, typed, with every default filled in.

`pipeline.load` makes them, the stages take them. The package and plug-ins import all settings from here, also those of
sources and outputs. The defaults are those of schemas/config.schema.json (a test compares). Paths are absolute,
durations are in seconds, and the guards' shares are between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from frostline.model import FileOrigin, Severity
from frostline.settings._outputs import OutputConsumer as OutputConsumer
from frostline.settings._outputs import OutputSelect as OutputSelect
from frostline.settings._outputs import OutputSettings as OutputSettings
from frostline.settings._outputs import UrlPatterns as UrlPatterns
from frostline.settings._outputs import Verifier as Verifier
from frostline.settings._sources import DEFAULT_NAMING as DEFAULT_NAMING
from frostline.settings._sources import DEFAULT_SCHEME as DEFAULT_SCHEME
from frostline.settings._sources import DEFAULT_UNVERSIONED_URL as DEFAULT_UNVERSIONED_URL
from frostline.settings._sources import DEFAULT_URL as DEFAULT_URL
from frostline.settings._sources import DEFAULT_VERSION_PATTERN as DEFAULT_VERSION_PATTERN
from frostline.settings._sources import DeclaringSettings as DeclaringSettings
from frostline.settings._sources import Keep as Keep
from frostline.settings._sources import LiveLimits as LiveLimits
from frostline.settings._sources import LiveSettings as LiveSettings
from frostline.settings._sources import Naming as Naming
from frostline.settings._sources import PluginSettings as PluginSettings
from frostline.settings._sources import SchemeRule as SchemeRule
from frostline.settings._sources import SegmentList as SegmentList
from frostline.settings._sources import Select as Select
from frostline.settings._sources import ServerSettings as ServerSettings
from frostline.settings._sources import SourceSettings as SourceSettings
from frostline.settings._sources import Tls as Tls
from frostline.settings._sources import Token as Token
from frostline.settings._sources import VersionFrom as VersionFrom


class PolicySetting(Struct, frozen=True, kw_only=True):
    """A policy. value: as the policy's `configure` reads it. origin: where the value is written. severity: of its
    findings."""

    value: Any
    origin: FileOrigin
    severity: Severity = "error"


class Waiver(Struct, frozen=True, kw_only=True):
    """Silences findings of `rule` for services that match the glob, through the day `until` (ISO date)."""

    rule: str
    until: str
    why: str
    origin: FileOrigin
    service: str = "*"


class EndpointMatch(Struct, frozen=True, kw_only=True):
    """Matches endpoints that have all of these values. None matches any value. origin: where the match is written."""

    origin: FileOrigin
    address: str | None = None
    port: int | None = None
    datacenter: str | None = None
    namespace: str | None = None
    node: str | None = None
    id: str | None = None
    url: str | None = None


class Replacement(Struct, frozen=True):
    """Replaces the URL `old` of an endpoint by the URL `new`."""

    old: str
    new: str
    origin: FileOrigin


class Override(Struct, frozen=True, kw_only=True):
    """A change by hand of the services that match the glob, to be removed after the day `until` (ISO date).

    add: URLs, each with the place where it is written.
    """

    service: str
    until: str
    why: str
    origin: FileOrigin
    drop: tuple[EndpointMatch, ...] = ()
    add: tuple[tuple[str, FileOrigin], ...] = ()
    replace: tuple[Replacement, ...] = ()


class CheckSettings(Struct, frozen=True, kw_only=True):
    """schema: users' JSON Schema files. policies: name -> policy. waivers: in the order written.

    options: the settings of any other check, by the check's name.
    """

    schema: tuple[Path, ...] = ()
    policies: Mapping[str, PolicySetting] = {}
    waivers: tuple[Waiver, ...] = ()
    options: Mapping[str, Any] = {}


class Guards(Struct, frozen=True, kw_only=True):
    """How much may change at once. delete, update, move, instances: shares from 0 to 1.

    floor: this many changes, or fewer, always pass. empty: `refuse` or `allow`. refused: what to do with a service that
    `instances` refuses, `stop` or `hold`. accept: changes that the guard of the entry's rule does not count, through
    the entry's day.
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
    """A consumer of this name calls the services that the globs match; the last glob that matches decides."""

    name: str
    calls: tuple[CalledGlob, ...]


class Allow(Struct, frozen=True, kw_only=True):
    """What `--allow` lets pass, as globs: () for nothing, ("*",) for everything.

    deletes, updates, moves: SERVICE or SERVICE/VERSION. empty: SOURCE, SOURCE/DATACENTER or OUTPUT. edited, adopt,
    orphans: paths in the root. unverified: outputs whose verifiers are not started. partial: an unreachable datacenter
    keeps what the lock holds for it.
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
    """A whole frostline.yaml. path: of that file.

    digest: `sha256:…` of a configuration that came through a pipe and so cannot be read again, else None.
    lock: a file, or a folder with one file a segment (lock_is_folder; the key then ends in a slash).
    confirmed: the file of confirmations; None without one. precedence: tiers of source names; the first tier wins, and
    the endpoints of the sources in a tier are merged. manifest: `frostline.manifest` in the root.
    overrides_file: the file that holds `overrides`; None if they are written in frostline.yaml itself.
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
