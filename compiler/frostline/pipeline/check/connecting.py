"""Resolve names and open TCP connections, many at a time."""

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
"""A family and an address as `getaddrinfo` gives them. The port in it is not used."""

Target = tuple[str, int]
"""A host (an IP address without brackets, or a name) and a port."""

_Item = TypeVar("_Item", bound=Any)
_Result = TypeVar("_Result")


def failed_connections(targets: Iterable[Target], timeout: float) -> Mapping[Target, str | None]:
    """Return target -> why it takes no connection, such as `connection refused`; None if it takes one.

    timeout: seconds for resolving a name, and again for a connection.
    """
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(_connect_all(targets, timeout))
    finally:
        loop.close()  # `asyncio.run` might wait for ever after an interrupt, see `Transport.close`


async def _connect_all(targets: Iterable[Target], timeout: float) -> Mapping[Target, str | None]:
    wanted = set(targets)
    hosts = await _in_parallel(lambda host: _resolve(host, timeout), {host for host, _ in wanted}, "names")

    async def connect(target: Target) -> str | None:
        host, port = target
        addresses = hosts[host]
        if isinstance(addresses, str):
            return addresses
        if not port:
            return "its URL has no port"
        reasons = await asyncio.gather(*(_connect(address, port, timeout) for address in addresses))
        return None if None in reasons else reasons[0]

    return await _in_parallel(connect, wanted, "hosts and ports")


async def _in_parallel(
    work: Callable[[_Item], Awaitable[_Result]], items: Iterable[_Item], what: str
) -> dict[_Item, _Result]:
    """Return item -> result. At most _CONNECTIONS items are worked on at a time."""
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
    """Return the addresses of a host, or why there are none.

    Resolves in a thread that the process does not wait for: a resolver without an answer takes 10 s or more to fail.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[Address] | str] = loop.create_future()

    def settle(addresses: list[Address] | str) -> None:
        if not answer.done():
            answer.set_result(addresses)

    def look_up() -> None:
        addresses = _look_up(host)
        with suppress(RuntimeError):  # too late: the loop is closed
            loop.call_soon_threadsafe(settle, addresses)

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
    """Return why this address takes no connection; None if it takes one."""
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
