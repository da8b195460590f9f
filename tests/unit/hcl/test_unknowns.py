"""Unknown values, as in HCL: a result that depends on one is unknown, and others are known."""

from __future__ import annotations

import pytest

from frostline.hcl.evaluation import Scope, evaluate
from frostline.hcl.functions.table import function_table
from frostline.hcl.source import HclError, Source
from frostline.hcl.syntax import parse_expression
from frostline.hcl.unknowns import causes_in, unknown
from frostline.hcl.values import DYNAMIC, STRING, Value, list_of, map_of, object_value, string, tuple_value

VARIABLES = {
    "any": unknown(DYNAMIC, ["any"]),
    "text": unknown(STRING, ["text"]),
    "list": unknown(list_of(STRING), ["list"]),
    "map": unknown(map_of(STRING), ["map"]),
    "half": tuple_value([string("a"), unknown(STRING, ["half"])]),
    "object": object_value({"known": string("k"), "not": unknown(STRING, ["object"])}),
}


def value(text: str) -> Value:
    source = Source("a.hcl", text.encode())
    return evaluate(parse_expression(source), Scope(source, VARIABLES, function_table()))


@pytest.mark.parametrize(
    ("text", "type_name", "causes"),
    [
        ("any", "dynamic", {"any"}),
        ("any.x[0]", "dynamic", {"any"}),
        ("list[0]", "string", {"list"}),
        ("map.x", "string", {"map"}),
        ("[1, 2][any]", "dynamic", {"any"}),
        ("list[*]", "list of string", {"list"}),
        ("any[*].x", "dynamic", {"any"}),
        ("any + 1", "number", {"any"}),
        ("-any", "number", {"any"}),
        ("!any", "bool", {"any"}),
        ("any == text", "bool", {"any", "text"}),
        ("half == half", "bool", {"half"}),
        ("any == null", "bool", {"any"}),
        ("any && true", "bool", {"any"}),
        ("any < 1", "bool", {"any"}),
        ('any ? "a" : "b"', "string", {"any"}),
        ('true ? text : "b"', "string", {"text"}),
        ('"x-${text}"', "string", {"text"}),
        ('"${any}"', "dynamic", {"any"}),
        ('"%{ if any }a%{ endif }"', "string", {"any"}),
        ('"%{ for x in list }${x}%{ endfor }"', "string", {"list"}),
        ('"%{ for x in half }${x}%{ endfor }"', "string", {"half"}),
        ("[for x in list : x]", "dynamic", {"list"}),
        ("[for x in half : x if x == text]", "dynamic", {"text"}),
        ("{for x in half : x => 1}", "dynamic", {"half"}),
        ("{(text) = 1}", "dynamic", {"text"}),
        ("upper(any)", "dynamic", {"any"}),
        ('join(",", half)', "dynamic", {"half"}),
        ("max(list...)", "dynamic", {"list"}),
        ("try(any.x, 1)", "dynamic", {"any"}),
        ("can(any.x)", "bool", {"any"}),
        ("convert(any, string)", "string", {"any"}),
        ("setunion(half, half)", "dynamic", {"half"}),
        ("uuidv4()", "string", {"uuidv4()"}),
        ("upper(uuidv4())", "dynamic", {"uuidv4()"}),
    ],
)
def test_the_result_of_an_operation_on_an_unknown_value_is_unknown(text: str, type_name: str, causes: set[str]) -> None:
    found = value(text)
    assert found.is_unknown
    assert str(found.type) == type_name
    assert causes_in(found) == causes


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("half[0]", '"a"'),
        ("object.known", '"k"'),
        ("false && any", "false"),
        ("any || true", "true"),
        ('true ? "a" : text', '"a"'),
        ("length(half)", "2"),
        ("length([any])", "1"),
        ("concat(half, [1])[2]", "1"),
        ('lookup(object, "known", 1)', '"k"'),
        ("merge(object, {x = 1}).x", "1"),
        ("keys(object)", '["known", "not"]'),
        ("[for x in half : 1]", "[1, 1]"),
        ("element(half, 0)", '"a"'),
        ("slice(half, 0, 1)", '["a"]'),
        ('try(object.absent, "else")', '"else"'),
        ("can(object.absent)", "false"),
    ],
)
def test_a_result_that_does_not_depend_on_an_unknown_value_is_known(text: str, same: str) -> None:
    assert value(text) == value(same)
    assert not causes_in(value(text))


@pytest.mark.parametrize(
    "text", ["text.x", "text[0]", "-half", "[for x in text : x]", "any.x ? 1 : [", "map + 1", "text ? [] : {}"]
)
def test_an_error_for_any_value_is_an_error_for_an_unknown_one(text: str) -> None:
    with pytest.raises(HclError):
        value(text)


def test_a_sequence_of_unknown_values_knows_what_they_depend_on() -> None:
    assert causes_in(value("[half, object, 1]")) == {"half", "object"}
    assert not value("[half]").is_unknown
