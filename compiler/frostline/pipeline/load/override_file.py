"""Read `overrides` of the configuration: a list, or the path of a file that holds the list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from frostline.config.cursor import Cursor, ParseState
from frostline.config.paths import is_file, is_folder, is_other, path_reader
from frostline.config.schema_errors import schema_errors
from frostline.config.yaml_reader import Document, read_yaml
from frostline.errors import ErrorGroup, UsageError
from frostline.files.reading import read_regular
from frostline.model import FileOrigin
from frostline.registry.overrides.keys import read_overrides
from frostline.resources import schema_text
from frostline.settings import Override
from frostline.text import display_path

KEY = "overrides"
_WRITE_IT = "write the file: an empty one holds no overrides"


def overrides_of(cursor: Cursor | None, folder: Path) -> tuple[tuple[Override, ...], Path | None]:
    """Return the overrides, and the file that holds them; None if the configuration itself holds them."""
    if cursor is None:
        return (), None
    if not isinstance(cursor.value, str):
        return read_overrides(cursor), None
    path = path_reader(folder)(cursor)
    if not is_file(path):
        problem = "is not a regular file" if is_folder(path) or is_other(path) else "is missing"
        cursor.refuse(f"the file of `overrides` {problem}: {display_path(path)}", _WRITE_IT)
        return (), path
    try:
        return overrides_in(read_regular(path), display_path(path)), path
    except ErrorGroup as group:
        cursor.state.errors += group.errors
    except UsageError as error:
        cursor.state.errors.append(error)
    except OSError as error:
        cursor.refuse(f"the file of `overrides` cannot be read: {error.strerror}", "make it readable")
    return (), path


def overrides_in(raw: bytes, shown: str) -> tuple[Override, ...]:
    """Parse the text of a file of overrides. shown: its path for messages.

    Raises UsageError, or an ErrorGroup of all that is wrong with it.
    """
    if is_blank(raw):
        return ()
    state = ParseState(_below_key(read_yaml(raw, shown)))
    for refused in schema_errors(state.document, _schema()):
        if refused.path not in state.document.broken:
            state.errors.append(refused.error)
        if not refused.usable:
            state.unusable.add(refused.path)
    listed = state.top().get(KEY)
    overrides = read_overrides(listed) if listed is not None else ()
    if state.errors:
        raise ErrorGroup(state.errors)
    return overrides


def is_blank(raw: bytes) -> bool:
    """Whether the file holds nothing but comments and blank lines."""
    lines = raw.removeprefix(b"\xef\xbb\xbf").splitlines()
    return all(not line.strip() or line.lstrip().startswith(b"#") for line in lines)


def _below_key(document: Document) -> Document:
    """Return the document as the value of the key `overrides`, so that messages name this key."""

    def below(places: Mapping[Any, FileOrigin]) -> dict[Any, FileOrigin]:
        return {(KEY, *path): place for path, place in places.items()}

    values = below(document.values)
    top = values[KEY,]
    return Document(
        {KEY: document.value},
        {(): top, **values},
        {(KEY,): top, **below(document.keys)},
        document.errors,
        frozenset((KEY, *path) for path in document.broken),
    )


def _schema() -> bytes:
    whole = json.loads(schema_text("config"))
    listed = {**whole["properties"][KEY], "type": "array", "x-expected": "a list of overrides"}
    return json.dumps({"$defs": whole["$defs"], "type": "object", "properties": {KEY: listed}}).encode()
