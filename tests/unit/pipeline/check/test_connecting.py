"""Connections to what listens here, and to what does not."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

import pytest

from frostline.pipeline.check import connecting
from frostline.pipeline.check.connecting import failed_connections


def reason(host: str, port: int, timeout: float = 2.0) -> str | None:
    return failed_connections([(host, port)], timeout)[host, port]


def test_a_port_where_somebody_listens_takes_a_connection(listener: int) -> None:
    assert reason("127.0.0.1", listener) is None


def test_a_closed_port_refuses(closed_port: int) -> None:
    assert reason("127.0.0.1", closed_port) == "connection refused"


def test_a_name_is_resolved(listener: int) -> None:
    assert reason("localhost", listener) is None


def test_ipv6_is_reached_by_its_address() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 on this machine")
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        assert reason("::1", server.getsockname()[1]) is None


@pytest.mark.parametrize("host", ["nobody.invalid", "", "a" * 64 + ".example", "with space", "a\x00b", "10.0.0.999"])
def test_a_name_without_an_address_says_so(host: str) -> None:
    assert reason(host, 80, timeout=20) == "its name cannot be resolved"


def test_a_resolver_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting.socket, "getaddrinfo", lambda *_, **__: time.sleep(1) or [])
    begin = time.monotonic()
    assert reason("slow.example", 80, timeout=0.05) == "its name was not resolved within 0.05 s"
    assert time.monotonic() - begin < 0.9


def test_a_host_that_does_not_answer_is_not_waited_for() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with ExitStack() as held:  # Linux drops what comes after the backlog is full
            for _ in range(4):
                client = held.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(full.getsockname())
            assert reason("127.0.0.1", full.getsockname()[1], timeout=0.2) == "no answer within 0.2 s"


def test_a_name_is_reached_if_one_of_its_addresses_is(listener: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, 0)) for host in ("127.0.0.2", "127.0.0.1")]
    monkeypatch.setattr(connecting.socket, "getaddrinfo", lambda *_, **__: found)
    assert reason("two.example", listener) is None


def test_a_url_without_a_port_cannot_be_tried() -> None:
    assert reason("127.0.0.1", 0) == "its URL has no port"


def test_no_more_connections_are_open_than_a_process_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    open_now, most = 0, 0

    async def connect(*_: object) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await connecting.asyncio.sleep(0)
        open_now -= 1

    monkeypatch.setattr(connecting, "_connect", connect)
    targets = [("127.0.0.1", port) for port in range(1, 1001)]
    assert set(failed_connections(targets, 2.0).values()) == {None}
    assert 1 < most <= 100
