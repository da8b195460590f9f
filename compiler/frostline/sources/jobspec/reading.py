"""Reads one job file, of whatever form, and says what it declares."""

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
from frostline.sources.jobspec.hcl_files import HclJob, job_of_body
from frostline.sources.jobspec.job import Job, Need
from frostline.sources.jobspec.json_bodies import body_of_json, values_of_json
from frostline.sources.jobspec.json_files import is_api_job, job_of_json
from frostline.sources.jobspec.json_tree import tree_of
from frostline.sources.jobspec.placeholders import placeholder
from frostline.sources.jobspec.registering import declaration_of, texts_of
from frostline.sources.jobspec.settings import JobspecSettings
from frostline.sources.jobspec.variables import Context, Given, Variables
from frostline.text import display_path

MOST_BYTES = 2**20
"""The largest file that is read: the limit of Nomad's own job_max_source_size."""

_TEMPLATE = re.compile(rb"\[\[")
_NO_VARIABLES = Variables(frozenset(), {})


_FILE_HELP = "correct the file, or leave it out of `files`"
_VAR_FILE_HELP = "correct the file, or leave it out of `var_files`"


class TemplateError(HclError):
    """The file is a template of Levant or Nomad Pack."""


class FileResult(Struct, frozen=True, kw_only=True):
    """What a file declares, or why it cannot be read. template: the place of `[[ … ]]`, if it is a template."""

    declaration: Declaration = Declaration()
    errors: tuple[FrostlineError, ...] = ()
    template: FileOrigin | None = None


class Reader:
    """Reads job files with the same variables. read: the files that functions have read so far."""

    def __init__(self, settings: JobspecSettings) -> None:
        self._settings = settings
        self._declared: set[str] = set()
        self.read: list[Path] = []
        self._budget = Budget()
        environment = {name: os.environ[name] for name in settings.environment if name in os.environ}
        self._given = Given(
            environment=environment,
            files=[self._var_file(path) for path in settings.var_files],
            configured=settings.variables,
            places=settings.places,
        )
        folder = settings.working_folder if settings.filesystem else None
        files = file_functions(folder, settings.root, self.read.append)
        self._functions: Mapping[str, Function] = {**function_table(), **files}

    def declaration(self, path: Path) -> FileResult:
        """What the file declares."""
        try:
            found = self._job(path)
            needs = [found.need] if found.need else []
            declaration = Declaration()
            if found.job:
                _check_template(found.job)
                spend = partial(self._spend, found.job.place)
                registered = declaration_of(found.job, spend, self._settings.address, self._settings.services)
                declaration = registered.declaration
                needs += registered.needs
        except TemplateError as error:
            return FileResult(template=error.place)
        except HclError as error:
            return FileResult(errors=(self._error(error.message, error.place, error.help or _FILE_HELP),))
        self._declared |= found.variables.declared
        if needs:
            return FileResult(errors=tuple(self._unknown(needs, found.variables)))
        return FileResult(declaration=declaration)

    def _spend(self, place: FileOrigin, steps: int) -> None:
        self._budget.spend(steps, lambda: place)

    def _job(self, path: Path) -> HclJob:
        source = self._source(path)
        self._budget.add_file()
        try:
            if not _is_json(source, path):
                return self._evaluated(parse(source))
            tree = tree_of(source)
            if is_api_job(tree):
                return HclJob(job_of_json(tree, source), _NO_VARIABLES)
        except HclError as error:
            raise _as_template(error, source) from None
        return self._evaluated(body_of_json(tree, source))

    def _evaluated(self, body: Body) -> HclJob:
        context = Context(functions=self._functions, undefined=placeholder, budget=self._budget)
        return job_of_body(body, self._given, context)

    def _var_file(self, path: Path) -> Body:
        try:
            source = self._source(path)
            body = values_of_json(tree_of(source), source) if _is_json(source, path) else parse(source)
            for block in body.blocks:
                raise HclError(
                    f"a block is not allowed in a var file: `{block.kind}`",
                    source.place(block.offset),
                    help="a var file has lines NAME = value; variables are declared in job files",
                )
        except HclError as error:
            raise self._error(error.message, error.place, error.help or _VAR_FILE_HELP) from None
        return body

    def _source(self, path: Path) -> Source:
        shown = display_path(path)
        try:
            return Source(shown, read_regular(path, most=MOST_BYTES))
        except OSError as error:
            is_missing = isinstance(error, FileNotFoundError)
            help_line = "write it, or correct its path" if is_missing else "give this user the right to read it"
            raise HclError(f"the file cannot be read: {error.strerror}", FileOrigin(shown), help_line) from None

    def _unknown(self, needs: list[Need], variables: Variables) -> Iterator[FrostlineError]:
        """An error for every variable of the file that is not set, and for everything else that is not known."""
        for name, place in variables.unset.items():
            need = next((need for need in needs if f"var.{name}" in need.value.causes), None)
            why = "; only Nomad needs it, nothing that is read here does"
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
            return f"set ${variable}, which source {source} reads, or give it a default in the file"
        return (
            f"set it in the source's `variables` or `var_files`, take it from the environment with "
            f"`environment: [{variable}]`, or give it a default in the file"
        )

    def _error(self, message: str, place: FileOrigin, help: str) -> SourceError:
        return SourceError(f"source {self._settings.name}: {message}", origin=place, help=help)

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


def _short(place: FileOrigin) -> str:
    return f"{place.line}:{place.column}"


def _is_json(source: Source, path: Path) -> bool:
    """As Nomad decides it: no HCL text begins with a brace. The suffix decides only what is neither."""
    text = source.data.lstrip()
    return text.startswith(b"{") or (path.suffix == ".json" and text[:1] in b'["')


def _as_template(error: HclError, source: Source) -> HclError:
    """The error; if there is `[[ … ]]` in its line, which HCL's own syntax seldom has, that this is a template."""
    lines = source.data.split(b"\n")
    line = lines[error.place.line - 1] if error.place.line <= len(lines) else b""
    match = _TEMPLATE.search(line)
    if match is None:
        return error
    column = len(line[: match.start()].decode("utf-8", "replace")) + 1
    return TemplateError(error.message, FileOrigin(source.path, error.place.line, column))


def _check_template(job: Job) -> None:
    """TemplateError: a name is one that a template fills in, though the text is HCL."""
    for text, place in texts_of(job):
        if _TEMPLATE.search(text.encode()):
            raise TemplateError("a template", place)
