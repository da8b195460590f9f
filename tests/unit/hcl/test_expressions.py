"""The parser of expressions."""

from __future__ import annotations

import pytest

from frostline.hcl.nodes import (
    Binary,
    Call,
    Conditional,
    For,
    GetAttr,
    GetIndex,
    InnerSplat,
    Literal,
    ObjectOf,
    Parenthesized,
    Relative,
    Splat,
    Traversal,
    TupleOf,
    Unary,
)
from frostline.hcl.values import Value, number, string

from .conftest import expression, refusal


def test_operators_bind_as_in_hcl() -> None:
    found = expression("1 + 2 * 3 == 7 && !a ? -b : c")
    assert isinstance(found, Conditional)
    assert isinstance(found.condition, Binary)
    assert found.condition.operator == "&&"
    assert isinstance(found.condition.left, Binary)
    assert found.condition.left.operator == "=="
    assert isinstance(found.condition.right, Unary)
    assert isinstance(found.yes, Unary)


def test_steps_belong_to_their_operand() -> None:
    found = expression('a.b[0]["c"].d')
    assert isinstance(found, Traversal)
    assert found.root == "a"
    kinds = [type(step) for step in found.steps]
    assert kinds == [GetAttr, GetIndex, GetIndex, GetAttr]
    assert found.steps[2] == GetIndex(10, Literal(11, string("c")))


def test_an_index_without_brackets_is_a_number() -> None:
    found = expression("a.0.b.5e3")
    assert isinstance(found, Traversal)
    assert [step.key.value for step in found.steps if isinstance(step, GetIndex) and isinstance(step.key, Literal)] == [
        number(0),
        number(5000),
    ]
    assert refusal("x = a.0.1\n").place.column == 7


def test_a_splat_with_brackets_applies_all_further_steps_and_one_with_a_dot_only_names() -> None:
    full = expression("a[*].b[0].c")
    assert isinstance(full, Splat)
    assert [type(step) for step in full.steps] == [GetAttr, GetIndex, GetAttr]
    dotted = expression("a.*.b[0]")
    assert isinstance(dotted, Relative)
    assert isinstance(dotted.subject, Splat)
    assert [type(step) for step in dotted.subject.steps] == [GetAttr]
    assert [type(step) for step in dotted.steps] == [GetIndex]
    twice = expression("a[*].b[*].c")
    assert isinstance(twice, Splat)
    assert isinstance(twice.steps[1], InnerSplat)


def test_for_expressions_have_their_parts() -> None:
    found = expression("{for k, v in m : k => v... if v != 1}")
    assert isinstance(found, For)
    assert (found.key, found.value, found.group) == ("k", "v", True)
    assert found.key_result is not None
    assert found.condition is not None
    plain = expression("[for v in l : v]")
    assert isinstance(plain, For)
    assert (plain.key, plain.key_result, plain.condition) == (None, None, None)


def test_calls_have_their_arguments_and_end() -> None:
    found = expression("f(1, [2]...)")
    assert isinstance(found, Call)
    assert (found.name, len(found.arguments), found.expand, found.end) == ("f", 2, True, 16)
    assert isinstance(found.arguments[1], TupleOf)


def test_parentheses_stay_in_the_tree() -> None:
    assert isinstance(expression("(1)"), Parenthesized)


def test_numbers_of_any_size_are_exact() -> None:
    for text, digits in [("100000000000000000000", 10**20), ("1e5", 10**5), ("1E+2", 100), ("12.50", None)]:
        found = expression(text)
        assert isinstance(found, Literal)
        assert digits is None or found.value.data.value == digits
    assert str(expression("12.50").value.data) == "12.5"  # type: ignore[union-attr]


def test_operators_of_one_level_bind_to_the_left_and_conditionals_to_the_right() -> None:
    difference = expression("1 - 2 - 3")
    assert isinstance(difference, Binary)
    assert isinstance(difference.left, Binary)
    choice = expression("a ? b : c ? d : e")
    assert isinstance(choice, Conditional)
    assert isinstance(choice.no, Conditional)


@pytest.mark.parametrize(
    ("text", "key"),
    [("a = 1", string("a")), ("null : 1", string("null")), ('"a.b" = 1', string("a.b")), ("1 = 1", number(1))],
)
def test_a_bare_name_is_a_key(text: str, key: Value) -> None:
    found = expression(f"{{{text}}}")
    assert isinstance(found, ObjectOf)
    assert isinstance(found.items[0][0], Literal)
    assert found.items[0][0].value == key


def test_a_key_that_could_be_a_name_or_a_value_is_refused() -> None:
    error = refusal("x = {a.b = 1}\n")
    assert (error.place.column, "(a.b)" in str(error.help)) == (6, True)
    assert isinstance(expression("{(a.b) = 1, c[d] = 2}"), ObjectOf)
