from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from frostline.checks import base as checks
from frostline.outputs import base as outputs
from frostline.pipeline.config_schema import assembled_schema, schema_for, schema_lines
from frostline.resources import resource_folder, schema_text
from frostline.sources import base as sources

KEYS = {"properties": {"depth": {"type": "integer"}}}
DOCUMENT = {
    "sources": {"a": {"type": "consul"}, "b": {"type": "dns"}},
    "checks": {"tidy": {}},
    "outputs": [{"type": "yaml"}, {"type": "graph"}],
}


class Entry:
    """An installed entry point."""

    def __init__(self, name: str, **module: Any) -> None:
        self.name = name
        self.module = SimpleNamespace(**module)

    def load(self) -> Any:
        return self.module


def install(monkeypatch: pytest.MonkeyPatch, **module: Any) -> None:
    for room, name in ((sources, "dns"), (outputs, "graph"), (checks, "tidy")):
        monkeypatch.setattr(room, "entry_points", lambda group, name=name: [Entry(name, **module)])


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


def test_plug_ins_without_a_schema_add_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    assert schema_for(DOCUMENT) == schema_text("config")


def test_plug_ins_in_use_add_their_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, SCHEMA=KEYS)
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


def test_plug_ins_that_no_configuration_names_are_not_even_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Entry):
        def load(self) -> Any:
            raise ImportError

    monkeypatch.setattr(sources, "entry_points", lambda group: [Broken("other")])
    assert schema_for(DOCUMENT) == schema_text("config")
