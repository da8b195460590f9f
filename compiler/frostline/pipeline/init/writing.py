"""`frostline init`: look around, try the possible sources, and write the first files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path, PurePosixPath

from msgspec import Struct

from frostline.errors import PublishError, UsageError
from frostline.outputs.template.builtins import TABLE as BUILTINS
from frostline.pipeline.init.candidates import Tried, candidates, refusal_of, try_candidate, try_compile
from frostline.pipeline.init.ci_text import CI_FILES
from frostline.pipeline.init.config_text import SCHEMA, attributes_text, config_text
from frostline.pipeline.init.first_outputs import first_outputs
from frostline.pipeline.init.surroundings import look_around, small_text
from frostline.pipeline.load.config import NAME
from frostline.publish.single_file import replace_file
from frostline.resources import schema_text
from frostline.text import did_you_mean, quote


class Start(Struct, frozen=True, kw_only=True):
    """What init did.

    written: new files. kept: files that existed, and stay as they were. Paths are relative to the folder.
    attributes: the lines that an existing .gitattributes lacks. ci: the jobs that an existing CI file lacks.
    problem: why the configuration does not compile; "" if it does.
    below: where the folder is in its git repository, if CI there got no file; else "".
    """

    sources: tuple[Tried, ...] = ()
    written: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    attributes: str = ""
    ci: str = ""
    problem: str = ""
    below: str = ""


def write_start(folder: Path, environment: Mapping[str, str], today: date) -> Start:
    """Write frostline.yaml, its schema, .gitattributes and a CI file into this folder, unless they exist.

    Raises UsageError if frostline.yaml exists; PublishError if a file cannot be written, or would be behind a symbolic
    link.
    """
    if os.path.lexists(folder / NAME):
        raise UsageError(
            f"there is a {NAME} here already; it stays as it is",
            help=f"`frostline plan` shows what it does; to start anew, move {NAME} away",
        )
    around = look_around(folder)
    sources = tuple(try_candidate(candidate, folder, today) for candidate in candidates(around, environment))
    outputs = first_outputs(around, folder)
    text = config_text(sources, outputs)
    outcome = try_compile(text, folder, today)
    attributes = attributes_text(outputs)
    files = {NAME: text.encode(), SCHEMA: schema_text("config"), ".gitattributes": attributes.encode()}
    ci_path, ci_text = CI_FILES[around.host] if around.host else ("", "")
    if ci_path:
        files[ci_path] = ci_text.encode()
    kept = tuple(path for path in files if os.path.lexists(folder / path))
    written = tuple(path for path in files if path not in kept)
    _check_folders(folder, written)
    for path in reversed(written):  # frostline.yaml last: if it existed, a second try would be refused
        replace_file(folder / path, [files[path]])
    return Start(
        sources=sources,
        written=written,
        kept=kept,
        attributes=_missing_lines(folder / ".gitattributes", attributes),
        ci=ci_text if ci_path in kept and not _runs_frostline(folder / ci_path) else "",
        problem=outcome if isinstance(outcome, str) else refusal_of(outcome),
        below="" if around.host else around.below,
    )


def _missing_lines(path: Path, text: str) -> str:
    """Return the lines of this text that the file lacks."""
    try:
        present = {line.strip() for line in small_text(path).splitlines()}
    except (OSError, ValueError):
        present = set()
    return "".join(line for line in text.splitlines(keepends=True) if line.strip() not in present)


def _runs_frostline(path: Path) -> bool:
    try:
        return "frostline" in small_text(path)
    except (OSError, ValueError):
        return False


def _check_folders(folder: Path, paths: Iterable[str]) -> None:
    """Raise PublishError if a file would be written behind a symbolic link, and so perhaps into another folder."""
    for path in paths:
        for parent in PurePosixPath(path).parents[:-1]:
            if (folder / parent).is_symlink():
                raise PublishError(
                    f"the folder `{parent}` is a symbolic link, and `{path}` would be written behind it",
                    help="make it a folder, or move it away, then rerun; nothing was written",
                )


def copy_template(name: str, folder: Path) -> str:
    """Copy a built-in template into this folder, and return the copy's name.

    Raises UsageError if there is no such template, or if the file exists.
    """
    if name not in BUILTINS:
        known = f"templates: {', '.join(sorted(BUILTINS))}"
        raise UsageError(f"there is no template {quote(name)}", help=did_you_mean(name, BUILTINS, known))
    builtin = BUILTINS[name]
    if os.path.lexists(folder / builtin.file):
        raise UsageError(
            f"there is a {quote(builtin.file)} here already; it stays as it is",
            help="move it away, or run this in another folder",
        )
    replace_file(folder / builtin.file, [builtin.path.read_bytes()])
    return builtin.file
