"""One persistent HTTP/1.1 connection (TCP, TLS or unix socket) whose every wait is bounded.

Answers are parsed by httptools (llhttp, the parser of Node.js): http.client spends more time on the headers of a
catalog's 10,000 answers than on all their bodies.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import Any

from httptools import HttpParserError, HttpResponseParser
from msgspec import Struct

from frostline.sources.access import Address

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


class Connection:
    """A connection that opens itself when it is first used, and again after the server closed it in good order.

    reached: the server was reached at least once. kept: this exchange runs on a connection that an earlier one left
    open. answered: the head of the answer to this exchange is here; whole: all of it is.
    """

    sock: Any

    def __init__(
        self, address: Address, connect_timeout: float, tls: ssl.SSLContext | None, server_name: str | None
    ) -> None:
        self.sock = None
        self._address = address
        self._connect_timeout = connect_timeout
        self._tls = tls
        self._server_name = server_name or address.host
        self._host = f"[{address.host}]" if ":" in address.host else address.host
        if address.port not in (0, _DEFAULT_PORT):
            self._host += f":{address.port}"
        self._space = memoryview(bytearray(_PIECE))
        self.reached = False
        self.kept = False
        self.answered = False
        self.whole = False

    def exchange(self, target: str, headers: Mapping[str, str], expires: float) -> Response:
        """`GET target` and the whole answer before `expires` (time.monotonic).

        Raises OSError (TimeoutError when it is too late), http.client.HTTPException, ValueError for a request that is
        no HTTP, and TooLargeError. The connection is of no use after that.
        """
        self.answered = self.whole = False
        self.kept = self.sock is not None
        request = _request(target, {"Host": self._host, "Accept-Encoding": "identity", **headers})
        if self.sock is None:
            self._connect(expires)
        self.reached = True
        self.sock.expires = expires
        self.sock.sendall(request)
        answer = _Answer()
        try:
            while not answer.ended:
                size = self.sock.recv_into(self._space)
                if size:
                    answer.feed(self._space[:size])
                else:
                    answer.end()
                self.answered = answer.has_head
        finally:
            answer.close()
        self.whole = True
        if not answer.keeps:
            self.close()
        return Response(answer.status, answer.reason.decode("latin-1"), answer.headers, answer.body)

    def _connect(self, expires: float) -> None:
        timeout = min(self._connect_timeout, _left(expires))
        by = time.monotonic() + timeout
        if self._address.scheme == "unix":
            plain = _TimedSocket(socket.AF_UNIX, socket.SOCK_STREAM)
            plain.settimeout(timeout)
            plain.connect(self._address.socket)
        else:
            opened = socket.create_connection((self._address.host, self._address.port or _DEFAULT_PORT), timeout)
            plain = _TimedSocket(fileno=opened.detach())
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is None:
            self.sock = plain
            return
        plain.settimeout(_left(by))
        self._tls.sslsocket_class = _TimedTlsSocket
        self.sock = self._tls.wrap_socket(plain, server_hostname=self._server_name)

    def close(self) -> None:
        """Close it; the next exchange opens it again."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def abort(self) -> None:
        """Wake whoever waits on this connection in another thread; that thread closes it."""
        if self.sock is not None:
            with suppress(OSError):
                # Not SSLSocket.shutdown, which would let a reader go on without TLS.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


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
