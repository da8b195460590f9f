"""Variables of scopes, and the budget of steps."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from frostline.hcl.evaluation import Budget, BudgetError, Scope, evaluate
from frostline.hcl.functions.base import Function, Parameter
from frostline.hcl.nodes import (
    Binary,
    Call,
    Conditional,
    Expression,
    For,
    Literal,
    Parenthesized,
    Splat,
    Template,
    Traversal,
    TupleOf,
)
from frostline.hcl.source import Source
from frostline.hcl.values import STRING, TRUE, number, string, tuple_value

from .conftest import refused, scope

HUNDRED = Literal(0, tuple_value([number(index) for index in range(100)]))


@pytest.fixture(autouse=True)
def within_seconds() -> Iterator[None]:
    began = time.process_time()
    yield
    assert time.process_time() - began < 3


def test_an_inner_variable_hides_the_outer_one_and_leaves_the_others() -> None:
    outer = scope(a=string("outer"), b=string("b"))
    inner = outer.child({"a": string("inner")})
    both = TupleOf(0, (Traversal(0, "a"), Traversal(0, "b")))
    assert evaluate(both, inner) == tuple_value([string("inner"), string("b")])
    assert evaluate(both, outer) == tuple_value([string("outer"), string("b")])


def test_a_value_that_doubles_again_and_again_is_refused() -> None:
    def grow(where: Scope) -> None:
        for _ in range(64):
            where = where.child({"v": evaluate(TupleOf(0, (Traversal(0, "v"), Traversal(0, "v"))), where)})

    with pytest.raises(BudgetError, match="takes more than"):
        grow(scope(v=string("x")))


def test_a_text_that_doubles_again_and_again_is_refused() -> None:
    def grow(where: Scope) -> None:
        for _ in range(64):
            where = where.child({"v": evaluate(Template(0, (Traversal(0, "v"), Traversal(0, "v"))), where)})

    with pytest.raises(BudgetError, match="takes more than"):
        grow(scope(v=string("x" * 16)))


def test_a_too_deeply_nested_value_is_refused() -> None:
    def nest(where: Scope) -> None:
        for _ in range(200):
            where = where.child({"v": evaluate(TupleOf(0, (Traversal(0, "v"),)), where)})

    with pytest.raises(BudgetError, match="more than 100 levels"):
        nest(scope(v=string("x")))


def test_a_too_deeply_nested_expression_is_refused() -> None:
    node: Expression = Literal(0, number(1))
    for _ in range(100_000):
        node = Parenthesized(0, node)
    refused(node, scope(), "nested too deeply")
    for _ in range(1000):
        node = Binary(0, "+", node, Literal(0, number(1)))
    refused(node, scope(), "nested too deeply")


def test_arguments_and_results_of_functions_take_steps() -> None:
    functions = {
        "big": Function((), lambda: string("x" * 1_000_000)),
        "small": Function((Parameter("text", STRING),), lambda _text: string("")),
    }
    refused(For(0, None, "x", HUNDRED, Call(0, "big", ())), scope(functions))
    refused(For(0, None, "x", HUNDRED, Call(0, "small", (Call(0, "big", ()),))), scope(functions))


def test_a_conditional_does_not_hide_a_budget_error_in_the_other_result() -> None:
    node: Expression = Literal(0, string("x"))
    for variable in "abcdefgh":
        node = For(0, None, variable, HUNDRED, node)
    refused(Conditional(0, Literal(0, TRUE), Literal(0, string("x")), node), scope())


def test_all_expressions_of_a_file_share_the_budget() -> None:
    budget = Budget(1000)
    where = Scope(Source("job.hcl", b"x"), {}, {}, budget=budget)
    loop = For(0, None, "x", HUNDRED, Traversal(0, "x"))
    for _ in range(9):
        evaluate(loop, where)
    refused(loop, where, "takes more than 1000 steps")


def test_a_splat_over_a_large_value_takes_steps() -> None:
    node = For(0, None, "x", Literal(0, tuple_value([number(1)] * 10_000)), Splat(0, HUNDRED))
    refused(node, scope())
