"""What can go wrong between a server and the command, as faults of the wire."""

from __future__ import annotations

import json
import socket
from typing import Any

from wire import Edit, Fault, Reply, WireProxy, reset


def _refused(proxy: WireProxy, connection: socket.socket, _: Reply) -> None:
    reset(connection)
    proxy.close()


def _reset(_: WireProxy, connection: socket.socket, __: Reply) -> None:
    reset(connection)


def _half(_: WireProxy, connection: socket.socket, reply: Reply) -> None:
    connection.sendall(reply.head(len(reply.body) + 1) + reply.body[: len(reply.body) // 2])


def _endless(proxy: WireProxy, connection: socket.socket, reply: Reply) -> None:
    connection.sendall(reply.head(1 << 40) + b"[")
    while not proxy.ended.wait(0.01):
        connection.sendall(b" " * 10_000)


def _dripped(proxy: WireProxy, connection: socket.socket, reply: Reply) -> None:
    for byte in reply.head() + reply.body:
        connection.sendall(bytes([byte]))
        if proxy.ended.wait(0.5):
            return


def _silent(proxy: WireProxy, _: socket.socket, __: Reply) -> None:
    proxy.ended.wait()


def _status(status: int, body: bytes = b"no", **headers: str) -> Edit:
    more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return lambda reply: Reply(status, more, body)


def _body(body: bytes) -> Edit:
    return lambda reply: reply._replace(body=body)


def _header(suffix: str, value: str | None) -> Edit:
    return lambda reply: reply.with_header(suffix, value)


def _backwards(reply: Reply) -> Reply:
    indexes = [value for name, value in reply.headers if name.lower().endswith("-index")]
    return reply.with_header("-index", str(int(indexes[0]) - 1)) if indexes else reply


def _part(share: float) -> Edit:
    """This share of a list or of the keys of an object, from the beginning."""

    def part(reply: Reply) -> Reply:
        if reply.status != 200:
            return reply
        value: Any = json.loads(reply.body)
        if isinstance(value, list):
            value = value[: int(len(value) * share)]
        elif isinstance(value, dict):
            value = dict(list(value.items())[: int(len(value) * share)])
        return reply._replace(body=json.dumps(value).encode())

    return part


def _filtered(reply: Reply) -> Reply:
    return reply._replace(headers=(*reply.headers, ("X-Consul-Results-Filtered-By-ACLs", "true")))


def _huge(reply: Reply) -> Reply:
    return reply._replace(headers=(*reply.headers, ("X-Huge", "x" * 100_000)))


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("refused", send=_refused),
        Fault("reset", send=_reset, passes=True),
        Fault("half a body", send=_half, passes=True),
        Fault("an endless body", send=_endless, passes=True),
        Fault("dripping", send=_dripped, passes=True),
        Fault("silence", send=_silent, passes=True),
        Fault("301", _status(301, Location="http://127.0.0.1:1/")),
        Fault("403", _status(403, b"Permission denied")),
        Fault("404", _status(404)),
        Fault("429", _status(429, Retry_After="1"), passes=True),
        Fault("429 for a day", _status(429, Retry_After="86400")),
        Fault("500", _status(500), passes=True),
        Fault("503", _status(503), passes=True),
        Fault("a datacenter gone", _status(500, b"No path to datacenter"), passes=True),
        Fault("not JSON", _body(b"<html>")),
        Fault("cut JSON", lambda reply: reply._replace(body=reply.body.rstrip()[:-1])),
        Fault("nested JSON", _body(b"[" * 100_000)),
        Fault("another shape", _body(b'[{"Name": 1, "Node": [], "Service": 7}]')),
        Fault("a number", _body(b"17")),
        Fault("null", _body(b"null")),
        Fault("no leader", _header("-knownleader", "false")),
        Fault("an old answer", _header("-lastcontact", "5000")),
        Fault("filtered by ACLs", _filtered),
        Fault("no index", _header("-index", None)),
        Fault("an index that is none", _header("-index", "many")),
        Fault("an index of 0", _header("-index", "0")),
        Fault("an index that goes back", _backwards),
        Fault("nothing", _part(0)),
        Fault("half", _part(0.5)),
        Fault("a huge header", _huge),
    )
}

BROKEN = frozenset(
    {"refused", "reset", "half a body", "an endless body", "dripping", "silence", "429", "429 for a day", "500", "503"}
    | {"a datacenter gone", "403", "404", "not JSON", "cut JSON", "nested JSON", "a huge header"}
)
"""With these no answer is of any use, whatever was asked."""

SHAPES = frozenset({"another shape", "a number", "null"})
"""With these the answers are of no use that something is read from."""

HEADERS = frozenset(
    {"no leader", "an old answer", "filtered by ACLs", "no index", "an index that is none", "an index of 0"}
)
"""With these the answers are of no use that come with an index."""
