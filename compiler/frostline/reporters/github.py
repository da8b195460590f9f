"""Annotations for GitHub Actions: a workflow command for each error and finding, errors first.

GitHub shows ten errors and ten warnings of a step; we print all. Data and properties are escaped as the runner's
toolkit does (actions/toolkit, command.ts), so that text from a server or a file cannot end its line or start a command.
"""

from __future__ import annotations

from collections.abc import Iterator

from frostline.model import FileOrigin, Finding, Origin
from frostline.reporters.base import Problem, Report, subject_text
from frostline.text import escape_for_log

LONGEST = 4000
"""Characters of a message: an annotation shows no more, and a log line has a limit."""


def lines(report: Report, *, color: bool = False) -> Iterator[str]:
    """Yield the workflow commands. `color` is ignored."""
    for problem in report.errors:
        yield _problem_command(problem)
    for finding in report.findings:
        yield _finding_command(finding)


def _problem_command(problem: Problem) -> str:
    return _command("error", problem.origin, "frostline", problem.message, problem.help)


def _finding_command(finding: Finding) -> str:
    subject = subject_text(finding)
    message = f"{subject}: {finding.message}" if subject else finding.message
    return _command(finding.severity, finding.origin, finding.rule, message, finding.help)


def _command(word: str, origin: Origin | None, title: str, message: str, help: str | None) -> str:
    properties: dict[str, str] = {}
    if isinstance(origin, FileOrigin):
        properties = {"file": origin.path, "line": str(origin.line), "col": str(origin.column)}
    elif origin is not None:
        message = f"{origin}: {message}"
    properties["title"] = title
    joined = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = message if help is None else f"{message}\nhelp: {help}"
    if len(text) > LONGEST:
        text = f"{text[: LONGEST - 1]}…"
    return f"::{word} {joined}::{_data(text)}"


def _data(text: str) -> str:
    """Escape each line of the text, and join them with the runner's escape of a line feed."""
    escaped = (escape_for_log(line).replace("%", "%25").replace("\r", "%0D") for line in text.split("\n"))
    return "%0A".join(escaped)


def _property(text: str) -> str:
    return escape_for_log(text).replace("%", "%25").replace("\r", "%0D").replace(":", "%3A").replace(",", "%2C")
