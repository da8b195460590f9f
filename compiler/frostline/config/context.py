"""The context in which a room reads its keys, and references to the sources of a configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from frostline.config.cursor import Cursor
from frostline.settings import Keep
from frostline.text import did_you_mean, list_names, quote


class Context(Struct, frozen=True, kw_only=True):
    """What a room knows, besides a cursor, when it reads its keys.

    folder: the folder of the configuration; its relative paths start there. root: outputs must stay inside it.
    source_types: name of each configured source -> its type.
    unkept: field of endpoints (`id`, `node`) -> the sources that do not freeze it; set for outputs only.
    keeps: name of each source -> what it freezes, or None if its URLs are written in the configuration instead of made
    by a pattern; set for outputs only.
    """

    folder: Path
    root: Path
    source_types: Mapping[str, str] = {}
    unkept: Mapping[str, Sequence[str]] = {}
    keeps: Mapping[str, Keep | None] = {}

    def source_names(self, cursor: Cursor) -> tuple[str, ...]:
        """Read a list of names of sources; refuses unknown and duplicate ones."""
        names: list[str] = []
        for item in cursor.items():
            if self.is_source(item):
                if item.value in names:
                    item.refuse(f"the source {quote(item.value)} is listed twice", "keep one of them")
                names.append(item.value)
        return tuple(names)

    def is_source(self, cursor: Cursor) -> bool:
        """Whether this is the name of a configured source; refuses any other name."""
        known = self.source_types
        if cursor.value in known:
            return True
        otherwise = f"the sources are {list_names(known)}" if known else "add it under `sources`"
        cursor.refuse(f"there is no source {quote(cursor.value)}", did_you_mean(cursor.value, known, otherwise))
        return False


def known_type(cursor: Cursor, types: Sequence[str], what: str) -> str | None:
    """Read the `type` of a source or output; refuses one that is not in `types`. what: `source` or `output`."""
    written = cursor.get("type")
    if written is None or written.value in types:
        return written.value if written else None
    otherwise = f"the types are {list_names(types)}; if a plug-in brings it, install the plug-in beside frostline"
    written.refuse(f"unknown type of {what}: {quote(written.value)}", did_you_mean(written.value, types, otherwise))
    return None


def has_required(cursor: Cursor, module: Any) -> bool:
    """Whether all keys that the module's SCHEMA requires are present and usable. Missing ones are refused already.

    `configure` of a plug-in is called only then, so that it need not handle missing keys. frostline's own modules go on
    without them, so that one run reports all errors.
    """
    required = getattr(module, "SCHEMA", {}).get("required", ())
    return all(cursor.get(key) is not None for key in required)
