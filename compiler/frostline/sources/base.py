"""The protocols of sources. To add a source, write a module and a line in TABLE, or an entry point `frostline.sources`.

Every source is a module that has `configure` and `SCHEMA` (`Source`), and one of `read` (`LiveSource`), `contribute`
(`LocalSource`) and `declare` (`DeclaringSource`). A module may leave out what its protocol calls optional.
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
    "known_segments",
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
"""Called with a datacenter, the number of answers that have come in, and the number expected."""


class Watch(Struct, frozen=True):
    """How to wait until the data that a source reads may have changed.

    wait(seen, seconds) returns the current number (an index) of each place that it watches: at once if one differs from
    `seen` or `seen` is None, else after that many seconds. Raises SourceError or UsageError as `read` does.
    tells_all: False if some of the data changes without notice. The caller then also reads the source at intervals.
    """

    wait: Callable[[Mapping[str, int] | None, float], Mapping[str, int]]
    tells_all: bool = True


class ReadResult(Struct, frozen=True, kw_only=True):
    """The result of one read of a live source.

    answers: one for each segment that answered. warnings: sentences for the user (a datacenter left as it was).
    unreachable: datacenters that did not answer and, with `partial: true`, keep what the lock has.
    """

    answers: tuple[SegmentAnswer, ...]
    warnings: tuple[str, ...] = ()
    unreachable: tuple[str, ...] = ()


class Source(Protocol):
    """The module of any source. Another package may leave out either; frostline then does not check the keys."""

    SCHEMA: Mapping[str, Any]
    """The JSON Schema of the source's keys: `properties`, `required`, `description`. frostline adds `type` and refuses
    other keys. `$ref` may name a shared definition of schemas/config.schema.json."""

    def configure(self, cursor: Cursor, context: Context) -> SourceSettings | None:
        """Return the settings of the source at `cursor`, whose value fits SCHEMA. None: it refused a value it needs."""


class LiveSource(Source, Protocol):
    """The module of a source that asks a server. Its settings are LiveSettings."""

    def read(self, settings: Any, *, datacenters: tuple[str, ...] = (), progress: Progress | None = None) -> ReadResult:
        """Ask the server. `datacenters` narrows the read to these (freeze --datacenter); () for what the settings say.

        progress(datacenter, done, all) is called as answers come in. Raises SourceError, or UsageError for a token
        that is missing. Never returns a partial answer.
        """

    SEGMENT_LISTS: Mapping[str, SegmentList] = {}
    """Optional. The keys that list segments, as `shape` names them. A shortened list is applied to the lock offline."""

    def shape(self, settings: Any) -> dict[str, Any]:
        """Return the settings that shape the answer, as JSON values.

        Their digest binds the lock to the configuration.
        """

    ALLOCATES_PORTS: bool = False
    """Optional. True if the server schedules its services itself and gives them ports between 20000 and 32000."""

    def watch(self, settings: Any) -> Watch | None:
        """Optional, for frostline's own sources only. Return how to wait until the data that is read may have changed.

        If it is absent or returns None, frostline cannot wait for the server; `frostline watch` polls it.
        """

    def known_segments(self, settings: Any) -> tuple[str, ...]:
        """Optional, for frostline's own sources only. Return the datacenters (or regions) that the server knows,
        sorted."""

    def policy(self, settings: Any) -> str:
        """Optional. Return the smallest ACL policy that allows reading the settings, in the server's syntax."""


class LocalSource(Source, Protocol):
    """The module of a local source: a pure function of its settings and of what the other sources know."""

    NEEDS_OTHER_SOURCES: bool = False
    """Optional. True if `contribute` needs to know what the other sources bring. It is then called after them."""

    KEYS_ARE_INDEPENDENT: bool = False
    """Optional. True if what the source brings for one (service, version) does not depend on any other."""

    def contribute(self, settings: Any, known: Mapping[str, frozenset[Key]]) -> Contribution:
        """Return what the source brings. known: source -> its (service, version)s; of all live and declaring
        sources."""


class DeclaringSource(Source, Protocol):
    """The module of a source whose files declare services under registered names.

    Its settings are DeclaringSettings.
    """

    def declare(self, settings: Any) -> Declaration:
        """Return what the files declare. Raises SourceError (or an ErrorGroup of them) at the wrong place in a file."""

    def inputs(self, settings: Any) -> tuple[Path, ...]:
        """Return the files that the source reads, sorted. A saved plan applies only while they are unchanged."""


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
    """Return the module of this type, imported on first use. Raises KeyError if there is no such type."""
    if type_name in TABLE:
        return import_module(TABLE[type_name])
    return plug_ins.plug_in(SEAM, type_name)


def _check_settings(plug_in: PlugIn, result: Any, cursor: Cursor, context: Context) -> SourceSettings | None:
    if result is None and cursor.state.errors:
        return None
    kind = LiveSettings if hasattr(plug_in, "read") else DeclaringSettings if hasattr(plug_in, "declare") else None
    settings: SourceSettings = require(result, kind or SourceSettings, "the result")
    if (settings.name, settings.type) != (cursor.key, cursor.value["type"]):
        raise MisfitError("its `name` or `type` differs from the source's")
    return settings


def _check_answers(plug_in: PlugIn, result: Any, settings: LiveSettings) -> ReadResult:
    """Check the answers: all are of this source, and no segment or instance repeats, because the lock keys on both."""
    reading: ReadResult = require(result, ReadResult, "the result")
    segments = set[tuple[str, str]]()
    for answer in reading.answers:
        if answer.source != settings.name:
            raise MisfitError(f"an answer is for the source {quote(answer.source)}, not for {quote(settings.name)}")
        if not answer.datacenter:
            raise MisfitError("an answer has no `datacenter`")
        if (answer.datacenter, answer.namespace) in segments:
            raise MisfitError(
                f"two answers are for {InstanceOrigin(answer.source, answer.datacenter, answer.namespace)}"
            )
        segments.add((answer.datacenter, answer.namespace))
        seen = set[tuple[str, str, str]]()
        for instance in answer.registrations:
            identity = (instance.service, instance.node, instance.id)
            if identity in seen:
                origin = InstanceOrigin(answer.source, answer.datacenter, answer.namespace, instance.node, instance.id)
                raise MisfitError(f"it has the same instance twice: {origin}")
            seen.add(identity)
    return reading


def _check_shape(plug_in: PlugIn, result: Any, settings: LiveSettings) -> dict[str, Any]:
    shape: dict[str, Any] = require(result, dict[str, Any], "the result")
    try:
        json.dumps(shape, allow_nan=False, default=asdict)
    except (TypeError, ValueError):
        raise MisfitError("it contains a value that is not JSON") from None
    return shape


def _check_contribution(plug_in: PlugIn, result: Any, settings: SourceSettings, known: Any) -> Contribution:
    contribution: Contribution = require(result, Contribution, "the result")
    of_endpoints = {endpoint.source for endpoints in contribution.endpoints.values() for endpoint in endpoints}
    for source in sorted({contribution.source, *of_endpoints} - {settings.name}):
        raise MisfitError(f"it names the source {quote(source)} in place of {quote(settings.name)}")
    return contribution


SEAM = Seam(
    group="frostline.sources",
    noun="source",
    table=TABLE,
    functions={
        "configure": _check_settings,
        "read": _check_answers,
        "shape": _check_shape,
        "policy": plug_ins.returns(str),
        "contribute": _check_contribution,
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
"""What frostline uses of another package's source. A failing source counts as unreadable (SourceError)."""


def is_live(type_name: str) -> bool:
    """Whether this type asks a server, so that its answers go through the lock."""
    return hasattr(source_module(type_name), "read")


def answer_shape(settings: LiveSettings) -> dict[str, Any]:
    """Return all settings that shape a live source's answer.

    For other packages' sources, add those of the selection.
    """
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
    """Whether the server of this type schedules its services itself and gives them ports."""
    return bool(getattr(source_module(type_name), "ALLOCATES_PORTS", False))


def policy_of(settings: LiveSettings) -> str | None:
    """Return the smallest ACL policy that this source needs, or None if its type does not know."""
    module = source_module(settings.type)
    return str(module.policy(settings)) if hasattr(module, "policy") else None


def known_segments(settings: LiveSettings) -> tuple[str, ...]:
    """Return the datacenters (or regions) that the source's server knows, sorted; () if its type cannot tell.

    SourceError: the server cannot be asked.
    """
    if settings.type not in TABLE:
        return ()
    return cast(tuple[str, ...], source_module(settings.type).known_segments(settings))


def watch_of(settings: LiveSettings) -> Watch | None:
    """Return how to wait for a change of what this source reads, or None if frostline cannot wait for its server."""
    if settings.type not in TABLE or not hasattr(module := source_module(settings.type), "watch"):
        return None
    return cast(Watch | None, module.watch(settings))


def default_shape(settings: LiveSettings) -> dict[str, Any]:
    """Return `answer_shape` with all settings at their default. Another package's own part stays as configured."""
    base: dict[str, Any] = {"name": settings.name, "type": settings.type, "origin": settings.origin}
    if settings.type in TABLE:
        return answer_shape(type(settings)(**base))
    return {**answer_shape(settings), **_selection_part(LiveSettings(**base))}


def segment_lists(settings: LiveSettings) -> Mapping[str, SegmentList]:
    """The keys of this live source that list segments."""
    lists: Mapping[str, SegmentList] = getattr(source_module(settings.type), "SEGMENT_LISTS", {})
    return lists


def reads_segment(settings: LiveSettings, datacenter: str, namespace: str) -> bool:
    """Whether the source's lists (`datacenters` …) include this segment.

    An empty list means the agent's own segment.
    """
    for key, listed in segment_lists(settings).items():
        name, globs = listed.name_of(datacenter, namespace), getattr(settings, key)
        if name is not None and (globs or not listed.empty_is_own) and not matches(globs, name):
            return False
    return True


def declares(type_name: str) -> bool:
    """Whether files of this type declare services under registered names."""
    return hasattr(source_module(type_name), "declare")


def patterned_sources(sources: Mapping[str, SourceSettings]) -> dict[str, LiveSettings | DeclaringSettings]:
    """Return the sources that make their endpoints' URLs from patterns, by name."""
    return {
        name: cast(LiveSettings | DeclaringSettings, settings)
        for name, settings in sources.items()
        if is_live(settings.type) or declares(settings.type)
    }


def contributes(type_name: str) -> bool:
    """Whether this type is local and makes its endpoints itself."""
    return hasattr(source_module(type_name), "contribute")


def needs_other_sources(type_name: str) -> bool:
    """Whether this type contributes after the others, because it needs what they bring."""
    return bool(getattr(source_module(type_name), "NEEDS_OTHER_SOURCES", False))


def keys_are_independent(type_name: str) -> bool:
    """Whether what this local type brings for one (service, version) does not depend on any other."""
    return bool(getattr(source_module(type_name), "KEYS_ARE_INDEPENDENT", False))


def inputs_of(settings: SourceSettings) -> tuple[Path, ...]:
    """The local files that this source reads, besides the configuration."""
    module = source_module(settings.type)
    return tuple(module.inputs(settings)) if hasattr(module, "inputs") else ()
