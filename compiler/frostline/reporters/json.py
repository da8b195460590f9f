"""Reports for programs: one JSON document (schemas/report.schema.json), in ASCII."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from frostline.canonical import origin_value
from frostline.model import Finding
from frostline.reporters.base import Problem, Report

FORMAT = "frostline.report/1"


def lines(report: Report, *, color: bool = False) -> Iterator[str]:
    """Yield the document's lines. `color` is ignored. Every text reads back unchanged."""
    yield from document_lines(report_value(report))


def report_value(report: Report) -> dict[str, Any]:
    """Return the report as JSON values."""
    return {
        "format": FORMAT,
        "errors": [_problem_value(problem) for problem in report.errors],
        "findings": [_finding_value(finding) for finding in report.findings],
    }


def document_lines(value: Any) -> Iterator[str]:
    """Yield a JSON document's lines, in ASCII."""
    # GitHub and Azure take `##` in a log for the start of a command. In JSON it can occur in strings only.
    text = json.dumps(value, indent=2, ensure_ascii=True).replace("##", "#\\u0023")
    yield from text.split("\n")


def _finding_value(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "service": finding.service,
        "version": finding.version,
        "message": finding.message,
        "value": finding.value,
        "origin": origin_value(finding.origin),
        "help": finding.help,
    }


def _problem_value(problem: Problem) -> dict[str, Any]:
    return {
        "status": problem.status,
        "message": problem.message,
        "origin": origin_value(problem.origin),
        "help": problem.help,
    }
