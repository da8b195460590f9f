"""python-consul2 as frostline asks through it: typed answers, bounded waits, nothing taken from the environment.

python-consul2's own constructor lets $CONSUL_HTTP_ADDR and $CONSUL_HTTP_TOKEN win over what its caller says and fails
on addresses that Consul takes; its client does not escape `/` in names; its callbacks turn 404 into None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from frostline.errors import SourceError
from frostline.sources.http.answers import Malformed, Parameters, typed, with_query
from frostline.sources.http.connection import Response
from frostline.sources.http.transport import Transport, Work

Item = TypeVar("Item")
Result = TypeVar("Result")

_PROXY_HELP = "check that the address is Consul's HTTP API, with no proxy in between that answers for it"


class Client:
    """One source's way to ask Consul. `consistent` for proved reads; `max_stale` seconds for stale ones."""

    def __init__(self, transport: Transport, *, max_stale: float | None, strict_acl: bool) -> None:
        self._transport = transport
        self._max_stale = max_stale
        self._strict_acl = strict_acl
        self._http = _consul_class()(transport).http

    @property
    def proves(self) -> bool:
        """Whether what is read is to be proved to be of one moment."""
        return self._max_stale is None

    def in_parallel(
        self, work: Work[Item, Result], items: Sequence[Item], tick: Callable[[int], None] | None = None
    ) -> list[Result]:
        """`Transport.in_parallel`."""
        return self._transport.in_parallel(work, items, tick)

    def error(self, path: str, reason: str, *, help: str = _PROXY_HELP) -> SourceError:
        """`Transport.error`."""
        return self._transport.error(path, reason, help=help)

    def plain(self, path: str, kind: Any) -> Any:
        """The answer of an endpoint that has no index: the agent's own knowledge."""

        def callback(response: Response) -> Any:
            return self._typed(path, response, kind)

        return self.in_parallel(lambda asked: self._http.get(callback, asked), [path])[0]

    async def indexed(self, path: str, kind: Any, parameters: Parameters = ()) -> tuple[Any, int]:
        """The answer of a catalog endpoint, from the leader (or as stale as allowed), and its X-Consul-Index.

        To be awaited in the work of `in_parallel`.
        """
        mode = "consistent" if self.proves else "stale"

        def callback(response: Response) -> tuple[Any, int]:
            return self._typed(path, response, kind), self._index(path, response.headers)

        answer: tuple[Any, int] = await self._http.get(callback, path, params=((mode, "1"), *parameters))
        return answer

    def _typed(self, path: str, response: Response, kind: Any) -> Any:
        try:
            return typed(response.body, kind)
        except Malformed as malformed:
            raise self.error(path, f"not the JSON that Consul answers: {malformed}") from None

    def _index(self, path: str, headers: Mapping[str, str]) -> int:
        if headers.get("x-consul-knownleader") != "true":
            raise self.error(path, "Consul knows no leader", help="wait until the servers have elected one")
        age = self._number(path, headers, "X-Consul-LastContact")
        if age > (self._max_stale or 0) * 1000:
            allowed = "the leader itself is asked" if self.proves else f"max_stale is {self._max_stale:g} s"
            raise self.error(
                path, f"the answer is {age} ms old, and {allowed}", help="see why the servers lag behind the leader"
            )
        if self._strict_acl and headers.get("x-consul-results-filtered-by-acls", "false") != "false":
            raise self.error(
                path,
                "ACLs hide a part of the answer",
                help="let the token read every node and service, or set `acl: scoped` and select literal names",
            )
        index = self._number(path, headers, "X-Consul-Index")
        if index == 0:
            raise self.error(path, "the header X-Consul-Index is 0")
        return index

    def _number(self, path: str, headers: Mapping[str, str], name: str) -> int:
        text = headers.get(name.lower())
        if text is None:
            raise self.error(path, f"the header {name} is missing")
        if not (text.isascii() and text.isdigit() and len(text) <= 20):  # 64 bits
            raise self.error(path, f"the header {name} is no number: {self._transport.quoted(text)!r}")
        return int(text)


@lru_cache(maxsize=1)
def _consul_class() -> Callable[[Transport], Any]:
    """The client class, made on first use: importing python-consul2 takes a tenth of a second."""
    from consul import base

    class Http(base.HTTPClient):  # type: ignore[misc]
        """Asks through `transport`, which knows address, token and limits. Paths come escaped. Reads only.

        What is asked for is awaited, as in python-consul2's own client for asyncio.
        """

        def __init__(self, transport: Transport) -> None:
            self._transport = transport

        async def get(self, callback: Any, path: str, params: Any = None, headers: Any = None) -> Any:
            return callback(await self._transport.get(with_query(path, params or ()), headers))

        def put(self, *_: Any, **__: Any) -> Any:
            raise NotImplementedError("frostline only reads")

        post = delete = put

    class Consul(base.Consul):  # type: ignore[misc]
        def __init__(self, transport: Transport) -> None:
            # Not the parent's: it reads the environment whatever it is given.
            self.http = self.http_connect(transport)

        def http_connect(self, transport: Transport) -> Http:
            return Http(transport)

    return Consul
