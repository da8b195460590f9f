"""The requests that frostline makes of Nomad: typed answers with their index, and lists with all their pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from frostline.sources.http.session import Api, Indexed, Parameters, Session, with_query

SELF = "/v1/agent/self"
REGIONS = "/v1/regions"
ALLOCATION = "/v1/client/allocation"
NO_JOB = "frostline-none"
"""A prefix that no job's id has. A list of such jobs is empty, but has the index."""

NOMAD = Api(
    product="Nomad",
    address_variable="NOMAD_ADDR",
    small=(SELF, REGIONS, f"{ALLOCATION}/", f"prefix={NO_JOB}", "per_page=1&"),
    rights_help=(
        "give a token (`token: {env: NOMAD_TOKEN}`) whose policies have list-jobs and read-job in every namespace that "
        "is read, or leave the others out of `namespaces`"
    ),
)


class Listed(Protocol):
    """An element of a list that comes in pages. Its namespace and id together are unique in the list."""

    @property
    def namespace(self) -> str: ...

    @property
    def id(self) -> str: ...


class Client:
    """The requests of one session. Await them in the work of `Session.in_parallel`."""

    def __init__(self, session: Session) -> None:
        self.session = session

    async def read_plain(self, path: str, kind: Any, parameters: Parameters = ()) -> Any:
        """Read an endpoint without an index, about what the agent itself knows."""
        target = with_query(path, parameters)
        return self.session.decode(target, await self.session.get(target), kind)

    async def read_indexed(self, path: str, kind: Any, parameters: Parameters = ()) -> Indexed:
        """Read an endpoint of the servers' state, from the leader, or stale if the session allows it."""
        target = with_query(path, self._with_mode(parameters))
        return self.session.decode_indexed(target, await self.session.get(target), kind)

    async def read_pages(
        self, path: str, kind: Any, parameters: Parameters = (), *, per_page: int | None = None
    ) -> Indexed:
        """Read all elements (of this type) of a list, in pages of `per_page` elements, or at once if it is None.

        SourceError: an element or a page repeats, or a page before the last is empty.
        """
        elements: list[Any] = []
        known: set[tuple[str, str]] = set()
        indexes: set[int] = set()
        tokens = [""]
        size: Parameters = (("per_page", str(per_page)),) if per_page is not None else ()
        while True:
            position: Parameters = (("next_token", tokens[-1]),) if tokens[-1] else ()
            target = with_query(path, self._with_mode((*parameters, *size, *position)))
            response = await self.session.get(target)
            answer = self.session.decode_indexed(target, response, list[kind] | None)
            page: Sequence[Listed] = answer.value or ()
            indexes.add(answer.index)
            token = response.headers.get("x-nomad-nexttoken", "")
            keys = {(element.namespace, element.id) for element in page}
            if len(keys) < len(page) or keys & known:
                raise self.session.error(target, "the list repeats an element")
            if token in tokens[1:] or (token and not page):
                raise self.session.error(target, "the pages of the list do not end")
            elements += page
            known |= keys
            if not token:
                return Indexed(elements, indexes.pop() if len(indexes) == 1 else 0)
            tokens.append(token)

    def _with_mode(self, parameters: Parameters) -> Parameters:
        return parameters if self.session.is_snapshot else (("stale", "true"), *parameters)
