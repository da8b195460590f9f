"""JUnit XML, as CI servers read it: one suite with a test case for each error and finding, or one case that passes.

An error that ended the run is an `error`, and a finding of severity error a `failure`. A warning is a case that passes,
with its text in `system-out`. The document holds no time and no host name. XML 1.0 cannot hold control characters, so
we escape them.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from frostline.model import FileOrigin, Finding, Origin
from frostline.reporters.base import Problem, Report, subject_text
from frostline.text import escape_for_log

_SUITE = "frostline"


def lines(report: Report, *, color: bool = False) -> Iterator[str]:
    """Yield the document's lines. `color` is ignored."""
    failures = sum(finding.severity == "error" for finding in report.findings)
    cases = [*map(_problem_case, report.errors), *map(_finding_case, report.findings)]
    if not cases:
        cases = [ElementTree.Element("testcase", classname=_SUITE, name="registry")]
    counts = {"tests": str(len(cases)), "failures": str(failures), "errors": str(len(report.errors))}
    suites = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(suites, "testsuite", {"name": _SUITE, **counts})
    suite.extend(cases)
    ElementTree.indent(suites)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield from ElementTree.tostring(suites, encoding="unicode").split("\n")


def _problem_case(problem: Problem) -> ElementTree.Element:
    case = _case("run", problem.message, problem.origin)
    _child(case, "error", problem.message, problem.help, problem.origin)
    return case


def _finding_case(finding: Finding) -> ElementTree.Element:
    subject = subject_text(finding)
    case = _case(finding.rule, subject or finding.value or "registry", finding.origin)
    if finding.severity == "error":
        _child(case, "failure", finding.message, finding.help, finding.origin)
    else:
        ElementTree.SubElement(case, "system-out").text = _text(
            f"warning: {finding.message}", finding.help, finding.origin
        )
    return case


def _case(rule: str, name: str, origin: Origin | None) -> ElementTree.Element:
    attributes = {"classname": f"{_SUITE}.{escape_for_log(rule)}", "name": escape_for_log(name)}
    if isinstance(origin, FileOrigin):
        attributes |= {"file": escape_for_log(origin.path), "line": str(origin.line)}
    return ElementTree.Element("testcase", attributes)


def _child(case: ElementTree.Element, kind: str, message: str, help: str | None, origin: Origin | None) -> None:
    child = ElementTree.SubElement(case, kind, message=escape_for_log(message), type=kind)
    child.text = _text(message, help, origin)


def _text(message: str, help: str | None, origin: Origin | None) -> str:
    parts = [f"{origin}: {message}" if origin is not None else message, *([f"help: {help}"] if help else [])]
    return " | ".join(map(escape_for_log, parts))
