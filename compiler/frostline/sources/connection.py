"""One persistent HTTP connection (TCP, TLS or unix socket) whose every wait is bounded."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct

from frostline.sources.access import Address

LARGEST = 1 << 29
"""Bytes that a body may have: twice what a catalog of 170,000 instances has in one answer (design, 11)."""

_PIECE = 1 << 20  # bytes asked for at once: a length that the server only claims is never allocated


class TooLargeError(Exception):
    """A body that has more than LARGEST bytes; it may have no end."""


class Response(Struct, frozen=True):
    """One whole answer. headers: names in lower case; a header sent twice has both values, joined by `, `."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


class Connection(http.client.HTTPConnection):
    """A connection that opens itself when it is first used, and again after the server closed it in good order.

    reached: the server was reached at least once. kept: this exchange runs on a connection that an earlier one left
    open. answered: the head of the answer to this exchange is here; whole: all of it is.
    """

    sock: Any

    def __init__(
        self, address: Address, connect_timeout: float, tls: ssl.SSLContext | None, server_name: str | None
    ) -> None:
        super().__init__(address.host, address.port or http.client.HTTP_PORT)
        self._address = address
        self._connect_timeout = connect_timeout
        self._tls = tls
        self._server_name = server_name or address.host
        self._expires = 0.0
        self.reached = False
        self.kept = False
        self.answered = False
        self.whole = False

    def exchange(self, target: str, headers: Mapping[str, str], expires: float) -> Response:
        """`GET target` and the whole answer before `expires` (time.monotonic).

        Raises OSError (TimeoutError when it is too late), http.client.HTTPException, and ValueError for an answer or
        a request that is no HTTP, TooLargeError. The connection is of no use after that.
        """
        self._expires = expires
        self.answered = self.whole = False
        self.kept = self.sock is not None
        if self.sock is None:
            self.connect()
        self.reached = True
        self.sock.expires = expires
        self.request("GET", target, headers=dict(headers))
        response = self.getresponse()
        self.answered = True
        body = _whole_body(response)
        self.whole = True
        joined: dict[str, str] = {}
        for name, value in response.getheaders():
            joined[name.lower()] = f"{joined[name.lower()]}, {value}" if name.lower() in joined else value
        return Response(response.status, response.reason, joined, body)

    def connect(self) -> None:
        timeout = min(self._connect_timeout, _left(self._expires))
        by = time.monotonic() + timeout
        if self._address.scheme == "unix":
            plain = _TimedSocket(socket.AF_UNIX, socket.SOCK_STREAM)
            plain.settimeout(timeout)
            plain.connect(self._address.socket)
        else:
            opened = socket.create_connection((self._address.host, self._address.port), timeout)
            plain = _TimedSocket(fileno=opened.detach())
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is None:
            self.sock = plain
            return
        plain.settimeout(_left(by))
        self._tls.sslsocket_class = _TimedTlsSocket
        self.sock = self._tls.wrap_socket(plain, server_hostname=self._server_name)

    def abort(self) -> None:
        """Wake whoever waits on this connection in another thread; that thread closes it."""
        if self.sock is not None:
            with suppress(OSError):
                # Not SSLSocket.shutdown, which would let a reader go on without TLS.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


def _whole_body(response: http.client.HTTPResponse) -> bytes:
    pieces = []
    size = 0
    while piece := response.read(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > LARGEST:
            raise TooLargeError
    body = b"".join(pieces)
    if response.length:  # how much of Content-Length is still to come
        raise http.client.IncompleteRead(body, response.length)
    return body


class _TimedSocket(socket.socket):
    """A socket whose every wait ends at `expires` (time.monotonic), however slowly the bytes drip in."""

    expires = 0.0

    def recv_into(self, *arguments: Any, **options: Any) -> int:
        self.settimeout(_left(self.expires))
        return super().recv_into(*arguments, **options)

    def sendall(self, *arguments: Any) -> None:
        self.settimeout(_left(self.expires))
        super().sendall(*arguments)


class _TimedTlsSocket(ssl.SSLSocket):
    """The same over TLS: OpenSSL's reads count their timeout over all the records that they wait for."""

    expires = 0.0

    def recv_into(self, *arguments: Any, **options: Any) -> int:
        self.settimeout(_left(self.expires))
        return super().recv_into(*arguments, **options)

    def sendall(self, *arguments: Any) -> None:
        self.settimeout(_left(self.expires))
        super().sendall(*arguments)


def _left(expires: float) -> float:
    left = expires - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
