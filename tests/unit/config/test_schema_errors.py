from __future__ import annotations

import json
from typing import Any

import pytest

from frostline.config.schema_errors import SchemaError, schema_errors
from frostline.config.yaml_reader import read_yaml

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "number": {"type": "integer", "minimum": 1, "maximum": 9},
        "word": {"enum": ["left", "right"]},
        "list": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "pattern": "^[a-z]*$", "x-expected": "a word"},
        },
        "flag": {"type": "boolean"},
    },
}


def errors_of(text: str, schema: dict[str, Any] = SCHEMA) -> list[SchemaError]:
    return schema_errors(read_yaml(text.encode(), "f.yaml"), json.dumps(schema).encode())


def test_a_valid_document_has_no_errors() -> None:
    assert errors_of("name: a\nnumber: 9\nword: left\nlist: [a]\nflag: true\n") == []


@pytest.mark.parametrize(
    ("text", "said", "help"),
    [
        ("nam: b", "f.yaml:2:1: unknown key `nam`", "did you mean `name`?"),
        ("number: 10", "f.yaml:2:9: `number` must be between 1 and 9, not 10", "write a number in these bounds"),
        ("number: '1'", "f.yaml:2:9: `number` must be a whole number, not the string `1`", "remove the quotes"),
        ("word: lft", "f.yaml:2:7: `word` must be `left` or `right`, not `lft`", "did you mean `left`?"),
        ("list: []", "f.yaml:2:7: `list` is empty", "write at least one item"),
        ("list: [A]", "f.yaml:2:8: an item of `list` must be a word, not `A`", None),
        ('list: ["a\\n"]', "f.yaml:2:8: an item of `list` must be a word, not `a\n`", None),
        (
            "flag: yes",
            "f.yaml:2:7: `flag` must be true or false, not the string `yes`",
            "write true or false, without quotes",
        ),
        ("flag:", "f.yaml:2:1: `flag` has no value", "give it one, or remove it"),
    ],
)
def test_an_invalid_value_is_reported_with_its_origin_and_a_help_line(text: str, said: str, help: str | None) -> None:
    (found,) = errors_of(f"name: a\n{text}\n")
    assert f"{found.error.origin}: {found.error.message}" == said
    assert found.error.help is not None
    assert help in (found.error.help, None)
    assert not found.usable


def test_a_mapping_without_a_required_key_is_still_usable() -> None:
    (found,) = errors_of("number: 1\n")
    assert found.error.message == "the configuration needs `name`"
    assert (found.path, found.usable) == ((), True)


def test_each_value_has_one_error() -> None:
    assert len(errors_of("name: 1\nnumber: x\nword: 3\nlist: {}\nflag: 0\n")) == 5


LONG = "a" * 40 + "!"
ENDLESS = ["^(a+)+$", "^(a|aa)+$(?!x)", "^(a|aa)+$(?=)"]
"""Patterns that Python's `re` would try on LONG for longer than anybody waits."""


@pytest.mark.parametrize("pattern", ENDLESS)
def test_a_pattern_of_a_plug_in_is_matched_with_a_limit(pattern: str) -> None:
    (found,) = errors_of(
        f"name: {LONG}", {"properties": {"name": {"pattern": pattern, "type": "string", "x-expected": "short"}}}
    )
    assert found.error.message == f"`name` must be short, not `{LONG}`"
    (key,) = errors_of(f"{LONG}: 1", {"patternProperties": {pattern: {"type": "string"}, "!$": {"type": "string"}}})
    assert key.error.message == f"`{LONG}` must be a string, not the number 1"
    for keyword in ("additionalProperties", "unevaluatedProperties"):
        (other,) = errors_of(f"{LONG}: 1", {"patternProperties": {"^(a+)+$": True}, keyword: False})
        assert ("unknown key" in other.error.message, keyword in other.error.message) in ((True, False), (False, True))


def test_a_key_that_matches_a_pattern_of_a_plug_in_is_known() -> None:
    schema = {
        "properties": {"name": {}},
        "patternProperties": {r"^\p{Lu}": {"type": "integer"}},
        "additionalProperties": False,
    }
    assert errors_of("name: a\nÄ: 1\n", schema) == []
    (found,) = errors_of("name: a\nÄ: 1\nb: 1\n", schema)
    assert found.error.message == "unknown key `b`"
    more = {**schema, "additionalProperties": {"type": "boolean"}}
    (found,) = errors_of("name: a\nÄ: 1\nb: 1\n", more)
    assert found.error.message == "`b` must be true or false, not the number 1"


def test_a_key_that_is_not_evaluated_is_refused_where_definitions_evaluate_others() -> None:
    schema = {
        "$defs": {"named": {"properties": {"name": {"type": "string"}}}},
        "properties": {"a": {"$ref": "#/$defs/named", "unevaluatedProperties": False}},
    }
    assert errors_of("a: {name: x}\n", schema) == []
    (found,) = errors_of("a: {name: x, other: 1}\n", schema)
    assert str(found.error.origin) == "f.yaml:1:4"


NESTED: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type"],
    "properties": {
        "type": {"type": "string"},
        "select": {"$ref": "#/$defs/select"},
        "keep": {"type": "object", "properties": {"tags": {}, "ids": {}}},
    },
    "$defs": {"select": {"type": "object", "properties": {"services": {}, "tags": {}}}},
}


@pytest.mark.parametrize(
    ("key", "help"),
    [
        ("services", "did you mean `select.services`?"),
        ("ids", "did you mean `keep.ids`?"),
        ("tags", "the keys here are `keep`, `select` and `type`"),
    ],
)
def test_a_key_that_belongs_one_level_down_is_said_with_its_place(key: str, help: str) -> None:
    (found,) = errors_of(f"type: a\n{key}: 1\n", NESTED)
    assert (found.error.message, found.error.help) == (f"unknown key `{key}`", help)


def test_a_colon_without_a_space_is_said_where_the_key_is_missing() -> None:
    (found,) = [error for error in errors_of("{type:consul}\n", NESTED) if error.usable]
    assert found.error.message == "`type:consul` has no space after the colon"
    assert found.error.help == "write `type: …`"
