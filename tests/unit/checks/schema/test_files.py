"""Schema files: what they refer to is read from inside the root, and never from a network."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from frostline.checks.schema.check import load
from frostline.errors import ErrorGroup
from frostline.model import FileOrigin

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def every_endpoint(schema: Any) -> dict[str, Any]:
    return {"additionalProperties": {"properties": {"endpoints": {"items": schema}}}}


@pytest.mark.parametrize("own", [None, "https://ours.example/schemas/ours.json", "renamed.json"])
def test_a_reference_to_a_file_beside_it_is_followed(
    own: str | None, written: Any, checked: Any, registry: Any, endpoint: Any
) -> None:
    written({"$defs": {"endpoint": {"$ref": "deeper/port.json"}}}, "schemas/common parts.json")
    written({"properties": {"port": {"maximum": 1}}}, "schemas/deeper/port.json")
    schema = every_endpoint({"$ref": "common%20parts.json#/$defs/endpoint"}) | ({"$id": own} if own else {})
    if own and own.startswith("https:"):
        written({"properties": {"port": {"maximum": 1}}}, "schemas/port.json")
        written({"$defs": {"endpoint": {"$ref": "port.json"}}}, "schemas/common parts.json")
    (found,) = checked(schema, registry(a={"v1": [endpoint()]}))
    assert "8080 is greater than the maximum of 1" in found.message


def test_references_within_the_schema_and_to_its_dialect_need_no_file(
    checked: Any, registry: Any, endpoint: Any
) -> None:
    schema = {
        "$schema": DIALECT,
        "$id": "https://ours.example/a.json",
        "allOf": [{"$ref": "https://ours.example/a.json#/$defs/none"}, {"$ref": "#/$defs/none"}],
        "anyOf": [{"$ref": DIALECT}, True],
        "$defs": {"none": {"maxProperties": 0}},
    }
    assert len(checked(schema, registry(a={"v1": [endpoint()]}))) == 2


@pytest.mark.parametrize(
    "reference",
    [
        "http://127.0.0.1:{port}/x.json",
        "https://127.0.0.1:{port}/x.json",
        "//127.0.0.1:{port}/x.json",
        "file://127.0.0.1:{port}/x.json",
        "ftp://127.0.0.1:{port}/x.json",
    ],
)
def test_no_reference_is_fetched(reference: str, refused: Any) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0)
        error = refused({"$ref": reference.format(port=server.getsockname()[1])})
        assert "never fetched" in error.message
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    "reference", ["../../outside.json", "file:///etc/hostname", "link.json", "..%2f..%2foutside.json", "loop.json"]
)
def test_no_reference_leaves_the_root(reference: str, refused: Any, tmp_path: Path) -> None:
    folder = tmp_path / "schemas"
    folder.mkdir()
    (folder / "link.json").symlink_to("/etc/hostname")
    (folder / "loop.json").symlink_to("loop.json")
    assert "refers to" in refused({"$ref": reference}).message


def test_a_root_behind_a_symbolic_link_is_the_root(written: Any, tmp_path: Path) -> None:
    written(True, "real/schemas/b.json")
    written({"$ref": "b.json"}, "real/schemas/a.json")
    (tmp_path / "root").symlink_to("real")
    assert load([tmp_path / "root/schemas/a.json"], tmp_path / "root")[0].accepts({})


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ('{\n  "a": }', "not JSON"),
        ("", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        ('{"a": 1, "a": 2}', "`a` occurs twice"),
        ('{"maximum": NaN}', "`NaN`"),
        ('{"not":' * 100_000, "nested too deeply"),
        ([], "at `/`"),
        ({"type": 5}, "`/type`"),
        ({"properties": {"a": {"minimum": "x"}}}, "`/properties/a/minimum`"),
        ({"pattern": "["}, "at `/"),
        ({"$ref": "#/$defs/nothing"}, "/$defs/nothing"),
        ({"$ref": "nothing.json"}, "does not exist"),
        ({"$ref": "%00.json"}, "does not exist"),
        ({"$ref": "."}, "does not exist"),
        ({"$ref": "http://[bad"}, "http://[bad"),
        ({"$id": 5}, "`/$id`"),
        ({"$id": "http://[bad"}, "`$id` is not a URI"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "draft-07"),
        ({"$schema": ["x"]}, "dialect"),
    ],
)
def test_a_file_that_is_no_schema_is_a_usage_error_at_the_file(schema: Any, word: str, refused: Any) -> None:
    error = refused(schema)
    assert error.origin.path == "schemas/ours.json"
    assert word in error.message


def test_a_syntax_error_is_reported_where_it_is(refused: Any) -> None:
    assert refused('{\n  "a": }').origin == FileOrigin("schemas/ours.json", 2, 8)


def test_a_wrong_file_that_a_schema_refers_to_is_named(written: Any, refused: Any) -> None:
    written("{", "schemas/common.json")
    assert refused({"$ref": "common.json"}).origin.path == "schemas/common.json"


def test_missing_files_and_folders_are_reported_together(tmp_path: Path) -> None:
    with pytest.raises(ErrorGroup) as raised:
        load([tmp_path / "none.json", tmp_path], tmp_path)
    assert [str(error.origin) for error in raised.value.errors] == ["none.json:1:1", ".:1:1"]
