"""The HTTP server of the tests' own servers: it stays silent about a client that goes away, which many tests make."""

from __future__ import annotations

import sys
from http.client import HTTPException
from http.server import ThreadingHTTPServer
from typing import Any


class LoopbackHTTPServer(ThreadingHTTPServer):
    """A thread a connection, none of which keeps the tests alive.

    What `socketserver` prints of a failed request would stand in the output of whichever command the tests run in
    this process then. So a client that went away, or a server behind a proxy, is no failure; any other exception is.
    """

    daemon_threads = True
    request_queue_size = 128  # with the default of 5, eight clients at once wait for TCP to try again

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), (ConnectionError, HTTPException, TimeoutError)):
            super().handle_error(request, client_address)
