"""HTTP GET for live sources: a limited pool of persistent connections; every wait has a limit.

It runs on one asyncio loop. Threads would take more than twice the CPU for 10,000 answers, because they contend for the
interpreter's lock at each answer.
"""

from __future__ import annotations

import asyncio
import http.client
import logging
import re
import ssl
import time
from asyncio import sleep
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import escape
from json import dumps
from typing import Any, TypeVar
from urllib.parse import quote

from msgspec import Struct

from frostline.errors import FrostlineError, SourceError
from frostline.model import FileOrigin
from frostline.settings import LiveLimits
from frostline.sources.http.address import Address
from frostline.sources.http.connection import Connection, Response, TooLargeError
from frostline.sources.http.credentials import Secret, describe_failure
from frostline.sources.http.faults import (
    NOT_AN_AGENT,
    Fault,
    body_text,
    page_title,
    status_fault,
    tls_fault,
    unreachable_fault,
    wants_login,
)

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[Item], Coroutine[Any, Any, Result]]

_log = logging.getLogger(__name__)

_FIRST_DELAY = 0.25
_LONGEST_DELAY = 5.0
_TICK = 0.1  # seconds between reports of progress
_LONGEST_WAIT = 3600.0  # seconds; a deadline may be longer than the loop can wait at once
_MOST_QUOTED = 200  # characters of a server's text in a message
_TIMEOUT_HELP = "raise `timeout` if it is only slow; else check that the address is the agent's HTTP port"
_NO_CONNECTION_HELP = "check the address, and that no firewall drops the packets, or raise `connect_timeout`"
_INTERRUPTED_HELP = "check that the address is the agent's HTTP port, and that no proxy closes the connection"


class UnreachableError(SourceError):
    """The last attempt got no answer at all."""

    unreachable = True


class StatusError(SourceError):
    """The server answered with a status other than 200. text: the beginning of its body, without the token.

    wants_login: the answer asks for a login of HTTP itself, so it is from a proxy (see `faults.wants_login`).
    """

    def __init__(
        self, message: str, *, code: int, text: str, origin: FileOrigin, help: str, wants_login: bool = False
    ) -> None:
        super().__init__(message, origin=origin, help=help)
        self.code = code
        self.text = text
        self.wants_login = wants_login
        self.unreachable = code >= 500


class _TransientFailure(Struct, frozen=True):
    """A connection failed in a way that may pass: refused, reset, cut off, too slow.

    reached: the connection was established. too_slow: it ran into a limit of time.
    """

    reason: str
    help: str
    too_slow: bool = False
    reached: bool = True


class Transport:
    """The connections to one server, for one read of one source. Its deadline starts now. Close it when done.

    name: the source's, for messages. secret: sent in the header `token_header`, and removed from every message.
    address_origin: where the configuration has the address, for errors; None: nowhere. correct: how to correct a wrong
    address, for help lines.
    """

    def __init__(
        self,
        name: str,
        origin: FileOrigin,
        address: Address,
        limits: LiveLimits,
        *,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
        token_header: str,
        secret: Secret | None = None,
        address_origin: FileOrigin | None = None,
        correct: str = "correct `address`",
    ) -> None:
        self._name = name
        self._origin = origin
        self._address_origin = address_origin
        self._correct = correct
        self._address = address
        self._limits = limits
        self._tls = tls
        self._server_name = server_name
        self._secret = secret
        self._token_header = token_header
        self._has_answered = False
        self._expires = time.monotonic() + limits.deadline
        self._idle: deque[Connection] = deque()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_log_loop_error)

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection.

        After an interrupt tasks are left. `asyncio.Runner` would cancel them and wait for them. But the interrupt may
        have come between a task and its next step, and then that task never ends.
        """
        while self._idle:
            self._idle.pop().close()
        self._loop.run_until_complete(asyncio.sleep(0))  # the loop closes their sockets in its next round
        self._loop.close()

    async def get(self, target: str, largest: int | None = None) -> Response:
        """Return the answer to `GET target`, whose status is 200. Await it in the work of `in_parallel`.

        target: a path with its query, percent-encoded. largest: the most bytes of the body; None: LARGEST.
        Connection failures, 429 and 5xx are retried. Raises StatusError for any other status, UnreachableError without
        an answer, SourceError for an invalid answer or past the deadline.
        """
        for attempt in range(self._limits.retries + 1):
            delay = retry_delay(attempt)
            response = await self._exchange(target, largest)
            if isinstance(response, _TransientFailure):
                error: SourceError = self._unreachable(target, response)
                _log.debug("%s", error.message)
            else:
                if _log.isEnabledFor(logging.DEBUG):
                    _log.debug("%s", self._message(target, f"{response.status}, {len(response.body)} bytes"))
                self._has_answered = True
                if response.status == 200:
                    return response
                error = self._status_error(target, response)
                if response.status != 429 and response.status < 500:
                    raise error
                delay = _retry_after(response.headers.get("retry-after")) or delay
            is_last = attempt == self._limits.retries or (attempt == 1 and self._is_hopeless(response))
            if is_last or delay >= self._remaining():
                raise error
            await sleep(delay)
        raise AssertionError("at least one attempt is made")

    def _is_hopeless(self, outcome: Response | _TransientFailure) -> bool:
        """Whether to give up after a second outcome of this kind, because each attempt takes long."""
        if isinstance(outcome, _TransientFailure):
            return outcome.too_slow and not self._has_answered
        # Before it answers so, the server itself has waited for a leader (Consul: 7 s).
        return outcome.status == 500 and b"No cluster leader" in outcome.body[:200]

    def in_parallel(
        self, work: Work[Item, Result], items: Sequence[Item], tick: Callable[[int], None] | None = None
    ) -> list[Result]:
        """Await `work(item)` for each item, as many at once as there are connections; results in the order of items.

        tick(number of items done) is called every 0.1 s and at the end. The first exception cancels the rest and is
        raised here. An interrupt or the deadline ends it at once.
        """
        if not items:
            return []
        results = self._loop.run_until_complete(self._gather(work, items, tick))
        if isinstance(results, Exception):
            raise _drop_traceback(results)
        return results

    async def _gather(
        self, work: Work[Item, Result], items: Sequence[Item], tick: Callable[[int], None] | None
    ) -> list[Result] | Exception:
        queue = deque(enumerate(items))
        results: list[Any] = [None] * len(items)

        async def worker() -> None:
            while queue:
                position, item = queue.popleft()
                results[position] = await work(item)

        workers = {asyncio.create_task(worker()) for _ in range(min(self._limits.connections, len(items)))}
        pending = workers
        try:
            while pending and self._remaining() > 0:
                wait = min(self._remaining(), _TICK if tick else _LONGEST_WAIT)
                done, pending = await asyncio.wait(pending, timeout=wait, return_when=asyncio.FIRST_EXCEPTION)
                if tick is not None:
                    tick(len(items) - len(queue) - len(pending))
                if any(task.exception() for task in done):
                    break
        finally:
            for task in workers:
                task.cancel()
            outcomes = await asyncio.gather(*workers, return_exceptions=True)
        failures = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        if failures:
            return failures[0]
        return self._past_deadline() if pending else results

    def error(self, target: str, reason: str, *, help: str) -> SourceError:
        """Make a SourceError about this request. It names source, method and target; the token becomes `***`."""
        return SourceError(self._message(target, reason), origin=self._origin, help=help)

    def _message(self, target: str, reason: str) -> str:
        return self._scrub(f"source {self._name}: GET {self.quote_server(target)} at {self._url()}: {reason}")

    def _scrub(self, text: str) -> str:
        if self._secret is None:
            return text
        token = self._secret.reveal()
        forms = {token, quote(token), quote(token, safe=""), escape(token), dumps(token)[1:-1], repr(token)[1:-1]}
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, "***")
        return text

    def quote_server(self, text: str) -> str:
        """Shorten a server's text for a message. It is scrubbed before it is cut: half a token would not be found."""
        scrubbed = self._scrub(text).strip()
        return scrubbed if len(scrubbed) <= _MOST_QUOTED else f"{scrubbed[:_MOST_QUOTED]}…"

    def _unreachable(self, target: str, failure: _TransientFailure) -> UnreachableError:
        if failure.reached:
            return UnreachableError(self._message(target, failure.reason), origin=self._origin, help=failure.help)
        return UnreachableError(
            self._scrub(f"source {self._name}: {failure.reason}"),
            origin=self._address_origin or self._origin,
            help=failure.help,
        )

    def _past_deadline(self) -> SourceError:
        help_text = "select fewer services, or raise `deadline`"
        if not self._has_answered:
            help_text = f"it has not answered at all: start it or {self._correct}; if it is only slow, raise `deadline`"
        return SourceError(
            f"source {self._name}: {self._url()} was not read within the `deadline` of {self._limits.deadline:g} s",
            origin=self._origin,
            help=help_text,
        )

    def _status_error(self, target: str, response: Response) -> StatusError:
        fault = status_fault(response, self.quote_server)
        return StatusError(
            self._message(target, fault.reason),
            code=response.status,
            text=self.quote_server(body_text(response.body)),
            origin=self._origin,
            help=fault.help,
            wants_login=wants_login(response),
        )

    def describe_page(self, body: bytes | bytearray) -> str:
        """Describe a page in place of JSON: `a page of HTML, "Sign in"`. Returns "" if the body is not a page."""
        return page_title(body, self.quote_server)

    def _remaining(self) -> float:
        return self._expires - time.monotonic()

    async def _exchange(self, target: str, largest: int | None) -> Response | _TransientFailure:
        """Make one attempt, on a connection of the pool or a new one."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                outcome = await self._attempt(connection, target, largest)
                if outcome is not None:
                    return outcome
        connection = Connection(self._address, self._limits.connect_timeout, self._tls, self._server_name)
        outcome = await self._attempt(connection, target, largest)
        assert outcome is not None  # None is only for a connection that was idle
        return outcome

    async def _attempt(
        self, connection: Connection, target: str, largest: int | None
    ) -> Response | _TransientFailure | None:
        """None: the server closed the idle connection before it read this request, so no attempt is used up."""
        if self._remaining() <= 0:
            raise self._past_deadline()
        headers = {} if self._secret is None else {self._token_header: self._secret.reveal()}
        allowed = min(self._limits.timeout, self._remaining())
        try:
            response = await connection.exchange(
                self._address.prefix + target, headers, time.monotonic() + allowed, largest
            )
        except (OSError, http.client.HTTPException, ValueError, TooLargeError) as error:
            failure = self._failure(error, connection, target, allowed)
        else:
            if connection.is_open:
                self._idle.append(connection)
            return response
        finally:
            if not connection.complete:
                connection.close()
        # Raise it outside of the handler: inside, the original error and its frames would stay alive as its context.
        if isinstance(failure, Exception):
            raise failure
        return failure

    def _failure(
        self, error: Exception, connection: Connection, target: str, allowed: float
    ) -> Exception | _TransientFailure | None:
        """Return what an exception of the exchange means: an error, a transient failure, or None (see `_attempt`)."""
        closed = isinstance(error, (ConnectionError, ssl.SSLEOFError))  # RemoteDisconnected is a ConnectionError
        if closed and connection.reused and not connection.answered:
            return None
        if isinstance(error, TimeoutError) and self._remaining() <= 0:
            return self._past_deadline()
        if isinstance(error, TimeoutError):
            fault = _timeout_fault(connection, self._limits.connect_timeout, allowed)
            return _TransientFailure(fault.reason, fault.help, too_slow=True)
        if isinstance(error, http.client.IncompleteRead):
            reason = f"the answer is cut off: the connection closed after {len(error.partial)} bytes"
            return _TransientFailure(reason, _INTERRUPTED_HELP)
        if isinstance(error, http.client.RemoteDisconnected):
            return _TransientFailure("the server closed the connection without an answer", _INTERRUPTED_HELP)
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            fault = tls_fault(error, self._server_name or self._address.host, self._server())
            return self.error(target, fault.reason, help=fault.help)
        if isinstance(error, TooLargeError):
            reason = f"the answer is larger than {error.largest >> 20} MiB or endless"
            return self.error(target, reason, help="check the address; if it is right, select fewer services")
        if isinstance(error, OSError):
            reason = describe_failure(error)
            if connection.reached:
                return _TransientFailure(reason, _INTERRUPTED_HELP)
            fault = unreachable_fault(error, f"{reason[:1].lower()}{reason[1:]}", self._correct)
            return _TransientFailure(f"cannot reach {self._url()}: {fault.reason}", fault.help, reached=False)
        return self.error(target, f"invalid HTTP: {self.quote_server(str(error))}", help=NOT_AN_AGENT)

    def _url(self) -> str:
        """Return the server's address without the prefix of its paths, which may hold a secret that a proxy expects."""
        return f"{self._address.scheme}://{self._server()}"

    def _server(self) -> str:
        if self._address.scheme == "unix":
            return self._address.socket
        host = f"[{self._address.host}]" if ":" in self._address.host else self._address.host
        return f"{host}:{self._address.port}"


def retry_delay(attempt: int) -> float:
    """Return the seconds to wait after this attempt; the first is attempt 0."""
    return float(min(_FIRST_DELAY * 2**attempt, _LONGEST_DELAY))


def _drop_traceback(error: BaseException) -> BaseException:
    """Drop the traceback of our own errors.

    It forms a reference cycle that would keep response data alive until the next GC.
    """
    return error.with_traceback(None) if isinstance(error, FrostlineError) else error


def _log_loop_error(_: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """Log what asyncio would otherwise print about a broken connection. The task that waits for it gets the error."""
    _log.debug("%s", context.get("message", ""))


def _timeout_fault(connection: Connection, connect_timeout: float, allowed: float) -> Fault:
    if connection.reached:
        return Fault(f"no complete answer within {allowed:g} s", _TIMEOUT_HELP)
    return Fault(f"no connection within {min(connect_timeout, allowed):g} s", _NO_CONNECTION_HELP)


def _retry_after(value: str | None) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110, 10.2.3: seconds or a date), or None if it has none."""
    if value is None:
        return None
    if re.fullmatch("[0-9]{1,9}", value.strip()):
        return float(value)
    try:
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):  # TypeError: a date without a zone
        return None
