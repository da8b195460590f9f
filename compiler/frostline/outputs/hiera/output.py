"""The output `hiera`: the registry as Hiera 5 data, with keys for class parameters, in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.readers import as_is
from frostline.outputs.base import Claim, Rendering, View
from frostline.outputs.hiera.keys import KEYS, NO_KEYS, class_keys, read_keys
from frostline.outputs.hiera_data import LAYER_KEYS, data_files, hiera_config, layer_options, layout_of
from frostline.outputs.output_keys import output_settings
from frostline.settings import OutputSettings

SCHEMA: Mapping[str, Any] = {
    "description": "Data for Puppet's Hiera: a key for each service, in files in the folder `path`.",
    "properties": {"format": ref("output_format"), **LAYER_KEYS, "keys": KEYS},
}

NEEDS_ADDRESSES = True


def configure(cursor: Cursor, context: Context) -> OutputSettings | None:
    """The settings of the output at `cursor`. options: format, layers, fact, keys (`ParameterKeys`)."""
    options = {"format": "yaml"} | cursor.present(format=as_is, keys=read_keys)
    return output_settings(cursor, context, options | layer_options(cursor))


def render(view: View, settings: OutputSettings) -> Rendering:
    """The file `common`; with layers also a file for each datacenter and the hiera.yaml that reads them."""
    layout = layout_of(settings.options, "frostline", "yaml")
    keys = settings.options.get("keys", NO_KEYS)
    parameters, findings = class_keys(view.registry, keys, layout, settings.origin)
    artifacts, collisions = data_files(view, layout, parameters, settings.origin)
    if layout.is_layered:
        artifacts.append(hiera_config(layout))
    return Rendering(artifacts=tuple(artifacts), findings=(*findings, *collisions))


def claims(settings: OutputSettings) -> tuple[Claim, ...]:
    """The whole folder, because the datacenters of the registry decide which files are in it."""
    return (Claim(settings.path, is_folder=True),)
