"""What a source is. A new one is a module of this protocol and a line in TABLE, or an entry point `frostline.sources`.

Every source is a module with `configure` and `SCHEMA` (`Source`), and one of `read` (`LiveSource`), `contribute`
(`LocalSource`) and `declare` (`DeclaringSource`). What the protocol calls optional may be absent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from msgspec import Struct
from msgspec.structs import asdict

from frostline import plug_ins
from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.errors import SourceError
from frostline.globs import matches
from frostline.model import Contribution, Declaration, InstanceOrigin, Key, SegmentAnswer
from frostline.plug_ins import PlugIn, Seam
from frostline.settings import DeclaringSettings, LiveSettings, SegmentList, SourceSettings
from frostline.text import quote
from frostline.value_types import MisfitError, require

__all__ = [
    "TABLE",
    "Contribution",
    "DeclaringSource",
    "LiveSource",
    "LocalSource",
    "Progress",
    "ReadResult",
    "Source",
    "Watch",
    "allocates_ports",
    "answer_shape",
    "contributes",
    "declares",
    "default_shape",
    "inputs_of",
    "is_live",
    "keys_are_independent",
    "needs_other_sources",
    "patterned_sources",
    "policy_of",
    "reads_segment",
    "segment_lists",
    "source_module",
    "source_types",
    "watch_of",
]

Progress = Callable[[str, int, int], None]
"""Called with a datacenter, how many answers came in, how many are expected."""


class Watch(Struct, frozen=True):
    """How to wait until what a source reads may have changed.

    wait(seen, seconds) returns a number for each thing that it looks at, at once where it is not as in `seen` (None: at
    once in any case), else after so many seconds. Raises SourceError or UsageError as `read` does.
    tells_all: False: some of what is read changes without notice, and is read again and again besides.
    """

    wait: Callable[[Mapping[str, int] | None, float], Mapping[str, int]]
    tells_all: bool = True


class ReadResult(Struct, frozen=True, kw_only=True):
    """What one read of a live source gave.

    answers: one for each segment that answered. warnings: sentences for the user (a datacenter left as it was).
    unreachable: datacenters that did not answer and, with `partial: true`, keep what the lock has.
    """

    answers: tuple[SegmentAnswer, ...]
    warnings: tuple[str, ...] = ()
    unreachable: tuple[str, ...] = ()


class Source(Protocol):
    """What the module of every source has. Optional for other packages: both; their keys are then not checked."""

    SCHEMA: Mapping[str, Any]
    """The JSON Schema of its keys: `properties`, `required`, `description`. `type` and the refusal of other keys are
    added to it. `$ref` may name a shared definition of schemas/config.schema.json."""

    def configure(self, cursor: Cursor, context: Context) -> SourceSettings | None:
        """The settings of the source at `cursor`, whose value fits SCHEMA; None after it has refused what it needs."""


class LiveSource(Source, Protocol):
    """The module of a source that asks a server. Its settings are LiveSettings."""

    def read(self, settings: Any, *, datacenters: tuple[str, ...] = (), progress: Progress | None = None) -> ReadResult:
        """Ask the server. `datacenters` narrows the read to these (freeze --datacenter); () for what the settings say.

        progress(datacenter, done, all) is called as answers come in. Raises SourceError, or UsageError for a token
        that is missing. Never returns part of an answer.
        """

    SEGMENT_LISTS: Mapping[str, SegmentList] = {}
    """Optional. The keys that list segments, as `shape` names them: a shorter list is applied to the lock offline."""

    def shape(self, settings: Any) -> dict[str, Any]:
        """The settings that shape the answer, as JSON values; their digest binds the lock to the configuration."""

    ALLOCATES_PORTS: bool = False
    """Optional. True: its server schedules all that it has, and gives it ports between 20000 and 32000."""

    def watch(self, settings: Any) -> Watch | None:
        """Optional, and of frostline's own sources only: how to wait until what is read may have changed.

        None, or absent: the server cannot be waited for; `frostline watch` reads it again and again.
        """

    def policy(self, settings: Any) -> str:
        """Optional: the least ACL policy with which the settings can be read whole, as the server takes it."""


class LocalSource(Source, Protocol):
    """The module of a local source: a pure function of its settings and of what the other sources know."""

    NEEDS_OTHER_SOURCES: bool = False
    """Optional. True: `contribute` is called after the sources without it, and `known` has what all of those bring."""

    KEYS_ARE_INDEPENDENT: bool = False
    """Optional. True: what it brings of a (service, version) depends on no other one."""

    def contribute(self, settings: Any, known: Mapping[str, frozenset[Key]]) -> Contribution:
        """known: source -> the (service, version)s that it brings, of live and declaring sources at least."""


class DeclaringSource(Source, Protocol):
    """The module of a source whose files declare services under registered names. Its settings: DeclaringSettings."""

    def declare(self, settings: Any) -> Declaration:
        """What the files say. Raises SourceError (or ErrorGroup of them) with the place in a file that is wrong."""

    def inputs(self, settings: Any) -> tuple[Path, ...]:
        """The files that it reads, sorted: a saved plan must find them unchanged."""


TABLE: Mapping[str, str] = {
    "consul": "frostline.sources.consul.source",
    "nomad": "frostline.sources.nomad.source",
    "jobspec": "frostline.sources.jobspec.source",
    "static": "frostline.sources.static",
    "router": "frostline.sources.router",
}


def source_types() -> tuple[str, ...]:
    """All types that a configuration may name, sorted."""
    return plug_ins.names(SEAM)


def source_module(type_name: str) -> Any:
    """The module of this type, imported on first use. KeyError: there is no such type."""
    if type_name in TABLE:
        return import_module(TABLE[type_name])
    return plug_ins.plug_in(SEAM, type_name)


def _configured(plug_in: PlugIn, result: Any, cursor: Cursor, context: Context) -> SourceSettings | None:
    if result is None and cursor.state.errors:
        return None
    kind = LiveSettings if hasattr(plug_in, "read") else DeclaringSettings if hasattr(plug_in, "declare") else None
    settings: SourceSettings = require(result, kind or SourceSettings, "the result")
    if (settings.name, settings.type) != (cursor.key, cursor.value["type"]):
        raise MisfitError("its `name` and `type` are not those of the source")
    return settings


def _read(plug_in: PlugIn, result: Any, settings: LiveSettings) -> ReadResult:
    """The answers: of this source, each segment once, and no instance twice, which the lock could not tell apart."""
    reading: ReadResult = require(result, ReadResult, "the result")
    segments = set[tuple[str, str]]()
    for answer in reading.answers:
        if answer.source != settings.name:
            raise MisfitError(f"an answer is of the source {quote(answer.source)}, not of {quote(settings.name)}")
        if not answer.datacenter:
            raise MisfitError("an answer has no `datacenter`")
        if (answer.datacenter, answer.namespace) in segments:
            raise MisfitError(
                f"two answers are of {InstanceOrigin(answer.source, answer.datacenter, answer.namespace)}"
            )
        segments.add((answer.datacenter, answer.namespace))
        seen = set[tuple[str, str, str]]()
        for one in answer.registrations:
            if (one.service, one.node, one.id) in seen:
                place = InstanceOrigin(answer.source, answer.datacenter, answer.namespace, one.node, one.id)
                raise MisfitError(f"it has an instance twice: {place}")
            seen.add((one.service, one.node, one.id))
    return reading


def _shape(plug_in: PlugIn, result: Any, settings: LiveSettings) -> dict[str, Any]:
    shape: dict[str, Any] = require(result, dict[str, Any], "the result")
    try:
        json.dumps(shape, allow_nan=False, default=asdict)
    except (TypeError, ValueError):
        raise MisfitError("it has what is no JSON value") from None
    return shape


def _contributed(plug_in: PlugIn, result: Any, settings: SourceSettings, known: Any) -> Contribution:
    contribution: Contribution = require(result, Contribution, "the result")
    sources = {contribution.source, *(one.source for some in contribution.endpoints.values() for one in some)}
    for source in sorted(sources - {settings.name}):
        raise MisfitError(f"it says that it is of the source {quote(source)}, not of {quote(settings.name)}")
    return contribution


SEAM = Seam(
    group="frostline.sources",
    noun="source",
    table=TABLE,
    functions={
        "configure": _configured,
        "read": _read,
        "shape": _shape,
        "policy": plug_ins.returns(str),
        "contribute": _contributed,
        "declare": plug_ins.returns(Declaration),
        "inputs": lambda plug_in, result, settings: plug_ins.items_of(result, Path),
    },
    values={
        **plug_ins.COMMON_VALUES,
        "SEGMENT_LISTS": Mapping[str, SegmentList],
        "ALLOCATES_PORTS": bool,
        "NEEDS_OTHER_SOURCES": bool,
        "KEYS_ARE_INDEPENDENT": bool,
    },
    one_of=("read", "contribute", "declare"),
    besides={"read": "shape"},
    error=SourceError,
)
"""What frostline uses of a source of another package. One that fails could not be read."""


def is_live(type_name: str) -> bool:
    """Whether this type asks a server, so that its answers go through the lock."""
    return hasattr(source_module(type_name), "read")


def answer_shape(settings: LiveSettings) -> dict[str, Any]:
    """All settings that shape the answer of a live source. Of other packages' sources frostline adds the selection."""
    own: dict[str, Any] = source_module(settings.type).shape(settings)
    if settings.type in TABLE:
        return own
    return {"type": settings.type, "own": own, **_selection_part(settings)}


def _selection_part(settings: LiveSettings) -> dict[str, Any]:
    return {
        "select": settings.select,
        "keep": settings.keep,
        "address_from": settings.address_from,
        "version_from": settings.naming.version_from,
    }


def allocates_ports(type_name: str) -> bool:
    """Whether the server of this type schedules what it has, and gives it ports."""
    return bool(getattr(source_module(type_name), "ALLOCATES_PORTS", False))


def policy_of(settings: LiveSettings) -> str | None:
    """The least ACL policy that this source needs; None: its type says none."""
    module = source_module(settings.type)
    return str(module.policy(settings)) if hasattr(module, "policy") else None


def watch_of(settings: LiveSettings) -> Watch | None:
    """How to wait until what this source reads may have changed; None: its server cannot be waited for."""
    if settings.type not in TABLE or not hasattr(module := source_module(settings.type), "watch"):
        return None
    return cast(Watch | None, module.watch(settings))


def default_shape(settings: LiveSettings) -> dict[str, Any]:
    """`answer_shape` of this source if all its settings were at their default, but for another package's own part."""
    base: dict[str, Any] = {"name": settings.name, "type": settings.type, "origin": settings.origin}
    if settings.type in TABLE:
        return answer_shape(type(settings)(**base))
    return {**answer_shape(settings), **_selection_part(LiveSettings(**base))}


def segment_lists(settings: LiveSettings) -> Mapping[str, SegmentList]:
    """The keys of this live source that list segments."""
    lists: Mapping[str, SegmentList] = getattr(source_module(settings.type), "SEGMENT_LISTS", {})
    return lists


def reads_segment(settings: LiveSettings, datacenter: str, namespace: str) -> bool:
    """Whether the lists of the source (`datacenters` …) take this segment; any may be the agent's own."""
    for key, listed in segment_lists(settings).items():
        name, globs = listed.name_of(datacenter, namespace), getattr(settings, key)
        if name is not None and (globs or not listed.empty_is_own) and not matches(globs, name):
            return False
    return True


def declares(type_name: str) -> bool:
    """Whether files of this type declare services under registered names."""
    return hasattr(source_module(type_name), "declare")


def patterned_sources(sources: Mapping[str, SourceSettings]) -> dict[str, LiveSettings | DeclaringSettings]:
    """Those of these sources that make the URLs of their endpoints by patterns, by name."""
    return {
        name: cast(LiveSettings | DeclaringSettings, settings)
        for name, settings in sources.items()
        if is_live(settings.type) or declares(settings.type)
    }


def contributes(type_name: str) -> bool:
    """Whether this type is local and gives its (service, version)s itself."""
    return hasattr(source_module(type_name), "contribute")


def needs_other_sources(type_name: str) -> bool:
    """Whether this type contributes after the others."""
    return bool(getattr(source_module(type_name), "NEEDS_OTHER_SOURCES", False))


def keys_are_independent(type_name: str) -> bool:
    """Whether what this local type brings of a (service, version) depends on no other one."""
    return bool(getattr(source_module(type_name), "KEYS_ARE_INDEPENDENT", False))


def inputs_of(settings: SourceSettings) -> tuple[Path, ...]:
    """The local files that this source reads, besides the configuration."""
    module = source_module(settings.type)
    return tuple(module.inputs(settings)) if hasattr(module, "inputs") else ()
