"""The output `csv`: a folder with a CSV file for each service, for people who read spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.readers import texts
from frostline.model import Entry, version_label
from frostline.outputs.base import Artifact, Claim, Rendering, View
from frostline.outputs.file_names import file_stem
from frostline.outputs.output_keys import output_settings
from frostline.settings import OutputSettings

COLUMNS = ("version", "url", "datacenter", "weight", "owner")

SCHEMA: Mapping[str, Any] = {
    "description": "A folder with a CSV file for each service.",
    "properties": {
        "columns": {
            "description": "The columns, in order.",
            "type": "array",
            "minItems": 1,
            "items": {"enum": list(COLUMNS)},
            "default": list(COLUMNS),
        },
    },
}


def configure(cursor: Cursor, context: Context) -> OutputSettings | None:
    """`output_settings` reads the keys that every output has: path, select, sources, prefer …"""
    return output_settings(cursor, context, {"columns": COLUMNS, **cursor.present(columns=texts)})


def claims(settings: OutputSettings) -> tuple[Claim, ...]:
    """No other output may write into this folder, and files in it that are not wanted any more are deleted."""
    return (Claim(settings.path, is_folder=True),)


def render(view: View, settings: OutputSettings) -> Rendering:
    """Names of services come from servers: `file_stem` makes file names of them that lead nowhere else."""
    return Rendering(
        artifacts=tuple(
            Artifact(
                path=PurePosixPath(f"{file_stem(service)}.csv"),
                chunks=(_table(versions, settings.options["columns"]).encode(),),
            )
            for service, versions in view.registry.services.items()
        )
    )


def _table(versions: Mapping[str | None, Entry], columns: tuple[str, ...]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    for version, entry in versions.items():
        for endpoint in entry.endpoints:
            values: dict[str, str | int] = {
                "version": version_label(version),
                "url": endpoint.url,
                "datacenter": endpoint.datacenter,
                "weight": endpoint.weight,
                "owner": endpoint.meta.get("owner", ""),
            }
            table.writerow([_as_text(values[column]) for column in columns])
    return text.getvalue()


def _as_text(value: str | int) -> str:
    """Text that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
