"""A session with Consul or Nomad: paths and queries, typed answers, and their headers.

Both servers send an answer's index, its age and whether there is a leader as headers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from frostline.canonical import json_fault
from frostline.errors import SourceError, UsageError
from frostline.settings import ServerSettings, Tls
from frostline.sources.http.address import Address
from frostline.sources.http.connection import Response
from frostline.sources.http.credentials import make_tls_context, read_token
from frostline.sources.http.transport import StatusError, Transport, Work

Item = TypeVar("Item")
Result = TypeVar("Result")

_NO_LEADER_HELP = "see the servers' logs; compile, freeze, plan and check --live wait for a leader with `--wait 30s`"

SMALL = 1 << 22
"""Most bytes of an answer that does not grow with the catalog: about the agent, its leader, or only an index."""

Parameters = tuple[tuple[str, str], ...]
"""The names and values of a query, in order."""


class Api(Struct, frozen=True, kw_only=True):
    """What differs between the two servers. Their headers are called `X-PRODUCT-…`.

    rights_help: what to do about a token without rights, which gets status 403 or an answer with index 0.
    address_variable: the environment's variable for the address.
    small: parts of targets whose answers do not grow with the catalog and so have at most SMALL bytes. A parameter that
    ends with `&` must have exactly that value.
    """

    product: str
    address_variable: str
    rights_help: str | None = None
    small: tuple[str, ...] = ()


class Indexed(Struct, frozen=True):
    """A decoded answer and its index. The index is 0 for a list whose pages have different indexes."""

    value: Any
    index: int


class MalformedBody(Exception):
    """A body is not JSON, or not of the expected shape. The text is the reason."""


class NoLeaderError(SourceError):
    """The servers have no leader."""

    unreachable = True


class Session:
    """A conversation with the server of one source. Close it when done.

    source: its name. max_stale: how many seconds old an answer may be; None: only the leader may answer, and the source
    proves that what it reads is one moment.
    """

    def __init__(self, transport: Transport, api: Api, *, source: str = "", max_stale: float | None = None) -> None:
        self.source = source
        self._transport = transport
        self._api = api
        self._max_stale = max_stale
        self._leader_header = f"X-{api.product}-KnownLeader".lower()
        self._age_header = f"X-{api.product}-LastContact"
        self._index_header = f"X-{api.product}-Index"

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    @property
    def product(self) -> str:
        """The server's name, for messages."""
        return self._api.product

    @property
    def is_snapshot(self) -> bool:
        """Whether the source proves that what it reads is the state of one moment (`consistency: snapshot`)."""
        return self._max_stale is None

    def in_parallel(
        self, work: Work[Item, Result], items: Sequence[Item], tick: Callable[[int], None] | None = None
    ) -> list[Result]:
        """See `Transport.in_parallel`."""
        return self._transport.in_parallel(work, items, tick)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Await a single piece of work."""
        return self.in_parallel(lambda work: work, [work])[0]

    def error(self, target: str, reason: str, *, help: str | None = None) -> SourceError:
        """See `Transport.error`. Without `help`, the message suspects a proxy."""
        return self._transport.error(target, reason, help=help or self._proxy_help)

    @property
    def _proxy_help(self) -> str:
        return f"check that the address is {self._api.product}'s HTTP API, and that no proxy answers in its place"

    def no_leader(self, target: str) -> NoLeaderError:
        """Make the error that the servers have no leader. target: the request whose answer says so."""
        error = self.error(target, f"{self._api.product} has no leader", help=_NO_LEADER_HELP)
        return NoLeaderError(error.message, origin=error.origin, help=error.help)

    async def get(self, target: str) -> Response:
        """See `Transport.get`."""
        try:
            return await self._transport.get(target, self._largest(target))
        except StatusError as error:
            error.help = self._status_help(error) or error.help
            raise

    def _status_help(self, error: StatusError) -> str | None:
        """Return a help line for this product, or None to keep the general one."""
        if error.code == 403:
            return self._api.rights_help
        if error.code == 404:
            return self._proxy_help
        return _NO_LEADER_HELP if "No cluster leader" in error.text else None

    def _largest(self, target: str) -> int | None:
        return SMALL if any(part in f"{target}&" for part in self._api.small) else None

    def decode(self, target: str, response: Response, kind: Any) -> Any:
        """Decode the body to this type. SourceError: the JSON does not fit; the message says where."""
        try:
            return decode_json(response.body, kind)
        except MemoryError:
            reason = f"the answer of {len(response.body) >> 20} MiB needs more memory than there is"
            help_text = "give the process more memory, or select fewer services"
            raise self.error(target, reason, help=help_text) from None
        except MalformedBody as malformed:
            found = self._transport.describe_page(response.body) or str(malformed)
            raise self.error(target, f"not the JSON expected from {self._api.product}: {found}") from None

    def decode_indexed(self, target: str, response: Response, kind: Any) -> Indexed:
        """Decode as `decode` does, with the index.

        SourceError also: no leader, too old an answer, or no valid index.
        """
        return Indexed(self.decode(target, response, kind), self._read_index(target, response.headers))

    def _read_index(self, target: str, headers: Mapping[str, str]) -> int:
        if self._leader_header not in headers:
            raise self._without_headers(target)
        if headers[self._leader_header] != "true":
            raise self.no_leader(target)
        age = self._read_number(target, headers, self._age_header)
        if age > (self._max_stale or 0) * 1000:
            allowed = "the leader itself should answer" if self.is_snapshot else f"max_stale is {self._max_stale:g} s"
            raise self.error(
                target,
                f"the answer is {age} ms old, and {allowed}",
                help="find out why the servers lag behind the leader",
            )
        index = self._read_number(target, headers, self._index_header)
        if index == 0:  # Nomad answers a token without rights in any namespace so, with an empty list
            raise self.error(target, f"the header {self._index_header} is 0", help=self._api.rights_help)
        return index

    def _without_headers(self, target: str) -> SourceError:
        """Make the error that an answer lacks the headers, which both servers send with every answer."""
        product = self._api.product
        return self.error(
            target,
            f"the header X-{product}-KnownLeader is missing, which {product} sends with every answer",
            help=f"let the proxy in between pass the headers X-{product}-…, or give `address` the server's own",
        )

    def _read_number(self, target: str, headers: Mapping[str, str], name: str) -> int:
        text = headers.get(name.lower())
        if text is None:
            raise self.error(target, f"the header {name} is missing")
        if not (text.isascii() and text.isdigit() and len(text) <= 20):  # 64 bits
            raise self.error(target, f"the header {name} is not a number: {self._transport.quote_server(text)!r}")
        return int(text)


def open_session(settings: ServerSettings, address: Address, api: Api) -> Session:
    """Open a session with these settings. UsageError: TLS settings without https, a missing token or file."""
    if address.scheme != "https" and settings.tls != Tls():
        raise UsageError(
            f"source {settings.name}: `tls` is set, but the address does not use TLS",
            origin=settings.tls_origin or settings.origin,
            help="write https://…, or remove `tls`",
        )
    tls_origin = settings.tls_origin or settings.origin
    transport = Transport(
        settings.name,
        settings.origin,
        address,
        settings.limits,
        tls=make_tls_context(settings.tls, tls_origin) if address.scheme == "https" else None,
        server_name=settings.tls.server_name,
        secret=read_token(settings.token, os.environ, settings.token_origin or settings.origin),
        address_origin=settings.address_origin,
        correct=_correct_address(settings.address, api.address_variable),
        token_header=f"X-{api.product}-Token",
    )
    max_stale = settings.max_stale if settings.consistency == "eventual" else None
    return Session(transport, api, source=settings.name, max_stale=max_stale)


def _correct_address(configured: str | None, variable: str) -> str:
    """Say how to correct a wrong address: in the configuration or in the variable, wherever it is from."""
    if configured is not None:
        return "correct `address`"
    return f"correct ${variable}" if os.environ.get(variable) else f"set `address` or ${variable}"


def decode_json(body: bytes | bytearray, kind: Any) -> Any:
    """Decode JSON to a value of this type; unknown fields are ignored. Raises MalformedBody."""
    try:
        return _decoder(kind).decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise MalformedBody(json_fault(error, body)) from None


@lru_cache(maxsize=32)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def quote_segment(name: str) -> str:
    """Escape `name` as one segment of a path: every byte but letters, digits and `_.-~`."""
    return quote(name, safe="", errors="replace")


def segment_path(folder: str, name: str) -> str:
    """Return `folder/name`, with the name escaped by `quote_segment`."""
    return f"{folder}/{quote_segment(name)}"


def with_query(path: str, parameters: Parameters) -> str:
    """Return `path?name=value&…`, with names and values escaped."""
    return f"{path}?{_query(parameters)}" if parameters else path


@lru_cache(maxsize=64)
def _query(parameters: Parameters) -> str:
    return urlencode(parameters, errors="replace")


def is_addressable(name: str) -> bool:
    """Whether a path can contain the name. Go cleans even escaped paths, and Consul refuses unprintable characters."""
    return name.isprintable() and not any(part in {"", ".", ".."} for part in name.split("/"))
