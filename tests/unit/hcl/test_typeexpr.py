"""Type expressions."""

from __future__ import annotations

import re

import pytest

from frostline.hcl.nodes import (
    Call,
    Expression,
    Literal,
    ObjectOf,
    Traversal,
    TupleOf,
)
from frostline.hcl.source import HclError, Source
from frostline.hcl.syntax import parse_expression
from frostline.hcl.typeexpr import parse_type
from frostline.hcl.values import (
    DYNAMIC,
    NUMBER,
    STRING,
    Type,
    list_of,
    string,
)


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
def test_type_expressions_are_parsed(expression: Expression, expected: Type) -> None:
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "there is no type `nonsense`"),
        ("list", "`list` needs an argument"),
        ("string(a)", "the type `string` takes no arguments"),
        ("list(string, string)", "`list` takes one argument"),
        ("object(string)", "`object` takes names with their types"),
        ("object({a = string, a = string})", "the attribute `a` is defined twice"),
        ('object({"a" = string})', "bare names"),
        ("tuple(string)", "`tuple` takes the elements' types"),
        ("optional(string)", "only for attributes"),
        ("object({a = optional(string, 1)})", "takes one argument"),
        ("1", "this is not a type"),
    ],
)
def test_an_invalid_type_expression_is_refused(text: str, message: str) -> None:
    source = Source("f.hcl", text.encode())
    with pytest.raises(HclError, match=re.escape(message)):
        parse_type(parse_expression(source), source, exact=False)
