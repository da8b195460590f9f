from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from http_server import OK, Answer, answer, closing, dripping, reset

from frostline.errors import SourceError
from frostline.model import FileOrigin
from frostline.settings import LiveLimits
from frostline.sources.http import connection
from frostline.sources.http.address import Address, parse_address
from frostline.sources.http.connection import Response
from frostline.sources.http.credentials import Secret
from frostline.sources.http.transport import StatusError, Transport, UnreachableError

PLACE = FileOrigin("frostline.yaml", 3, 3)


TOKEN = '7f1c-<secret>/"token"'


def transport_to(address: Address, *, secret: str | None = None, **limits: float) -> Transport:
    settings = {"connect_timeout": 5.0, "timeout": 5.0, "deadline": 30.0, "retries": 0} | limits
    return Transport(
        "mesh",
        PLACE,
        address,
        LiveLimits(**settings),
        token_header="X-Consul-Token",
        secret=Secret(secret) if secret else None,
    )


def got(transport: Transport, target: str) -> Response:
    return transport.in_parallel(transport.get, [target])[0]


def failure(transport: Transport, target: str = "/v1/x") -> SourceError:
    with transport, pytest.raises(SourceError) as caught:
        got(transport, target)
    error = caught.value
    assert error.status == 3
    assert error.origin == PLACE
    assert error.help
    assert error.message.startswith("source mesh: ")
    return error


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frostline.sources.http.transport._FIRST_DELAY", 0.01)


def test_an_answer_comes_back_whole_and_the_connection_is_used_again(serve):
    server = serve(answer("200 OK", b"body", "X-Consul-Index: 7", "X-Two: a", "X-Two: b"))
    with transport_to(server.address) as transport:
        for _ in range(3):
            response = got(transport, "/v1/x?a=b")
    assert response.body == b"body"
    assert response.headers["x-consul-index"] == "7"
    assert response.headers["x-two"] == "a, b"
    assert server.connections == 1
    assert server.requests[0].startswith("GET /v1/x?a=b HTTP/1.1\r\n")
    assert "Accept-Encoding: identity" in server.requests[0]


def test_a_chunked_answer_comes_back_whole(serve):
    server = serve(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    with transport_to(server.address) as transport:
        assert [got(transport, "/").body, got(transport, "/").body] == [b"abcde", b"abcde"]
    assert server.connections == 1


def test_an_answer_whose_connection_closes_comes_back_whole(serve):
    server = serve(closing(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"))
    with transport_to(server.address) as transport:
        assert [got(transport, "/").body, got(transport, "/").body] == [b"ok", b"ok"]
    assert server.connections == 2


def test_a_unix_socket_is_asked(serve, tmp_path: Path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen()
    with transport_to(serve(OK, listener=listener).address) as transport:
        assert got(transport, "/").body == b"ok"


def test_an_ipv6_address_is_asked(serve):
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    server = serve(OK, listener=socket.create_server(("::1", 0), family=socket.AF_INET6))
    with transport_to(parse_address(f"[::1]:{server.address.port}", "address", PLACE)) as transport:
        assert got(transport, "/").body == b"ok"
    assert f"Host: [::1]:{server.address.port}" in server.requests[0]


def test_a_prefix_comes_before_every_path(serve):
    server = serve(OK)
    with transport_to(parse_address(f"http://127.0.0.1:{server.address.port}/consul/", "address", PLACE)) as transport:
        got(transport, "/v1/x")
    assert server.requests[0].startswith("GET /consul/v1/x ")


def test_a_refused_connection_is_a_source_error():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = failure(transport_to(Address(scheme="http", host="127.0.0.1", port=port)), "/v1/catalog/services")
    assert error.message == f"source mesh: cannot reach http://127.0.0.1:{port}: connection refused"
    assert (
        error.help
        == "start it or correct `address`; compile, freeze, plan and check --live wait for it with `--wait 30s`"
    )
    assert isinstance(error, UnreachableError)


def test_a_missing_socket_is_a_source_error(tmp_path: Path):
    error = failure(transport_to(Address(scheme="unix", socket=str(tmp_path / "no"))))
    assert f"{tmp_path / 'no'}: no such file or directory" in error.message


def test_a_socket_path_that_is_too_long_is_a_source_error(tmp_path: Path):
    assert "too long" in failure(transport_to(Address(scheme="unix", socket="/" + "a" * 300))).message


def test_a_host_that_nobody_knows_is_a_source_error():
    error = failure(transport_to(Address(scheme="http", host="no-such-host.invalid", port=80)))
    assert "no-such-host.invalid:80: " in error.message


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(reset, "reset", id="reset"),
        pytest.param(closing(b""), "closed the connection without an answer", id="closed"),
        pytest.param(
            closing(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
            "cut off: the connection closed after 4 bytes",
            id="half a body",
        ),
        pytest.param(
            closing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf"), "cut", id="half a chunk"
        ),
        pytest.param(answer("500 Oops", b"rpc error"), "500 Oops: rpc error", id="500"),
        pytest.param(answer("429 Too Many Requests"), "429 Too Many Requests", id="429"),
        pytest.param(answer("999 ?"), "999 ?", id="999"),
    ],
)
def test_a_fault_that_may_pass_is_tried_again(serve, wrong: Answer, said: str):
    assert said in failure(transport_to(serve(wrong).address)).message
    server = serve(wrong, wrong, OK)
    with transport_to(server.address, retries=2) as transport:
        assert got(transport, "/").body == b"ok"
    assert len(server.requests) == 3
    server = serve(wrong)
    failure(transport_to(server.address, retries=2))
    assert len(server.requests) == 3


def test_a_server_that_has_waited_for_a_leader_itself_is_asked_once_more_only(serve):
    server = serve(answer("500 Internal Server Error", b"rpc error: No cluster leader"))
    assert failure(transport_to(server.address, retries=4)).unreachable
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            answer("301 Moved Permanently", b"", "Location: /v1/health"),
            "frostline does not follow redirects: /v1/health",
        ),
        (answer("400 Bad Request", b"Bad \xff"), "400 Bad Request: Bad \ufffd"),
        (answer("403 Forbidden", b"Permission denied"), "403 Forbidden: Permission denied"),
        (answer("404 Not Found"), "404 Not Found"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "204 No Content"),
    ],
)
def test_an_answer_that_stays_is_not_asked_for_again(serve, wrong: bytes, said: str):
    server = serve(wrong)
    error = failure(transport_to(server.address, retries=3))
    assert isinstance(error, StatusError)
    assert said in error.message
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("target", "token"), [("/v1/x\r\nX: y", "7f1c"), ("/v1/x y\n", "7f1c"), ("/v1/x", "7f1c\r\nX: y")]
)
def test_nothing_in_a_request_begins_another_line(serve, target: str, token: str):
    server = serve(OK)
    with (
        transport_to(server.address, secret=token) as transport,
        pytest.raises(SourceError, match="invalid HTTP"),
    ):
        got(transport, target)
    assert server.requests == []


@pytest.mark.parametrize(
    "wrong",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"HTTP/1.1 " + b"2" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_source_error(serve, wrong: bytes):
    server = serve(wrong)
    error = failure(transport_to(server.address, retries=3))
    assert "invalid HTTP" in error.message
    assert len(error.message) < 500
    assert len(server.requests) == 1


def test_a_length_that_is_only_claimed_is_not_allocated(serve):
    huge = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999999\r\n\r\nshort"
    assert "cut off: the connection closed after 5 bytes" in failure(transport_to(serve(closing(huge)).address)).message
    huge = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\nshort"
    assert "cut" in failure(transport_to(serve(closing(huge)).address)).message


def test_a_body_without_an_end_is_refused_before_it_fills_the_memory(serve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "LARGEST", 1 << 20)
    endless = dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65536 + b"\r\n")
    server = serve(endless)
    error = failure(transport_to(server.address, retries=3))
    assert "MiB or endless" in error.message
    assert len(server.requests) == 1
    whole = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + b" " * (1 << 20))
    with transport_to(whole.address) as transport:
        assert len(got(transport, "/").body) == 1 << 20


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


def test_a_server_that_has_answered_is_asked_as_often_as_retries_say(serve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("frostline.sources.http.transport.retry_delay", lambda attempt: 0.0)
    server = serve(OK, lambda connection: None)
    with transport_to(server.address, timeout=0.1, retries=3) as transport:
        got(transport, "/")
        with pytest.raises(SourceError):
            got(transport, "/")
    assert len(server.requests) == 1 + 4


@pytest.fixture
def full() -> Iterator[Address]:
    """Where a server listens that takes no more connections."""
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
def test_a_server_of_which_one_address_does_not_answer_is_reached_at_another(
    serve, full: Address, monkeypatch: pytest.MonkeyPatch, connect_timeout: float
):
    places = [("127.0.0.1", full.port), ("127.0.0.1", serve(OK).address.port)]

    async def resolved(*_: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", place) for place in places]

    monkeypatch.setattr(connection, "_resolve", resolved)
    name = Address(scheme="http", host="consul.example", port=80)
    with transport_to(name, connect_timeout=connect_timeout, timeout=0.6) as transport:
        assert got(transport, "/").body == b"ok"


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


def test_retry_after_is_heeded_in_seconds_and_as_a_date(serve, monkeypatch):
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
        assert got(transport, "/").body == b"ok"
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
        got(transport, "/")
        received.set()
        assert closed.wait(30)
        assert got(transport, "/").body == b"ok"
    assert server.connections == 2


def test_no_more_connections_are_opened_than_allowed(serve):
    server = serve(OK)
    with transport_to(server.address, connections=3) as transport:
        assert [each.body for each in transport.in_parallel(transport.get, ["/"] * 40)] == [b"ok"] * 40
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
        while not any(_is_ended(each) for each in server.open) and time.monotonic() < deadline:
            time.sleep(0.01)
    assert sorted(request.split(" ")[1] for request in server.requests) == ["/refused", "/slow"]


def _is_ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_the_token_travels_as_a_header_only(serve):
    server = serve(OK)
    with transport_to(server.address, secret=TOKEN) as transport:
        got(transport, "/v1/x")
    assert f"X-Consul-Token: {TOKEN}" in server.requests[0]
    assert server.requests[0].count(TOKEN) == 1


@pytest.mark.parametrize(
    "echo",
    [
        answer("403 Forbidden", f"no {TOKEN}".encode()),
        answer("403 Forbidden", b"x" * 190 + TOKEN.encode()),
        answer("403 Forbidden", b"7f1c-&lt;secret&gt;/&quot;token&quot;"),
        answer("403 Forbidden", rb'{"token": "7f1c-<secret>/\"token\""}'),
        answer("500 Oops", b"7f1c-%3Csecret%3E/%22token%22 7f1c-%3Csecret%3E%2F%22token%22"),
        answer(f"403 {TOKEN}"),
        answer("301 Moved", b"", f"Location: /{TOKEN}"),
        answer("301 Moved", b"", f"Location: /{'x' * 190}{TOKEN}"),
        f"{TOKEN}\r\n\r\n".encode(),
    ],
)
def test_the_token_is_in_no_message_and_no_traceback(serve, echo: bytes):
    error = failure(transport_to(serve(echo).address, secret=TOKEN))
    written = "".join(traceback.format_exception(error)) + error.message + (error.help or "") + repr(vars(error))
    assert "secret" not in written
    assert "7f1c" not in written


def test_a_message_quotes_only_the_beginning_of_what_the_server_says(serve):
    error = failure(transport_to(serve(answer("500 Oops", b"y" * 100_000)).address), "/v1/" + "z" * 100_000)
    assert "y" * 200 + "…" in error.message
    assert len(error.message) < 500


def test_a_server_without_tls_is_a_source_error_at_once():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            connection.recv(10)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=refuse)
        thread.start()
        address = Address(scheme="https", host="127.0.0.1", port=listener.getsockname()[1])
        transport = Transport(
            "mesh",
            PLACE,
            address,
            LiveLimits(retries=5),
            token_header="X-Consul-Token",
            tls=ssl.create_default_context(),
        )
        assert "the server does not answer in TLS (wrong version number)" in failure(transport).message
        thread.join()


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
