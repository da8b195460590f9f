"""Values of expressions, and places of errors, against what Nomad's job parser recorded."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from frostline.hcl.conversion import ConversionError, convert
from frostline.hcl.evaluation import Scope, evaluate
from frostline.hcl.functions.table import function_table
from frostline.hcl.nodes import (
    Binary,
    Body,
    Expression,
    For,
    GetAttr,
    InnerSplat,
    Literal,
    ObjectOf,
    Splat,
    Traversal,
)
from frostline.hcl.positions import point
from frostline.hcl.source import HclError, Source
from frostline.hcl.syntax import parse
from frostline.hcl.values import (
    NUMBER,
    STRING,
    TRUE,
    Unknown,
    Value,
    number,
    object_value,
    string,
    tuple_value,
)
from frostline.sources.jobspec.placeholders import placeholder

from .conftest import scope

_DATA = Path(__file__).parents[2] / "data" / "hcl"
_RECORDED = [json.loads((_DATA / name).read_text("utf-8")) for name in ("expressions.json", "evaluation.json")]
_CASES = [
    pytest.param(recorded["preamble"], case, id=case["expression"][:60])
    for recorded in _RECORDED
    for case in recorded["cases"]
]
_FUNCTIONS = function_table()
TEXT = Literal(0, string("text"))


def values_of(body: Body) -> dict[str, Value]:
    """The defaults of the file's variables, and its locals, which the file has in an order that serves."""
    source = body.source
    scope = Scope(source, {}, _FUNCTIONS)
    variables, locals_ = {}, {}
    for block in body.blocks:
        if block.kind == "variable":
            variables[block.labels[0][0]] = evaluate(block.body.attributes["default"].expression, scope)
    for block in body.blocks:
        for name, node in block.body.attributes.items() if block.kind == "locals" else ():
            known = {"var": object_value(variables), "local": object_value(locals_)}
            locals_[name] = evaluate(node.expression, Scope(source, known, _FUNCTIONS))
    return {"var": object_value(variables), "local": object_value(locals_)}


def plain(value: Value) -> Any:
    """The value as JSON has it."""
    data, kind = value.data, value.type.kind
    if data is None or kind in ("string", "bool"):
        return data
    if kind == "number":
        whole = data.whole()
        return whole if whole is not None and abs(whole) < 2**63 else data.to_float()
    if kind in ("map", "object"):
        return {name: plain(item) for name, item in data.items()}
    return [plain(item) for item in data]


def evaluated(preamble: str, expression: str) -> tuple[Value, str]:
    """The value of the expression in the job's meta block, as a string, and the place of the expression."""
    data = f'{preamble}job "j" {{\n  meta {{\n    v     = {expression}\n  }}\n}}\n'.encode()
    body = parse(Source("input.hcl", data))
    node = body.blocks[-1].body.blocks[0].body.attributes["v"].expression
    value = evaluate(node, Scope(body.source, values_of(body), _FUNCTIONS, placeholder))
    place = body.source.place(point(node, body.source))
    return value, f"{place.line}:{place.column}"


def outcome(preamble: str, expression: str) -> tuple[str, str]:
    """("value", the string) or ("error", its place), as the meta block has it."""
    try:
        value, place = evaluated(preamble, expression)
    except HclError as error:
        return "error", f"{error.place.line}:{error.place.column}"
    try:
        text = convert(value, STRING).data
    except ConversionError:
        return "error", place
    if isinstance(text, Unknown):
        return "unknown", min(text.causes).removesuffix("()")
    return ("value", text) if text is not None else ("error", place)


def expected(case: dict[str, Any]) -> tuple[str, str]:
    error = case.get("meta_error")
    if error is None and "meta" not in case:
        return "unknown", case["expression"].split("(")[0]  # a random value, or one that depends on the machine
    if error is None:
        return "value", case["meta"]
    place = re.search(r"(\d+)[,:](\d+)", error)
    assert place
    return "error", f"{place[1]}:{place[2]}"


def failure(expression: Expression, where: Scope) -> tuple[str, int, str | None]:
    with pytest.raises(HclError) as caught:
        evaluate(expression, where)
    return caught.value.message, caught.value.place.column or 0, caught.value.help


@pytest.mark.parametrize(("preamble", "case"), _CASES)
def test_an_expression_is_the_string_or_the_error_that_was_recorded(preamble: str, case: dict[str, Any]) -> None:
    assert outcome(preamble, case["expression"]) == expected(case)


@pytest.mark.parametrize(("preamble", "case"), [case for case in _CASES if "config" in case.values[1]])
def test_an_expression_has_the_value_that_was_recorded(preamble: str, case: dict[str, Any]) -> None:
    value, _place = evaluated(preamble, case["expression"])
    # An object written as such is a list of one in a config block.
    assert case["config"] in (plain(value), [plain(value)])


def test_an_unknown_variable_is_reported_with_a_suggestion() -> None:
    where = scope(variable=TRUE).child({"value": TRUE})
    assert failure(Traversal(3, "varable"), where) == ("there is no variable `varable`", 4, "did you mean `variable`?")
    assert failure(Traversal(3, "q"), where) == ("there is no variable `q`", 4, None)
    assert failure(Traversal(3, "v" * 1_000_000), where)[2] is None


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


def test_a_too_large_number_is_an_error_at_its_expression() -> None:
    large = Literal(3, convert(string("1e9000"), NUMBER))
    assert failure(Binary(9, "*", large, large), scope())[:2] == ("the number is too large", 4)
