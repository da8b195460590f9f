"""The committed lock, and the registry that it gives, for commands that ask no source."""

from __future__ import annotations

from contextlib import suppress

from frostline.errors import FrostlineError
from frostline.model import Lock, Registry
from frostline.pipeline.compile.assembling import registry_of_lock
from frostline.pipeline.freeze.locks import offline_lock, read_committed_lock
from frostline.settings import Config


def committed_lock(config: Config) -> Lock:
    """Return the committed lock. Raises UsageError if there is no lock."""
    return offline_lock(config, read_committed_lock(config))


def committed_registry(config: Config) -> Registry:
    """Return the registry of the committed lock and the local sources. Raises UsageError if there is no lock."""
    return registry_of_lock(config, committed_lock(config))


def known_registry(config: Config) -> Registry | None:
    """Return the registry of the committed lock and the local sources; None if it cannot be assembled."""
    with suppress(FrostlineError):
        return committed_registry(config)
    return None
