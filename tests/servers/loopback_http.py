"""The HTTP server of the tests' own servers. It stays silent about clients that go away, as many tests make them do."""

from __future__ import annotations

import sys
from http.client import HTTPException
from http.server import ThreadingHTTPServer
from typing import Any


class LoopbackHTTPServer(ThreadingHTTPServer):
    """Serves each connection in a daemon thread, which does not keep the tests alive.

    `socketserver` would print a failed request into the output of the command that the tests run in this process at the
    time. So a client or a server behind a proxy that goes away is not reported; any other exception is.
    """

    daemon_threads = True
    request_queue_size = 128  # with the default of 5, some of eight simultaneous clients wait until TCP tries again

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), (ConnectionError, HTTPException, TimeoutError)):
            super().handle_error(request, client_address)
