"""What one override does to one (service, version)."""

from __future__ import annotations

from msgspec import Struct

from frostline.model import Endpoint, FileOrigin, Key
from frostline.settings import Override


class Effect(Struct, frozen=True, kw_only=True):
    """What one override does to one (service, version). replaced: each endpoint with the one in its place.

    parts: the places of the parts of the override (a match, a URL) that did something.
    """

    override: Override
    key: Key
    dropped: tuple[Endpoint, ...] = ()
    replaced: tuple[tuple[Endpoint, Endpoint], ...] = ()
    added: tuple[Endpoint, ...] = ()
    parts: frozenset[FileOrigin] = frozenset()

    @property
    def is_at_work(self) -> bool:
        """Whether it changes anything; not where an earlier override decides about the same endpoints."""
        return bool(self.dropped or self.replaced or self.added)
