from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from frostline.checks.base import Context
from frostline.checks.schema.check import MOST_FOR_SERVICE, findings, pointer
from frostline.model import FileOrigin, InstanceOrigin
from frostline.settings import CheckSettings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


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


@pytest.mark.parametrize(
    "meta",
    [
        {"additionalProperties": {"pattern": "^([a-z]+)+$"}},
        {"patternProperties": {"^([a-z]+)+$": {"maxLength": 1}}, "additionalProperties": False},
        {"patternProperties": {"^([a-z]+)+$": {}}, "unevaluatedProperties": False},
    ],
)
def test_a_pattern_that_tries_everything_is_worded_at_once(
    checked: Any, registry: Any, endpoint: Any, meta: Any
) -> None:
    text = "a" * 60 + "!"
    schema = every_endpoint({"properties": {"meta": meta}})
    assert len(checked(schema, registry(a={"v1": [endpoint(meta={text: text})]}))) == 1


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
