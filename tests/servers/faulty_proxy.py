"""A proxy before a real Consul or recorded answers of Nomad, which fails on demand, as real servers do not."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from threading import Event, Thread

from loopback_http import LoopbackHTTPServer

Fault = Callable[[str, str], tuple[int, str] | None]
"""(path with query, token of the request) -> the status and body to answer with, or None to ask the server."""

_TOKENS = ("X-Consul-Token", "X-Nomad-Token")
_PREFIXES = ("X-Consul", "X-Nomad")


class FaultyProxy:
    """Passes each GET on to 127.0.0.1:port, unless `fault` answers it.

    address: that of the proxy. asked: (path with query, token) of each request. arrived: set with the first request.
    hang: while it is True, no request is answered. change: changes the bodies of the server's answers.
    """

    def __init__(self, port: int, fault: Fault | None = None, change: Callable[[bytes], bytes] | None = None) -> None:
        self.fault = fault
        self.change = change
        self.hang = False
        self.arrived, self._ended = Event(), Event()
        self.asked: list[tuple[str, str]] = []
        self._port = port
        self._server = LoopbackHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                tokens = {name: value for name, value in self.headers.items() if name in _TOKENS}
                token = next(iter(tokens.values()), "")
                proxy.asked.append((self.path, token))
                proxy.arrived.set()
                if proxy.hang:
                    proxy._ended.wait()
                answer = proxy.fault(self.path, token) if proxy.fault else None
                if answer is not None:
                    self.answer(answer[0], [], answer[1].encode())
                    return
                server = HTTPConnection("127.0.0.1", proxy._port, timeout=30)
                server.request("GET", self.path, headers=tokens)
                response = server.getresponse()
                body = response.read()
                headers = [(name, value) for name, value in response.getheaders() if name.startswith(_PREFIXES)]
                self.answer(response.status, headers, proxy.change(body) if proxy.change else body)
                server.close()

            def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def stop(self) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
