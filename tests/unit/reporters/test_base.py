from __future__ import annotations

import inspect

import pytest

from frostline.errors import ErrorGroup, SourceError, UsageError
from frostline.model import Finding
from frostline.reporters.base import TABLE, Problem, Report, Reporter, report_of, reporter_module, subject_text

ERROR = Finding(rule="a", message="no")
WARNING = Finding(rule="a", message="no", severity="warning")


@pytest.mark.parametrize("name", TABLE)
def test_every_reporter_has_the_function_of_the_protocol(name: str) -> None:
    protocol = inspect.signature(Reporter.lines).parameters
    assert list(inspect.signature(reporter_module(name).lines).parameters) == [*protocol][1:]


def test_an_unknown_format_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        reporter_module("nosuch")


def test_a_report_has_findings_sorted_and_the_errors_of_a_group_one_by_one() -> None:
    errors = [ErrorGroup([SourceError("x"), ErrorGroup([UsageError("y", help="z")])])]
    assert report_of([WARNING, ERROR], errors) == Report(
        findings=(ERROR, WARNING),
        errors=(Problem(message="x", status=3), Problem(message="y", status=2, help="z")),
    )


@pytest.mark.parametrize(("service", "version", "expected"), [(None, None, ""), ("a", None, "a"), ("a", "v1", "a v1")])
def test_the_subject_is_the_service_and_its_version(service: str | None, version: str | None, expected: str) -> None:
    assert subject_text(Finding(rule="a", message="no", service=service, version=version)) == expected
