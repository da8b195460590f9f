"""The source of type jobspec: reads services and upstreams from Nomad job files, without Nomad."""

from __future__ import annotations

import os
from pathlib import Path

from frostline.errors import ErrorGroup, FrostlineError, SourceError
from frostline.model import Declaration, DeclaredService, FileOrigin, Finding, Upstream
from frostline.rules import Rule
from frostline.sources.jobspec import job_rules
from frostline.sources.jobspec.job_files import UNUSED_GLOB, find_job_files
from frostline.sources.jobspec.reading import FileResult, Reader
from frostline.sources.jobspec.settings import SCHEMA, JobspecSettings, configure
from frostline.text import list_names, shorten

__all__ = ["RULES", "SCHEMA", "configure", "declare", "inputs"]

SKIPPED_FILE = Rule(
    name="job-file-skipped",
    severity="warning",
    summary="a job file cannot be read, and is left out, as `partial: true` allows",
    why="Its services and upstreams are missing from the registry.",
    example="b.nomad.hcl:2:19: warning[job-file-skipped]: source jobs: there is no attribute `absent`; the file "
    "is left out\n  help: correct the file, or leave it out of `files`",
    mend="correct the file, or leave it out of `files`",
)
RULES = (UNUSED_GLOB, SKIPPED_FILE, *job_rules.RULES)

_MOST_LISTED = 5


def declare(settings: JobspecSettings) -> Declaration:
    """Return the services and upstreams in the files.

    SourceError, or ErrorGroup: files cannot be read; with `partial` these are findings. UsageError: there are no files,
    or no file declares a variable that is set.
    """
    paths, warnings = find_job_files(settings)
    reader = Reader(settings)
    results = {path: reader.read_file(path) for path in paths}
    errors = [error for result in results.values() for error in result.errors]
    templates = {path: result.template for path, result in results.items() if result.template}
    if templates:
        errors.append(_template_error(settings, templates))
    findings: list[Finding] = list(warnings)
    if settings.partial:
        findings += map(_skipped_finding, errors)
        errors = []
    if not errors and not any(isinstance(result.template, FileOrigin) or result.errors for result in results.values()):
        errors += reader.errors_of_undeclared()
    if errors:
        raise errors[0] if len(errors) == 1 else ErrorGroup(errors)
    return _merge(list(results.values()), findings)


def _merge(results: list[FileResult], findings: list[Finding]) -> Declaration:
    services: list[DeclaredService] = []
    upstreams: list[tuple[Upstream, FileOrigin]] = []
    for result in results:
        services += result.declaration.services
        upstreams += result.declaration.upstreams
        findings += result.declaration.findings
    return Declaration(services=tuple(services), upstreams=tuple(upstreams), findings=tuple(findings))


def _skipped_finding(error: FrostlineError) -> Finding:
    origin = error.origin if isinstance(error.origin, FileOrigin) else None
    return SKIPPED_FILE.finding(f"{error.message}; the file is left out", origin=origin, help=error.help)


def _template_error(settings: JobspecSettings, templates: dict[Path, FileOrigin]) -> SourceError:
    """Make one error for all templates."""
    places = list(templates.values())
    names = [shorten(os.path.relpath(path, settings.folder)) for path in templates]
    more = f"; so are {list_names(place.path for place in places[1:])}" if len(places) > 1 else ""
    globs = ", ".join(f'"!{name}"' for name in names[:_MOST_LISTED]) + (", …" if len(names) > _MOST_LISTED else "")
    return SourceError(
        f"source {settings.name}: `[[ … ]]` makes this a template of Levant or Nomad Pack, not a job file{more}",
        origin=places[0],
        help=f"render it first, and name the result under `files`; or leave it out there: files: [..., {globs}]",
    )


def inputs(settings: JobspecSettings) -> tuple[Path, ...]:
    """Return all files that the source reads, including those that functions in job files read, sorted."""
    reader = Reader(settings)
    jobs, _ = find_job_files(settings)
    for path in jobs:
        reader.read_file(path)  # `declare` reports what is wrong in it
    return tuple(sorted({*jobs, *settings.var_files, *reader.files_read}))
