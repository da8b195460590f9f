"""Which files are job files: the globs under `files`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path

from frostline.errors import UsageError
from frostline.files.finding import find
from frostline.globs import is_literal
from frostline.model import Finding
from frostline.rules import Rule
from frostline.sources.jobspec.settings import JobspecSettings
from frostline.text import display_path

UNUSED_GLOB = Rule(
    name="job-files",
    severity="warning",
    summary="a glob under `files` of a jobspec source matches no file",
    why="The services of the files that it once matched, or was meant to match, are missing.",
    example="frostline.yaml:4:5: warning[job-files]: no file matches `more/*.hcl` of source `jobs`\n"
    "  help: correct the glob, or leave it out",
    mend="correct the glob, or leave it out",
)

_HELP = "globs are relative to the folder of frostline.yaml; `**` is any folders; `!` takes files out again"


def job_files(settings: JobspecSettings) -> tuple[tuple[Path, ...], tuple[Finding, ...]]:
    """The files that the globs leave, sorted, and a warning for every glob that matches none.

    `!` takes out again what earlier globs found; what it matches need not exist. UsageError: a plain path names no
    file, no file is left, or a link leads out.
    """
    found: dict[Path, str] = {}  # with the last glob that finds it
    warnings: list[Finding] = []
    for glob in settings.files:
        if glob.startswith("!"):
            excluded = _matching(settings, glob, glob.removeprefix("!"))
            found = {path: by for path, by in found.items() if path not in excluded}
            continue
        matching = {path for path in _matching(settings, glob, glob) if path.is_file()}
        if not matching and is_literal(glob):
            raise _bad_glob(settings, glob, "there is no such file")
        if not matching:
            message = f"no file matches `{glob}` of source `{settings.name}`"
            warnings.append(UNUSED_GLOB.finding(message, value=glob, origin=settings.files_origin))
        found |= dict.fromkeys(matching, glob)
    if not found:
        raise _bad_glob(settings, ", ".join(settings.files), "no file matches")
    _check_inside(settings, found)
    return tuple(sorted(found)), tuple(warnings)


def _matching(settings: JobspecSettings, written: str, glob: str) -> set[Path]:
    """What the glob matches, files and folders."""
    # Before Python 3.13 pathlib gives folders only where `**` ends a glob.
    every = f"{glob}/*" if glob == "**" or glob.endswith("/**") else glob
    try:
        return set(find(every, settings.folder))
    except (ValueError, NotImplementedError, OSError) as error:
        raise _bad_glob(settings, written, str(error)) from None


def _check_inside(settings: JobspecSettings, found: Mapping[Path, str]) -> None:
    """UsageError: a link that a glob finds leads out of the glob's folder. A plain path may lead anywhere."""
    for path, glob in sorted(found.items()):
        if is_literal(glob):
            continue
        folder = settings.folder.joinpath(*takewhile(is_literal, Path(glob).parts[:-1])).resolve()
        if folder not in path.resolve().parents:
            reason = f"it finds `{display_path(path)}`, a link that leads out of `{display_path(folder)}`"
            help_line = "name that file under `files` by its own path, or take it out with `!`"
            raise _bad_glob(settings, glob, reason, help_line)


def _bad_glob(settings: JobspecSettings, glob: str, reason: str, help: str = _HELP) -> UsageError:
    return UsageError(
        f"source {settings.name}: `files`: `{glob}`: {reason}",
        origin=settings.files_origin,
        help=help,
    )
