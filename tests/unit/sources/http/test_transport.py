"""The transport: answers, faults, retries and the token."""

from __future__ import annotations

import socket
import ssl
import threading
import traceback
from pathlib import Path

import pytest
from http_reads import PLACE, TOKEN, failure, get, transport_to
from http_server import OK, Answer, answer, closing, dripping, reset

from frostline.errors import SourceError
from frostline.settings import LiveLimits
from frostline.sources.http import connection
from frostline.sources.http.address import Address, parse_address
from frostline.sources.http.transport import StatusError, Transport, UnreachableError


def test_an_answer_arrives_whole_and_the_connection_is_reused(serve):
    server = serve(answer("200 OK", b"body", "X-Consul-Index: 7", "X-Two: a", "X-Two: b"))
    with transport_to(server.address) as transport:
        for _ in range(3):
            response = get(transport, "/v1/x?a=b")
    assert response.body == b"body"
    assert response.headers["x-consul-index"] == "7"
    assert response.headers["x-two"] == "a, b"
    assert server.connections == 1
    assert server.requests[0].startswith("GET /v1/x?a=b HTTP/1.1\r\n")
    assert "Accept-Encoding: identity" in server.requests[0]


def test_a_chunked_answer_arrives_whole(serve):
    server = serve(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    with transport_to(server.address) as transport:
        assert [get(transport, "/").body, get(transport, "/").body] == [b"abcde", b"abcde"]
    assert server.connections == 1


def test_an_answer_whose_connection_closes_arrives_whole(serve):
    server = serve(closing(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"))
    with transport_to(server.address) as transport:
        assert [get(transport, "/").body, get(transport, "/").body] == [b"ok", b"ok"]
    assert server.connections == 2


def test_a_unix_socket_is_read(serve, tmp_path: Path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen()
    with transport_to(serve(OK, listener=listener).address) as transport:
        assert get(transport, "/").body == b"ok"


def test_an_ipv6_address_is_read(serve):
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    server = serve(OK, listener=socket.create_server(("::1", 0), family=socket.AF_INET6))
    with transport_to(parse_address(f"[::1]:{server.address.port}", "address", PLACE)) as transport:
        assert get(transport, "/").body == b"ok"
    assert f"Host: [::1]:{server.address.port}" in server.requests[0]


def test_a_prefix_comes_before_every_path(serve):
    server = serve(OK)
    with transport_to(parse_address(f"http://127.0.0.1:{server.address.port}/consul/", "address", PLACE)) as transport:
        get(transport, "/v1/x")
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


def test_an_unknown_host_is_a_source_error():
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
def test_a_transient_fault_is_retried(serve, wrong: Answer, said: str):
    assert said in failure(transport_to(serve(wrong).address)).message
    server = serve(wrong, wrong, OK)
    with transport_to(server.address, retries=2) as transport:
        assert get(transport, "/").body == b"ok"
    assert len(server.requests) == 3
    server = serve(wrong)
    failure(transport_to(server.address, retries=2))
    assert len(server.requests) == 3


def test_a_server_that_has_waited_for_a_leader_itself_is_retried_only_once(serve):
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
def test_a_permanent_refusal_is_not_retried(serve, wrong: bytes, said: str):
    server = serve(wrong)
    error = failure(transport_to(server.address, retries=3))
    assert isinstance(error, StatusError)
    assert said in error.message
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("target", "token"), [("/v1/x\r\nX: y", "7f1c"), ("/v1/x y\n", "7f1c"), ("/v1/x", "7f1c\r\nX: y")]
)
def test_a_line_break_in_a_request_is_refused(serve, target: str, token: str):
    server = serve(OK)
    with (
        transport_to(server.address, secret=token) as transport,
        pytest.raises(SourceError, match="invalid HTTP"),
    ):
        get(transport, target)
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
def test_an_answer_that_is_not_http_is_a_source_error(serve, wrong: bytes):
    server = serve(wrong)
    error = failure(transport_to(server.address, retries=3))
    assert "invalid HTTP" in error.message
    assert len(error.message) < 500
    assert len(server.requests) == 1


def test_memory_is_not_allocated_for_a_claimed_length(serve):
    huge = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999999\r\n\r\nshort"
    assert "cut off: the connection closed after 5 bytes" in failure(transport_to(serve(closing(huge)).address)).message
    huge = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\nshort"
    assert "cut" in failure(transport_to(serve(closing(huge)).address)).message


def test_an_endless_body_is_refused_before_it_fills_the_memory(serve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "LARGEST", 1 << 20)
    endless = dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65536 + b"\r\n")
    server = serve(endless)
    error = failure(transport_to(server.address, retries=3))
    assert "MiB or endless" in error.message
    assert len(server.requests) == 1
    whole = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + b" " * (1 << 20))
    with transport_to(whole.address) as transport:
        assert len(get(transport, "/").body) == 1 << 20


def test_the_token_travels_as_a_header_only(serve):
    server = serve(OK)
    with transport_to(server.address, secret=TOKEN) as transport:
        get(transport, "/v1/x")
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
