"""`for` expressions and the `for` of templates."""

from __future__ import annotations

import pytest

from frostline.hcl.evaluation import Scope, evaluate
from frostline.hcl.nodes import (
    Binary,
    Expression,
    For,
    Literal,
    Template,
    TemplateFor,
    Traversal,
)
from frostline.hcl.source import HclError
from frostline.hcl.values import (
    NULL,
    TRUE,
    Value,
    number,
    object_value,
    string,
    tuple_value,
)

from .conftest import refused, scope

HUNDRED = Literal(0, tuple_value([number(index) for index in range(100)]))


def failure(expression: Expression, where: Scope) -> tuple[str, int, str | None]:
    with pytest.raises(HclError) as caught:
        evaluate(expression, where)
    return caught.value.message, caught.value.place.column or 0, caught.value.help


TRUE_NODE = Literal(0, TRUE)
PAIRS = Literal(0, object_value({"b": number(2), "a": number(1)}))


def test_an_object_groups_values_of_one_key_or_refuses_them() -> None:
    grouped = For(0, "k", "v", PAIRS, Traversal(0, "v"), Literal(0, string("x")), None, True)
    assert evaluate(grouped, scope()) == object_value({"x": tuple_value([number(1), number(2)])})
    single = For(0, "k", "v", PAIRS, Traversal(0, "v"), Literal(7, string("x")))
    assert failure(single, scope())[:2] == ("two elements have the key `x`", 8)


def test_a_condition_chooses_elements_and_must_be_true_or_false() -> None:
    def loop(condition: Expression) -> For:
        return For(0, None, "v", PAIRS, Traversal(0, "v"), None, condition)

    assert evaluate(loop(Binary(0, ">", Traversal(0, "v"), Literal(0, number(1)))), scope()) == tuple_value([number(2)])
    assert failure(loop(Literal(5, NULL)), scope())[:2] == (
        "the `if` of a `for` must be true or false, but this is null",
        6,
    )
    assert failure(loop(Literal(5, number(1))), scope())[1] == 6


def test_a_condition_is_checked_even_without_elements() -> None:
    nothing = Literal(0, tuple_value([]))
    assert failure(For(0, None, "v", nothing, TRUE_NODE, None, Literal(5, number(1))), scope())[1] == 6
    mentions = For(0, None, "v", nothing, TRUE_NODE, None, Traversal(5, "v"))
    assert evaluate(mentions, scope()) == tuple_value([])


@pytest.mark.parametrize("value", [NULL, string("ab"), number(1)])
def test_only_collections_are_iterated(value: Value) -> None:
    assert failure(For(0, None, "v", Literal(4, value), TRUE_NODE), scope())[1] == 5


def test_nested_loops_with_too_many_steps_are_refused() -> None:
    node: Expression = Literal(0, string("x"))
    for name in "abcdefgh":
        node = For(0, None, name, HUNDRED, node)
    refused(node, scope())


def test_nested_template_loops_with_too_many_steps_are_refused() -> None:
    node: Expression = Template(0, (Literal(0, string("some text")),))
    for name in "abcdefgh":
        node = Template(0, (TemplateFor(0, None, name, HUNDRED, node),))
    refused(node, scope())
