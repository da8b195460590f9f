"""A server with the answers of a Consul that has one service. Tests replace answers that no real Consul would give."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from loopback_http import LoopbackHTTPServer

from frostline.errors import SourceError
from frostline.model import FileOrigin
from frostline.settings import LiveLimits
from frostline.sources.base import ReadResult
from frostline.sources.consul import source as consul
from frostline.sources.consul.settings import ConsulSettings

PLACE = FileOrigin("frostline.yaml", 3, 3)


class Reply:
    def __init__(self, body: Any, index: int | None = 10, status: int = 200, **headers: str | None) -> None:
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        known = {"X-Consul-KnownLeader": "true", "X-Consul-LastContact": "0", "X-Consul-Index": str(index)}
        given = {f"X-Consul-{name.replace('_', '-')}": value for name, value in headers.items()}
        self.headers = {name: value for name, value in (known | given).items() if value is not None}


def entry(service: str = "web", node: str = "n1", **fields: Any) -> dict[str, Any]:
    node_fields = fields.pop("Node", {})
    checks = fields.pop("Checks", None)
    return {
        "Node": {"Node": node, "Address": "10.0.0.1", **node_fields},
        "Service": {"ID": service, "Service": service, "Port": 80, **fields},
        "Checks": checks,
    }


Route = Reply | Callable[[dict[str, str]], Reply]


class Replay:
    """A catalog of one service, `web`, on one node, without sidecars. routes: path -> answer, which tests replace."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {
            "/v1/acl/token/self": Reply(b"ACL support disabled", status=401),
            "/v1/agent/self": Reply({"Config": {"Datacenter": "dc1"}}),
            "/v1/catalog/datacenters": Reply(["dc1"]),
            "/v1/catalog/services": Reply({"web": None}),
            "/v1/catalog/nodes": Reply([{"Node": "n1", "Address": "10.0.0.1"}]),
            "/v1/catalog/node-services/n1": Reply(
                {"Node": {"Node": "n1", "Address": "10.0.0.1"}, "Services": [entry()["Service"]]}
            ),
            "/v1/health/state/any": Reply([]),
            "/v1/health/service/web": Reply([entry()]),
            "/v1/internal/ui/nodes": Reply([{"Node": "n1", "Address": "10.0.0.1", "Services": [entry()["Service"]]}]),
        }
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.address = ""
        self.lock = Lock()

    def answer(self, target: str) -> Reply:
        parts = urlsplit(target)
        path = unquote(parts.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with self.lock:
            self.requests.append((path, query))
            without_sidecars = path.startswith("/v1/health/connect/")
            unknown = Reply([]) if without_sidecars else Reply(b"not found", status=404)
            route = self.routes.get(path, unknown)
            return route if isinstance(route, Reply) else route(query)

    def asked(self, path: str) -> int:
        return sum(requested == path for requested, _ in self.requests)


@contextmanager
def serving() -> Iterator[tuple[list[Replay], str]]:
    now: list[Replay] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            reply = now[0].answer(self.path)
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None:
            pass

    server = LoopbackHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield now, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def settings_of(replay: Replay, **more: Any) -> ConsulSettings:
    default = {"name": "mesh", "origin": PLACE, "address": replay.address, "limits": LiveLimits(retries=0)}
    return ConsulSettings(**(default | more))


def read(replay: Replay, **more: Any) -> ReadResult:
    return consul.read(settings_of(replay, **more))


def refused(replay: Replay, **more: Any) -> str:
    with pytest.raises(SourceError) as caught:
        read(replay, **more)
    error = caught.value
    assert error.status == 3
    assert error.origin == PLACE
    assert error.help
    assert error.message.startswith("source mesh: ")
    return error.message


def moving(body: Any, *indexes: int) -> Route:
    """Answer with one of these indexes after the other, then always with the last."""
    left = list(indexes)
    return lambda _: Reply(body, left.pop(0) if len(left) > 1 else left[0])
