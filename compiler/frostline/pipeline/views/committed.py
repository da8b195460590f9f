"""The committed lock, and the registry that it gives, for commands that ask no source."""

from __future__ import annotations

from contextlib import suppress

from frostline.errors import FrostlineError
from frostline.model import Lock, Registry
from frostline.pipeline.compile.assembling import registry_of_lock
from frostline.pipeline.freeze.locks import offline_lock, read_committed_lock
from frostline.settings import Config


def committed_lock(config: Config) -> Lock:
    """The committed lock. UsageError: there is none to work from."""
    return offline_lock(config, read_committed_lock(config))


def committed_registry(config: Config) -> Registry:
    """The registry of the committed lock and the local sources. UsageError: there is no lock to work from."""
    return registry_of_lock(config, committed_lock(config))


def known_registry(config: Config) -> Registry | None:
    """The registry of the committed lock under today's configuration; None if there is no such lock."""
    with suppress(FrostlineError):
        return committed_registry(config)
    return None
