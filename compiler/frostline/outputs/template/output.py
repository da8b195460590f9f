"""The output `template`: what a Jinja2 template of the user's writes, or one that comes with frostline."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.paths import is_file, resolved
from frostline.config.readers import as_is
from frostline.errors import UsageError
from frostline.model import FileOrigin, Finding, Key, Registry
from frostline.outputs.base import Artifact, Claim, Rendering, View
from frostline.outputs.output_keys import output_settings
from frostline.outputs.template import builtins
from frostline.outputs.template.builtin_keys import check_builtin
from frostline.outputs.template.split import COLLISION_HELP, file_paths, has_placeholder, split_path
from frostline.settings import OutputSettings
from frostline.text import quote

if TYPE_CHECKING:
    from frostline.outputs.template.names import Names
    from frostline.outputs.template.rendering import Renderer

SCHEMA: Mapping[str, Any] = {
    "description": "A file that a Jinja2 template renders.",
    "properties": {
        "template": {"description": "The path of the template.", **ref("path")},
        "builtin": {
            "description": "The name of a template that comes with frostline, in place of `template`.",
            "enum": list(builtins.TABLE),
        },
        "split": {
            "description": (
                "entry: a file for each (service, version). `path` then has {name}, or {service} and "
                "{version}, below a folder that only this output uses."
            ),
            "enum": ["entry"],
        },
        "vars": {
            "description": "Values for the template, which reads them as `vars`.",
            "type": "object",
            "default": {},
        },
    },
}


def configure(cursor: Cursor, context: Context) -> OutputSettings | None:
    """The settings of the output at `cursor`. options: template or builtin; vars; path as it is written.

    With `split: entry` the path of the settings is the folder, and options have split, the pattern of the files in it.
    """
    options = cursor.present(
        template=lambda template: _found_template(template, context.folder), builtin=as_is, vars=as_is, path=as_is
    )
    _check_choice(cursor)
    path = cursor.get("path")
    settings = output_settings(cursor, context, options)
    if settings is None or path is None:
        return None
    if "split" not in cursor.value:
        if has_placeholder(path.value):
            path.refuse("`path` has placeholders, but the output is one file", "add `split: entry`, or name one file")
        return settings
    found = split_path(path)
    if found is None:
        return None
    options |= {"path": found.folder, "split": found.pattern}
    return replace(settings, path=resolved(context.folder, found.folder), options=options)


def _check_choice(cursor: Cursor) -> None:
    """Refuses anything but one of `template` and `builtin`, and what the latter does not take."""
    written = [key for key in ("template", "builtin") if key in cursor.value]
    builtin = cursor.get("builtin")
    if not written:
        cursor.refuse(
            "the output has neither `template` nor `builtin`",
            "add `template: …`, the path of a Jinja2 template, or `builtin: …`, the name of one that comes along",
        )
    elif len(written) == 2 and builtin:
        builtin.refuse("the output has `template` and `builtin`", "remove one of them", at_key=True)
    elif builtin:
        check_builtin(cursor, builtins.TABLE[builtin.value])


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
    """What the template writes.

    UsageError: it cannot be rendered; with the place in the user's template, or in the configuration where the template
    comes with frostline, since it is the output that has to be mended. ErrorGroup: such a template refuses services
    for several reasons.
    """
    # Imported here because a run that renders no template needs no Jinja2.
    from frostline.outputs.template.names import Names
    from frostline.outputs.template.rendering import Renderer

    names = Names()
    renderer = Renderer(template_path(settings), names, collects="builtin" in settings.options)
    try:
        rendering = _rendered(view, settings, renderer, names)
    except UsageError as error:
        renderer.refusals.raise_all(settings)  # the error may be no more than what follows from them
        raise _of_output(error, settings) from error
    renderer.refusals.raise_all(settings)
    return rendering


def _of_output(error: UsageError, settings: OutputSettings) -> UsageError:
    """The error with the name of the output."""
    message = f"the output {quote(settings.name)}: {error.message}"
    if "template" in settings.options:
        return UsageError(message, origin=error.origin, help=error.help)
    line = f" (line {error.origin.line} of the template)" if isinstance(error.origin, FileOrigin) else ""
    return UsageError(f"{message}{line}", origin=settings.origin, help=error.help)


def _rendered(view: View, settings: OutputSettings, renderer: Renderer, names: Names) -> Rendering:
    """What the template writes. UsageError, with the place in the template: it cannot be rendered."""
    from frostline.outputs.template.values import Values

    values = Values(view)
    collisions: tuple[Finding, ...] = ()
    if _is_split(settings):
        paths, collisions = _paths(view.registry, settings)
        artifacts = tuple(
            Artifact(path=path, chunks=(renderer.render(values.context_of(key, _said(settings, path))),))
            for key, path in paths.items()
        )
    else:
        path = PurePosixPath(settings.path.name)
        artifacts = (Artifact(path=path, chunks=(renderer.render(values.context(_said(settings))),)),)
    findings = (*collisions, *values.findings(settings.origin), *names.findings(settings.origin))
    return Rendering(artifacts=artifacts, findings=findings)


def _paths(registry: Registry, settings: OutputSettings) -> tuple[dict[Key, PurePosixPath], tuple[Finding, ...]]:
    """The path of each entry's file, and the findings about those that have none of their own."""
    paths, collisions = file_paths(settings.options["split"], registry)
    return paths, tuple(
        collision.finding(settings.origin, COLLISION_HELP, service=key.service, version=key.version)
        for key, collision in collisions
    )


def _said(settings: OutputSettings, path: PurePosixPath | None = None) -> dict[str, Any]:
    """What the output gives its template of itself. path: of the file, where the output is split."""
    written = settings.options.get("path", settings.path.name)
    shown = written if path is None else f"{written}/{path}"
    return {"output": {"name": settings.name, "path": shown}, "vars": settings.options.get("vars", {})}


def claims(settings: OutputSettings) -> tuple[Claim, ...]:
    """The file; the folder where it is split."""
    return (Claim(settings.path, _is_split(settings)),)


def _is_split(settings: OutputSettings) -> bool:
    return "split" in settings.options


def inputs(settings: OutputSettings) -> tuple[Path, ...]:
    """The user's template. One that comes along belongs to the version of frostline."""
    return (template_path(settings),) if "template" in settings.options else ()


def template_path(settings: OutputSettings) -> Path:
    """The template's path."""
    if "builtin" in settings.options:
        return builtins.TABLE[settings.options["builtin"]].path
    return Path(settings.options["template"])
