"""What a host answers, and what becomes of a token."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from http_server import Answer, Server, answer, closing, reset

from frostline.ci.api import Api, ApiError
from frostline.errors import UsageError


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """`serve(answer, …)`: a server that gives these answers, the last one again and again."""
    started: list[Server] = []

    def start(*answers: Answer) -> Server:
        started.append(Server(answers, socket.create_server(("127.0.0.1", 0))))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def api(server: Server) -> Api:
    base = f"http://127.0.0.1:{server.address.port}"
    return Api("GitHub", base, {"Authorization": "Bearer secret"}, "give it a token that may")


def test_a_token_follows_no_redirect(serve: Callable[..., Server]) -> None:
    other = serve(answer("200 OK", b"[]"))
    server = serve(answer("301 Moved", b"", f"Location: http://127.0.0.1:{other.address.port}/"))
    with pytest.raises(ApiError, match="GitHub answered 301 to GET /x"):
        api(server).send("GET", "/x", list)
    assert other.requests == []


@pytest.mark.parametrize(
    ("given", "message", "help"),
    [
        (answer("403 Forbidden", b'{"message": "Resource not accessible"}'), "403 to POST /x: Resource not", "may"),
        (answer("404 Not Found", b'{"error": "404 Project"}'), "404 to POST /x: 404 Project", "may"),
        (
            answer("422 No", b'{"message": {"title": ["too long"]}}'),
            r"422 to POST /x: {'title': \['too long'\]}",
            "fix",
        ),
        (
            answer("422 No", b'{"message": "Invalid", "errors": [{"message": "No commits"}, "x"]}'),
            "Invalid: No commits, x",
            "",
        ),
        (answer("422 No", b'{"message": "Invalid", "errors": 5}'), "422 to POST /x: Invalid$", "fix"),
        (answer("422 No", b'{"message": ' + b"[" * 100_000), "422 to POST /x: No$", "fix"),
        (answer("422 No", b'{"message": "' + b"x" * 100_000 + b'"}'), "422 to POST /x: x{999}…$", "fix"),
        (answer("200 OK", b"[" * 100_000), "answered POST /x in another form than its API", "proxy"),
        (answer("502 Bad Gateway", b"<html>"), "502 to POST /x: Bad Gateway", "fix"),
        (answer("200 OK", b"<html>"), "answered POST /x in another form than its API", "proxy"),
        (answer("200 OK", b'{"number": "1"}'), "answered POST /x in another form than its API", "proxy"),
        (answer("200 OK", b"\xff"), "answered POST /x in another form than its API", "proxy"),
        (answer("200 OK"), "answered POST /x in another form than its API", "proxy"),
        (reset, r"could not be reached \(POST /x\)", "rerun"),
        (closing(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), "Input data was truncated", "proxy"),
    ],
)
def test_each_error_names_the_request_and_says_what_to_do(
    serve: Callable[..., Server], given: Answer, message: str, help: str
) -> None:
    server = serve(given)
    with pytest.raises(ApiError, match=message) as raised:
        api(server).send("POST", "/x", dict[str, int], {"a": "b"})
    assert help in str(raised.value.help)
    assert "secret" not in raised.value.message


def test_an_unreachable_host_is_reported(serve: Callable[..., Server]) -> None:
    server = serve(answer("200 OK"))
    asked = api(server)
    server.stop()
    with pytest.raises(ApiError, match="could not be reached"):
        asked.send("GET", "/x", list)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("200 OK", "GitHub could not be reached (GET /x): its answer did not end within -1 s"),
        ("422 No", "GitHub answered 422 to GET /x: No"),
    ],
)
def test_a_dripping_answer_times_out(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, status: str, message: str
) -> None:
    monkeypatch.setattr("frostline.ci.api._DEADLINE", -1.0)
    with pytest.raises(ApiError) as raised:
        api(serve(answer(status, b'{"message": "said"}'))).send("GET", "/x", dict)
    assert raised.value.message == message


def test_a_list_is_read_to_its_end_and_no_further(serve: Callable[..., Server]) -> None:
    page = ("[" + ",".join(["1"] * 100) + "]").encode()
    server = serve(answer("200 OK", page), answer("200 OK", page), answer("200 OK", b"[2]"))
    assert len(list(api(server).list_all("/x", int, state="open"))) == 201
    asked = [request.split(" ")[1] for request in server.requests]
    assert asked == [f"/x?state=open&per_page=100&page={number}" for number in (1, 2, 3)]


@pytest.mark.parametrize("base", ["", "ftp://x", "file:///etc/passwd"])
def test_a_url_of_another_scheme_than_http_is_refused(base: str) -> None:
    with pytest.raises(UsageError, match="not a URL of GitHub's API"):
        Api("GitHub", base, {}, "")


def test_a_server_with_its_own_authority_is_reached_if_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    key, certificate = tmp_path / "key.pem", tmp_path / "ca.pem"
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=x")
    made = ("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate)
    subprocess.run(["openssl", *new, *made], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)
    server = Server((answer("200 OK", b"[1]"),), listener)
    base = f"https://127.0.0.1:{listener.getsockname()[1]}"
    try:
        assert Api("GitLab", base, {}, "", str(certificate)).send("GET", "/x", list) == [1]
        with pytest.raises(ApiError, match="CERTIFICATE_VERIFY_FAILED"):
            Api("GitLab", base, {}, "").send("GET", "/x", list)
    finally:
        server.stop()
