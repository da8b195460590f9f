from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
from http_server import Answer, Server


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frostline.sources.http.transport._FIRST_DELAY", 0.01)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(*answers: Answer, listener: socket.socket | None = None) -> Server:
        started.append(Server(answers, listener or socket.create_server(("127.0.0.1", 0))))
        return started[-1]

    yield start
    for server in started:
        server.stop()
