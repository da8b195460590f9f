"""The output `template`: one file written by a user's Jinja2 template."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.paths import is_file, resolved
from frostline.outputs.base import Artifact, Claim, Rendering, View
from frostline.outputs.output_keys import output_settings
from frostline.resources import resource_folder
from frostline.settings import OutputSettings
from frostline.text import quote

SCHEMA: Mapping[str, Any] = {
    "description": "A file that a Jinja2 template renders.",
    "required": ["template"],
    "properties": {
        "template": {
            "description": "The path of the template, or the name of one that comes with frostline.",
            **ref("path"),
        },
    },
}


def configure(cursor: Cursor, context: Context) -> OutputSettings | None:
    """The settings of the output at `cursor`. options: template, the path of the file."""
    options = cursor.present(template=lambda template: _found_template(template, context.folder))
    return output_settings(cursor, context, options)


def _found_template(cursor: Cursor, folder: Path) -> str | None:
    """The path of the user's template, else of the one of that name that comes with frostline."""
    theirs = resolved(folder, cursor.value)
    if is_file(theirs):
        return str(theirs)
    templates = resource_folder("templates")
    ours = resolved(templates, cursor.value)
    if ours.is_relative_to(templates) and is_file(ours):
        return str(ours)
    cursor.refuse(f"there is no template {quote(cursor.value)}", "its path is relative to the folder of this file")
    return None


def render(view: View, settings: OutputSettings) -> Rendering:
    """The file that the template writes. UsageError, with the place in the template: it cannot be rendered."""
    # Imported here because a run that renders no template needs no Jinja2.
    from frostline.outputs.template.rendering import render_template

    content = render_template(template_path(settings), view)
    return Rendering(artifacts=(Artifact(path=PurePosixPath(settings.path.name), chunks=(content,)),))


def claims(settings: OutputSettings) -> tuple[Claim, ...]:
    """The one file."""
    return (Claim(settings.path),)


def inputs(settings: OutputSettings) -> tuple[Path, ...]:
    """The template."""
    return (template_path(settings),) if "template" in settings.options else ()


def template_path(settings: OutputSettings) -> Path:
    """The template's path; a relative one names a template that comes with frostline."""
    return resource_folder("templates") / Path(settings.options["template"])
