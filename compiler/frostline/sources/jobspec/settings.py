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
from frostline.patterns import PatternError, parse
from frostline.settings import DeclaringSettings, Keep
from frostline.sources.naming_keys import NAMING_KEYS, check_auth_kept, read_local_keep, read_naming
from frostline.text import quote

SCHEMA: Mapping[str, Any] = {
    "description": (
        "Nomad job files, HCL2 or JSON, read without Nomad. A service whose address and port the file determines is "
        "an endpoint; any other is only declared."
    ),
    "required": ["files"],
    "properties": {
        **NAMING_KEYS,
        "keep": ref("keep"),
        "files": {
            "description": (
                "Globs of job files, relative to the folder of this file; ! excludes, the last match wins. HCL2, HCL2 "
                "in JSON syntax or the JSON of Nomad's API, whatever their suffix."
            ),
            "type": "array",
            "minItems": 1,
            "items": ref("text"),
        },
        "address": {
            "description": (
                "The address of services without one whose port the file determines; {name} is the registered name. "
                "Used only if no other source has endpoints. Default: none; such services are only declared."
            ),
            "type": "string",
            "minLength": 1,
        },
        "partial": {
            "description": "True: a file that cannot be read is left out with a warning. False: it is an error.",
            "type": "boolean",
            "default": False,
        },
        "working_directory": {
            "description": (
                "The folder that file() and fileset() start from, like the one where `nomad job run` is typed. It must "
                "be inside root. Default: the folder of this file, or root if that is inside it."
            ),
            **ref("path"),
        },
        "var_files": {
            "description": "Files that set variables, in HCL2 or JSON; the last one wins.",
            "type": "array",
            "default": [],
            "items": ref("path"),
        },
        "variables": {
            "description": "Variables by name. They override `var_files`, and `var_files` override `environment`.",
            "type": "object",
            "default": {},
            "propertyNames": ref("name"),
        },
        "environment": {
            "description": "Environment variables NOMAD_VAR_NAME that may set a variable. No others are read.",
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
                "Whether file(), fileset() and similar functions may read files, inside root. False: they "
                "fail, as in Nomad's API."
            ),
            "type": "boolean",
            "default": False,
        },
        "select": {
            "description": "Which services to take.",
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

    folder: where the globs in `files` start. working_directory: where the paths in job files start (None: folder, or
    root if that is inside folder); root: they must stay inside it. address: the pattern for services without an
    address, or "". variables: name -> value as the configuration has it (plain YAML values); `places` has the origin of
    each. environment: names of environment variables that may set a variable.
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
    working_directory: Path | None = None
    partial: bool = False
    address: str = ""

    @property
    def working_folder(self) -> Path:
        """The folder that file() starts from."""
        if self.working_directory is not None:
            return self.working_directory
        return self.root if _is_inside(self.root, self.folder) else self.folder


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether the path is the folder, or in it."""
    return path == folder or folder in path.parents


def _address(cursor: Cursor) -> str | None:
    """Read a host name or IP address, which may contain the placeholder {name}."""
    help_line = 'write a name such as "{name}.service.consul"; {name} is the only placeholder'
    try:
        parts = parse(cursor.value)
    except PatternError as error:
        cursor.refuse(f"`address` is not a pattern: it has {error}", help_line)
        return None
    for part in parts:
        if str(part) != "{name}" and not isinstance(part, str):
            cursor.refuse(f"`address` has no placeholder {quote(str(part))}", help_line)
            return None
    return str(cursor.value)


def configure(cursor: Cursor, context: Context) -> JobspecSettings:
    """The settings of the source at `cursor`."""
    path = path_reader(context.folder)
    fields = cursor.present(
        files=texts,
        var_files=lambda files: tuple(path(item) for item in files.items()),
        environment=texts,
        filesystem=as_is,
        partial=as_is,
        address=_address,
        working_directory=path,
        keep=read_local_keep,
    )
    written = cursor.get("working_directory")
    if written and not _is_inside(path(written), context.root):
        written.refuse("`working_directory` is outside of root", "name root or a folder in it")
    if (select := cursor.get("select")) and (services := select.get("services")):
        fields["services"] = globs(services)
    naming = read_naming(cursor)
    check_auth_kept(cursor, naming, fields.get("keep", Keep()))
    files, variables = cursor.get("files"), cursor.get("variables")
    return JobspecSettings(
        name=cursor.key,
        origin=cursor.key_origin,
        folder=context.folder,
        root=context.root,
        files_origin=files.origin if files else cursor.key_origin,
        variables=variables.value if variables else {},
        places={entry.key: entry.origin for entry in variables.entries()} if variables else {},
        naming=naming,
        **fields,
    )
