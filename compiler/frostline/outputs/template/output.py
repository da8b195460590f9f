"""The output `template`: one file written by a Jinja2 template of the user's, or by one that comes with frostline."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.paths import is_file, resolved
from frostline.config.readers import as_is
from frostline.outputs.base import Artifact, Claim, Rendering, View
from frostline.outputs.output_keys import output_settings
from frostline.outputs.template import builtins
from frostline.outputs.template.builtin_keys import check_builtin
from frostline.settings import OutputSettings
from frostline.text import quote

SCHEMA: Mapping[str, Any] = {
    "description": "A file that a Jinja2 template renders.",
    "properties": {
        "template": {"description": "The path of the template.", **ref("path")},
        "builtin": {
            "description": "The name of a template that comes with frostline, in place of `template`.",
            "enum": list(builtins.TABLE),
        },
        "vars": {
            "description": "Values for the template, which reads them as `vars`.",
            "type": "object",
            "default": {},
        },
    },
}


def configure(cursor: Cursor, context: Context) -> OutputSettings | None:
    """The settings of the output at `cursor`. options: template or builtin, vars, path as it is written."""
    options = cursor.present(
        template=lambda template: _found_template(template, context.folder), builtin=as_is, vars=as_is, path=as_is
    )
    written = [key for key in ("template", "builtin") if key in cursor.value]
    if not written:
        cursor.refuse(
            "the output has neither `template` nor `builtin`",
            "add `template: …`, the path of a Jinja2 template, or `builtin: …`, the name of one that comes along",
        )
    elif len(written) == 2 and (builtin := cursor.get("builtin")):
        builtin.refuse("the output has `template` and `builtin`", "remove one of them", at_key=True)
    elif "builtin" in options:
        check_builtin(cursor, builtins.TABLE[options["builtin"]])
    return output_settings(cursor, context, options)


def _found_template(cursor: Cursor, folder: Path) -> str | None:
    """The path of the user's template."""
    path = resolved(folder, cursor.value)
    if is_file(path):
        return str(path)
    help_text = "its path is relative to the folder of this file"
    if cursor.value in builtins.TABLE:
        help_text = f"for the one that comes with frostline, write `builtin: {cursor.value}`"
    cursor.refuse(f"there is no template {quote(cursor.value)}", help_text)
    return None


def render(view: View, settings: OutputSettings) -> Rendering:
    """The file that the template writes. UsageError, with the place in the template: it cannot be rendered."""
    # Imported here because a run that renders no template needs no Jinja2.
    from frostline.outputs.template.names import Names
    from frostline.outputs.template.rendering import Renderer
    from frostline.outputs.template.values import Values

    values, names = Values(view), Names()
    output = {"name": settings.name, "path": settings.options.get("path", settings.path.name)}
    context = values.context(output, settings.options.get("vars", {}))
    content = Renderer(template_path(settings), names).render(context)
    findings = (*values.findings(settings.origin), *names.findings(settings.origin))
    return Rendering(
        artifacts=(Artifact(path=PurePosixPath(settings.path.name), chunks=(content,)),), findings=findings
    )


def claims(settings: OutputSettings) -> tuple[Claim, ...]:
    """The one file."""
    return (Claim(settings.path),)


def inputs(settings: OutputSettings) -> tuple[Path, ...]:
    """The user's template. One that comes along belongs to the version of frostline."""
    return (template_path(settings),) if "template" in settings.options else ()


def template_path(settings: OutputSettings) -> Path:
    """The template's path."""
    if "builtin" in settings.options:
        return builtins.TABLE[settings.options["builtin"]].path
    return Path(settings.options["template"])
