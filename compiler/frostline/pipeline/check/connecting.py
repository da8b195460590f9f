"""TCP connections to many hosts and ports at a time, and the names resolved before."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from threading import Thread
from typing import Any, TypeVar

from frostline.events import report_progress

_CONNECTIONS = 100  # at a time: a process may often have no more than 256 files open (macOS)

Address = tuple[socket.AddressFamily, tuple[Any, ...]]
"""A family and an address as `getaddrinfo` gives them; the port in it does not count."""

Target = tuple[str, int]
"""A host (an IP address without brackets, or a name) and a port."""

_Item = TypeVar("_Item", bound=Any)
_Result = TypeVar("_Result")


def failed_connections(targets: Iterable[Target], timeout: float) -> Mapping[Target, str | None]:
    """Why each target takes no connection, such as `connection refused`; None: it does. timeout: in seconds, for a name
    to be resolved, and again for a connection."""
    return asyncio.run(_connect_all(targets, timeout))


async def _connect_all(targets: Iterable[Target], timeout: float) -> Mapping[Target, str | None]:
    wanted = set(targets)
    hosts = await _in_parallel(lambda host: _resolve(host, timeout), {host for host, _ in wanted}, "names")

    async def connect(target: Target) -> str | None:
        host, port = target
        found = hosts[host]
        if isinstance(found, str):
            return found
        if not port:
            return "its URL has no port"
        reasons = await asyncio.gather(*(_connect(address, port, timeout) for address in found))
        return None if None in reasons else reasons[0]

    return await _in_parallel(connect, wanted, "hosts and ports")


async def _in_parallel(
    work: Callable[[_Item], Awaitable[_Result]], items: Iterable[_Item], what: str
) -> dict[_Item, _Result]:
    """The result of each item, of which _CONNECTIONS are worked on at a time."""
    waiting = sorted(items, reverse=True)
    expected = len(waiting)
    results: dict[_Item, _Result] = {}

    async def worker() -> None:
        while waiting:
            item = waiting.pop()
            results[item] = await work(item)
            report_progress(what, len(results), expected)

    await asyncio.gather(*(worker() for _ in range(min(expected, _CONNECTIONS))))
    return results


async def _resolve(host: str, timeout: float) -> list[Address] | str:
    """The addresses of a host, or why there are none.

    In a thread that the process does not wait for: a resolver that gets no answer takes 10 s and more to say so.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[Address] | str] = loop.create_future()

    def settle(found: list[Address] | str) -> None:
        if not answer.done():
            answer.set_result(found)

    def look_up() -> None:
        found = _look_up(host)
        with suppress(RuntimeError):  # too late: the loop is closed
            loop.call_soon_threadsafe(settle, found)

    Thread(target=look_up, daemon=True).start()
    try:
        return await asyncio.wait_for(answer, timeout)
    except TimeoutError:
        return f"its name was not resolved within {timeout:g} s"


def _look_up(host: str) -> list[Address] | str:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, ValueError):  # ValueError: a NUL, or a label that IDNA refuses
        return "its name cannot be resolved"
    return [(family, address) for family, _, _, _, address in found]


async def _connect(address: Address, port: int, timeout: float) -> str | None:
    """Why this address takes no connection; None: it does."""
    family, (host, _, *scope) = address
    try:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.setblocking(False)
            target = (host, port, *scope)
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(connection, target), timeout)
    except TimeoutError:
        return f"no answer within {timeout:g} s"
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "no connection"  # asyncio words `strerror` its own way
        return f"{reason[0].lower()}{reason[1:]}"
    return None
