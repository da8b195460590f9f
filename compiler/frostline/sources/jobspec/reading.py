"""Read job files of any form, and return what they declare."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct

from frostline.errors import FrostlineError, SourceError, UsageError
from frostline.files.reading import read_regular
from frostline.hcl.functions.base import Function
from frostline.hcl.functions.files import file_functions
from frostline.hcl.functions.table import function_table
from frostline.hcl.nodes import Body
from frostline.hcl.scope import Budget
from frostline.hcl.source import HclError, Source
from frostline.hcl.syntax import parse
from frostline.model import Declaration, FileOrigin
from frostline.sources.jobspec.hcl_files import HclJob, read_hcl_job
from frostline.sources.jobspec.job import Job, Need
from frostline.sources.jobspec.json_bodies import read_json_body, read_json_values
from frostline.sources.jobspec.json_files import is_api_job, read_api_job
from frostline.sources.jobspec.json_tree import parse_json_tree
from frostline.sources.jobspec.placeholders import placeholder
from frostline.sources.jobspec.registering import declare_job, names_in
from frostline.sources.jobspec.settings import JobspecSettings
from frostline.sources.jobspec.variables import Context, Given, Variables
from frostline.text import display_path, quote

MOST_BYTES = 2**20
"""The largest file that is read, which is Nomad's own limit (job_max_source_size)."""

_READ_HELP = {
    FileNotFoundError: "write it, or correct its path",
    PermissionError: "give this user the right to read it",
}
_TEMPLATE = re.compile(rb"\[\[")
_NO_VARIABLES = Variables(frozenset(), {})


_FILE_HELP = "correct the file, or leave it out of `files`"
_VAR_FILE_HELP = "correct the file, or leave it out of `var_files`"


class TemplateError(HclError):
    """The file is a template of Levant or Nomad Pack."""


class FileResult(Struct, frozen=True, kw_only=True):
    """What a file declares, or why it cannot be read. template: the place of `[[ … ]]` if the file is a template."""

    declaration: Declaration = Declaration()
    errors: tuple[FrostlineError, ...] = ()
    template: FileOrigin | None = None


class Reader:
    """Reads job files with the same variables. files_read: the files that functions in job files have read so far."""

    def __init__(self, settings: JobspecSettings) -> None:
        self._settings = settings
        self._declared: set[str] = set()
        self.files_read: list[Path] = []
        self._budget = Budget()
        environment = {name: os.environ[name] for name in settings.environment if name in os.environ}
        self._given = Given(
            environment=environment,
            files=[self._read_var_file(path) for path in settings.var_files],
            configured=settings.variables,
            places=settings.places,
        )
        folder = settings.working_folder if settings.filesystem else None
        files = file_functions(folder, settings.root, self.files_read.append)
        self._functions: Mapping[str, Function] = {**function_table(), **files}

    def read_file(self, path: Path) -> FileResult:
        """Read a file. Errors in it are part of the result."""
        try:
            found = self._read_job(path)
            needs = [found.need] if found.need else []
            declaration = Declaration()
            if found.job:
                _check_template(found.job)
                spend = partial(self._spend, found.job.place)
                registered = declare_job(found.job, spend, self._settings.address, self._settings.services)
                declaration = registered.declaration
                needs += registered.needs
        except TemplateError as error:
            return FileResult(template=error.place)
        except HclError as error:
            return FileResult(errors=(self._error(error.message, error.place, error.help or _FILE_HELP),))
        self._declared |= found.variables.declared
        if needs:
            return FileResult(errors=tuple(self._errors_of_unknown(needs, found.variables)))
        return FileResult(declaration=declaration)

    def _spend(self, place: FileOrigin, steps: int) -> None:
        self._budget.spend(steps, lambda: place)

    def _read_job(self, path: Path) -> HclJob:
        source = self._read_source(path)
        self._budget.add_file()
        try:
            if not _is_json(source, path):
                return self._evaluate(parse(source))
            tree = parse_json_tree(source)
            if is_api_job(tree):
                return HclJob(read_api_job(tree, source), _NO_VARIABLES)
        except HclError as error:
            raise _as_template(error, source) from None
        return self._evaluate(read_json_body(tree, source))

    def _evaluate(self, body: Body) -> HclJob:
        context = Context(functions=self._functions, undefined=placeholder, budget=self._budget)
        return read_hcl_job(body, self._given, context)

    def _read_var_file(self, path: Path) -> Body:
        try:
            source = self._read_source(path)
            body = read_json_values(parse_json_tree(source), source) if _is_json(source, path) else parse(source)
            for block in body.blocks:
                raise HclError(
                    f"a block is not allowed in a var file: `{block.kind}`",
                    source.place(block.offset),
                    help="a var file has lines NAME = value; variables are declared in job files",
                )
        except HclError as error:
            raise self._error(error.message, error.place, error.help or _VAR_FILE_HELP) from None
        return body

    def _read_source(self, path: Path) -> Source:
        shown = display_path(path)
        try:
            return Source(shown, read_regular(path, most=MOST_BYTES))
        except OSError as error:
            help_line = _READ_HELP.get(type(error), "name another file, or leave this one out")
            raise HclError(f"the file cannot be read: {error.strerror}", FileOrigin(shown), help_line) from None

    def _errors_of_unknown(self, needs: list[Need], variables: Variables) -> Iterator[FrostlineError]:
        """Yield an error for each variable of the file that is not set, and for each other value that is not known."""
        for name, place in variables.unset.items():
            need = next((need for need in needs if f"var.{name}" in need.value.causes), None)
            why = "; Nomad needs it, although frostline reads nothing that depends on it"
            if need:
                why = f", but {need.what} needs it ({_short(need.value.place)})"
            message = f"the variable `{name}` is not set and has no default{why}"
            yield self._error(message, place, self._help_for_variable(name))
        for need in needs:
            others = sorted(cause for cause in need.value.causes if cause.removeprefix("var.") not in variables.unset)
            if others:
                depends = ", ".join(f"`{cause}`" for cause in others)
                yield self._error(
                    f"{need.what} is known only when Nomad reads the file: it depends on {depends}",
                    need.value.place,
                    "write a value that is the same in every run and on every machine",
                )

    def _help_for_variable(self, name: str) -> str:
        source, variable = self._settings.name, f"NOMAD_VAR_{name}"
        if variable in self._settings.environment:
            return f"set ${variable}, which the source {quote(source)} reads, or give it a default in the file"
        return (
            f"set it in the source's `variables` or `var_files`, take it from the environment with "
            f"`environment: [{variable}]`, or give it a default in the file"
        )

    def _error(self, message: str, place: FileOrigin, help: str) -> SourceError:
        return SourceError(f"source {self._settings.name}: {message}", origin=place, help=help)

    def errors_of_undeclared(self) -> list[FrostlineError]:
        """Return an error for each variable that is set, but that no file declares."""
        return [
            UsageError(
                f"source {self._settings.name}: no job file declares the variable `{name}`",
                origin=place,
                help=f'declare it: variable "{name}" {{}}; or leave it out',
            )
            for name, place in self._given.names()
            if name not in self._declared
        ]


def _short(place: FileOrigin) -> str:
    return f"{place.line}:{place.column}"


def _is_json(source: Source, path: Path) -> bool:
    """Whether the file is JSON, as Nomad decides it: no HCL text begins with a brace.

    The suffix decides only for a JSON array or string, which are errors in either syntax.
    """
    text = source.data.lstrip()
    return text.startswith(b"{") or (path.suffix == ".json" and text[:1] in b'["')


def _as_template(error: HclError, source: Source) -> HclError:
    """Return a TemplateError if the error's line has `[[`, which is rare in HCL, else the error itself."""
    lines = source.data.split(b"\n")
    line = lines[error.place.line - 1] if error.place.line <= len(lines) else b""
    match = _TEMPLATE.search(line)
    if match is None:
        return error
    column = len(line[: match.start()].decode("utf-8", "replace")) + 1
    return TemplateError(error.message, FileOrigin(source.path, error.place.line, column))


def _check_template(job: Job) -> None:
    """TemplateError: the file is valid HCL, but a template fills one of its names."""
    for text, place in names_in(job):
        if _TEMPLATE.search(text.encode()):
            raise TemplateError("a template", place)
