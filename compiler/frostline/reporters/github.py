"""Annotations for GitHub Actions: a workflow command for each error and finding, errors first.

GitHub shows ten errors and ten warnings of a step; all are printed. Data and properties are escaped as the runner's
toolkit does it (actions/toolkit, command.ts), so that no text of a server or a file ends its line or opens another.
"""

from __future__ import annotations

from collections.abc import Iterator

from frostline.model import FileOrigin, Finding, Origin
from frostline.reporters.base import Problem, Report, subject_text
from frostline.text import escape_for_log

LONGEST = 4000
"""Characters of a message; a log line has a limit, and no annotation shows more."""


def lines(report: Report, *, colour: bool = False) -> Iterator[str]:
    """The commands' lines; the same with and without colour."""
    for problem in report.errors:
        yield _of_problem(problem)
    for finding in report.findings:
        yield _of_finding(finding)


def _of_problem(problem: Problem) -> str:
    return _command("error", problem.origin, "frostline", problem.message, problem.help)


def _of_finding(finding: Finding) -> str:
    subject = subject_text(finding)
    message = f"{subject}: {finding.message}" if subject else finding.message
    return _command(finding.severity, finding.origin, finding.rule, message, finding.help)


def _command(word: str, origin: Origin | None, title: str, message: str, advice: str | None) -> str:
    properties: dict[str, str] = {}
    if isinstance(origin, FileOrigin):
        properties = {"file": origin.path, "line": str(origin.line), "col": str(origin.column)}
    elif origin is not None:
        message = f"{origin}: {message}"
    properties["title"] = title
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = message if advice is None else f"{message}\nhelp: {advice}"
    if len(text) > LONGEST:
        text = f"{text[: LONGEST - 1]}…"
    return f"::{word} {listed}::{_data(text)}"


def _data(text: str) -> str:
    """Every line harmless by itself, joined by the runner's own escape of a new line."""
    shown = (escape_for_log(line).replace("%", "%25").replace("\r", "%0D") for line in text.split("\n"))
    return "%0A".join(shown)


def _property(text: str) -> str:
    return escape_for_log(text).replace("%", "%25").replace("\r", "%0D").replace(":", "%3A").replace(",", "%2C")
