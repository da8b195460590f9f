"""SARIF 2.1.0 (OASIS), as code scanning services read it: one run with a result for each error and finding, in ASCII.

It holds no version, no time and no absolute path: the same findings give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from frostline.model import FileOrigin, Finding, Origin
from frostline.reporters.base import Problem, Report, subject_text
from frostline.reporters.json import document_lines
from frostline.rules import Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ERROR = "error"

DESCRIBES_RULES = True


def lines(report: Report, *, color: bool = False) -> Iterator[str]:
    """Yield the document's lines. `color` is ignored."""
    results = [*map(_problem_result, report.errors), *map(_finding_result, report.findings)]
    names = sorted({result["ruleId"] for result in results})
    for result in results:
        result["ruleIndex"] = names.index(result["ruleId"])
    driver = {"name": "frostline", "rules": [_descriptor(name, report.rules.get(name)) for name in names]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": not report.errors}],
        "results": results,
    }
    yield from document_lines({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _descriptor(name: str, rule: Rule | None) -> dict[str, Any]:
    """Describe a rule in SARIF. rule: None if the table lacks it, and for errors that ended the run."""
    if rule is None:
        return {"id": name, "shortDescription": {"text": name.replace("-", " ")}}
    return {
        "id": name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.mend}\n\n{rule.example}"},
        "defaultConfiguration": {"level": rule.severity},
    }


def _problem_result(problem: Problem) -> dict[str, Any]:
    return _result("frostline", _ERROR, problem.message, problem.help, problem.origin, problem.message)


def _finding_result(finding: Finding) -> dict[str, Any]:
    subject = subject_text(finding)
    message = f"{subject}: {finding.message}" if subject else finding.message
    identity = "\0".join((finding.rule, finding.service or "", finding.version or "", finding.value or ""))
    return _result(finding.rule, finding.severity, message, finding.help, finding.origin, identity)


def _result(
    rule: str, level: str, message: str, help: str | None, origin: Origin | None, identity: str
) -> dict[str, Any]:
    text = message if help is None else f"{message}\n{help}"
    return {
        "ruleId": rule,
        "level": level,
        "message": {"text": text},
        "locations": [] if origin is None else [_location(origin)],
        # Identifies the subject, not the line: a finding whose line changes stays the same finding.
        "partialFingerprints": {"frostline/v1": sha256(identity.encode("utf-8", "backslashreplace")).hexdigest()},
    }


def _location(origin: Origin) -> dict[str, Any]:
    if isinstance(origin, FileOrigin):
        return {
            "physicalLocation": {
                "artifactLocation": {"uri": quote(origin.path.encode("utf-8", "backslashreplace"), safe="/")},
                "region": {"startLine": max(origin.line, 1), "startColumn": max(origin.column, 1)},
            }
        }
    return {"logicalLocations": [{"fullyQualifiedName": str(origin)}]}
