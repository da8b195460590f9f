"""Wait for several places of a server at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import pytest

from frostline.errors import SourceError
from frostline.model import FileOrigin
from frostline.settings import LiveLimits
from frostline.sources.consul.settings import ConsulSettings
from frostline.sources.http import waiting
from frostline.sources.http.address import Address
from frostline.sources.http.session import Api, Session
from frostline.sources.http.transport import Transport, UnreachableError

PLACE = FileOrigin("frostline.yaml", 3, 3)
WAIT = 25.0


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record how long each wait would be that no server ends, instead of waiting."""
    seconds: list[float] = []

    async def sleep(length: float) -> None:
        seconds.append(length)

    monkeypatch.setattr(waiting, "sleep", sleep)
    return seconds


def number(value: int) -> Callable[[int], Awaitable[int]]:
    async def look(before: int) -> int:
        return value

    return look


async def unreachable(before: int) -> int:
    raise UnreachableError("source mesh: refused", origin=PLACE)


def change(
    seen: Mapping[str, int] | None, looks: Mapping[str, Callable[[int], Awaitable[int]]], *, partial: bool = False
) -> dict[str, int]:
    transport = Transport(
        "mesh", PLACE, Address(scheme="http", host="127.0.0.1", port=9), LiveLimits(), token_header="X-Consul-Token"
    )
    settings = ConsulSettings(name="mesh", origin=PLACE, partial=partial)
    with Session(transport, Api(product="Consul", address_variable="A")) as session:
        return waiting.await_first_change(session, settings, seen, looks, WAIT)


def test_an_unreachable_place_is_asked_again_only_after_the_wait(slept: list[float]) -> None:
    looks = {"a": number(5), "b": unreachable}
    assert change(None, looks, partial=True) == {"a": 5, "b": 0}
    assert slept == []
    assert change({"a": 5, "b": 0}, looks, partial=True) == {"a": 5, "b": 0}
    assert slept == [WAIT]
    with pytest.raises(SourceError, match="refused"):
        change({"a": 5, "b": 0}, looks)


def test_a_place_that_becomes_unreachable_or_reachable_is_a_change(slept: list[float]) -> None:
    assert change({"a": 5, "b": 7}, {"a": number(5), "b": unreachable}, partial=True) == {"a": 5, "b": 0}
    assert change({"a": 5, "b": 0}, {"a": number(5), "b": number(7)}, partial=True) == {"a": 5, "b": 7}
    assert slept == []
