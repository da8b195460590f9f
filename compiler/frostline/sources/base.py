"""What a source is. A new one is one new file and one line in TABLE, or an entry point `frostline.sources`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from frostline.model import Contribution, Declaration, Key, SegmentAnswer

__all__ = [
    "TABLE",
    "Contribution",
    "DeclaringSource",
    "LiveSource",
    "LocalSource",
    "Progress",
    "ReadResult",
    "is_live",
    "source_module",
    "source_types",
]

Progress = Callable[[str, int, int], None]
"""Called with a datacenter, how many answers came in, how many are expected."""


class ReadResult(Struct, frozen=True, kw_only=True):
    """What one read of a live source gave.

    answers: one for each segment that answered. warnings: sentences for the user (a datacenter left as it was).
    unreachable: datacenters that did not answer and, with `partial: true`, keep what the lock has.
    """

    answers: tuple[SegmentAnswer, ...]
    warnings: tuple[str, ...] = ()
    unreachable: tuple[str, ...] = ()


class LiveSource(Protocol):
    """The module of a live source."""

    def read(self, settings: Any, *, datacenters: tuple[str, ...] = (), progress: Progress | None = None) -> ReadResult:
        """Ask the server. `datacenters` narrows the read to these (freeze --datacenter); () for what the settings say.

        progress(datacenter, done, all) is called as answers come in. Raises SourceError, or UsageError for a token
        that is missing. Never returns part of an answer.
        """

    def shape(self, settings: Any) -> dict[str, Any]:
        """The settings that shape the answer, as JSON values; their digest binds the lock to the configuration."""


class LocalSource(Protocol):
    """The module of a local source: a pure function of its settings and of what the other sources know."""

    def contribute(self, settings: Any, known: Mapping[str, frozenset[Key]]) -> Contribution:
        """`known`: for each other source that is not a router, the (service, version)s that it brings."""


class DeclaringSource(Protocol):
    """The module of a local source whose files declare services under registered names: naming is done to them."""

    def declare(self, settings: Any) -> Declaration:
        """What the files say. Raises SourceError (or SeveralErrors of them) with the place in a file that is wrong."""

    def inputs(self, settings: Any) -> tuple[Path, ...]:
        """The files that it reads, sorted: what a saved plan must find unchanged."""


TABLE: Mapping[str, str] = {
    "consul": "frostline.sources.consul.source",
    "nomad": "frostline.sources.nomad.source",
    "jobspec": "frostline.sources.jobspec.source",
    "static": "frostline.sources.static",
    "router": "frostline.sources.router",
}


def source_types() -> tuple[str, ...]:
    """All types that a configuration may name, sorted."""
    return tuple(sorted({*TABLE, *(entry.name for entry in entry_points(group="frostline.sources"))}))


def source_module(type_name: str) -> Any:
    """The module of this type, imported on first use. KeyError: there is no such type."""
    if type_name in TABLE:
        return import_module(TABLE[type_name])
    for entry in entry_points(group="frostline.sources"):
        if entry.name == type_name:
            return entry.load()
    raise KeyError(type_name)


def is_live(type_name: str) -> bool:
    """Whether this type asks a server, so that its answers go through the lock."""
    return hasattr(source_module(type_name), "read")
