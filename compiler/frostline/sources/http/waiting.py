"""Waiting until the server of a source may have changed: what Consul and Nomad do alike.

A blocking query names an index: the server answers once that of the answer is a higher one, else after `wait`.
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
"""The share of `wait` that both servers add to it, at most."""


class _ChangedError(Exception):
    """Not a fault: what ends the other queries when one sees another number."""

    def __init__(self, place: str, number: int) -> None:
        super().__init__(place)
        self.place, self.number = place, number


def patient(settings: Settings, wait: float, connections: int) -> Settings:
    """The settings for so many requests that a server may hold for `wait` seconds, and that are not retried."""
    longest = wait * (1 + _JITTER) + settings.limits.timeout
    limits = replace(
        settings.limits,
        connections=connections,
        timeout=longest,
        deadline=settings.limits.deadline + longest,
        retries=0,
    )
    return replace(settings, limits=limits)


def blocking(before: int, wait: float) -> Parameters:
    """The parameters of a query that waits until the index is higher than `before`; 0: it waits for nothing."""
    return (("index", str(before)), ("wait", f"{max(1, round(wait * 1000))}ms")) if before else ()


def first_change(
    session: Session,
    settings: ServerSettings,
    seen: Mapping[str, int] | None,
    looks: Mapping[str, Callable[[int], Awaitable[int]]],
    wait: float,
) -> dict[str, int]:
    """The number of each of these places: at once where one is not as in `seen`, or `seen` has other places.

    looks: a place -> what returns its number once that differs from the given one (0: at once), or after `wait`
    seconds. With `partial: true`, a place that cannot be reached has the number 0.
    """
    known = seen if seen is not None and seen.keys() == looks.keys() else None

    async def look(place: str) -> int:
        before = 0 if known is None else known[place]
        began = monotonic()
        try:
            number = await looks[place](before)
            if number == before and monotonic() - began < wait:  # as a restored server answers
                number = await looks[place](0)
        except SourceError as error:
            if not (settings.partial and error.unreachable):
                raise
            number = 0
        if known is not None and number != before:
            raise _ChangedError(place, number)
        if known is not None and number == 0:
            await sleep(wait)  # nobody can be asked to wait there
        return number

    try:
        return dict(zip(looks, session.in_parallel(look, list(looks)), strict=True))
    except _ChangedError as changed:
        return {**(known or {}), changed.place: changed.number}
