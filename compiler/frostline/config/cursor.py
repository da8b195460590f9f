"""The values of a configuration, each with its place in the file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frostline.config.yaml_reader import Document, Path
from frostline.errors import FrostlineError, UsageError
from frostline.model import FileOrigin


class ParseState:
    """What is known while a configuration is read: its document, the paths of unusable values, the errors so far."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.unusable: set[Path] = set()
        self.errors: list[FrostlineError] = list(document.errors)

    def top(self) -> Cursor:
        """The whole document."""
        return Cursor(self, (), self.document.value)


class Cursor:
    """A value that fits the schema. Parts of it that do not are treated as absent: their errors are known already."""

    def __init__(self, state: ParseState, path: Path, value: Any) -> None:
        self.state, self.path, self.value = state, path, value

    @property
    def origin(self) -> FileOrigin:
        return self.state.document.origin_of(self.path)

    @property
    def key_origin(self) -> FileOrigin:
        """The place of this value's key."""
        return self.state.document.origin_of(self.path, at_key=True)

    @property
    def key(self) -> str:
        """The key of this value, or its index in a list, as text."""
        return str(self.path[-1])

    def get(self, key: str) -> Cursor | None:
        """The value of this key of a mapping; None if it is absent or unusable."""
        path = (*self.path, key)
        if key not in self.value or path in self.state.unusable:
            return None
        return Cursor(self.state, path, self.value[key])

    def entries(self) -> list[Cursor]:
        """The values of a mapping, in the order written."""
        return [child for key in self.value if (child := self.get(key)) is not None]

    def items(self) -> list[Cursor]:
        """The items of a list."""
        paths = [(*self.path, index) for index in range(len(self.value))]
        return [
            Cursor(self.state, path, value)
            for path, value in zip(paths, self.value, strict=True)
            if path not in self.state.unusable
        ]

    def as_value(self) -> Cursor:
        """The key itself as a value: for keys that are patterns or URLs."""
        return _KeyCursor(self.state, self.path, self.key)

    def present(self, **readers: Callable[[Cursor], Any]) -> dict[str, Any]:
        """The results of these readers, each applied to the key of its name, without absent keys and None."""
        found = {key: reader(value) for key, reader in readers.items() if (value := self.get(key)) is not None}
        return {key: value for key, value in found.items() if value is not None}

    def refuse(self, message: str, help: str | None = None, *, at_key: bool = False) -> None:
        """Record an error about this value, or about its key."""
        origin = self.key_origin if at_key else self.origin
        self.state.errors.append(UsageError(message, origin=origin, help=help))


class _KeyCursor(Cursor):
    """A key as a value, at the key's place."""

    @property
    def origin(self) -> FileOrigin:
        return self.key_origin
