"""Calls: arguments, places of errors, and the functions that take expressions."""

from __future__ import annotations

import pytest

from frostline.hcl.conversion import ConversionError
from frostline.hcl.evaluation import Scope, evaluate
from frostline.hcl.functions.base import Function, FunctionError, Parameter
from frostline.hcl.nodes import (
    Call,
    Expression,
    For,
    Literal,
    Traversal,
    TupleOf,
)
from frostline.hcl.number import NumberError
from frostline.hcl.source import HclError
from frostline.hcl.values import (
    FALSE,
    NULL,
    STRING,
    TRUE,
    Value,
    number,
    string,
    tuple_value,
)

from .conftest import refused, scope

HUNDRED = Literal(0, tuple_value([number(index) for index in range(100)]))


def failure(expression: Expression, where: Scope) -> tuple[str, int, str | None]:
    with pytest.raises(HclError) as caught:
        evaluate(expression, where)
    return caught.value.message, caught.value.place.column or 0, caught.value.help


def test_an_unknown_function_is_reported_with_a_suggestion() -> None:
    where = scope({"upper": Function((), lambda: NULL)})
    assert failure(Call(2, "uper", (), end=8), where) == ("there is no function `uper`", 3, "did you mean `upper`?")
    assert failure(Call(2, "convrt", (), end=8), where)[2] == "did you mean `convert`?"


def test_a_function_blames_the_argument_or_the_call() -> None:
    def blame(argument: int | None) -> Function:
        def fail(*_: Value) -> Value:
            raise FunctionError("no reason", argument)

        return Function((Parameter("text", STRING),), fail, Parameter("more"))

    functions = {"first": blame(0), "third": blame(2), "absent": blame(7), "whole": blame(None)}
    arguments = (Literal(10, string("a")), Literal(20, string("b")), Literal(30, string("c")))
    places = {name: failure(Call(5, name, arguments, end=40), scope(functions)) for name in functions}
    assert {name: column for name, (_, column, _) in places.items()} == {
        "first": 11,
        "third": 31,
        "absent": 6,
        "whole": 6,
    }
    assert places["first"][0] == "call to `first` failed: no reason"


def test_errors_of_numbers_and_conversions_in_a_function_are_those_of_the_call() -> None:
    def raising(error: Exception) -> Function:
        def fail() -> Value:
            raise error

        return Function((), fail)

    functions = {"number": raising(NumberError("too large")), "convert_": raising(ConversionError("no text"))}
    assert failure(Call(5, "number", (), end=9), scope(functions))[:2] == ("call to `number` failed: too large", 6)
    assert failure(Call(5, "convert_", (), end=9), scope(functions))[:2] == ("call to `convert_` failed: no text", 6)


def test_a_null_is_refused_unless_the_parameter_takes_it() -> None:
    functions = {
        "some": Function((Parameter("text", STRING),), lambda value: value),
        "any": Function((Parameter("text", STRING, null=True),), lambda value: value),
    }
    argument = (Literal(10, NULL),)
    assert failure(Call(5, "some", argument, end=20), scope(functions)) == (
        "`text` of `some` must not be null",
        11,
        None,
    )
    assert evaluate(Call(5, "any", argument, end=20), scope(functions)) == Value(STRING, None)


def test_an_expanded_argument_gives_its_elements() -> None:
    functions = {"pair": Function((Parameter("a"), Parameter("b")), lambda a, b: tuple_value([b, a]))}
    pair = TupleOf(8, (Literal(9, number(1)), Literal(12, number(2))))
    assert evaluate(Call(2, "pair", (pair,), expand=True, end=16), scope(functions)) == tuple_value(
        [number(2), number(1)]
    )
    for value, message in ((NULL, "this is null"), (TRUE, "this is a bool")):
        node = Call(2, "pair", (Literal(8, value),), expand=True, end=16)
        assert failure(node, scope(functions))[:2] == (f"`...` needs a sequence, but {message}", 9)


def test_a_wrong_number_of_arguments_is_refused() -> None:
    functions = {"pair": Function((Parameter("a"), Parameter("b")), lambda a, b: a)}
    few, many = (Literal(8, TRUE),), (Literal(8, TRUE), Literal(9, TRUE), Literal(10, TRUE))
    assert failure(Call(2, "pair", few, end=16), scope(functions))[:2] == (
        "`pair` takes 2 arguments: `b` is missing",
        16,
    )
    assert failure(Call(2, "pair", many, end=16), scope(functions))[:2] == ("`pair` takes no more than 2 arguments", 11)


def test_try_returns_the_first_value_and_can_tells_whether_there_is_one() -> None:
    wrong = Traversal(3, "nothing")
    assert evaluate(Call(0, "try", (wrong, Literal(9, TRUE)), end=20), scope()) == TRUE
    assert evaluate(Call(0, "can", (wrong,), end=20), scope()) == FALSE
    assert evaluate(Call(0, "can", (Literal(9, NULL),), end=20), scope()) == TRUE
    assert "the first: there is no variable `nothing`" in failure(Call(0, "try", (wrong,), end=20), scope())[0]


def test_convert_reads_its_second_argument_as_a_type() -> None:
    node = Call(0, "convert", (Literal(8, number(5)), Traversal(11, "string")), end=20)
    assert evaluate(node, scope()) == string("5")
    node = Call(0, "convert", (Literal(8, string("x")), Traversal(11, "number")), end=20)
    assert failure(node, scope())[:2] == ("call to `convert` failed: a number is required", 9)


@pytest.mark.parametrize("name", ["try", "can"])
def test_try_and_can_do_not_catch_a_budget_error(name: str) -> None:
    node: Expression = Literal(0, string("x"))
    for variable in "abcdefgh":
        node = For(0, None, variable, HUNDRED, node)
    refused(Call(0, name, (node,), end=1), scope())
