"""Find job files with the globs under `files`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path

from frostline.errors import UsageError
from frostline.files.finding import find
from frostline.files.reading import is_out_of_bounds
from frostline.globs import is_literal
from frostline.model import Finding
from frostline.rules import Rule
from frostline.sources.jobspec.settings import JobspecSettings
from frostline.text import display_path

UNUSED_GLOB = Rule(
    name="job-files",
    severity="warning",
    summary="a glob under `files` of a jobspec source matches no file",
    why="The services of the files that the glob should match are missing.",
    example="frostline.yaml:4:5: warning[job-files]: no file matches `more/*.hcl` of source `jobs`\n"
    "  help: correct the glob, or leave it out",
    mend="correct the glob, or leave it out",
)

_HELP = "globs are relative to the folder of frostline.yaml; `**` matches any folders; `!` excludes files again"


def find_job_files(settings: JobspecSettings) -> tuple[tuple[Path, ...], tuple[Finding, ...]]:
    """Return the files that the globs match, sorted, and a warning for each glob that matches no file.

    `!` excludes files that earlier globs found; it need not match any. UsageError: a plain path names no file, no file
    is left, or a link leads out of its folder.
    """
    found: dict[Path, str] = {}  # with the last glob that matches the file
    warnings: list[Finding] = []
    for glob in settings.files:
        if glob.startswith("!"):
            excluded = _find_matching(settings, glob, glob.removeprefix("!"))
            found = {path: by_glob for path, by_glob in found.items() if path not in excluded}
            continue
        matching = {path for path in _find_matching(settings, glob, glob) if path.is_file()}
        if not matching and is_literal(glob):
            raise _missing_file(settings, glob)
        if not matching:
            message = f"no file matches `{glob}` of source `{settings.name}`"
            warnings.append(UNUSED_GLOB.finding(message, value=glob, origin=settings.files_origin))
        found |= dict.fromkeys(matching, glob)
    if not found:
        raise _glob_error(settings, ", ".join(settings.files), "no file matches")
    _check_inside(settings, found)
    return tuple(sorted(found)), tuple(warnings)


def _find_matching(settings: JobspecSettings, written: str, glob: str) -> set[Path]:
    """Find the files and folders that the glob matches."""
    # Before Python 3.13 pathlib finds only folders if `**` ends a glob.
    pattern = f"{glob}/*" if glob == "**" or glob.endswith("/**") else glob
    try:
        return set(find(pattern, settings.folder))
    except (ValueError, NotImplementedError, OSError) as error:
        raise _glob_error(settings, written, str(error)) from None


def _check_inside(settings: JobspecSettings, found: Mapping[Path, str]) -> None:
    """UsageError: a glob matches a link that leads out of the glob's folder. A plain path may lead anywhere."""
    for path, glob in sorted(found.items()):
        if is_literal(glob):
            continue
        folder = settings.folder.joinpath(*takewhile(is_literal, Path(glob).parts[:-1])).resolve()
        if folder not in path.resolve().parents:
            reason = f"it matches `{display_path(path)}`, a link that leads out of `{display_path(folder)}`"
            help_line = "name that file under `files` by its own path, or exclude it with `!`"
            raise _glob_error(settings, glob, reason, help_line)


def _missing_file(settings: JobspecSettings, path: str) -> UsageError:
    if is_out_of_bounds(settings.folder / path):
        return _glob_error(settings, path, "it is outside of the repository")
    if (settings.folder / path).is_dir():
        inside = f"{path.rstrip('/')}/**/*.nomad.hcl"
        return _glob_error(settings, path, "it is a folder", f"write a glob for the files in it, such as `{inside}`")
    return _glob_error(settings, path, "there is no such file")


def _glob_error(settings: JobspecSettings, glob: str, reason: str, help: str = _HELP) -> UsageError:
    return UsageError(
        f"source {settings.name}: `files`: `{glob}`: {reason}",
        origin=settings.files_origin,
        help=help,
    )
