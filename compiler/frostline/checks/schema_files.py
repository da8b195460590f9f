"""The users' JSON Schema files and what they refer to: read from disk, never from a network, never outside the root."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from frostline.errors import UsageError
from frostline.model import FileOrigin
from frostline.text import shorten

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class SchemaFiles:
    """One schema file with those that it refers to.

    A reference is followed where it leads to a file inside the root, by its place on disk or by an `$id` beside which
    it lies. Anything else, and a file that is no schema, is a UsageError, kept in `problem`: the validators hide what
    their retrieval raised.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self.path = path
        self.root = root.resolve()
        self.problem: UsageError | None = None
        self._folders: dict[str, Path] = {}
        self._loaded: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """The file as users would type it."""
        return self.name_of(self.path)

    def name_of(self, path: Path) -> str:
        resolved = path.resolve()
        return str(resolved.relative_to(self.root)) if resolved.is_relative_to(self.root) else str(path)

    def schema(self) -> Any:
        """The schema with an absolute `$id`, which its references are relative to. Raises UsageError."""
        path = self.path.resolve()
        if not path.exists():
            raise self.error(path, "there is no such file", "correct `checks.schema`")
        return self._read(path, path.as_uri())

    def retrieve(self, uri: str) -> Any:
        """The schema at this URI. Raises UsageError, and keeps it, unless it is a file inside the root."""
        if uri not in self._loaded:
            try:
                self._loaded[uri] = self._read(self._file(uri), uri)
            except UsageError as error:
                self.problem = error
                raise
        return self._loaded[uri]

    def error(self, path: Path, reason: str, advice: str, line: int = 1, column: int = 1) -> UsageError:
        return UsageError(f"schema: {reason}", origin=FileOrigin(self.name_of(path), line, column), help=advice)

    def _file(self, uri: str) -> Path:
        parts = urlsplit(uri)
        folder = self._folders.get(urljoin(uri, "."))
        if parts.scheme == "file" and not parts.netloc and not parts.query:
            path = Path(unquote(parts.path))
        elif folder is not None and not parts.query:
            path = folder / unquote(parts.path.rpartition("/")[2])
        else:
            raise self.error(
                self.path,
                f"it refers to `{shorten(uri)}`, and schemas are never fetched from a network",
                "keep a copy beside this schema, and refer to it by its relative path",
            )
        return self._inside(path, uri)

    def _inside(self, path: Path, uri: str) -> Path:
        try:
            resolved = path.resolve()
        except (OSError, ValueError, RuntimeError):  # a NUL in the name; a loop of symbolic links
            raise self._unreadable_reference(uri) from None
        if not resolved.is_relative_to(self.root):
            raise self.error(
                self.path,
                f"it refers to `{shorten(uri)}`, which is outside the root `{self.root}`",
                "keep a copy inside the root, and refer to that",
            )
        if not resolved.is_file():
            raise self._unreadable_reference(uri)
        return resolved

    def _unreadable_reference(self, uri: str) -> UsageError:
        return self.error(
            self.path,
            f"it refers to `{shorten(uri)}`, and there is no such file",
            "correct the `$ref`: it is relative to the file that it is in, or to the `$id` there",
        )

    def _read(self, path: Path, uri: str) -> Any:
        if not path.is_file():
            raise self.error(path, "it is no regular file", "name a file with a JSON Schema")
        try:
            text = path.read_bytes().decode("utf-8-sig")
            schema = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
        except json.JSONDecodeError as error:
            reason = f"it is not JSON: {error.msg}"
            raise self.error(path, reason, "write the schema as JSON", error.lineno, error.colno) from None
        except OSError as error:
            reason = f"it can't be read: {error.strerror}"
            raise self.error(path, reason, "correct `checks.schema`, or the file's permissions") from None
        except (ValueError, RecursionError) as error:
            raise self.error(path, f"it can't be read: {error}", "write the schema as plain JSON, in UTF-8") from None
        return self._identified(schema, path, uri)

    def _identified(self, schema: Any, path: Path, uri: str) -> Any:
        if not isinstance(schema, dict):
            return schema
        dialect = schema.get("$schema", DIALECT)
        if dialect not in (DIALECT, f"{DIALECT}#"):
            reason = f"its dialect is `{shorten(str(dialect))}`, and only JSON Schema 2020-12 is applied"
            raise self.error(path, reason, f'write it for 2020-12, and "$schema": "{DIALECT}"')
        own = schema.get("$id", "")
        identity = urljoin(uri, own) if isinstance(own, str) else uri
        self._folders[urljoin(identity, ".")] = path.parent
        return schema if "$id" in schema and not isinstance(own, str) else schema | {"$id": identity}


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key `{shorten(twice)}` is there twice in one object")
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(f"`{constant}` is no JSON number")
