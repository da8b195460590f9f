"""Scopes, placeholders, calls and types: what the recorded expressions leave open."""

from __future__ import annotations

import pytest

from frostline.hcl.conversion import ConversionError, convert
from frostline.hcl.evaluation import Scope, evaluate
from frostline.hcl.functions.base import Function, FunctionError, Parameter
from frostline.hcl.nodes import (
    Binary,
    Call,
    Expression,
    For,
    GetAttr,
    GetIndex,
    InnerSplat,
    Literal,
    ObjectOf,
    Splat,
    Traversal,
    TupleOf,
)
from frostline.hcl.number import NumberError
from frostline.hcl.source import HclError, Source
from frostline.hcl.typeexpr import parse_type
from frostline.hcl.values import (
    DYNAMIC,
    NULL,
    NUMBER,
    STRING,
    TRUE,
    Type,
    Value,
    list_of,
    number,
    object_value,
    string,
    tuple_value,
)
from frostline.sources.jobspec.placeholders import placeholder

TEXT = Literal(0, string("text"))


def scope(functions: dict[str, Function] | None = None, data: bytes = b"x" * 50, **variables: Value) -> Scope:
    return Scope(Source("job.hcl", data), variables, functions or {})


def failure(expression: Expression, where: Scope) -> tuple[str, int, str | None]:
    with pytest.raises(HclError) as caught:
        evaluate(expression, where)
    return caught.value.message, caught.value.place.column or 0, caught.value.hint


def test_an_inner_variable_hides_the_outer_one_and_leaves_the_others() -> None:
    outer = scope(a=string("outer"), b=string("b"))
    inner = outer.child({"a": string("inner")})
    both = TupleOf(0, (Traversal(0, "a"), Traversal(0, "b")))
    assert evaluate(both, inner) == tuple_value([string("inner"), string("b")])
    assert evaluate(both, outer) == tuple_value([string("outer"), string("b")])


def test_an_unknown_variable_is_named_with_the_nearest_one() -> None:
    where = scope(variable=TRUE).child({"value": TRUE})
    assert failure(Traversal(3, "varable"), where) == ("there is no variable `varable`", 4, "did you mean `variable`?")
    assert failure(Traversal(3, "q"), where) == ("there is no variable `q`", 4, None)
    assert failure(Traversal(3, "v" * 1_000_000), where)[2] is None


def test_an_unknown_function_is_named_with_the_nearest_one() -> None:
    where = scope({"upper": Function((), lambda: NULL)})
    assert failure(Call(2, "uper", (), end=8), where) == ("there is no function `uper`", 3, "did you mean `upper`?")
    assert failure(Call(2, "convrt", (), end=8), where)[2] == "did you mean `convert`?"


@pytest.mark.parametrize(
    ("text", "steps", "expected"),
    [
        ("${NOMAD_X}", (), "${NOMAD_X}"),
        ("NOMAD_X", (), "${NOMAD_X}"),
        ("${ NOMAD_X }", (), "${ NOMAD_X }"),
        ("${NOMAD_X}}", (), "${NOMAD_X}}"),
        ("${NOMAD_X.a-b}", (GetAttr(9, "a-b"),), "${NOMAD_X.a-b}"),
        ('${NOMAD_X["a]b"]}', (GetIndex(9, Literal(10, string("a]b"))),), '${NOMAD_X["a]b"]}'),
        ("${NOMAD_X[ 0 ]}", (GetIndex(9, Literal(11, number(0))),), "${NOMAD_X[ 0 ]}"),
        ("${NOMAD_X.10.y}", (GetIndex(9, Literal(10, number(10))),), "${NOMAD_X.10}"),
    ],
)
def test_what_only_the_client_knows_stays_as_it_is_written(
    text: str, steps: tuple[GetAttr | GetIndex, ...], expected: str
) -> None:
    data = f'"{text}"\n'.encode()
    node = Traversal(data.index(b"NOMAD"), "NOMAD_X", steps)
    # The steps' offsets above count from the text, which stands behind a quote.
    shift = {
        GetAttr: lambda step: GetAttr(step.offset + 1, step.name),
        GetIndex: lambda step: GetIndex(step.offset + 1, step.key),
    }
    node = Traversal(node.offset, node.root, tuple(shift[type(step)](step) for step in steps))
    assert placeholder(node, Source("job.hcl", data)).data == expected


def test_a_placeholder_ends_before_a_computed_index() -> None:
    data = b"${node[key]}\n"
    where = Scope(Source("job.hcl", data), {"key": number(0)}, {}, placeholder)
    node = Traversal(2, "node", (GetIndex(6, Traversal(7, "key")),))
    assert failure(node, where) == ("a value of type string has no elements", 7, None)


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


def test_a_splat_in_a_splat_makes_sequences_of_sequences() -> None:
    def items(*names: int) -> Value:
        return object_value({"b": tuple_value([object_value({"c": number(name)}) for name in names])})

    node = Splat(0, Traversal(0, "a"), (GetAttr(0, "b"), InnerSplat(0, (GetAttr(0, "c"),))))
    result = evaluate(node, scope(a=tuple_value([items(1, 2), items(3)])))
    assert result == tuple_value([tuple_value([number(1), number(2)]), tuple_value([number(3)])])


def test_objects_are_sorted_by_key_and_loops_follow_that_order() -> None:
    node = ObjectOf(0, ((Literal(0, string("b")), TEXT), (Literal(0, string("a")), TEXT)))
    keys = For(0, "k", "v", node, Traversal(0, "k"))
    assert evaluate(keys, scope()) == tuple_value([string("a"), string("b")])


def test_arithmetic_beyond_reason_is_an_error_where_it_stands() -> None:
    large = Literal(3, convert(string("1e9000"), NUMBER))
    assert failure(Binary(9, "*", large, large), scope())[:2] == ("the number is too large", 4)


def named(name: str, *arguments: Expression) -> Expression:
    return Call(0, name, arguments, end=4) if arguments else Traversal(0, name)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (named("string"), STRING),
        (named("any"), DYNAMIC),
        (named("list", named("number")), list_of(NUMBER)),
        (named("tuple", TupleOf(0, (named("string"), named("number")))), Type("tuple", elements=(STRING, NUMBER))),
        (
            named("object", ObjectOf(0, ((Literal(0, string("a")), named("optional", named("string"))),))),
            Type("object", attributes={"a": STRING}, optional=frozenset({"a"})),
        ),
    ],
)
def test_types_are_read(expression: Expression, expected: Type) -> None:
    assert parse_type(expression, Source("job.hcl", b"list(string)"), exact=False) == expected


def test_a_variable_has_an_exact_type() -> None:
    source = Source("job.hcl", b"list(string)")
    optional = named("object", ObjectOf(0, ((Literal(0, string("a")), named("optional", named("string"))),)))
    for expression in (named("any"), named("list", named("any")), optional):
        with pytest.raises(HclError):
            parse_type(expression, source, exact=True)
    deep: Expression = named("string")
    for _ in range(5000):
        deep = named("list", deep)
    with pytest.raises(HclError, match="nested too deeply"):
        parse_type(deep, source, exact=True)
