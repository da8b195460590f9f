"""The settings of a source of type jobspec, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.paths import path_reader
from frostline.config.readers import as_is, globs, texts
from frostline.model import FileOrigin
from frostline.settings import DeclaringSettings
from frostline.sources.naming_keys import NAMING_KEYS, read_local_keep, read_naming

SCHEMA: Mapping[str, Any] = {
    "description": (
        "Nomad job files, HCL2 or JSON, read without Nomad. A service with a literal address and port is an "
        "endpoint, any other is declared."
    ),
    "required": ["files"],
    "properties": {
        **NAMING_KEYS,
        "keep": ref("keep"),
        "files": {
            "description": (
                "Globs of job files, relative to the folder of this file. `*.json` is JSON, all else HCL2."
            ),
            "type": "array",
            "minItems": 1,
            "items": ref("text"),
        },
        "var_files": {
            "description": "Files that set variables; the last one wins. `*.json` is JSON, all else HCL2.",
            "type": "array",
            "default": [],
            "items": ref("path"),
        },
        "variables": {
            "description": "Variables by name; they win over `var_files`, and those over `environment`.",
            "type": "object",
            "default": {},
            "propertyNames": ref("name"),
        },
        "environment": {
            "description": "Environment variables, NOMAD_VAR_NAME, that may set a variable. Others never do.",
            "type": "array",
            "default": [],
            "items": {
                "type": "string",
                "pattern": "^NOMAD_VAR_[A-Za-z_][A-Za-z0-9_-]*$",
                "x-expected": "the name of an environment variable NOMAD_VAR_…",
            },
        },
        "filesystem": {
            "description": (
                "Whether file(), fileset() and the like may read files, inside root. False: they fail, as they do "
                "in Nomad's API."
            ),
            "type": "boolean",
            "default": False,
        },
        "select": {
            "description": "Which services are taken.",
            "type": "object",
            "default": {},
            "additionalProperties": False,
            "properties": {
                "services": {
                    "description": "Globs of registered names; ! excludes, the last match wins.",
                    **ref("globs"),
                    "default": ["*"],
                },
            },
        },
    },
}


class JobspecSettings(DeclaringSettings, frozen=True, kw_only=True):
    """Nomad job files.

    folder: what the globs in `files` and the files that a job file names are relative to; root: what they stay inside.
    variables: name -> value as the configuration has it (plain YAML values), with the origin of each in `places`.
    environment: names of environment variables that may set a variable.
    """

    type: str = "jobspec"
    folder: Path
    root: Path
    files: tuple[str, ...] = ()
    files_origin: FileOrigin = FileOrigin("")
    var_files: tuple[Path, ...] = ()
    variables: Mapping[str, Any] = {}
    places: Mapping[str, FileOrigin] = {}
    environment: tuple[str, ...] = ()
    filesystem: bool = False


def configure(cursor: Cursor, context: Context) -> JobspecSettings:
    """The settings of the source at `cursor`."""
    path = path_reader(context.folder)
    fields = cursor.present(
        files=texts,
        var_files=lambda files: tuple(path(item) for item in files.items()),
        environment=texts,
        filesystem=as_is,
        keep=read_local_keep,
    )
    if (select := cursor.get("select")) and (services := select.get("services")):
        fields["services"] = globs(services)
    files, variables = cursor.get("files"), cursor.get("variables")
    return JobspecSettings(
        name=cursor.key,
        origin=cursor.key_origin,
        folder=context.folder,
        root=context.root,
        files_origin=files.origin if files else cursor.key_origin,
        variables=variables.value if variables else {},
        places={entry.key: entry.origin for entry in variables.entries()} if variables else {},
        naming=read_naming(cursor),
        **fields,
    )
