"""Real HTTP servers on loopback that say who they are."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple
from urllib.request import ProxyHandler, Request, build_opener

from loopback_http import LoopbackHTTPServer
from processes import free_port

_OPENER = build_opener(ProxyHandler({}))


class Said(NamedTuple):
    """What the server at the end of a call says: its own name, and the path and the Host that reached it."""

    server: str
    path: str
    host: str


class LoopbackServer:
    """Answers each GET with a `Said` as JSON. name: its address and port, `127.0.0.1:8080` or `[::1]:8080`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.port = free_port()
        self.name = f"[{address}]:{self.port}" if ":" in address else f"{address}:{self.port}"
        name = self.name

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = json.dumps(Said(name, self.path, self.headers.get("Host", ""))).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        class OfFamily(LoopbackHTTPServer):
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

        self._server = OfFamily((address, self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def call(url: str, host: str = "", headers: Mapping[str, str] | None = None) -> Said:
    """Who answers this URL. host: the header Host, by which proxies choose. HTTPError: an answer that is no 200."""
    request = Request(url, headers={**({"Host": host} if host else {}), **(headers or {})})
    with _OPENER.open(request, timeout=10) as answer:
        return Said(*json.load(answer))


def read_json(url: str) -> Any:
    """What a program's own API says of itself."""
    with _OPENER.open(Request(url), timeout=10) as answer:
        return json.load(answer)


def read_text(url: str) -> str:
    with _OPENER.open(Request(url), timeout=10) as answer:
        return bytes(answer.read()).decode()
