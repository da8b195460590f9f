"""The output `puppet-module`: a whole Puppet module with the registry as its data, and types and functions for it.

The files of templates/puppet_module make a module named `frostline`. For another name, their namespaces are replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from msgspec import Struct

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.readers import as_is
from frostline.outputs.base import Artifact, Claim, Rendering, View
from frostline.outputs.documents import Document
from frostline.outputs.hiera_data import LAYER_KEYS, data_files, hiera_config, layer_options, layout_of
from frostline.outputs.output_keys import output_settings
from frostline.resources import resource_folder
from frostline.settings import OutputSettings
from frostline.text import quote

SCHEMA: Mapping[str, Any] = {
    "description": "A Puppet module: the registry as data of its own, with types and functions, in the folder `path`.",
    "properties": {
        "module": {
            "description": (
                "The name of the module, or AUTHOR-NAME. Keys, functions and types begin with NAME. Default: "
                "the last part of `path`."
            ),
            "type": "string",
            "pattern": "^([A-Za-z0-9]+-)?[a-z][a-z0-9_]*$",
            "x-expected": "the name of a Puppet module: lower-case letters, digits and `_`, after a letter",
            "x-help": "write NAME, or AUTHOR-NAME",
        },
        "module_version": {
            "description": "The version in metadata.json.",
            "type": "string",
            "pattern": (
                "^(0|[1-9][0-9]*)[.](0|[1-9][0-9]*)[.](0|[1-9][0-9]*)"
                "(-(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)([.](0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?$"
            ),
            "default": "0.0.0",
            "x-expected": 'a semantic version such as "1.2.3"',
            "x-help": "write MAJOR.MINOR.PATCH, in quotes",
        },
        "format": {"description": "The format of its data.", "enum": ["json", "yaml"], "default": "json"},
        **LAYER_KEYS,
    },
    "x-elsewhere": {
        "keys": (
            "Hiera accepts only keys in the module's own namespace from a module: write them to an output of type "
            "hiera, in the data of the environment"
        ),
    },
}

NEEDS_ADDRESSES = True

_NAME = re.compile(r"[a-z][a-z0-9_]*")

# `main` is the class of the top scope, `settings` holds Puppet's own settings, and functions of `environment` belong to
# the environment.
_RESERVED = ("environment", "main", "settings")

_AUTHOR = "frostline"
_FILES = (
    "README.md",
    *(
        f"functions/{name}.pp"
        for name in ("called", "closest", "endpoints", "found", "plain", "service", "service_key", "url")
    ),
    *(f"types/{name}.pp" for name in ("endpoint", "entry", "service")),
)
_NAMESPACE = re.compile(rb"\b([Ff])rostline(?=::)")


def configure(cursor: Cursor, context: Context) -> OutputSettings | None:
    """The settings of the output at `cursor`. options: module (AUTHOR-NAME or NAME), module_version, format, layers,
    fact."""
    options = {"module_version": "0.0.0", "format": "json"}
    options |= cursor.present(module=_read_module, module_version=as_is, format=as_is)
    settings = output_settings(cursor, context, options | layer_options(cursor))
    if settings is None or cursor.get("module") is not None:
        return settings
    path, name = cursor.get("path"), settings.path.name
    if path is not None and not _is_module_name(name):
        path.refuse(f"{quote(name)} is not the name of a Puppet module", "set `module`, or change the path")
    return settings


def _read_module(cursor: Cursor) -> str:
    if not _is_module_name(cursor.value.rpartition("-")[2]):
        cursor.refuse(f"{quote(cursor.value)} is a name that Puppet reserves", "give the module another name")
    return str(cursor.value)


def _is_module_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and name not in _RESERVED


def claims(settings: OutputSettings) -> tuple[Claim, ...]:
    """The folder of the module."""
    return (Claim(settings.path, is_folder=True),)


def render(view: View, settings: OutputSettings) -> Rendering:
    """All files of the module."""
    author, _, name = str(settings.options.get("module", settings.path.name)).rpartition("-")
    layout = layout_of(settings.options, name, "json", "data")
    data, findings = data_files(view, layout, {}, settings.origin)
    metadata = partial(_metadata, author or _AUTHOR, name, settings.options.get("module_version", "0.0.0"))
    artifacts = [
        Artifact(path=PurePosixPath("metadata.json"), chunks=Document(metadata, "json")),
        hiera_config(layout),
        *data,
        *(Artifact(path=PurePosixPath(file), chunks=_ModuleFile(file, name)) for file in _FILES),
    ]
    return Rendering(artifacts=tuple(artifacts), findings=tuple(findings))


class _ModuleFile(Struct, frozen=True):
    """A file of templates/puppet_module, with the namespaces of the module of this name."""

    path: str
    module: str

    def __iter__(self) -> Iterator[bytes]:
        text = (resource_folder("templates") / "puppet_module" / self.path).read_bytes()
        names = {b"f": self.module.encode(), b"F": self.module.capitalize().encode()}
        yield _NAMESPACE.sub(lambda found: names[found[1]], text)


def _metadata(author: str, name: str, version: str) -> Iterator[tuple[str, Any]]:
    yield "name", f"{author}-{name}"
    yield "version", version
    yield "author", author
    yield "summary", "The frozen registry of services: data, types and functions."
    # The Forge's word for a module that nobody may publish: the addresses in it belong to its owner.
    yield "license", "proprietary"
    yield "source", "frostline.yaml"
    yield "dependencies", []
    yield "requirements", [{"name": "puppet", "version_requirement": ">= 7.0.0 < 9.0.0"}]
