"""Wait until the data of a Consul or Nomad server may have changed, with blocking queries.

A blocking query names an index. The server answers once the answer's index is higher, or after `wait`.
"""

from __future__ import annotations

from asyncio import sleep
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import TypeVar

from msgspec.structs import replace

from frostline.errors import SourceError
from frostline.settings import ServerSettings
from frostline.sources.http.session import Parameters, Session

Settings = TypeVar("Settings", bound=ServerSettings)

_JITTER = 1 / 16
"""Both servers add up to this share of `wait` to it."""


class _ChangedError(Exception):
    """A query saw another number. Raised to end the other queries; it is not a fault."""

    def __init__(self, place: str, number: int) -> None:
        super().__init__(place)
        self.place, self.number = place, number


def allow_waiting(settings: Settings, wait: float, connections: int) -> Settings:
    """Return the settings for this many requests at once that the server may hold for `wait` seconds, without
    retries."""
    longest = wait * (1 + _JITTER) + settings.limits.timeout
    limits = replace(
        settings.limits,
        connections=connections,
        timeout=longest,
        deadline=settings.limits.deadline + longest,
        retries=0,
    )
    return replace(settings, limits=limits)


def blocking_parameters(before: int, wait: float) -> Parameters:
    """Return the parameters that make a query wait until the index is higher than `before`; 0: do not wait."""
    return (("index", str(before)), ("wait", f"{max(1, round(wait * 1000))}ms")) if before else ()


def await_first_change(
    session: Session,
    settings: ServerSettings,
    seen: Mapping[str, int] | None,
    queries: Mapping[str, Callable[[int], Awaitable[int]]],
    wait: float,
) -> dict[str, int]:
    """Return the number of each place, as soon as one differs from `seen`; at once if `seen` has other places.

    queries: place -> a function that returns its number once that differs from its argument (0: at once), or after
    `wait` seconds. With `partial: true`, a place that cannot be reached has the number 0.
    """
    known = seen if seen is not None and seen.keys() == queries.keys() else None

    async def query(place: str) -> int:
        before = 0 if known is None else known[place]
        began = monotonic()
        try:
            number = await queries[place](before)
            if number == before and monotonic() - began < wait:  # a restored server answers at once, with the old index
                number = await queries[place](0)
        except SourceError as error:
            if not (settings.partial and error.unreachable):
                raise
            number = 0
        if known is not None and number != before:
            raise _ChangedError(place, number)
        if known is not None and number == 0:
            await sleep(wait)  # an unreachable server cannot hold the query
        return number

    try:
        return dict(zip(queries, session.in_parallel(query, list(queries)), strict=True))
    except _ChangedError as changed:
        return {**(known or {}), changed.place: changed.number}
