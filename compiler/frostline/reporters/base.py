"""The protocol of reporters, which turn a report into lines of text. A new one is a new module and a line in TABLE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, Protocol, cast

from msgspec import Struct

from frostline.errors import ErrorGroup, FrostlineError
from frostline.model import Finding, Origin
from frostline.rules import Rule


class Problem(Struct, frozen=True, kw_only=True):
    """An error that ended the run, as a value. status: its exit status."""

    message: str
    status: int
    origin: Origin | None = None
    help: str | None = None


class Report(Struct, frozen=True, kw_only=True):
    """What a run found.

    findings: sorted by `Finding.sort_key`. errors: in the order in which they occurred.
    plan: JSON values (schemas/plan.schema.json); None if the run made no plan.
    rules: the rules by name, for reporters that describe them (`DESCRIBES_RULES`); it may lack rules of findings.
    """

    findings: tuple[Finding, ...] = ()
    errors: tuple[Problem, ...] = ()
    plan: Mapping[str, Any] | None = None
    rules: Mapping[str, Rule] = {}


class Reporter(Protocol):
    """The module of a reporter. It may omit what has a default here."""

    DESCRIBES_RULES: bool = False
    """Whether `lines` uses `Report.rules`."""

    def lines(self, report: Report, *, color: bool = False) -> Iterator[str]:
        """Yield the report's lines, without line ends.

        Text from servers and files is escaped as the format needs it. color: whether to use ANSI colors.
        """


TABLE: Mapping[str, str] = {
    "text": "frostline.reporters.text",
    "json": "frostline.reporters.json",
    "github": "frostline.reporters.github",
    "markdown": "frostline.reporters.markdown",
    "sarif": "frostline.reporters.sarif",
    "junit": "frostline.reporters.junit",
}


def reporter_module(name: str) -> Reporter:
    """Return the module of this format, imported on first use. Raises KeyError if there is no such format."""
    return cast(Reporter, import_module(TABLE[name]))


def describes_rules(name: str) -> bool:
    """Whether reports in this format describe the rules."""
    return bool(getattr(reporter_module(name), "DESCRIBES_RULES", False))


def subject_text(finding: Finding) -> str:
    """Return the (service, version) of the finding, not escaped; "" if it is about the whole registry."""
    if finding.service is None:
        return ""
    return finding.service if finding.version is None else f"{finding.service} {finding.version}"


def report_of(
    findings: Iterable[Finding] = (),
    errors: Iterable[FrostlineError] = (),
    plan: Mapping[str, Any] | None = None,
    rules: Mapping[str, Rule] | None = None,
) -> Report:
    """Make a report: findings are sorted, and an ErrorGroup is replaced by the errors in it."""
    problems = tuple(problem for error in errors for problem in _problems(error))
    return Report(findings=tuple(sorted(findings, key=Finding.sort_key)), errors=problems, plan=plan, rules=rules or {})


def _problems(error: FrostlineError) -> Iterator[Problem]:
    if isinstance(error, ErrorGroup):
        for member in error.errors:
            yield from _problems(member)
    else:
        yield Problem(message=error.message, status=error.status, origin=error.origin, help=error.help)
