"""The mappings and lists of a template. Their parts are made when they are read, so no registry is held twice."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping, Sequence
from typing import Any, overload

Makers = Mapping[str, Callable[[Any], Any]]
"""The name of each field -> function that makes its value from a record's source."""


class Record(Mapping[str, Any]):
    """A mapping that knows its service, and its version if it has one, for messages.

    A value is made whenever it is read: most are read once, and keeping them would cost more than making them.
    """

    __slots__ = ("makers", "source", "subject")

    def __init__(self, subject: tuple[str, ...], makers: Makers, source: Any) -> None:
        self.subject = subject
        self.makers = makers
        self.source = source

    def __getitem__(self, name: str) -> Any:
        return self.makers[name](self.source)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self.makers

    def __iter__(self) -> Iterator[str]:
        return iter(self.makers)

    def __len__(self) -> int:
        return len(self.makers)

    def __repr__(self) -> str:
        return repr(dict(self))

    def items(self) -> ItemsView[str, Any]:
        source = self.source
        return {name: make(source) for name, make in self.makers.items()}.items()


class Records(Sequence[Record]):
    """A list of records. `make` turns an item into a record whenever it is read."""

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

    def __repr__(self) -> str:
        # Python's default contains a memory address, which `"%s" | format(entries)` would write.
        return repr(list(self))


def subject_of(value: object) -> tuple[str, ...]:
    """(service,) or (service, version) of a Record; () for any other value."""
    return value.subject if isinstance(value, Record) else ()
