"""Reports for people: a line for each error and finding, each with a help line below it, and the counts at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from frostline.model import Finding, Origin
from frostline.reporters.base import Report
from frostline.text import escape_for_log

LONGEST = 1000
"""Characters shown of one text: some servers hold values of half a megabyte. The JSON report has the whole text."""

MOST_OF_RULE = 20
"""Findings shown of one rule: a fault that ten thousand services share must not hide the others."""

_SHOWN_OF_THE_END = 300

_COLORS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "help": "\x1b[36m"}
_PLAIN = "\x1b[0m"


def lines(report: Report, *, color: bool = False) -> Iterator[str]:
    """Yield the report's lines. Text from servers and files is escaped, shortened and kept on one line."""
    for problem in report.errors:
        yield from _item(_start(problem.origin, "error", "", color), problem.message, problem.help, color)
    shown: Counter[tuple[str, str]] = Counter()
    for finding in report.findings:
        shown[finding.severity, finding.rule] += 1
        if shown[finding.severity, finding.rule] > MOST_OF_RULE:
            continue
        yield from _item(_finding_start(finding, color), finding.message, finding.help, color)
    for (severity, rule), number in sorted(shown.items()):
        if number > MOST_OF_RULE:
            more = f"{severity}[{_display(rule)}]"
            yield f"{_paint(more, severity, color)}: and {number - MOST_OF_RULE} more, which `--format json` lists"
    yield from _count(report)


def line_of(finding: Finding) -> str:
    """Return the first line of this finding, without colors."""
    return next(_item(_finding_start(finding, False), finding.message, None, False))


def _finding_start(finding: Finding, color: bool) -> str:
    start = _start(finding.origin, finding.severity, f"[{_display(finding.rule)}]", color)
    return start + _subject(finding)


def _start(origin: Origin | None, severity: str, rule: str, color: bool) -> str:
    place = "" if origin is None else f"{_display(str(origin))}: "
    return f"{place}{_paint(severity + rule, severity, color)}: "


def _subject(finding: Finding) -> str:
    if finding.service is None:
        return ""
    version = "" if finding.version is None else f" {_display(finding.version)}"
    return f"{_display(finding.service)}{version}: "


def _item(start: str, message: str, help: str | None, color: bool) -> Iterator[str]:
    yield f"{start}{_display(message)}"
    if help is not None:
        yield f"  {_paint('help', 'help', color)}: {_display(help)}"


def _count(report: Report) -> Iterator[str]:
    warnings = sum(1 for finding in report.findings if finding.severity == "warning")
    errors = len(report.errors) + len(report.findings) - warnings
    counts: Sequence[tuple[int, str]] = ((errors, "error"), (warnings, "warning"))
    texts = [f"{number} {word}" if number == 1 else f"{number} {word}s" for number, word in counts if number]
    if texts:
        yield ", ".join(texts)


def _display(text: str) -> str:
    if len(text) > LONGEST:
        # Keep both ends: a message mostly says what is wrong after the long name.
        text = f"{text[: LONGEST - _SHOWN_OF_THE_END - 1]}…{text[-_SHOWN_OF_THE_END:]}"
    return escape_for_log(text)


def _paint(text: str, role: str, color: bool) -> str:
    return f"{_COLORS[role]}{text}{_PLAIN}" if color else text
