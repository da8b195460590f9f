from __future__ import annotations

import gc
import weakref
from http.client import HTTPException, IncompleteRead

import pytest
from http_server import OK

from frostline.sources.http import connection


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 5\r\nA: 2\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nA: 1\r\nA: 2\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: 3\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nA: 1\r\nA: 2\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(data: bytes, size: int):
    parsed = connection.ResponseParser()
    for start in range(0, len(data), size):
        assert not parsed.ended
        parsed.feed(memoryview(data[start : start + size]))
    assert parsed.ended
    assert parsed.keeps_alive
    assert (parsed.status, parsed.reason, parsed.headers["a"], parsed.body) == (200, b"OK", "1, 2", b"hello")


def test_an_answer_is_freed_when_its_last_reference_goes():
    parsed = connection.ResponseParser()
    parsed.feed(memoryview(OK))
    parsed.close()
    gone = weakref.ref(parsed)
    gc.disable()
    try:
        del parsed
        assert gone() is None
    finally:
        gc.enable()


def test_bytes_after_an_answer_are_refused():
    with pytest.raises(HTTPException, match="more bytes arrived"):
        connection.ResponseParser().feed(memoryview(OK + OK))


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
    ],
)
def test_an_answer_that_is_cut_is_not_whole(data: bytes):
    parsed = connection.ResponseParser()
    parsed.feed(memoryview(data))
    with pytest.raises(IncompleteRead):
        parsed.end()


def test_an_answer_without_a_length_ends_with_its_connection():
    parsed = connection.ResponseParser()
    parsed.feed(memoryview(b"HTTP/1.1 200 OK\r\n\r\nhi"))
    assert not parsed.ended
    parsed.end()
    assert (parsed.ended, parsed.keeps_alive, parsed.body) == (True, False, b"hi")


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_trailer_is_not_a_header(size: int):
    head = b"HTTP/1.1 200 OK\r\nA: 1\r\nTrailer: A, X-Consul-Index\r\nTransfer-Encoding: chunked\r\n\r\n"
    data = head + b"2\r\nhi\r\n0\r\nA: 2\r\nX-Consul-Index: 7\r\nX-Other: 9\r\n\r\n"
    parsed = connection.ResponseParser()
    for start in range(0, len(data), size):
        parsed.feed(memoryview(data[start : start + size]))
    assert parsed.ended
    assert (parsed.body, parsed.headers["a"]) == (b"hi", "1")
    assert not {"x-consul-index", "x-other"} & set(parsed.headers)


def test_a_trailer_has_the_same_limit_as_a_head():
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: %s\r\n" % (b"x" * 1000) * 1000
    with pytest.raises(HTTPException, match="too long"):
        connection.ResponseParser().feed(memoryview(data))


@pytest.mark.parametrize("version", ["2.0", "3.0", "0.9", "1.2", "2.1"])
def test_an_answer_of_another_version_of_http_is_refused(version: str):
    with pytest.raises(HTTPException):
        connection.ResponseParser().feed(memoryview(OK.replace(b"HTTP/1.1", f"HTTP/{version}".encode())))


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_an_answer_of_http_1_is_accepted(version: str):
    parsed = connection.ResponseParser()
    parsed.feed(memoryview(OK.replace(b"HTTP/1.1", f"HTTP/{version}".encode())))
    assert parsed.ended


@pytest.mark.parametrize(
    "method", ["on_message_begin", "on_status", "on_header", "on_headers_complete", "on_body", "on_message_complete"]
)
def test_an_interrupt_while_an_answer_is_parsed_is_not_a_fault_of_the_answer(
    method: str, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(connection.ResponseParser, method, interrupted)
    with pytest.raises(KeyboardInterrupt):
        connection.ResponseParser().feed(memoryview(OK))
