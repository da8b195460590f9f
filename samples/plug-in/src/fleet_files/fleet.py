"""The source `fleet`: a CSV file of services that somebody keeps by hand, with the columns name, address, port, owner.

frostline names the services, makes their URLs and selects, as it does for job files: `declare` says only what the file
says, and where.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.paths import path_reader
from frostline.errors import ErrorGroup, SourceError
from frostline.files.reading import read_regular
from frostline.model import Declaration, DeclaredService, FileOrigin
from frostline.settings import DeclaringSettings
from frostline.sources.naming_keys import NAMING_KEYS, read_naming
from frostline.text import display_path, quote

COLUMNS = ["name", "address", "port", "owner"]

SCHEMA: Mapping[str, Any] = {
    "description": "A CSV file with the columns name, address, port and owner.",
    "required": ["file"],
    "properties": {"file": {"description": "The file.", **ref("path")}, **NAMING_KEYS},
}


class FleetSettings(DeclaringSettings, frozen=True, kw_only=True):
    """file: absolute."""

    type: str = "fleet"
    file: Path


def configure(cursor: Cursor, context: Context) -> FleetSettings:
    """The keys have the types of SCHEMA, and those that it requires are there."""
    fields = cursor.present(file=path_reader(context.folder))
    return FleetSettings(name=cursor.key, origin=cursor.key_origin, naming=read_naming(cursor), **fields)


def inputs(settings: FleetSettings) -> tuple[Path, ...]:
    """A saved plan must find this file unchanged, and no output may overwrite it."""
    return (settings.file,)


def declare(settings: FleetSettings) -> Declaration:
    """The services of the file. All lines that are wrong are reported in one run."""
    shown = display_path(settings.file)
    try:
        text = read_regular(settings.file).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise SourceError(f"the file cannot be read: {error}", origin=FileOrigin(shown)) from None
    rows = csv.DictReader(text.splitlines())
    if list(rows.fieldnames or ()) != COLUMNS:
        raise SourceError(
            "the first line is not that of a fleet file", origin=FileOrigin(shown), help=f"write {','.join(COLUMNS)}"
        )
    services, errors = [], []
    for row in rows:
        origin = FileOrigin(shown, rows.line_num)
        for fault in _faults(row):
            errors.append(SourceError(fault, origin=origin, help="write NAME,ADDRESS,PORT,OWNER"))
        if not errors:
            services.append(_service(row, origin))
    if errors:
        raise ErrorGroup(errors)
    return Declaration(services=tuple(services))


def _faults(row: Mapping[str | None, Any]) -> Iterator[str]:
    if None in row or None in row.values() or not row["name"]:
        yield "the line has no name, or more or fewer than four columns"
    elif not (row["port"].isascii() and row["port"].isdigit() and len(row["port"]) < 6):
        yield f"the port is {quote(row['port'])}, which is no number"


def _service(row: Mapping[str, str], origin: FileOrigin) -> DeclaredService:
    return DeclaredService(
        service=row["name"],
        address=row["address"],
        port=int(row["port"]),
        meta={"owner": row["owner"]} if row["owner"] else {},
        origin=origin,
    )
