"""Turn the sources of a configuration into settings: each type reads its own keys."""

from __future__ import annotations

from typing import Any

from frostline.config.context import Context, has_required, known_type
from frostline.config.cursor import Cursor
from frostline.config.readers import as_is
from frostline.settings import PluginSettings, SourceSettings
from frostline.sources.base import TABLE, is_live, source_module, source_types
from frostline.sources.naming_keys import live_fields


def sources_of(cursor: Cursor, context: Context) -> dict[str, SourceSettings]:
    """Return name -> settings, in the order of the configuration."""
    built = {entry.key: _source(entry, context) for entry in cursor.entries()}
    return {name: settings for name, settings in built.items() if settings is not None}


def _source(cursor: Cursor, context: Context) -> SourceSettings | None:
    kind = known_type(cursor, source_types(), "source")
    if kind is None:
        return None
    module = source_module(kind)
    if kind not in TABLE and not has_required(cursor, module):
        return None
    if hasattr(module, "configure"):
        settings: SourceSettings | None = module.configure(cursor, context)
        return settings
    fields: dict[str, Any] = {}
    if is_live(kind):
        fields = live_fields(cursor) | cursor.present(address_from=as_is)
    options = {key: value for key, value in cursor.value.items() if key != "type"}
    return PluginSettings(name=cursor.key, type=kind, origin=cursor.key_origin, options=options, **fields)
