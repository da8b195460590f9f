from __future__ import annotations

import json
from typing import Any

import pytest

from frostline.errors import UsageError
from frostline.pipeline.load.config_schema import assembled_schema, schema_for, schema_lines
from frostline.resources import resource_folder, schema_text

KEYS = {"properties": {"depth": {"type": "integer"}}}
DOCUMENT = {
    "sources": {"a": {"type": "consul"}, "b": {"type": "dns"}},
    "checks": {"tidy": {}},
    "outputs": [{"type": "yaml"}, {"type": "graph"}],
}


@pytest.fixture
def install(install_entries: Any) -> Any:
    return lambda **module: install_entries(sources={"dns": module}, outputs={"graph": module}, checks={"tidy": module})


def test_the_committed_schema_is_assembled_from_the_rooms_and_written_for_people() -> None:
    written = (resource_folder("schemas") / "config.schema.json").read_text(encoding="utf-8")
    assert json.loads(written) == assembled_schema(), "run `make schemas`"
    assert written == schema_lines(json.loads(written)) + "\n"


def test_every_reference_of_the_schema_leads_to_a_definition() -> None:
    schema = assembled_schema()
    names = {part.split('"')[0] for part in json.dumps(schema).split('"#/$defs/')[1:]}
    assert names <= schema["$defs"].keys()


@pytest.mark.parametrize(
    "document", [None, [], {"sources": []}, {"sources": {"a": 1}, "outputs": {}, "checks": 3}, DOCUMENT]
)
def test_without_plug_ins_the_schema_is_the_committed_one(document: Any) -> None:
    assert schema_for(document) == schema_text("config")


def test_plug_ins_without_a_schema_add_nothing(install: Any) -> None:
    install()
    assert schema_for(DOCUMENT) == schema_text("config")


def test_plug_ins_in_use_add_their_keys(install: Any) -> None:
    install(SCHEMA=KEYS)
    parts = json.loads(schema_for(DOCUMENT))["$defs"]
    source, output = parts["source"]["allOf"], parts["output"]["allOf"]
    assert source[-1]["then"] == {
        "additionalProperties": False,
        "properties": {"type": {"const": "dns"}, "depth": {"type": "integer"}},
    }
    assert "dns" in source[-2]["if"]["properties"]["type"]["not"]["enum"]
    assert output[-1]["if"]["properties"] == {"type": {"const": "graph"}}
    assert output[-1]["then"]["properties"].keys() >= {"type", "path", "name", "prefer", "depth"}
    assert parts["checks"]["properties"]["tidy"] == KEYS


def test_plug_ins_that_no_configuration_names_are_not_even_loaded(install_entries: Any) -> None:
    install_entries(sources={"other": {"SCHEMA": "none"}})
    assert schema_for(DOCUMENT) == schema_text("config")
    with pytest.raises(UsageError, match="the source `other` of theirs"):
        schema_for({"sources": {"b": {"type": "other"}}})


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"properties": {"a": {"type": "strng"}}}, "it is not a JSON Schema"),
        ({"properties": {"a": {"$ref": "#/$defs/nothing"}}}, "it is not a JSON Schema"),
        ({"properties": {"a": {"$ref": "https://example.com/schema"}}}, "it is not a JSON Schema"),
        ({"properties": []}, "`properties` must be a dict"),
        ({"required": "depth"}, "`required` must be a list"),
        ({"properties": {"a": print}}, "SCHEMA failed: TypeError"),
        ([], "`SCHEMA` must be a Mapping, not a list"),
    ],
)
def test_a_plug_in_with_an_invalid_schema_is_named(install: Any, schema: Any, said: str) -> None:
    install(SCHEMA=schema)
    with pytest.raises(UsageError, match="of theirs") as caught:
        schema_for(DOCUMENT)
    assert said in caught.value.message
