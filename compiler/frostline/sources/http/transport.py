"""HTTP GET for live sources: a bounded pool of persistent connections, every wait bounded, every failure a SourceError.

One asyncio loop, with httptools for what its sockets read: installs wherever Python does. Of 10,000 answers it takes
less than half of the CPU that threads take, which pass the interpreter's lock around at each of them.
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
from frostline.sources.http.access import Address, Secret, reason_of
from frostline.sources.http.connection import LARGEST, Connection, Response, TooLargeError

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[Item], Coroutine[Any, Any, Result]]

_log = logging.getLogger(__name__)

_FIRST_DELAY = 0.25
_LONGEST_DELAY = 5.0
_TICK = 0.1  # seconds
_LONGEST_WAIT = 3600.0  # seconds; a clock cannot wait for any longer time
_QUOTED = 200  # characters of the server's own words in a message
_NOT_AN_AGENT = "check that the address is the agent's HTTP port"
_STATUS_HELP = {  # by status, else by its first digit
    3: "give the address that the server redirects to; a proxy that rewrites paths does this too",
    4: "check the address, and the settings that this request came from",
    5: "see the agent's log; the server was asked again as often as `retries` says",
    403: "the token is missing or lacks rights: check `token` and the policies on it",
    429: "the server limits requests: lower `connections`, or raise `retries`",
}
_FAULT_HELP = "check the address, that the agent runs, and the limits timeout, deadline and retries"


class UnreachableError(SourceError):
    """No answer at all, to the last attempt."""


class StatusError(SourceError):
    """The server answered, and the answer is no 200. words: the server's own, without the token."""

    def __init__(self, message: str, *, code: int, words: str, origin: FileOrigin, help: str) -> None:
        super().__init__(message, origin=origin, help=help)
        self.code = code
        self.words = words


class _Fault(Struct, frozen=True):
    """A connection fault that may pass: refused, reset, cut, too slow."""

    reason: str


class Transport:
    """The connections to one server, for one read of one source; the deadline counts from here. Close it when done.

    name: the source's, for messages. secret: sent as the header `token_header`, and scrubbed from whatever is said.
    """

    def __init__(
        self,
        name: str,
        place: FileOrigin,
        address: Address,
        limits: LiveLimits,
        *,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
        secret: Secret | None = None,
        token_header: str = "X-Consul-Token",  # noqa: S107 - the header's name
    ) -> None:
        self._name = name
        self._place = place
        self._address = address
        self._limits = limits
        self._tls = tls
        self._server_name = server_name
        self._secret = secret
        self._token_header = token_header
        self._expires = time.monotonic() + limits.deadline
        self._idle: deque[Connection] = deque()
        self._runner = asyncio.Runner()

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        while self._idle:
            self._idle.pop().close()
        self._runner.close()

    async def get(self, target: str, headers: Mapping[str, str] | None = None) -> Response:
        """The answer to `GET target` (a path, percent-encoded, with its query), which has status 200.

        To be awaited in the work of `in_parallel`.
        StatusError for any other status; connection faults, 429 and 5xx are tried again first.
        """
        for attempt in range(self._limits.retries + 1):
            delay = min(_FIRST_DELAY * 2**attempt, _LONGEST_DELAY)
            response = await self._exchanged(target, headers or {})
            if isinstance(response, _Fault):
                error: SourceError = UnreachableError(
                    self._message(target, response.reason), origin=self._place, help=_FAULT_HELP
                )
                _log.debug("%s", error.message)
            else:
                if _log.isEnabledFor(logging.DEBUG):
                    _log.debug("%s", self._message(target, f"{response.status}, {len(response.body)} bytes"))
                if response.status == 200:
                    return response
                error = self._status_error(target, response)
                if response.status != 429 and response.status < 500:
                    raise error
                delay = _retry_after(response.headers.get("retry-after")) or delay
            if attempt == self._limits.retries or delay >= self._remaining():
                raise error
            await sleep(delay)
        raise AssertionError("at least one attempt is made")

    def in_parallel(
        self, work: Work[Item, Result], items: Sequence[Item], tick: Callable[[int], None] | None = None
    ) -> list[Result]:
        """`await work(item)` of each item, in order; as many at once as there are connections.

        tick(how many are done) is called now and then and at the end. The first exception ends it and is raised here;
        an interrupt or the deadline ends it at once.
        """
        if not items:
            return []
        self._runner.get_loop().set_exception_handler(_noted)
        results = self._runner.run(self._results(work, items, tick))
        if isinstance(results, Exception):
            raise _without_frames(results)
        return results

    async def _results(
        self, work: Work[Item, Result], items: Sequence[Item], tick: Callable[[int], None] | None
    ) -> list[Result] | Exception:
        waiting = deque(enumerate(items))
        results: list[Any] = [None] * len(items)

        async def worker() -> None:
            while waiting:
                place, item = waiting.popleft()
                results[place] = await work(item)

        workers = {asyncio.create_task(worker()) for _ in range(min(self._limits.connections, len(items)))}
        pending = workers
        try:
            while pending and self._remaining() > 0:
                wait = min(self._remaining(), _TICK if tick else _LONGEST_WAIT)
                done, pending = await asyncio.wait(pending, timeout=wait, return_when=asyncio.FIRST_EXCEPTION)
                if tick is not None:
                    tick(len(items) - len(waiting) - len(pending))
                if any(each.exception() for each in done):
                    break
        finally:
            for each in workers:
                each.cancel()
            ended = await asyncio.gather(*workers, return_exceptions=True)
        failed = [each for each in ended if isinstance(each, Exception)]
        if failed:
            return failed[0]
        return self._past_deadline() if pending else results

    def error(self, target: str, reason: str, *, help: str) -> SourceError:
        """A SourceError on this request. Names source, method and target; the token in any of it becomes `***`."""
        return SourceError(self._message(target, reason), origin=self._place, help=help)

    def _message(self, target: str, reason: str) -> str:
        return self._scrubbed(f"source {self._name}: GET {self.quoted(target)}: {reason}")

    def _scrubbed(self, text: str) -> str:
        if self._secret is None:
            return text
        token = self._secret.reveal()
        forms = {token, quote(token), quote(token, safe=""), escape(token), dumps(token)[1:-1], repr(token)[1:-1]}
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, "***")
        return text

    def quoted(self, text: str) -> str:
        """The beginning of what a server says. Scrubbed before it is cut: a cut token would no longer be found."""
        said = self._scrubbed(text).strip()
        return said if len(said) <= _QUOTED else f"{said[:_QUOTED]}…"

    def _past_deadline(self) -> SourceError:
        return SourceError(
            f"source {self._name}: not read within its deadline of {self._limits.deadline:g} s",
            origin=self._place,
            help="select fewer services, or raise `deadline`",
        )

    def _status_error(self, target: str, response: Response) -> StatusError:
        words = self.quoted(response.body.decode("utf-8", "replace"))
        reason = f"{response.status} {self.quoted(response.reason)}".strip()
        if 300 <= response.status < 400:
            reason = f"{reason}: a redirect, which is not followed"
            words = self.quoted(response.headers.get("location", ""))
        return StatusError(
            self._message(target, f"{reason}: {words}" if words else reason),
            code=response.status,
            words=words,
            origin=self._place,
            help=_STATUS_HELP.get(response.status) or _STATUS_HELP.get(response.status // 100, _NOT_AN_AGENT),
        )

    def _remaining(self) -> float:
        return self._expires - time.monotonic()

    async def _exchanged(self, target: str, headers: Mapping[str, str]) -> Response | _Fault:
        """One request and its whole answer, on a connection of the pool."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                answer = await self._answer(connection, target, headers)
                if answer is not None:
                    return answer
        answer = await self._answer(self._connection(), target, headers)
        assert answer is not None  # only a kept connection can have been idle
        return answer

    def _connection(self) -> Connection:
        return Connection(self._address, self._limits.connect_timeout, self._tls, self._server_name)

    async def _answer(
        self, connection: Connection, target: str, headers: Mapping[str, str]
    ) -> Response | _Fault | None:
        """None: the server closed a connection that was idle. It never read this request: no attempt is lost."""
        if self._remaining() <= 0:
            raise self._past_deadline()
        sent = dict(headers)
        if self._secret is not None:
            sent[self._token_header] = self._secret.reveal()
        allowed = min(self._limits.timeout, self._remaining())
        try:
            response = await connection.exchange(self._address.prefix + target, sent, time.monotonic() + allowed)
        except (OSError, http.client.HTTPException, ValueError, TooLargeError) as error:
            failure = self._failure(error, connection, target, allowed)
        else:
            if connection.is_open:
                self._idle.append(connection)
            return response
        finally:
            if not connection.whole:
                connection.close()
        # Not in the handler: there the error would hold the one that it stands for, and that one its frames.
        if isinstance(failure, Exception):
            raise failure
        return failure

    def _failure(
        self, error: Exception, connection: Connection, target: str, allowed: float
    ) -> Exception | _Fault | None:
        """What an exception of the exchange means: an error that stays, a fault that may pass, None: see `_answer`."""
        gone = isinstance(error, (ConnectionError, ssl.SSLEOFError))  # RemoteDisconnected is a ConnectionError
        if gone and connection.kept and not connection.answered:
            return None
        if isinstance(error, TimeoutError) and self._remaining() <= 0:
            return self._past_deadline()
        if isinstance(error, TimeoutError):
            return _Fault(f"{self._where()}: {_too_late(connection, self._limits.connect_timeout, allowed)}")
        if isinstance(error, http.client.IncompleteRead):
            return _Fault(f"the answer is cut: {len(error.partial)} bytes came, then the connection ended")
        if isinstance(error, http.client.RemoteDisconnected):
            return _Fault("the server closed the connection without an answer")
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            return self.error(target, reason_of(error), help="check the address's scheme, and the keys under `tls`")
        if isinstance(error, TooLargeError):
            reason = f"the answer has more than {LARGEST >> 20} MiB, or no end"
            return self.error(target, reason, help="check the address; where it is right, select fewer services")
        if isinstance(error, OSError):
            return _Fault(f"{self._where()}: {reason_of(error)}")
        return self.error(target, f"not HTTP as it should be: {self.quoted(str(error))}", help=_NOT_AN_AGENT)

    def _where(self) -> str:
        if self._address.scheme == "unix":
            return self._address.socket
        host = f"[{self._address.host}]" if ":" in self._address.host else self._address.host
        return f"{host}:{self._address.port}"


def _without_frames(error: BaseException) -> BaseException:
    """The same error. One of ours says where it is from; the frames that it passed would hold it and it them, and with
    them, until the garbage collector comes, all that the caller reads after it."""
    return error.with_traceback(None) if isinstance(error, FrostlineError) else error


def _noted(_: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """What asyncio would print of a connection that breaks: whoever waits for it is told."""
    _log.debug("%s", context.get("message", ""))


def _too_late(connection: Connection, connect_timeout: float, allowed: float) -> str:
    if connection.reached:
        return f"no whole answer within {allowed:g} s"
    return f"no connection within {min(connect_timeout, allowed):g} s"


def _retry_after(value: str | None) -> float | None:
    """Seconds, of a header Retry-After (RFC 9110, 10.2.3: seconds or a date); None where there is none to go by."""
    if value is None:
        return None
    if re.fullmatch("[0-9]{1,9}", value.strip()):
        return float(value)
    try:
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):  # TypeError: a date without a zone
        return None
