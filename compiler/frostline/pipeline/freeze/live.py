"""The live sources of a configuration, and the digests of the settings that shape their answers."""

from __future__ import annotations

from typing import cast

from frostline.lock.shapes import settings_digest
from frostline.settings import Config, LiveSettings
from frostline.sources.base import answer_shape, is_live


def live_sources(config: Config) -> dict[str, LiveSettings]:
    """Return the configured sources that ask a server, by name, sorted."""
    named = sorted(config.sources.items())
    return {name: cast(LiveSettings, settings) for name, settings in named if is_live(settings.type)}


def names_only_sources(config: Config) -> tuple[str, ...]:
    """Return the names of the live sources that freeze no endpoints (`keep.endpoints: false`), sorted."""
    return tuple(name for name, settings in live_sources(config).items() if not settings.keep.endpoints)


def settings_digests(config: Config) -> dict[str, str]:
    """Return live source -> digest of the settings that shape its answer."""
    return {name: settings_digest(answer_shape(settings)) for name, settings in live_sources(config).items()}
