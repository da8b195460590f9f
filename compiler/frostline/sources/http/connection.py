"""A persistent HTTP/1.1 connection (TCP, TLS or unix socket) on an asyncio loop; every wait has a limit.

httptools (llhttp, the parser of Node.js) parses the answers: http.client spends more time on the headers of a catalog's
10,000 answers than on all their bodies.
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

from frostline.sources.http.address import Address

LARGEST = 1 << 29
"""Largest body in bytes: twice the dump of a catalog of 170,000 instances."""

_LARGEST_HEAD = 1 << 16  # bytes of names and values in an answer's head
_CHUNK = 1 << 18  # bytes received at once; memory grows with what arrives, not with the length that a server claims
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # a line break in a target or header could start another request
_DEFAULT_PORT = 80


class TooLargeError(Exception):
    """A body has more bytes than `largest`. It may be endless."""

    def __init__(self, largest: int) -> None:
        super().__init__()
        self.largest = largest


class Response(Struct, frozen=True):
    """A complete answer. headers: names in lower case; values of a repeated header joined by `, `."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes | bytearray


class Connection(asyncio.BufferedProtocol):
    """A connection that opens on first use. Once either side has closed it, it stays closed.

    reached: whether the connection was ever established. The others describe the latest exchange: reused: it was not
    the first on this connection; answered: the head of its answer arrived; complete: its whole answer arrived.
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
        self._space = memoryview(bytearray(_CHUNK))
        self._stream: Any = None
        self._parser: ResponseParser | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._expires = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.reached = False
        self.reused = False
        self.answered = False
        self.complete = False

    @property
    def is_open(self) -> bool:
        return self._stream is not None and not self._stream.is_closing()

    async def exchange(
        self, target: str, headers: Mapping[str, str], expires: float, largest: int | None = None
    ) -> Response:
        """Send `GET target` and return the complete answer before `expires` (time.monotonic).

        largest: bytes of its body; None: LARGEST.

        Raises OSError (TimeoutError past `expires`), http.client.HTTPException, TooLargeError, and ValueError for a
        request that contains control characters. The connection cannot be used after an error.
        """
        self.answered = self.complete = False
        self.reused = self.reached
        request = _request(target, {"Host": self._host, "Accept-Encoding": "identity", **headers})
        if not self.reached:
            await self._connect(expires)
        elif not self.is_open:
            raise RemoteDisconnected("")
        self.reached = True
        parser = self._parser = ResponseParser(largest)
        try:
            await self._wait_for_answer(request, expires)
        finally:
            self.answered = parser.has_head
            self._parser = self._waiting = None
            parser.close()
        self.complete = True
        if not parser.keeps_alive:
            self.close()
        return Response(parser.status, parser.reason.decode("latin-1"), parser.headers, parser.body)

    async def _wait_for_answer(self, request: bytes, expires: float) -> None:
        """Send the request and wait until its answer is complete or has failed."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._expires = expires
        if self._timer is None or self._timer.when() > expires:
            self._set_timer()
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
        """Connect a socket to the first of the server's addresses that accepts. Raises the last address's OSError.

        The addresses share the remaining time evenly, because the first may never answer.
        """
        if self._address.scheme == "unix":
            return await _connect_socket(socket.AF_UNIX, 0, self._address.socket)
        failed: OSError | None = None
        addresses = await _resolve(self._address.host, self._address.port or _DEFAULT_PORT)
        for number, (family, _, protocol, _, address) in enumerate(addresses):
            others = len(addresses) - 1 - number
            share = (expires - time.monotonic()) / (others + 1) if others else None
            try:
                async with asyncio.timeout(share):
                    return await _connect_socket(family, protocol, address)
            except OSError as error:
                failed = error
        assert failed is not None  # getaddrinfo(3) returns at least one address
        raise failed

    def close(self) -> None:
        """Close the connection at once, without waiting for an answer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._stream is not None:
            self._stream.abort()

    # All exchanges share one timer: when it fires, it checks the current deadline and re-arms if that has not passed.

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # The loop's clock is time.monotonic.
        self._timer = asyncio.get_running_loop().call_at(self._expires, self._check_deadline)

    def _check_deadline(self) -> None:
        self._timer = None
        if self._waiting is None:
            return
        if time.monotonic() >= self._expires:
            self._fail(TimeoutError())
        else:
            self._set_timer()

    def _fail(self, error: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

    # Called by the loop:

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._space

    def buffer_updated(self, nbytes: int) -> None:
        if self._parser is None or self._waiting is None or self._waiting.done():
            self.close()  # nobody asked for these bytes
            return
        try:
            self._parser.feed(self._space[:nbytes])
        except (HTTPException, TooLargeError) as error:
            self._fail(error)
            return
        if self._parser.ended:
            self._waiting.set_result(None)

    def eof_received(self) -> None:
        if self._parser is None or self._waiting is None or self._waiting.done():
            return
        try:
            self._parser.end()
        except HTTPException as error:
            self._fail(error)
        else:
            self._waiting.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or RemoteDisconnected(""))


async def _connect_socket(family: int, protocol: int, address: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM, protocol)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except OSError as error:
        sock.close()
        # asyncio replaces the system's own message by one with the address.
        raise (OSError(error.errno, os.strerror(error.errno)) if error.errno else error) from None
    except BaseException:
        sock.close()
        raise
    return sock


async def _resolve(host: str, port: int) -> list[Any]:
    """Resolve a host to the addresses that getaddrinfo returns. OSError: the name is unknown.

    A daemon thread resolves names, because at exit Python waits for the threads of asyncio's own executor, and a name
    server may hang forever.
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
        with suppress(RuntimeError):  # the loop is closed already, so nobody waits for the result
            loop.call_soon_threadsafe(settle, addresses, failed)

    threading.Thread(target=resolve, daemon=True).start()
    return await found


def _request(target: str, headers: Mapping[str, str]) -> bytes:
    for text in (target, *headers.values()):
        if _CONTROL.search(text):
            raise ValueError("the request contains a control character")
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


class ResponseParser:
    """Collects an answer while it arrives; httptools calls the `on_…` methods. Informational answers (1xx) are skipped.

    ended: the answer is complete. keeps_alive: the connection can be used again.
    """

    def __init__(self, largest: int | None = None) -> None:
        self._largest = LARGEST if largest is None else largest
        self._parser = HttpResponseParser(self)
        self._received = 0
        self._reset()

    def _reset(self) -> None:
        self.status = 0
        self.reason = b""
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.ended = self.has_head = self.keeps_alive = False
        self._head_size = 0
        self._error: Exception | None = None

    def close(self) -> None:
        """Drop httptools' parser: it forms a reference cycle that would keep the body alive until the next GC."""
        del self._parser

    def feed(self, data: memoryview) -> None:
        """Parse bytes that arrived. Raises HTTPException (not valid HTTP) and TooLargeError."""
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            interrupt = error.__context__
            if interrupt is not None and not isinstance(interrupt, Exception):
                raise interrupt from None  # a signal that arrived while httptools called one of the methods below
            raise self._error or HTTPException(str(error)) from None
        except HttpParserUpgrade:
            raise HTTPException("the server switched to another protocol") from None
        if not self.has_head and self._received > _LARGEST_HEAD + _CHUNK:
            raise HTTPException("the head of the answer does not end")

    def end(self) -> None:
        """The server closed the connection. Raises IncompleteRead, or RemoteDisconnected if no byte arrived at all."""
        if not self._received:
            raise RemoteDisconnected("")
        length = self.headers.get("content-length")
        if not self.has_head or length is not None or "transfer-encoding" in self.headers:
            missing = int(length) - len(self.body) if length else None
            raise IncompleteRead(bytes(self.body), missing)
        self.ended = True  # a body without a length ends with the connection (RFC 9112, 6.3)

    def on_status(self, status: bytes) -> None:
        self.reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value) + 4  # `: ` and the line's end
        if self._head_size > _LARGEST_HEAD:
            raise self._failed(HTTPException("the head of the answer is too long"))
        if self.has_head:
            return  # a trailer must not be taken for a header (RFC 9110 6.5.1)
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        version = self._parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise self._failed(HTTPException(f"the answer is in HTTP/{version}, but frostline asked for HTTP/1.1"))
        self.status = self._parser.get_status_code()
        self.has_head = self.status >= 200

    def on_body(self, body: bytes) -> None:
        self.body += body
        if len(self.body) > self._largest:
            raise self._failed(TooLargeError(self._largest))

    def on_message_complete(self) -> None:
        if self.status < 200:
            self._reset()
            return
        self.ended = True
        self.keeps_alive = self._parser.should_keep_alive()

    def on_message_begin(self) -> None:
        if self.ended:
            raise self._failed(HTTPException("more bytes arrived after the end of the answer"))

    def _failed(self, error: Exception) -> Exception:
        """Remember the error, because httptools replaces it with one of its own."""
        self._error = error
        return error
