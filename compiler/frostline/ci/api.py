"""Send JSON over HTTPS to the APIs of GitHub and GitLab: lists in pages of 100, and errors that say what to do."""

from __future__ import annotations

import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPException, HTTPResponse
from typing import Any, TypeVar

import msgspec

from frostline.errors import PublishError, UsageError
from frostline.text import shorten

_TIMEOUT = 30.0
"""Seconds without a byte."""
_DEADLINE = 120.0
"""Seconds that a body may take, however slowly it drips."""
_MOST_BYTES = 32 << 20
_AT_ONCE = 1 << 20
_PER_PAGE = 100
_MOST_PAGES = 100
_LONGEST_REASON = 1000

Value = TypeVar("Value")


class ApiError(PublishError):
    """The host cannot be reached, refuses, or gives an unexpected answer."""


class Api:
    """The API of one host.

    host: its name for messages. base: the API's URL. headers: of every request, with the token.
    forbidden: what to do if the token lacks a permission, for messages.
    ca_file: a certificate authority to trust besides the system's.
    """

    def __init__(
        self, host: str, base: str, headers: Mapping[str, str], forbidden: str, ca_file: str | None = None
    ) -> None:
        if not base.startswith(("https://", "http://")):
            raise UsageError(f"`{base}` is not a URL of {host}'s API", help=f"run this in a job of {host}")
        self._host = host
        self._base = base.rstrip("/")
        self._headers = dict(headers)
        self._forbidden = forbidden
        trusted = ssl.create_default_context()
        if ca_file:
            trusted.load_verify_locations(ca_file)
        self._opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=trusted))

    def list_all(self, path: str, kind: type[Value], **query: str) -> Iterator[Value]:
        """Yield every item of a list that comes in pages."""
        for page in range(1, _MOST_PAGES + 1):
            values = urllib.parse.urlencode({**query, "per_page": _PER_PAGE, "page": page})
            items = self.send("GET", f"{path}?{values}", list[kind])  # type: ignore[valid-type]
            yield from items
            if len(items) < _PER_PAGE:
                return

    def send(self, method: str, path: str, kind: type[Value], body: Mapping[str, Any] | None = None) -> Value:
        """Send a request, and return the answer. Raises ApiError if the host could not be reached, or refuses."""
        action = f"{method} {path.partition('?')[0]}"
        data = None if body is None else msgspec.json.encode(body)
        headers = {**self._headers, "Content-Type": "application/json"}
        request = urllib.request.Request(self._base + path, data, headers, method=method)  # noqa: S310 - checked above
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as response:
                return msgspec.json.decode(_body(response), type=kind)
        except urllib.error.HTTPError as error:
            raise self._refusal(error, action) from None
        except (OSError, HTTPException) as error:
            raise ApiError(
                f"{self._host} could not be reached ({action}): {error}", help="rerun: nothing is done twice"
            ) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ApiError(
                f"{self._host} answered {action} in another form than its API: {error}",
                help="a proxy in between may have answered",
            ) from None

    def _refusal(self, error: urllib.error.HTTPError, action: str) -> ApiError:
        with error:
            try:
                reason = _reason(msgspec.json.decode(_body(error), type=_ErrorBody)) or error.reason
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OSError, HTTPException):
                reason = error.reason
        help_text = self._forbidden if error.code in (401, 403, 404) else "fix what it names, then rerun"
        message = f"{self._host} answered {error.code} to {action}: {shorten(reason, _LONGEST_REASON)}"
        return ApiError(message, help=help_text)


def _body(response: HTTPResponse | urllib.error.HTTPError) -> bytes:
    """Return the body, cut to _MOST_BYTES. Raises TimeoutError if it does not end in time."""
    until, body = time.monotonic() + _DEADLINE, bytearray()
    while len(body) < _MOST_BYTES and (part := response.read1(_AT_ONCE)):
        body += part
        if time.monotonic() > until:
            raise TimeoutError(f"its answer did not end within {_DEADLINE:g} s")
    return bytes(body)


class _ErrorBody(msgspec.Struct):
    message: Any = ""
    error: Any = ""
    errors: Any = ()


def _reason(body: _ErrorBody) -> str:
    """Return the reason in an error. GitHub lists the reasons of `Validation Failed` beside the message."""
    listed = body.errors if isinstance(body.errors, list) else ()
    more = [str(item.get("message", item) if isinstance(item, dict) else item) for item in listed]
    return ": ".join(part for part in (str(body.message or body.error), ", ".join(more)) if part)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect, so that the token never goes to another server."""

    def redirect_request(self, *_: Any) -> None:
        return None
