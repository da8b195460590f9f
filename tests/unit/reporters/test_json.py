from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from frostline.errors import ErrorGroup, SourceError, UsageError
from frostline.model import FileOrigin, Finding, InstanceOrigin
from frostline.reporters.base import Report, report_of
from frostline.reporters.json import lines
from frostline.resources import schema_text

SCHEMA = json.loads(schema_text("report"))
TEXTS = st.text(st.characters(exclude_categories=()), max_size=30) | st.sampled_from(
    ["\ud800", "\x7f", "##[error]", "###[x", "#" * 9, "\\##", "\x1b", "\u2028", "😀", "</script>"]
)
ORIGINS = st.one_of(
    st.none(),
    st.builds(FileOrigin, TEXTS, st.integers(1, 9), st.integers(1, 9)),
    st.builds(InstanceOrigin, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS),
)
FINDINGS = st.builds(
    Finding,
    rule=TEXTS.filter(bool),
    message=TEXTS,
    severity=st.sampled_from(["error", "warning"]),
    service=st.none() | TEXTS,
    version=st.none() | TEXTS,
    value=st.none() | TEXTS,
    origin=ORIGINS,
    help=st.none() | TEXTS,
)


def value_of(report: Report) -> Any:
    return json.loads("\n".join(lines(report)))


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_a_report_reads_as_documented() -> None:
    errors = ErrorGroup([UsageError("one", origin=FileOrigin("a.yaml", 2, 3), help="do"), SourceError("two")])
    found = Finding(
        rule="ports",
        service="a",
        version="v1",
        message="no",
        value="1",
        severity="warning",
        origin=InstanceOrigin("mesh", "dc1", "", "n1", "a-1"),
    )
    assert value_of(report_of([found], [errors])) == {
        "format": "frostline.report/1",
        "errors": [
            {"status": 2, "message": "one", "origin": {"file": "a.yaml", "line": 2, "column": 3}, "help": "do"},
            {"status": 3, "message": "two", "origin": None, "help": None},
        ],
        "findings": [
            {
                "rule": "ports",
                "severity": "warning",
                "service": "a",
                "version": "v1",
                "message": "no",
                "value": "1",
                "origin": {"source": "mesh", "datacenter": "dc1", "namespace": "", "node": "n1", "id": "a-1"},
                "help": None,
            }
        ],
    }


def test_an_empty_report_is_a_document_too() -> None:
    assert value_of(Report()) == {"format": "frostline.report/1", "errors": [], "findings": []}


@settings(max_examples=60, deadline=None)
@given(st.lists(FINDINGS, max_size=3))
def test_every_text_reads_back_unchanged_fits_the_schema_and_is_harmless(findings: list[Finding]) -> None:
    report = report_of(findings, [UsageError(finding.message, origin=finding.origin) for finding in findings])
    shown = list(lines(report))
    for line in shown:
        assert line.isascii()
        assert line.isprintable()
        assert "##" not in line
    value = json.loads("\n".join(shown))
    assert not list(Draft202012Validator(SCHEMA).iter_errors(value))
    for finding, read in zip(report.findings, value["findings"], strict=True):
        for name in ("rule", "severity", "service", "version", "message", "value", "help"):
            assert read[name] == getattr(finding, name)
        if isinstance(finding.origin, InstanceOrigin):
            assert InstanceOrigin(**read["origin"]) == finding.origin
        elif finding.origin is not None:
            assert FileOrigin(*read["origin"].values()) == finding.origin


@pytest.mark.parametrize("status", [0, 6, "4"])
def test_the_schema_refuses_other_statuses(status: Any) -> None:
    value = value_of(report_of(errors=[SourceError("x")]))
    value["errors"][0]["status"] = status
    assert not Draft202012Validator(SCHEMA).is_valid(value)
