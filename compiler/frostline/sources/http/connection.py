"""One persistent HTTP/1.1 connection (TCP, TLS or unix socket) of an asyncio loop, whose every wait is bounded.

Answers are parsed by httptools (llhttp, the parser of Node.js): http.client spends more time on the headers of a
catalog's 10,000 answers than on all their bodies.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from msgspec import Struct

from frostline.sources.http.access import Address

LARGEST = 1 << 29
"""Bytes that a body may have: twice what a catalog of 170,000 instances has in one answer (design, 11)."""

_LARGEST_HEAD = 1 << 16  # bytes of names and values in an answer's head
_PIECE = 1 << 18  # bytes received at once: a length that the server only claims is never allocated
_UNFIT = re.compile(r"[\x00-\x1f\x7f]")  # in a request's target or header: they could begin another one
_DEFAULT_PORT = 80


class TooLargeError(Exception):
    """A body that has more than LARGEST bytes; it may have no end."""


class Response(Struct, frozen=True):
    """One whole answer. headers: names in lower case; a header sent twice has both values, joined by `, `."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes | bytearray


class Connection(asyncio.BufferedProtocol):
    """A connection that opens itself when it is first used. Once closed, by either side, it stays closed.

    reached: the server was reached. kept: this exchange is not the connection's first. answered: the head of the answer
    to this exchange is here; whole: all of it is.
    """

    def __init__(
        self, address: Address, connect_timeout: float, tls: ssl.SSLContext | None, server_name: str | None
    ) -> None:
        self._address = address
        self._connect_timeout = connect_timeout
        self._tls = tls
        self._server_name = server_name or address.host
        self._host = f"[{address.host}]" if ":" in address.host else address.host
        if address.port not in (0, _DEFAULT_PORT):
            self._host += f":{address.port}"
        self._space = memoryview(bytearray(_PIECE))
        self._stream: Any = None
        self._answer: _Answer | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._expires = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self.reached = False
        self.kept = False
        self.answered = False
        self.whole = False

    @property
    def is_open(self) -> bool:
        return self._stream is not None and not self._stream.is_closing()

    async def exchange(self, target: str, headers: Mapping[str, str], expires: float) -> Response:
        """`GET target` and the whole answer before `expires` (time.monotonic).

        Raises OSError (TimeoutError when it is too late), http.client.HTTPException, ValueError for a request that is
        no HTTP, and TooLargeError. The connection is of no use after that.
        """
        self.answered = self.whole = False
        self.kept = self.reached
        request = _request(target, {"Host": self._host, "Accept-Encoding": "identity", **headers})
        if not self.reached:
            await self._connect(expires)
        elif not self.is_open:
            raise RemoteDisconnected("")
        self.reached = True
        answer = self._answer = _Answer()
        try:
            await self._answered(request, expires)
        finally:
            self.answered = answer.has_head
            self._answer = self._waiting = None
            answer.close()
        self.whole = True
        if not answer.keeps:
            self.close()
        return Response(answer.status, answer.reason.decode("latin-1"), answer.headers, answer.body)

    async def _answered(self, request: bytes, expires: float) -> None:
        """Sends the request and waits until its answer has ended, or failed."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._expires = expires
        if self._alarm is None or self._alarm.when() > expires:
            self._set_alarm()
        self._stream.write(request)
        await self._waiting

    async def _connect(self, expires: float) -> None:
        loop = asyncio.get_running_loop()
        expires = min(expires, time.monotonic() + self._connect_timeout)
        async with asyncio.timeout_at(expires):
            sock = await self._socket(expires)
            name = None if self._tls is None else self._server_name
            self._stream, _ = await loop.create_connection(lambda: self, sock=sock, ssl=self._tls, server_hostname=name)

    async def _socket(self, expires: float) -> socket.socket:
        """A socket that is connected to the first of the server's addresses that takes it; OSError: of the last.

        Each may take its share of the time that is left: the first may be one that never answers.
        """
        if self._address.scheme == "unix":
            return await _connected(socket.AF_UNIX, 0, self._address.socket)
        failed: OSError | None = None
        addresses = await _resolved(self._address.host, self._address.port or _DEFAULT_PORT)
        for number, (family, _, protocol, _, place) in enumerate(addresses):
            others = len(addresses) - 1 - number
            share = (expires - time.monotonic()) / (others + 1) if others else None
            try:
                async with asyncio.timeout(share):
                    return await _connected(family, protocol, place)
            except OSError as error:
                failed = error
        assert failed is not None  # getaddrinfo(3) gives one address at least
        raise failed

    def close(self) -> None:
        """Close it at once, whatever it waits for."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._stream is not None:
            self._stream.abort()

    # One alarm serves many exchanges: it looks whether the present one is too late, and is set anew if it is not.

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        # The loop's clock is time.monotonic.
        self._alarm = asyncio.get_running_loop().call_at(self._expires, self._look)

    def _look(self) -> None:
        self._alarm = None
        if self._waiting is None:
            return
        if time.monotonic() >= self._expires:
            self._fail(TimeoutError())
        else:
            self._set_alarm()

    def _fail(self, error: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

    # What the loop calls:

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._space

    def buffer_updated(self, nbytes: int) -> None:
        if self._answer is None or self._waiting is None or self._waiting.done():
            self.close()  # bytes that nobody asked for
            return
        try:
            self._answer.feed(self._space[:nbytes])
        except (HTTPException, TooLargeError) as error:
            self._fail(error)
            return
        if self._answer.ended:
            self._waiting.set_result(None)

    def eof_received(self) -> None:
        if self._answer is None or self._waiting is None or self._waiting.done():
            return
        try:
            self._answer.end()
        except HTTPException as error:
            self._fail(error)
        else:
            self._waiting.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or RemoteDisconnected(""))


async def _connected(family: int, protocol: int, place: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM, protocol)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, place)
    except OSError as error:
        sock.close()
        # asyncio puts the address where the system's own words are.
        raise (OSError(error.errno, os.strerror(error.errno)) if error.errno else error) from None
    except BaseException:
        sock.close()
        raise
    return sock


async def _resolved(host: str, port: int) -> list[Any]:
    """The addresses of a host, as getaddrinfo gives them. OSError: nobody knows it.

    A name is asked for in a thread that is a daemon: the asyncio loop's own threads are waited for when the process
    ends, and a name server may hang for as long as it likes.
    """
    with suppress(OSError):
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Any]] = loop.create_future()

    def settle(addresses: list[Any] | None, error: Exception | None) -> None:
        if found.done():
            return
        if error is not None:
            found.set_exception(error)
        else:
            found.set_result(addresses or [])

    def resolve() -> None:
        addresses: list[Any] | None = None
        failed: Exception | None = None
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            failed = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, addresses, failed)

    threading.Thread(target=resolve, daemon=True).start()
    return await found


def _request(target: str, headers: Mapping[str, str]) -> bytes:
    for text in (target, *headers.values()):
        if _UNFIT.search(text):
            raise ValueError("a control character in the request")
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


class _Answer:
    """An answer while it comes in: what httptools calls back on. One that is only informational (1xx) is left out.

    ended: nothing more is to come. keeps: the connection can be used again.
    """

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._came = 0
        self._begin()

    def _begin(self) -> None:
        self.status = 0
        self.reason = b""
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.ended = self.has_head = self.keeps = False
        self._head_size = 0
        self._fault: Exception | None = None

    def close(self) -> None:
        """Lets the parser go: it and this hold each other, and with it the body until the garbage collector comes."""
        del self._parser

    def feed(self, data: memoryview) -> None:
        """Bytes that came. HTTPException: they are no HTTP; TooLargeError."""
        self._came += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            raise self._fault or HTTPException(str(error)) from None
        except HttpParserUpgrade:
            raise HTTPException("the server changes to another protocol") from None
        if not self.has_head and self._came > _LARGEST_HEAD + _PIECE:
            raise HTTPException("the head of the answer has no end")

    def end(self) -> None:
        """No more bytes come. IncompleteRead, or RemoteDisconnected where none came at all."""
        if not self._came:
            raise RemoteDisconnected("")
        length = self.headers.get("content-length")
        if not self.has_head or length is not None or "transfer-encoding" in self.headers:
            missing = int(length) - len(self.body) if length else None
            raise IncompleteRead(bytes(self.body), missing)
        self.ended = True  # a body without length ends with the connection (RFC 9112, 6.3)

    def on_status(self, status: bytes) -> None:
        self.reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value) + 4  # `: ` and the line's end
        if self._head_size > _LARGEST_HEAD:
            raise self._failed(HTTPException("the head of the answer is too long"))
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.has_head = self.status >= 200

    def on_body(self, body: bytes) -> None:
        self.body += body
        if len(self.body) > LARGEST:
            raise self._failed(TooLargeError())

    def on_message_complete(self) -> None:
        if self.status < 200:
            self._begin()
            return
        self.ended = True
        self.keeps = self._parser.should_keep_alive()

    def on_message_begin(self) -> None:
        if self.ended:  # bytes that nobody asked for
            raise self._failed(HTTPException("more bytes came than the answer has"))

    def _failed(self, fault: Exception) -> Exception:
        self._fault = fault
        return fault
