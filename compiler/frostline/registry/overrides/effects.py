"""The effect of one override on one (service, version), as a value."""

from __future__ import annotations

from msgspec import Struct

from frostline.model import Endpoint, FileOrigin, Key
from frostline.settings import Override


class Effect(Struct, frozen=True, kw_only=True):
    """What one override does to one (service, version). replaced: each endpoint with its replacement.

    parts: the places of those parts of the override (matches, URLs) that apply to an endpoint.
    """

    override: Override
    key: Key
    dropped: tuple[Endpoint, ...] = ()
    replaced: tuple[tuple[Endpoint, Endpoint], ...] = ()
    added: tuple[Endpoint, ...] = ()
    parts: frozenset[FileOrigin] = frozenset()

    @property
    def is_at_work(self) -> bool:
        """Whether it changes anything. It does not if an earlier override decides about the same endpoints."""
        return bool(self.dropped or self.replaced or self.added)
