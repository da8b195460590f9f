"""What a reporter is: a report in, lines of text out. A new one is one new file and one line in TABLE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, Protocol

from msgspec import Struct

from frostline.errors import ErrorGroup, FrostlineError
from frostline.model import Finding, Origin


class Problem(Struct, frozen=True, kw_only=True):
    """An error that ended the run, as a value. status: the exit status that it asks for."""

    message: str
    status: int
    origin: Origin | None = None
    help: str | None = None


class Report(Struct, frozen=True, kw_only=True):
    """What a run has to say: findings sorted by `Finding.sort_key`, and errors in the order they were met."""

    findings: tuple[Finding, ...] = ()
    errors: tuple[Problem, ...] = ()


class Reporter(Protocol):
    """The module of a reporter."""

    def lines(self, report: Report, *, colour: bool = False) -> Iterator[str]:
        """The report's lines, without line ends. Text of servers and files is harmless in them."""


TABLE: Mapping[str, str] = {
    "text": "frostline.reporters.text",
    "json": "frostline.reporters.json",
    "github": "frostline.reporters.github",
    "markdown": "frostline.reporters.markdown",
    "sarif": "frostline.reporters.sarif",
    "junit": "frostline.reporters.junit",
}


def reporter_names() -> tuple[str, ...]:
    """All formats, sorted."""
    return tuple(sorted(TABLE))


def reporter_module(name: str) -> Any:
    """The module of this format, imported on first use. KeyError: there is none."""
    return import_module(TABLE[name])


def subject_text(finding: Finding) -> str:
    """The (service, version) that the finding is about, "" where it is about the whole. Hostile text as it is."""
    if finding.service is None:
        return ""
    return finding.service if finding.version is None else f"{finding.service} {finding.version}"


def report_of(findings: Iterable[Finding] = (), errors: Iterable[FrostlineError] = ()) -> Report:
    """The report of these findings and errors, the findings in order, SeveralErrors as the errors in it."""
    problems = tuple(problem for error in errors for problem in _problems(error))
    return Report(findings=tuple(sorted(findings, key=Finding.sort_key)), errors=problems)


def _problems(error: FrostlineError) -> Iterator[Problem]:
    if isinstance(error, ErrorGroup):
        for one in error.errors:
            yield from _problems(one)
    else:
        yield Problem(message=error.message, status=error.status, origin=error.origin, help=error.help)
