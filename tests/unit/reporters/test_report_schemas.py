"""SARIF and JUnit are what their schemas say, whatever servers and files are called."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from frostline.errors import ErrorGroup, SourceError, UsageError
from frostline.model import FileOrigin, Finding, InstanceOrigin
from frostline.reporters import junit, sarif
from frostline.reporters.base import Report, report_of

DATA = Path(__file__).parents[2] / "data" / "reports"
SARIF = jsonschema_rs.Draft202012Validator(
    json.loads((DATA / "sarif.schema.json").read_text(encoding="utf-8")), validate_formats=True
)
JUNIT = xmlschema.XMLSchema11(str(DATA / "junit.xsd"))

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["]]><x/>", "\x00\x1b[31m", "\ud800", "%", "a b", "::error::x", "\u202e", "&amp;<>\"'", "x" * 5_000]
)
ORIGINS = (
    st.none()
    | st.builds(FileOrigin, TEXT, st.integers(1, 10**6), st.integers(1, 10**6))
    | st.builds(InstanceOrigin, TEXT, TEXT, TEXT, TEXT, TEXT)
)
FINDINGS = st.builds(
    Finding,
    rule=TEXT,
    message=TEXT,
    severity=st.sampled_from(["error", "warning"]),
    service=st.none() | TEXT,
    version=st.none() | TEXT,
    value=st.none() | TEXT,
    origin=ORIGINS,
    help=st.none() | TEXT,
)
ERRORS = st.builds(
    lambda kind, text, place, help_text: kind(text, origin=place, help=help_text),
    st.sampled_from([SourceError, UsageError]),
    TEXT,
    st.none() | st.builds(FileOrigin, TEXT),
    st.none() | TEXT,
)


def checked(report: Report) -> None:
    # A lone surrogate is an escape in the document, and nothing that this validator can hold.
    SARIF.validate(json.loads(re.sub(r"\\ud800(?!\\ud[c-f])", "half a surrogate pair", "\n".join(sarif.lines(report)))))
    text = "\n".join(junit.lines(report))
    JUNIT.validate(text.split("\n", 1)[1])
    text.encode()
    counts = JUNIT.to_dict(text.split("\n", 1)[1])
    cases = counts["testsuite"][0]["testcase"]
    assert counts["@tests"] == len(cases) == max(len(report.findings) + len(report.errors), 1)


def test_an_empty_report_fits_the_schemas() -> None:
    checked(report_of())


@given(st.lists(FINDINGS, max_size=3), st.lists(ERRORS, max_size=2))
def test_any_report_fits_the_schemas(findings: list[Finding], errors: list[SourceError]) -> None:
    checked(report_of(findings, [ErrorGroup(errors)] if len(errors) > 1 else errors))


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": "2.1"},
        {"version": "2.1.0", "runs": [{"tool": {"driver": {}}}]},
        {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": [{"level": "fatal"}]}]},
    ],
)
def test_the_schema_of_sarif_refuses_other_documents(wrong: object) -> None:
    assert not SARIF.is_valid(wrong)


@pytest.mark.parametrize("wrong", ["<testsuites/>", '<testsuites tests="1"><testcase name="x"/></testsuites>'])
def test_the_schema_of_junit_refuses_other_documents(wrong: str) -> None:
    assert not JUNIT.is_valid(wrong)
