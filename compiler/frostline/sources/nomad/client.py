"""A source's way to ask Nomad: typed answers with their index, lists with all their pages."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from frostline.errors import SourceError
from frostline.sources.http.answers import Malformed, Parameters, typed, with_query
from frostline.sources.http.connection import Response
from frostline.sources.http.transport import StatusError, Transport, Work

Item = TypeVar("Item")
Result = TypeVar("Result")

RIGHTS_HELP = (
    "give a token (`token: {env: NOMAD_TOKEN}`) whose policies have list-jobs and read-job in every namespace that is "
    "read, or leave the others out of `namespaces`"
)
_PROXY_HELP = "check that the address is Nomad's HTTP API, with no proxy in between that answers for it"


class Listed(Protocol):
    """An element of a list that comes in pages: its namespace and id are unique in it."""

    @property
    def namespace(self) -> str: ...

    @property
    def id(self) -> str: ...


class Answer(Struct, frozen=True):
    """An answer and its X-Nomad-Index: 0 for a list whose pages are of several moments."""

    value: Any
    index: int


class Client:
    """`max_stale`: seconds that an answer may be old; None: the leader answers, and what is read is to be proved."""

    def __init__(self, transport: Transport, *, max_stale: float | None) -> None:
        self._transport = transport
        self._max_stale = max_stale

    @property
    def proves(self) -> bool:
        """Whether what is read is to be proved to be of one moment."""
        return self._max_stale is None

    def in_parallel(
        self, work: Work[Item, Result], items: Sequence[Item], tick: Callable[[int], None] | None = None
    ) -> list[Result]:
        """`Transport.in_parallel`."""
        return self._transport.in_parallel(work, items, tick)

    def alone(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What this work gives, with none beside it."""
        return self.in_parallel(lambda work: work, [work])[0]

    def error(self, path: str, reason: str, *, help: str = _PROXY_HELP) -> SourceError:
        """`Transport.error`."""
        return self._transport.error(path, reason, help=help)

    # To be awaited in the work of `in_parallel`:

    async def plain(self, path: str, kind: Any, parameters: Parameters = ()) -> Any:
        """The answer of an endpoint that has no index: an agent's own knowledge."""
        target = with_query(path, parameters)
        return self._typed(target, await self._get(target), kind)

    async def indexed(self, path: str, kind: Any, parameters: Parameters = ()) -> Answer:
        """The answer of an endpoint of the servers' state, from the leader (or as stale as allowed)."""
        target = with_query(path, self._stale(parameters))
        response = await self._get(target)
        return Answer(self._typed(target, response, kind), self._index(target, response.headers))

    async def paged(self, path: str, kind: Any, parameters: Parameters = (), *, per_page: int | None = None) -> Answer:
        """All elements (of this type) of a list, in pages of `per_page`, or in one request where that is None.

        SourceError: a page or an element that repeats itself, or an empty page that is not the last.
        """
        found: list[Any] = []
        known: set[tuple[str, str]] = set()
        indexes: set[int] = set()
        tokens = [""]
        size: Parameters = (("per_page", str(per_page)),) if per_page is not None else ()
        while True:
            position: Parameters = (("next_token", tokens[-1]),) if tokens[-1] else ()
            target = with_query(path, self._stale((*parameters, *size, *position)))
            response = await self._get(target)
            page: Sequence[Listed] = self._typed(target, response, list[kind] | None) or ()
            indexes.add(self._index(target, response.headers))
            token = response.headers.get("x-nomad-nexttoken", "")
            keys = {(each.namespace, each.id) for each in page}
            if len(keys) < len(page) or keys & known:
                raise self.error(target, "the list repeats an element")
            if token in tokens[1:] or (token and not page):
                raise self.error(target, "the list's pages do not end")
            found += page
            known |= keys
            if not token:
                return Answer(found, indexes.pop() if len(indexes) == 1 else 0)
            tokens.append(token)

    def _stale(self, parameters: Parameters) -> Parameters:
        return parameters if self.proves else (("stale", "true"), *parameters)

    async def _get(self, target: str) -> Response:
        try:
            return await self._transport.get(target)
        except StatusError as error:
            if error.code == 403:
                error.help = RIGHTS_HELP
            raise

    def _typed(self, target: str, response: Response, kind: Any) -> Any:
        try:
            return typed(response.body, kind)
        except Malformed as malformed:
            raise self.error(target, f"not the JSON that Nomad answers: {malformed}") from None

    def _index(self, target: str, headers: Mapping[str, str]) -> int:
        if headers.get("x-nomad-knownleader") != "true":
            raise self.error(target, "Nomad knows no leader", help="wait until the servers have elected one")
        age = self._number(target, headers, "X-Nomad-LastContact")
        if age > (self._max_stale or 0) * 1000:
            allowed = "the leader itself is asked" if self.proves else f"max_stale is {self._max_stale:g} s"
            raise self.error(
                target, f"the answer is {age} ms old, and {allowed}", help="see why the servers lag behind the leader"
            )
        index = self._number(target, headers, "X-Nomad-Index")
        if index == 0:  # so it is for a token that may read no namespace at all, with an empty list
            raise self.error(target, "the header X-Nomad-Index is 0", help=RIGHTS_HELP)
        return index

    def _number(self, target: str, headers: Mapping[str, str], name: str) -> int:
        text = headers.get(name.lower())
        if text is None:
            raise self.error(target, f"the header {name} is missing")
        if not (text.isascii() and text.isdigit() and len(text) <= 20):  # 64 bits
            raise self.error(target, f"the header {name} is no number: {self._transport.quoted(text)!r}")
        return int(text)
