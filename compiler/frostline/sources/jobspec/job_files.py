"""Which files are job files: the globs under `files`."""

from __future__ import annotations

from pathlib import Path

from frostline.errors import UsageError
from frostline.globs import is_literal
from frostline.model import Finding
from frostline.rules import Rule
from frostline.sources.jobspec.settings import JobspecSettings

UNUSED_GLOB = Rule(
    name="job-files",
    severity="warning",
    summary="a glob under `files` of a jobspec source matches no file",
    why="The services of the files that it once matched, or was meant to match, are missing.",
    example="frostline.yaml:4:5: warning[job-files]: no file matches `more/*.hcl` of source `jobs`\n"
    "  help: correct the glob, or leave it out",
    mend="correct the glob, or leave it out",
)


def job_files(settings: JobspecSettings) -> tuple[tuple[Path, ...], tuple[Finding, ...]]:
    """The files that the globs leave, sorted, and a warning for every glob that matches none.

    `!` takes out again what earlier globs found; what it matches need not exist. UsageError: a plain path names no
    file, or no file is left.
    """
    found: set[Path] = set()
    warnings: list[Finding] = []
    for glob in settings.files:
        if glob.startswith("!"):
            found -= _matching(settings, glob, glob.removeprefix("!"))
            continue
        matching = {path for path in _matching(settings, glob, glob) if path.is_file()}
        if not matching and is_literal(glob):
            raise _bad_glob(settings, glob, "there is no such file")
        if not matching:
            message = f"no file matches `{glob}` of source `{settings.name}`"
            warnings.append(UNUSED_GLOB.finding(message, value=glob, origin=settings.files_origin))
        found |= matching
    if not found:
        raise _bad_glob(settings, ", ".join(settings.files), "no file matches")
    return tuple(sorted(found)), tuple(warnings)


def _matching(settings: JobspecSettings, written: str, glob: str) -> set[Path]:
    """What the glob matches, files and folders."""
    # Before Python 3.13 pathlib gives folders only where `**` ends a glob.
    every = f"{glob}/*" if glob == "**" or glob.endswith("/**") else glob
    relative = Path(every)
    try:
        if relative.is_absolute():
            return set(Path(relative.anchor).glob(str(relative.relative_to(relative.anchor))))
        return set(settings.folder.glob(every))
    except (ValueError, NotImplementedError, OSError) as error:
        raise _bad_glob(settings, written, str(error)) from None


def _bad_glob(settings: JobspecSettings, glob: str, reason: str) -> UsageError:
    return UsageError(
        f"source {settings.name}: `files`: `{glob}`: {reason}",
        origin=settings.files_origin,
        help="globs are relative to the folder of frostline.yaml; `**` is any folders; `!` takes files out again",
    )
