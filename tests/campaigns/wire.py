"""A proxy that counts what passes and fails below HTTP too: cut, slow, endless, refused."""

from __future__ import annotations

import select
import socket
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse, responses
from threading import Event, Lock, Thread
from typing import NamedTuple


class Reply(NamedTuple):
    """What the server answered, or what a fault makes of it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def head(self, length: int | None = None) -> bytes:
        """The status line and the headers; length: what is claimed, None for the truth."""
        lines = [f"HTTP/1.1 {self.status} {responses.get(self.status, '')}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines.append(f"Content-Length: {len(self.body) if length is None else length}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def with_header(self, suffix: str, value: str | None) -> Reply:
        """With this value for the header whose name ends so (X-Consul-Index: `index`); None: without it."""
        kept = [(name, old) for name, old in self.headers if not name.lower().endswith(suffix)]
        names = [name for name, _ in self.headers if name.lower().endswith(suffix)]
        return self._replace(headers=(*kept, *((name, value) for name in names if value is not None)))


Edit = Callable[[Reply], Reply]
Send = Callable[["WireProxy", socket.socket, Reply], None]


class Fault(NamedTuple):
    """edit: of the server's answer, which is then sent as usual; send: in place of sending it, and the end of the
    connection. passes: whether asking again can help, so that the command does."""

    name: str
    edit: Edit | None = None
    send: Send | None = None
    passes: bool = False


class Aim(NamedTuple):
    """Which requests a fault meets: those to target (None: all), from the nth to it on, or the nth alone (once)."""

    fault: Fault
    target: str | None = None
    nth: int = 1
    once: bool = False


class WireProxy:
    """Passes each GET on to 127.0.0.1:upstream, but for what `aim` says.

    asked: the targets in order; sent: target -> bytes of bodies; most_open: connections at once, at most; hits: how
    often the fault was met.
    """

    def __init__(self, upstream: int) -> None:
        self.aim: Aim | None = None
        self._upstream = upstream
        self._lock = Lock()
        self.ended = Event()
        self._port = 0
        self._open: set[socket.socket] = set()
        self.renew()
        self.address = f"http://127.0.0.1:{self._port}"

    def renew(self, aim: Aim | None = None) -> None:
        """Starts to count anew, listens again where it had stopped, and fails as `aim` says from here on."""
        self.close()
        self.ended = Event()
        self.asked: list[str] = []
        self.sent: Counter[str] = Counter()
        self.most_open = self.hits = 0
        self.aim = aim
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=128)
        self._port = self._listener.getsockname()[1]
        Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Refuses connections from here on, and resets those that are open."""
        self.ended.set()
        if self._port:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        with self._lock:
            for each in self._open:
                reset(each)
            self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._open = {each for each in self._open if not _is_gone(each)} | {connection}
                self.most_open = max(self.most_open, len(self._open))
            Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError):
            while self._answer(connection):
                pass
        with self._lock:
            self._open.discard(connection)
        connection.close()

    def _answer(self, connection: socket.socket) -> bool:
        """One request; whether the connection stays open."""
        head = _head(connection)
        if not head:
            return False
        lines = head.decode("latin-1").split("\r\n")
        target = lines[0].split(" ")[1]
        tokens = dict(line.split(": ", 1) for line in lines[1:] if "-Token: " in line)
        with self._lock:
            self.asked.append(target)
            aim = self._met(target)
        reply = self._passed_on(target, tokens)
        if aim is not None and aim.fault.send is not None:
            aim.fault.send(self, connection, reply)
            return False
        if aim is not None and aim.fault.edit is not None:
            reply = aim.fault.edit(reply)
        with self._lock:
            self.sent[target] += len(reply.body)
        connection.sendall(reply.head() + reply.body)
        return True

    def _met(self, target: str) -> Aim | None:
        aim = self.aim
        if aim is None or (aim.target is not None and aim.target != target):
            return None
        number = self.asked.count(target) if aim.target is not None else len(self.asked)
        if number < aim.nth or (aim.once and number > aim.nth):
            return None
        self.hits += 1
        return aim

    def _passed_on(self, target: str, tokens: dict[str, str]) -> Reply:
        server = HTTPConnection("127.0.0.1", self._upstream, timeout=30)
        server.request("GET", target, headers=tokens)
        response: HTTPResponse = server.getresponse()
        body = response.read()
        server.close()
        kept = tuple(header for header in response.getheaders() if header[0].startswith(("X-Consul", "X-Nomad")))
        return Reply(response.status, kept, body)


def reset(connection: socket.socket) -> None:
    """Ends a connection with RST."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The thread that reads from it wakes up; the descriptor is closed there.
        connection.shutdown(socket.SHUT_RD)
        connection.close()


def _is_gone(connection: socket.socket) -> bool:
    """Whether the client has closed it, though its thread may not have seen it yet."""
    if connection.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    return bool(poll.poll(0))


def _head(connection: socket.socket) -> bytes:
    read = b""
    while not read.endswith(b"\r\n\r\n"):
        piece = connection.recv(65536)
        if not piece:
            return b""
        read += piece
    return read
