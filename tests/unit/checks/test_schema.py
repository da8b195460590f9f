from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frostline.checks.base import Context
from frostline.checks.schema import MOST_FOR_SERVICE, findings, load, pointer
from frostline.errors import ErrorGroup, UsageError
from frostline.model import FileOrigin, Finding, InstanceOrigin
from frostline.settings import CheckSettings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """`written(schema, name="schemas/ours.json")`: the schema (or text, or bytes) as a file inside the root."""

    def write(schema: Any, name: str = "schemas/ours.json") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(schema, bytes):
            path.write_bytes(schema)
        else:
            path.write_text(schema if isinstance(schema, str) else json.dumps(schema), encoding="utf-8")
        return path

    return write


@pytest.fixture
def checked(written: Any, context: Context, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Finding]]:
    """`checked(schema, registry)`: what breaks this schema alone; the built-in one takes everything."""
    monkeypatch.setattr("frostline.checks.schema.schema_text", lambda name: b'{"$defs": {"service": true}}')

    def check(schema: Any, registry: Any) -> list[Finding]:
        return list(findings(registry, CheckSettings(schema=(written(schema),)), context))

    return check


@pytest.fixture
def refused(written: Any, tmp_path: Path) -> Callable[..., UsageError]:
    """`refused(schema)`: the error that loading it raises."""

    def refuse(schema: Any) -> UsageError:
        with pytest.raises(UsageError) as raised:
            load([written(schema)], tmp_path)
        assert raised.value.help
        assert str(tmp_path) not in str(raised.value.origin)
        return raised.value

    return refuse


def every_endpoint(schema: Any) -> dict[str, Any]:
    return {"additionalProperties": {"properties": {"endpoints": {"items": schema}}}}


def test_a_registry_that_frostline_makes_fits_the_built_in_schema(registry: Any, endpoint: Any, context: Any) -> None:
    seen = registry(
        payments={"v1": [endpoint(tags=("api",), meta={"a": "b"})], "v2": []},
        sendgrid={None: [endpoint(datacenter="", node="", id="", address="api.sendgrid.example", port=443)]},
        odd={"v1": [endpoint(port=0, address="", weight=0)]},
    )
    assert list(findings(seen, CheckSettings(), context)) == []


def test_a_value_that_the_registrys_format_forbids_breaks_the_built_in_schema(registry: Any, endpoint: Any) -> None:
    context = Context(value_of=lambda versions: {"v1": {"url": 5, "endpoints": "none"}}, root=Path("/"))
    found = list(findings(registry(a={"v1": [endpoint()]}), CheckSettings(), context))
    assert found
    assert all("registry.schema.json" in finding.message for finding in found)


def test_a_finding_names_version_place_reason_schema_and_the_instance(
    checked: Any, registry: Any, endpoint: Any
) -> None:
    schema = every_endpoint({"properties": {"port": {"maximum": 1000}}})
    seen = registry(payments={"v1": [endpoint(port=80), endpoint(id="b")]}, ledger={None: [endpoint(id="c")]})
    by_service = {finding.service: finding for finding in checked(schema, seen)}
    found = by_service["payments"]
    assert (found.rule, found.version, found.value) == ("schema", "v1", "8080")
    assert (
        "`/v1/endpoints/1/port` violates schemas/ours.json: 8080 is greater than the maximum of 1000" in found.message
    )
    assert found.origin == InstanceOrigin("mesh", "dc1", "", "n1", "b")
    assert "schemas/ours.json" in (found.help or "")
    assert (by_service["ledger"].version, by_service["ledger"].origin.id) == (None, "c")


def test_a_service_without_endpoints_that_breaks_a_schema_points_at_the_schema(checked: Any, registry: Any) -> None:
    (found,) = checked({"required": ["v9"]}, registry(a={"v1": []}))
    assert found.origin == FileOrigin("schemas/ours.json")
    assert found.message.startswith("`/` violates")


def test_a_broken_service_has_a_bounded_number_of_findings(checked: Any, registry: Any, endpoint: Any) -> None:
    seen = registry(a={"v1": [endpoint(port=port + 1) for port in range(100)]})
    found = checked(every_endpoint({"properties": {"port": {"const": 0}}}), seen)
    assert len(found) == MOST_FOR_SERVICE + 1
    assert f"more than {MOST_FOR_SERVICE} places" in found[-1].message


def test_messages_quote_long_values_shortened(checked: Any, registry: Any, endpoint: Any) -> None:
    seen = registry(a={"v1": [endpoint(meta={"note": "x" * 100_000, "k" * 100_000: ""})]})
    schema = every_endpoint(
        {"properties": {"meta": {"properties": {"note": {"maxLength": 9}}, "additionalProperties": False}}}
    )
    found = checked(schema, seen)
    assert len(found) == 2
    assert all(len(finding.message) < 600 and len(finding.value or "") <= 80 for finding in found)


@pytest.mark.parametrize("schema", [False, {"not": {}}])
def test_whole_services_are_not_quoted(schema: Any, checked: Any, registry: Any, endpoint: Any) -> None:
    (found,) = checked(schema, registry(a={"v1": [endpoint()]}))
    assert "10.0.0.1" not in found.message


def test_patterns_that_only_the_deciding_validator_knows_are_worded_too(
    checked: Any, registry: Any, endpoint: Any
) -> None:
    schema = every_endpoint({"properties": {"address": {"pattern": r"^\p{L}+$"}, "port": {"maximum": 1}}})
    found = checked(schema, registry(a={"v1": [endpoint()]}))
    assert len(found) == 2
    assert checked(schema, registry(a={"v1": [endpoint(address="é", port=1)]})) == []


def test_half_a_surrogate_pair_is_a_finding(checked: Any, registry: Any, endpoint: Any) -> None:
    schema = every_endpoint({"properties": {"meta": {"additionalProperties": {"pattern": "^x"}}}})
    found = checked(schema, registry(a={"v1": [endpoint(meta={"k": "\ud800"})]}))
    assert {finding.service for finding in found} == {"a"}
    assert "surrogate" in found[0].message


def test_hostile_names_are_found_by_their_pointer(checked: Any, registry: Any, endpoint: Any) -> None:
    seen = registry(**{"a/b~c": {"v1/~\n": [endpoint()]}})
    (found,) = checked(every_endpoint({"required": ["owner"]}), seen)
    assert (found.service, found.version) == ("a/b~c", "v1/~\n")
    assert "`/v1~1~0\n/endpoints/0`" in found.message


def test_a_pointer_escapes_slashes_and_tildes() -> None:
    assert pointer(["a/b", "~", 0]) == "/a~1b/~0/0"


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
        ({"pattern": "["}, "`/pattern`"),
        ({"$ref": "#/$defs/nothing"}, "/$defs/nothing"),
        ({"$ref": "nothing.json"}, "does not exist"),
        ({"$ref": "%00.json"}, "does not exist"),
        ({"$ref": "."}, "does not exist"),
        ({"$ref": "http://[bad"}, "http://[bad"),
        ({"$id": 5}, "`/$id`"),
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
