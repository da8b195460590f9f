"""The values of a configuration, each with its origin in the file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frostline.config.yaml_reader import Document, Path
from frostline.errors import FrostlineError, UsageError
from frostline.model import FileOrigin


class ParseState:
    """The state of reading a configuration: its document, the paths of unusable values, and the errors so far."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.unusable: set[Path] = set()
        self.errors: list[FrostlineError] = list(document.errors)

    def top(self) -> Cursor:
        """Return the cursor of the whole document."""
        return Cursor(self, (), self.document.value)


class Cursor:
    """A value that fits the schema, with its path.

    Parts that do not fit the schema are treated as absent; their errors are recorded already.
    """

    def __init__(self, state: ParseState, path: Path, value: Any) -> None:
        self.state, self.path, self.value = state, path, value

    @property
    def origin(self) -> FileOrigin:
        return self.state.document.origin_of(self.path)

    @property
    def key_origin(self) -> FileOrigin:
        """The position of this value's key."""
        return self.state.document.origin_of(self.path, at_key=True)

    @property
    def key(self) -> str:
        """The key of this value, or its index in a list, as text."""
        return str(self.path[-1])

    def get(self, key: str) -> Cursor | None:
        """Return the value of a key of this mapping; None if it is absent or unusable."""
        path = (*self.path, key)
        if key not in self.value or path in self.state.unusable:
            return None
        return Cursor(self.state, path, self.value[key])

    def entries(self) -> list[Cursor]:
        """Return the usable values of this mapping, in the order written."""
        return [child for key in self.value if (child := self.get(key)) is not None]

    def items(self) -> list[Cursor]:
        """Return the usable items of this list."""
        paths = [(*self.path, index) for index in range(len(self.value))]
        return [
            Cursor(self.state, path, value)
            for path, value in zip(paths, self.value, strict=True)
            if path not in self.state.unusable
        ]

    def as_value(self) -> Cursor:
        """Return the key as a value, for keys that are patterns or URLs."""
        return _KeyCursor(self.state, self.path, self.key)

    def present(self, **readers: Callable[[Cursor], Any]) -> dict[str, Any]:
        """Apply each reader to the key of its name; return the results without absent keys and without None."""
        results = {key: reader(value) for key, reader in readers.items() if (value := self.get(key)) is not None}
        return {key: result for key, result in results.items() if result is not None}

    def refuse(self, message: str, help: str | None = None, *, at_key: bool = False) -> None:
        """Record an error about this value, or about its key."""
        origin = self.key_origin if at_key else self.origin
        self.state.errors.append(UsageError(message, origin=origin, help=help))


class _KeyCursor(Cursor):
    """A key as a value, with the key's origin."""

    @property
    def origin(self) -> FileOrigin:
        return self.key_origin
