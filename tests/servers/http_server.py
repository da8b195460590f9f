"""A server that answers each request with given bytes, or misbehaves as told."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from frostline.sources.http.address import Address

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


Answer = bytes | Callable[[socket.socket], None]


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def closing(data: bytes) -> Answer:
    """Send this and close the connection."""

    def act(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return act


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def dripping(head: bytes, drop: bytes = b" ") -> Answer:
    def act(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            time.sleep(0.01)
            connection.sendall(drop)

    return act


class Server:
    """Answers requests with one of `answers` after the other, then always with the last."""

    def __init__(self, answers: tuple[Answer, ...], listener: socket.socket) -> None:
        self.answers = answers
        self.requests: list[str] = []
        self.connections = 0
        self.listener = listener
        self.lock = threading.Lock()
        self.open: list[socket.socket] = []
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def address(self) -> Address:
        if self.listener.family == socket.AF_UNIX:
            return Address(scheme="unix", socket=self.listener.getsockname())
        host, port = self.listener.getsockname()[:2]
        return Address(scheme="http", host=host, port=port)

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections += 1
                self.open.append(connection)
                threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection: socket.socket) -> None:
        received = b""
        with suppress(OSError):
            while data := connection.recv(65536):
                received += data
                while b"\r\n\r\n" in received:
                    head, received = received.split(b"\r\n\r\n", 1)
                    with self.lock:
                        self.requests.append(head.decode())
                        next_answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
                    if isinstance(next_answer, bytes):
                        connection.sendall(next_answer)
                    else:
                        next_answer(connection)

    def stop(self) -> None:
        # close() alone does not wake accept().
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        for opened in (self.listener, *self.open):
            opened.close()
