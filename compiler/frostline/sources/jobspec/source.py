"""The source of type jobspec: reads services and upstreams from Nomad job files, without Nomad.

`*.json` is JSON, in the form that `nomad job run -json` takes; all other files are HCL2, evaluated as in Nomad's own
parser (jobspec2).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from frostline.errors import ErrorGroup, FrostlineError, SourceError, UsageError
from frostline.globs import is_literal
from frostline.hcl.functions.base import Function
from frostline.hcl.functions.files import file_functions
from frostline.hcl.functions.table import function_table
from frostline.hcl.nodes import AttributeNode, Body, Literal
from frostline.hcl.scope import Budget
from frostline.hcl.source import HclError, Source
from frostline.hcl.syntax import parse
from frostline.model import Declaration, DeclaredService, FileOrigin, Finding, Upstream
from frostline.rules import Rule
from frostline.sources.jobspec.hcl_files import job_of_body
from frostline.sources.jobspec.job import Job, declaration_of
from frostline.sources.jobspec.json_files import job_of_json
from frostline.sources.jobspec.json_tree import plain, tree_of
from frostline.sources.jobspec.placeholders import placeholder
from frostline.sources.jobspec.settings import SCHEMA, JobspecSettings, configure
from frostline.sources.jobspec.variables import Context, Given, value_of
from frostline.text import display_path

__all__ = ["RULES", "SCHEMA", "configure", "declare", "inputs"]

UNUSED_GLOB = Rule(
    name="job-files",
    severity="warning",
    summary="a glob under `files` of a jobspec source matches no file",
    why="The services of the files that it once matched, or was meant to match, are missing.",
    example="frostline.yaml:4:5: warning[job-files]: no file matches `more/*.hcl` of source `jobs`\n"
    "  help: correct the glob, or leave it out",
    mend="correct the glob, or leave it out",
)
RULES = (UNUSED_GLOB,)

MOST_BYTES = 2**20
"""The largest file that is read: the limit of Nomad's own job_max_source_size."""


def declare(settings: JobspecSettings) -> Declaration:
    """The services and upstreams in the files. SourceError, or ErrorGroup: the first error in every wrong file.

    UsageError: there are no files, or no file declares a variable that is set.
    """
    reader = _Reader(settings)
    errors: list[FrostlineError] = []
    services: list[DeclaredService] = []
    upstreams: list[tuple[Upstream, FileOrigin]] = []
    paths, warnings = job_files(settings)
    findings: list[Finding] = list(warnings)
    for path in paths:
        try:
            declaration = declaration_of(reader.job(path))
        except HclError as error:
            errors.append(SourceError(f"source {settings.name}: {error.message}", origin=error.place, help=error.help))
            continue
        services += declaration.services
        upstreams += declaration.upstreams
        findings += declaration.findings
    if not errors:
        errors += reader.undeclared()
    if errors:
        raise errors[0] if len(errors) == 1 else ErrorGroup(errors)
    return Declaration(services=tuple(services), upstreams=tuple(upstreams), findings=tuple(findings))


def inputs(settings: JobspecSettings) -> tuple[Path, ...]:
    """All files that the source reads, with those that functions in job files read, sorted."""
    reader = _Reader(settings)
    jobs, _ = job_files(settings)
    paths = {*jobs, *settings.var_files}
    for path in jobs:
        try:
            reader.job(path)
        except HclError:
            continue  # `declare` reports it
    return tuple(sorted(paths | set(reader.read)))


def job_files(settings: JobspecSettings) -> tuple[tuple[Path, ...], tuple[Finding, ...]]:
    """The files that match the globs, sorted, and a warning for every glob that matches none.

    UsageError: a plain path names no file, or no glob matches any.
    """
    found: set[Path] = set()
    warnings: list[Finding] = []
    for glob in settings.files:
        try:
            matching = [path for path in _matching_paths(settings.folder, glob) if path.is_file()]
        except (ValueError, NotImplementedError, OSError) as error:
            raise _bad_glob(settings, glob, str(error)) from None
        if not matching and is_literal(glob):
            raise _bad_glob(settings, glob, "there is no such file")
        if not matching:
            warnings.append(_unused_glob(settings, glob))
        found.update(matching)
    if not found:
        raise _bad_glob(settings, ", ".join(settings.files), "no file matches")
    return tuple(sorted(found)), tuple(warnings)


def _unused_glob(settings: JobspecSettings, glob: str) -> Finding:
    return UNUSED_GLOB.finding(
        f"no file matches `{glob}` of source `{settings.name}`", value=glob, origin=settings.files_origin
    )


def _matching_paths(folder: Path, glob: str) -> Iterator[Path]:
    relative = Path(glob)
    if relative.is_absolute():
        return Path(relative.anchor).glob(str(relative.relative_to(relative.anchor)))
    return folder.glob(glob)


def _bad_glob(settings: JobspecSettings, glob: str, reason: str) -> UsageError:
    return UsageError(
        f"source {settings.name}: `files`: `{glob}`: {reason}",
        origin=settings.files_origin,
        help="globs are relative to the folder of frostline.yaml; `**` is any folders",
    )


def _json_body(source: Source) -> Body:
    """A var file in JSON: an object of values, as attributes."""
    tree = tree_of(source)
    if not isinstance(tree.value, dict):
        raise HclError("a var file in JSON must be an object", source.place(tree.offset))
    attributes = {
        name: AttributeNode(node.offset, name, Literal(node.offset, value_of(plain(node))), node.offset)
        for name, node in tree.value.items()
    }
    return Body(0, source, attributes, ())


class _Reader:
    """Reads job files with the same variables. read: the files that functions have read so far."""

    def __init__(self, settings: JobspecSettings) -> None:
        self._settings = settings
        self._declared: set[str] = set()
        self.read: list[Path] = []
        self._functions: Mapping[str, Function] = function_table()
        environment = {name: os.environ[name] for name in settings.environment if name in os.environ}
        self._given = Given(
            environment=environment,
            files=[self._var_file(path) for path in settings.var_files],
            configured=settings.variables,
            places=settings.places,
        )

    def _var_file(self, path: Path) -> Body:
        try:
            source = self._source(path)
            body = _json_body(source) if path.suffix == ".json" else parse(source)
            for block in body.blocks:
                raise HclError(
                    f"a block is not allowed in a var file: `{block.kind}`",
                    source.place(block.offset),
                    help="a var file has lines NAME = value; variables are declared in job files",
                )
        except HclError as error:
            message = f"source {self._settings.name}: {error.message}"
            raise SourceError(message, origin=error.place, help=error.help) from None
        return body

    def _source(self, path: Path) -> Source:
        shown = display_path(path)
        try:
            with path.open("rb") as file:
                data = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise HclError(f"the file cannot be read: {error.strerror}", FileOrigin(shown)) from None
        if len(data) > MOST_BYTES:
            raise HclError(f"the file is larger than {MOST_BYTES // 2**20} MiB", FileOrigin(shown))
        return Source(shown, data)

    def job(self, path: Path) -> Job:
        """The job in the file. HclError: the first error in it."""
        source = self._source(path)
        if path.suffix == ".json":
            return job_of_json(source)
        folder = path.parent if self._settings.filesystem else None
        files = file_functions(folder, self._settings.root, self.read.append)
        context = Context(functions={**self._functions, **files}, undefined=placeholder, budget=Budget())
        job, variables = job_of_body(parse(source), self._given, context)
        self._declared |= variables
        return job

    def undeclared(self) -> list[FrostlineError]:
        """An error for every variable that is set, but that no file declares."""
        return [
            UsageError(
                f"source {self._settings.name}: no job file declares the variable `{name}`",
                origin=place,
                help=f'declare it: variable "{name}" {{}}; or leave it out',
            )
            for name, place in self._given.names()
            if name not in self._declared
        ]
