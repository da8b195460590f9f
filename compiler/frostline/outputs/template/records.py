"""The mappings and lists of a template, whose parts are made when they are read: a registry is not held twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, overload


class Record(Mapping[str, Any]):
    """A mapping that knows its service, and its version if it has one, for messages.

    makers: the name of each field -> what makes its value of `source`, at most once.
    """

    __slots__ = ("_made", "_makers", "_source", "_subject")

    def __init__(self, subject: tuple[str, ...], makers: Mapping[str, Callable[[Any], Any]], source: Any) -> None:
        self._subject = subject
        self._makers = makers
        self._source = source
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        made = self._made
        if name not in made:
            made[name] = self._makers[name](self._source)
        return made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __repr__(self) -> str:
        return repr(dict(self))


class Records(Sequence[Record]):
    """A list of records; `make` makes one of each item whenever it is read."""

    def __init__(self, items: Sequence[Any], make: Callable[[Any], Record]) -> None:
        self._items = items
        self._make = make

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return [self._make(item) for item in self._items[index]]
        return self._make(self._items[index])

    def __iter__(self) -> Iterator[Record]:
        return map(self._make, self._items)


def subject_of(value: object) -> tuple[str, ...]:
    """(service,) or (service, version) of a Record; () for any other value."""
    return value._subject if isinstance(value, Record) else ()
