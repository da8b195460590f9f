"""Keys of class parameters: which keys a pattern makes, what their values are, and what cannot be a key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hiera_settings import parameter_keys

from frostline.config.cursor import Cursor
from frostline.model import Endpoint, Entry, FileOrigin, Finding, Key, Registry, registry_of
from frostline.outputs.hiera.keys import class_keys, read_keys
from frostline.outputs.hiera_data import layout_of
from frostline.outputs.values import endpoint_values

PLACE = FileOrigin("frostline.yaml", 9, 5)


def endpoint(url: str, address: str = "10.0.0.1", port: int = 8080, **more: Any) -> Endpoint:
    return Endpoint(url=url, address=address, port=port, source="mesh", **more)


def entry(*endpoints: Endpoint, chosen: int = 0) -> Entry:
    return Entry(url=endpoints[chosen].url if endpoints else None, endpoints=endpoints, sources=("mesh",))


LAYOUT = layout_of({}, "frostline", "yaml")


def values_of(registry: Registry, keys: Mapping[str, Any]) -> dict[str, Any]:
    made, findings = class_keys(registry, parameter_keys(keys), LAYOUT, PLACE)
    assert findings == []
    return {key: value(registry) for key, value in made.items()}


def findings_of(registry: Registry, keys: Mapping[str, Any]) -> list[Finding]:
    _, findings = class_keys(registry, parameter_keys(keys), LAYOUT, PLACE)
    assert all(finding.origin and finding.help for finding in findings)
    return findings


def role(service: str, version: str | None = None, value: str = "url") -> dict[str, str]:
    return {"service": service, "value": value} | ({"version": version} if version else {})


PAYMENTS = entry(endpoint("http://10.0.0.1:8080/v1"), endpoint("http://10.1.0.2:8081/v1", "10.1.0.2", 8081), chosen=1)
REGISTRY = registry_of(
    {
        Key("count-api", "v1"): entry(endpoint("http://10.0.0.3:1/v1", "10.0.0.3", 1)),
        Key("billing", None): entry(endpoint("https://billing.example", "billing.example", 443)),
        Key("ledger", None): entry(),
        Key("payments", "v1"): PAYMENTS,
        Key("payments", "v2"): entry(),
    }
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("url", "http://10.1.0.2:8081/v1"),
        ("address", "10.1.0.2"),
        ("port", 8081),
        ("addresses", ["10.0.0.1", "10.1.0.2"]),
        ("urls", ["http://10.0.0.1:8080/v1", "http://10.1.0.2:8081/v1"]),
        ("endpoints", endpoint_values(PAYMENTS)),
    ],
)
def test_a_value_is_that_of_the_chosen_endpoint_or_of_all(value: str, expected: object) -> None:
    assert values_of(REGISTRY, {"{service}::x": value})["payments::x"] == expected
    assert values_of(REGISTRY, {"a::b": role("payments", "v1", value)}) == {"a::b": expected}


def test_an_address_with_several_ports_is_one_of_the_addresses() -> None:
    registry = registry_of({Key("x", None): entry(endpoint("http://x:1"), endpoint("http://x:2", port=2))})
    assert values_of(registry, {"a::b": role("x", value="addresses")}) == {"a::b": ["10.0.0.1"]}


def test_what_has_no_endpoint_has_no_key() -> None:
    assert set(values_of(REGISTRY, {"{service}::url": "url"})) == {"billing::url", "count_api::url", "payments::url"}


def test_a_pattern_with_a_version_is_for_versioned_ones_only() -> None:
    assert set(values_of(REGISTRY, {"{service}::{version}": "port"})) == {"count_api::v1", "payments::v1"}


def test_keys_are_sorted_whatever_the_order_of_the_patterns() -> None:
    keys = {"z::{service}": "url", "a::{service}": "url"}
    assert list(values_of(REGISTRY, keys)) == sorted(values_of(REGISTRY, dict(reversed(keys.items()))))


def test_two_that_would_have_one_key_are_a_finding_that_names_both() -> None:
    registry = registry_of(
        {Key(name, version): entry(endpoint("http://x")) for name in ("a-b", "a_b") for version in (None, "v1")}
    )
    findings = findings_of(registry, {"{service}::url": "url"})
    assert {finding.severity for finding in findings} == {"error"}
    assert [(finding.rule, finding.service, finding.version, finding.value) for finding in findings] == [
        ("hiera-key-collision", "a-b", "v1", "a_b::url"),
        ("hiera-key-collision", "a_b", None, "a_b::url"),
        ("hiera-key-collision", "a_b", "v1", "a_b::url"),
    ]
    assert "`a-b` `unversioned`" in findings[1].message
    assert "`a_b` `unversioned`" in findings[1].message


def test_two_patterns_that_meet_are_a_finding_that_names_both() -> None:
    registry = registry_of({Key("x", "v1"): entry(endpoint("http://x"))})
    keys = {"{service}::x": "url", "x::{service}": "port"}
    (finding,) = findings_of(registry, keys)
    assert finding.rule == "hiera-key-collision"
    assert all(f"`{pattern}`" in finding.message for pattern in keys)


@pytest.mark.parametrize(
    ("service", "pattern"), [("frostline", "{service}::index"), ("x", "frostline::service::{service}")]
)
def test_a_key_of_frostlines_own_is_a_finding(service: str, pattern: str) -> None:
    (finding,) = findings_of(registry_of({Key(service, None): entry(endpoint("http://x"))}), {pattern: "url"})
    assert finding.rule == "hiera-key-collision"
    assert "frostline's own data" in finding.message


@pytest.mark.parametrize("name", ["A", "a.b", "a b", "é", "1a", "a::b::", "%{x}", "../..", "lookup-options", "a\n"])
def test_a_name_that_no_class_parameter_can_have_gets_no_key_and_a_warning(name: str) -> None:
    registry = registry_of({Key(key, None): entry(endpoint("http://x")) for key in (name, "ok")})
    (finding,) = findings_of(registry, {"{service}": "url"})
    assert (finding.rule, finding.severity, finding.service) == ("hiera-key", "warning", name)
    keys, _ = class_keys(registry, parameter_keys({"{service}": "url"}), LAYOUT, PLACE)
    assert list(keys) == ["ok"]


def test_a_role_is_a_key_for_one_service_whatever_its_name() -> None:
    hostile = "%{x}'\"::\n"
    registry = registry_of({Key(hostile, hostile): entry(endpoint("http://x")), Key("y", None): entry()})
    assert values_of(registry, {"a::b": role(hostile, hostile)}) == {"a::b": "http://x"}


def test_a_role_without_a_version_is_for_the_service_without_one() -> None:
    assert values_of(REGISTRY, {"a::b": role("billing")}) == {"a::b": "https://billing.example"}
    (finding,) = findings_of(REGISTRY, {"a::b": role("payments")})
    assert (finding.rule, finding.severity, finding.service, finding.version) == (
        "hiera-role",
        "error",
        "payments",
        None,
    )


@pytest.mark.parametrize(
    ("wanted", "help_line"),
    [
        (role("paymnts", "v1"), "did you mean `payments`?"),
        (role("x"), "correct the service or its version"),
        (role("payments", "v3"), "its versions are `v1` and `v2`"),
        (role("payments"), "its versions are `v1` and `v2`"),
        (role("count-api"), "its version is `v1`"),
        (role("billing", "v1"), "leave `version` out for the one without a version"),
    ],
)
def test_a_role_for_what_is_not_there_is_an_error_that_says_what_is(wanted: dict[str, str], help_line: str) -> None:
    (finding,) = findings_of(REGISTRY, {"a::b": wanted})
    assert (finding.rule, finding.severity, finding.value) == ("hiera-role", "error", "a::b")
    assert finding.origin == FileOrigin("frostline.yaml", 1, 8)
    assert help_line in (finding.help or "")


def test_a_role_for_what_has_no_endpoint_gets_no_key_and_a_warning() -> None:
    (finding,) = findings_of(REGISTRY, {"a::b": role("ledger")})
    assert (finding.rule, finding.severity, finding.service) == ("hiera-role-empty", "warning", "ledger")
    assert class_keys(REGISTRY, parameter_keys({"a::b": role("ledger")}), LAYOUT, PLACE)[0] == {}


def test_a_role_and_a_pattern_that_meet_are_a_finding_that_names_both_whatever_their_order() -> None:
    keys = {"p::{service}::url": "url", "p::payments::url": role("billing")}
    for written in (keys, dict(reversed(keys.items()))):
        (finding,) = findings_of(REGISTRY, written)
        assert (finding.rule, finding.severity) == ("hiera-key-collision", "error")
        assert "`payments` `v1` by `p::{service}::url` and `billing` `unversioned` by its role" in finding.message


def test_a_role_with_a_key_of_frostlines_own_is_a_finding() -> None:
    (finding,) = findings_of(REGISTRY, {"frostline::index": role("billing")})
    assert "frostline's own data" in finding.message


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ('{"profile::{name}::url": url}', "{name}"),
        ('{"profile::{service[a]}::url": url}', "{service[a]}"),
        ('{"profile::{service": url}', "character 10"),
        ('{"profile::}": url}', "character 10"),
        ('{"Profile::{service}": url}', "not the name of a class parameter"),
        ('{"a.{service}": url}', "not the name of a class parameter"),
        ('{"::{service}": url}', "not the name of a class parameter"),
        ("{lookup_options: url}", "not the name of a class parameter"),
        ("{lookup_options: {service: x, value: url}}", "not the name of a class parameter"),
        ('{"a.b": {service: x, value: url}}', "not the name of a class parameter"),
        ('{"a\\n": {service: x, value: url}}', "not the name of a class parameter"),
        ('{"A::b": {service: x, value: url}}', "not the name of a class parameter"),
        ('{"a::{service}": {service: x, value: url}}', "has a placeholder, but a role is for one service"),
        ('{"a::{": {service: x, value: url}}', "has a placeholder, but a role is for one service"),
    ],
)
def test_what_is_no_class_parameter_is_a_mistake_of_the_configuration(
    cursor: Callable[[str], Cursor], written: str, says: str
) -> None:
    keys = cursor(written)
    read_keys(keys)
    (error,) = keys.state.errors
    assert says in error.message
    assert error.origin == FileOrigin("f.yaml", 1, 7)
    assert error.help
