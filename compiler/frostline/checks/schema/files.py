"""Reads the users' JSON Schema files and those they refer to: from disk, inside the root, never from a network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from frostline.errors import UsageError
from frostline.files.reading import is_out_of_bounds, read_regular
from frostline.model import FileOrigin
from frostline.text import shorten

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class SchemaFiles:
    """One schema file and the files that it refers to.

    A reference may lead to a file inside the root, relative to the referring file's place on disk or to its `$id`.
    Anything else, or a file that is not a schema, raises UsageError. The error is also kept in `problem`, because the
    validators hide errors of their retrieval function.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self.path = path
        self.root = root.resolve()
        self.problem: UsageError | None = None
        self._folders: dict[str, Path] = {}
        self._loaded: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """The file's path for messages: relative to the root where it lies inside."""
        return self.name_of(self.path)

    def name_of(self, path: Path) -> str:
        resolved = path.resolve()
        return str(resolved.relative_to(self.root)) if resolved.is_relative_to(self.root) else str(path)

    def schema(self) -> Any:
        """The schema with an absolute `$id`, the base of its references. Raises UsageError."""
        path = self.path.resolve()
        if not (is_out_of_bounds(path) or path.exists()):
            raise self.error(path, "there is no such file", "correct `checks.schema`")
        return self._read(path, path.as_uri())

    def retrieve(self, uri: str) -> Any:
        """The schema at this URI. Raises UsageError, and keeps it in `problem`, if it is not a file inside the root."""
        if uri not in self._loaded:
            try:
                self._loaded[uri] = self._read(self._file(uri), uri)
            except UsageError as error:
                self.problem = error
                raise
        return self._loaded[uri]

    def error(self, path: Path, reason: str, help: str, line: int = 1, column: int = 1) -> UsageError:
        return UsageError(f"schema: {reason}", origin=FileOrigin(self.name_of(path), line, column), help=help)

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
                f"it refers to `{shorten(uri)}`, but schemas are never fetched from a network",
                "put a copy beside this schema and refer to it by its relative path",
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
                "put a copy inside the root and refer to that",
            )
        if not resolved.is_file():
            raise self._unreadable_reference(uri)
        return resolved

    def _unreadable_reference(self, uri: str) -> UsageError:
        return self.error(
            self.path,
            f"it refers to `{shorten(uri)}`, which does not exist",
            "correct the `$ref`: it is relative to the file that contains it, or to the `$id` there",
        )

    def _read(self, path: Path, uri: str) -> Any:
        if not (is_out_of_bounds(path) or path.is_file()):
            raise self.error(path, "it is not a regular file", "name a file that holds a JSON Schema")
        try:
            text = read_regular(path).decode("utf-8-sig")
            schema = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
        except json.JSONDecodeError as error:
            reason = f"it is not JSON: {error.msg}"
            raise self.error(path, reason, "write the schema as JSON", error.lineno, error.colno) from None
        except OSError as error:
            reason = f"it cannot be read: {error.strerror}"
            raise self.error(path, reason, "correct `checks.schema`, or the file's permissions") from None
        except (ValueError, RecursionError) as error:
            raise self.error(path, _fault(error), "write the schema as plain JSON, in UTF-8") from None
        return self._identified(schema, path, uri)

    def _identified(self, schema: Any, path: Path, uri: str) -> Any:
        if not isinstance(schema, dict):
            return schema
        dialect = schema.get("$schema", DIALECT)
        if dialect not in (DIALECT, f"{DIALECT}#"):
            reason = f"its dialect is `{shorten(str(dialect))}`, but only JSON Schema 2020-12 is supported"
            raise self.error(path, reason, f'rewrite it for 2020-12 with "$schema": "{DIALECT}"')
        own = schema.get("$id", "")
        try:
            identity = urljoin(uri, own) if isinstance(own, str) else uri
        except ValueError:  # `http://[`
            reason = f"its `$id` is not a URI: `{shorten(own)}`"
            raise self.error(path, reason, "correct it, or leave it out") from None
        self._folders[urljoin(identity, ".")] = path.parent
        return schema if "$id" in schema and not isinstance(own, str) else schema | {"$id": identity}


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        duplicate = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key `{shorten(duplicate)}` occurs twice in one object")
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(f"`{constant}` is not a JSON number")


def _fault(error: ValueError | RecursionError) -> str:
    """Why a file cannot be read as JSON, with the messages of `_object` and `_refuse`."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else f"it cannot be read: {error}"
