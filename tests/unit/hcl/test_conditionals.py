"""Conditionals: the common type of their results, and errors in the result that is not chosen."""

from __future__ import annotations

import pytest

from frostline.hcl.evaluation import evaluate
from frostline.hcl.source import HclError, Source
from frostline.hcl.syntax import parse_expression
from frostline.hcl.values import STRING, Value, number, string

from .conftest import scope


def value_of(text: str) -> Value:
    return evaluate(parse_expression(Source("a.hcl", text.encode())), scope())


def test_the_chosen_result_is_converted_to_the_type_of_both() -> None:
    assert value_of('true ? 1 : "a"') == string("1")
    assert value_of("false ? 1 : null").type == number(1).type


@pytest.mark.parametrize("failed", ["1 / null", "missing", "[missing]", '"${missing}"'])
def test_an_error_in_the_other_result_is_ignored(failed: str) -> None:
    assert value_of(f"true ? null : {failed}").data is None
    with pytest.raises(HclError):
        value_of(f"false ? null : {failed}")


def test_a_failed_template_makes_the_other_result_a_string() -> None:
    assert value_of('true ? 1 : "a${missing}"').type is STRING


def test_results_without_a_common_type_are_refused() -> None:
    with pytest.raises(HclError, match="both results must have the same type, but they are tuple and number"):
        value_of("true ? [] : 1")


@pytest.mark.parametrize(("condition", "problem"), [("null", "but this is null"), ('"a"', "a bool is required")])
def test_a_condition_must_be_true_or_false(condition: str, problem: str) -> None:
    with pytest.raises(HclError, match=problem):
        value_of(f"{condition} ? 1 : 2")
