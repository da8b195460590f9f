"""What a room knows, besides a cursor, when it reads its keys; and references to the sources of a configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from frostline.config.cursor import Cursor
from frostline.settings import Keep
from frostline.text import did_you_mean, list_names, quote


class Context(Struct, frozen=True, kw_only=True):
    """folder: the folder of the configuration, where its relative paths start. root: what outputs stay inside of.

    source_types: the type of each source of the configuration, as it is written. unkept: a field of endpoints (`id`,
    `node`) -> the sources that do not freeze it. keeps: what each source freezes, None where its URLs are
    written instead of made by a pattern. Both are known to outputs only.
    """

    folder: Path
    root: Path
    source_types: Mapping[str, str] = {}
    unkept: Mapping[str, Sequence[str]] = {}
    keeps: Mapping[str, Keep | None] = {}

    def source_names(self, cursor: Cursor) -> tuple[str, ...]:
        """A list of names of sources, each once."""
        found: list[str] = []
        for item in cursor.items():
            if self.is_source(item):
                if item.value in found:
                    item.refuse(f"the source {quote(item.value)} is listed twice", "keep one of them")
                found.append(item.value)
        return tuple(found)

    def is_source(self, cursor: Cursor) -> bool:
        """Whether this is the name of a source of this configuration; refuses any other."""
        known = self.source_types
        if cursor.value in known:
            return True
        otherwise = f"the sources are {list_names(known)}" if known else "add it under `sources`"
        cursor.refuse(f"there is no source {quote(cursor.value)}", did_you_mean(cursor.value, known, otherwise))
        return False


def known_type(cursor: Cursor, types: Sequence[str], what: str) -> str | None:
    """The `type` of this source or output; refuses a type that is not among `types`."""
    written = cursor.get("type")
    if written is None or written.value in types:
        return written.value if written else None
    otherwise = f"the types are {list_names(types)}"
    written.refuse(f"unknown type of {what}: {quote(written.value)}", did_you_mean(written.value, types, otherwise))
    return None


def has_required(cursor: Cursor, module: Any) -> bool:
    """Whether the keys that the SCHEMA of this module requires are there and usable. A missing one is refused already.

    Only then `configure` of another package is called, which need not expect less. Our own go on, so that one run
    reports all errors.
    """
    required = getattr(module, "SCHEMA", {}).get("required", ())
    return all(cursor.get(key) is not None for key in required)
