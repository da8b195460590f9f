"""The limits of the transport: time, retry delays, connections, and an interrupt."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from http_reads import failure, get, transport_to
from http_server import OK, Answer, answer, dripping

from frostline.errors import SourceError
from frostline.sources.http import connection
from frostline.sources.http.address import Address
from frostline.sources.http.transport import StatusError


@pytest.mark.parametrize(
    "slow",
    [
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"), id="body"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nX: "), id="header"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"), id="chunks"),
        pytest.param(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="continue"),
        pytest.param(lambda connection: None, id="silence"),
    ],
)
def test_a_request_ends_in_time_however_slowly_its_answer_drips(serve, slow: Answer):
    server = serve(slow)
    error = failure(transport_to(server.address, timeout=0.2))
    assert error.message.endswith("no complete answer within 0.2 s")


def test_a_server_that_never_answered_is_given_up_after_two_attempts(serve):
    server = serve(lambda connection: None)
    failure(transport_to(server.address, timeout=0.1, retries=4))
    assert len(server.requests) == 2


def test_a_server_that_has_answered_before_is_retried_as_often_as_retries_say(serve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("frostline.sources.http.transport.retry_delay", lambda attempt: 0.0)
    server = serve(OK, lambda connection: None)
    with transport_to(server.address, timeout=0.1, retries=3) as transport:
        get(transport, "/")
        with pytest.raises(SourceError):
            get(transport, "/")
    assert len(server.requests) == 1 + 4


@pytest.fixture
def full() -> Iterator[Address]:
    """The address of a server that accepts no more connections."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as server, ExitStack() as waiting:
        for _ in range(8):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield Address(scheme="http", host="127.0.0.1", port=server.getsockname()[1])


def test_a_server_that_does_not_accept_is_given_up(full: Address):
    error = failure(transport_to(full, connect_timeout=0.1))
    assert error.message.endswith("no connection within 0.1 s")


@pytest.mark.parametrize("connect_timeout", [0.3, 3600])
def test_a_server_is_reached_at_another_address_if_one_does_not_answer(
    serve, full: Address, monkeypatch: pytest.MonkeyPatch, connect_timeout: float
):
    places = [("127.0.0.1", full.port), ("127.0.0.1", serve(OK).address.port)]

    async def resolved(*_: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", place) for place in places]

    monkeypatch.setattr(connection, "_resolve", resolved)
    name = Address(scheme="http", host="consul.example", port=80)
    with transport_to(name, connect_timeout=connect_timeout, timeout=0.6) as transport:
        assert get(transport, "/").body == b"ok"


def test_the_deadline_bounds_all_attempts(serve):
    server = serve(answer("503 Busy"))
    error = failure(transport_to(server.address, retries=10_000, deadline=0.3))
    assert "503 Busy" in error.message or "deadline" in error.message


def test_a_request_that_the_deadline_cuts_off_says_so(serve):
    server = serve(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"))
    said = failure(transport_to(server.address, deadline=0.3)).message
    assert said.endswith("not read within the `deadline` of 0.3 s")


def test_a_name_server_that_hangs_holds_up_neither_the_read_nor_the_end_of_the_process():
    program = """
import socket, time
from frostline.errors import SourceError
from frostline.model import FileOrigin
from frostline.settings import LiveLimits
from frostline.sources.http.address import Address
from frostline.sources.http.transport import Transport
known = socket.getaddrinfo
def hanging(*arguments, flags=0, **options):
    return known(*arguments, flags=flags, **options) if flags else time.sleep(1000)
socket.getaddrinfo = hanging
for limits in (LiveLimits(deadline=0.1), LiveLimits(connect_timeout=0.1, retries=0)):
    try:
        address = Address(scheme="http", host="a.invalid", port=9)
        with Transport("mesh", FileOrigin("x"), address, limits, token_header="X-Consul-Token") as transport:
            transport.in_parallel(transport.get, ["/"])
    except SourceError as error:
        print(error.message)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    first, second = ended.stdout.splitlines()
    assert first == "source mesh: http://a.invalid:9 was not read within the `deadline` of 0.1 s"
    assert second == "source mesh: GET / at http://a.invalid:9: no connection within 0.1 s"
    assert ended.stderr == ""


def noting(waits: list[float]) -> Callable[[float], Coroutine[None, None, None]]:
    async def sleep(delay: float) -> None:
        waits.append(delay)

    return sleep


def test_retry_after_is_obeyed_in_seconds_and_as_a_date(serve, monkeypatch):
    waits: list[float] = []
    for value, low, high in [
        ("2", 2, 2),
        (format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True), 15, 20),
        (format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True), 0.01, 0.01),
        ("soon", 0.01, 0.01),
        ("-1", 0.01, 0.01),
        ("9" * 5000, 0.01, 0.01),
        ("0", 0.01, 0.01),
    ]:
        transport = transport_to(
            serve(answer("429 Too Many Requests", b"", f"Retry-After: {value}"), OK).address, retries=1
        )
        monkeypatch.setattr("frostline.sources.http.transport.sleep", noting(waits))
        assert get(transport, "/").body == b"ok"
        assert low <= waits[-1] <= high


def test_retry_after_past_the_deadline_ends_at_once(serve):
    server = serve(answer("429 Too Many Requests", b"", "Retry-After: 3600"), OK)
    assert "429" in failure(transport_to(server.address, retries=3)).message
    assert len(server.requests) == 1


def test_delays_double_up_to_the_longest(serve, monkeypatch):
    monkeypatch.setattr("frostline.sources.http.transport._FIRST_DELAY", 0.25)
    waits: list[float] = []
    transport = transport_to(serve(answer("500 Oops")).address, retries=7)
    monkeypatch.setattr("frostline.sources.http.transport.sleep", noting(waits))
    failure(transport)
    assert waits == [0.25, 0.5, 1, 2, 4, 5, 5]


def test_an_idle_connection_that_the_server_closed_costs_no_attempt(serve):
    received, closed = threading.Event(), threading.Event()

    def act(connection: socket.socket) -> None:
        connection.sendall(OK)
        assert received.wait(30)
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    server = serve(act, OK)
    with transport_to(server.address, retries=0) as transport:
        get(transport, "/")
        received.set()
        assert closed.wait(30)
        assert get(transport, "/").body == b"ok"
    assert server.connections == 2


def test_no_more_connections_are_opened_than_allowed(serve):
    server = serve(OK)
    with transport_to(server.address, connections=3) as transport:
        assert [response.body for response in transport.in_parallel(transport.get, ["/"] * 40)] == [b"ok"] * 40
    assert 1 <= server.connections <= 3


def test_results_come_in_order_and_ticks_rise_to_all_of_them():
    ticks: list[int] = []

    async def work(item: int) -> int:
        await asyncio.sleep(0.001 * (item % 3))
        return item * 2

    with transport_to(Address(scheme="http", host="127.0.0.1", port=9)) as transport:
        assert transport.in_parallel(work, range(100), ticks.append) == [*range(0, 200, 2)]
        assert transport.in_parallel(work, []) == []
    assert ticks == sorted(ticks)
    assert ticks[-1] == 100


def test_the_first_failure_ends_a_parallel_read():
    begun: list[int] = []
    cancelled: list[int] = []

    async def work(item: int) -> None:
        begun.append(item)
        if item == 1:
            raise ValueError(item)
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            cancelled.append(item)
            raise

    with (
        transport_to(Address(scheme="http", host="127.0.0.1", port=9), connections=2) as transport,
        pytest.raises(ValueError, match="1"),
    ):
        transport.in_parallel(work, range(1000))
    assert begun == [0, 1]
    assert cancelled == [0]


def test_a_failure_leaves_no_connection_that_waits(serve):
    server = serve(lambda connection: None, answer("403 Forbidden"))
    with transport_to(server.address, connections=2) as transport:
        with pytest.raises(StatusError):
            transport.in_parallel(transport.get, ["/slow", "/refused", "/never"])
        assert len(transport._idle) == 1  # the refusal came whole
        deadline = time.monotonic() + 30
        while not any(_is_ended(connection) for connection in server.open) and time.monotonic() < deadline:
            time.sleep(0.01)
    assert sorted(request.split(" ")[1] for request in server.requests) == ["/refused", "/slow"]


def _is_ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_an_interrupt_ends_a_read_that_waits():
    program = """
import os, signal, socket, threading
from frostline.model import FileOrigin
from frostline.settings import LiveLimits
from frostline.sources.http.address import Address
from frostline.sources.http.transport import Transport
listener = socket.create_server(("127.0.0.1", 0))
def interrupt():
    listener.accept()[0].recv(100)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
limits = LiveLimits(timeout=1000, deadline=1000)
address = Address(scheme="http", host="127.0.0.1", port=listener.getsockname()[1])
try:
    with Transport("mesh", FileOrigin("x"), address, limits, token_header="X-Consul-Token") as transport:
        transport.in_parallel(transport.get, ["/"])
except KeyboardInterrupt:
    print("interrupted")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "interrupted\n"


def test_a_closed_transport_has_closed_its_connections(serve):
    with transport_to(serve(OK).address) as transport:
        get(transport, "/v1/x")
        sockets = [idle._stream.get_extra_info("socket") for idle in transport._idle]
        assert [connected.fileno() == -1 for connected in sockets] == [False]
    assert [connected.fileno() == -1 for connected in sockets] == [True]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # what finalizers say of a closed loop
def test_an_interrupt_ends_a_read_even_if_one_of_its_tasks_never_ends(serve):
    async def never_ends(_: int) -> None:
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    async def is_interrupted(_: int) -> None:
        raise KeyboardInterrupt

    def late(*_: object) -> None:
        raise TimeoutError("the read goes on")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    try:
        with pytest.raises(KeyboardInterrupt), transport_to(serve(OK).address) as transport:
            transport.in_parallel(lambda work: work(0), [never_ends, is_interrupted])
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
