"""Keys of class parameters: which keys a pattern makes, what their values are, and what cannot be a key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from frostline.errors import UsageError
from frostline.model import Endpoint, Entry, FileOrigin, Finding, Key, Registry, registry_of
from frostline.outputs.hiera.keys import class_keys, key_patterns
from frostline.outputs.values import endpoint_values
from frostline.settings import OutputSettings

PLACE = FileOrigin("frostline.yaml", 9, 5)


def endpoint(url: str, address: str = "10.0.0.1", port: int = 8080, **more: Any) -> Endpoint:
    return Endpoint(url=url, address=address, port=port, source="mesh", **more)


def entry(*endpoints: Endpoint, chosen: int = 0) -> Entry:
    return Entry(url=endpoints[chosen].url if endpoints else None, endpoints=endpoints, sources=("mesh",))


def output(keys: dict[str, str]) -> OutputSettings:
    return OutputSettings(name="puppet", type="hiera", path=Path("/data"), origin=PLACE, options={"keys": keys})


def values_of(registry: Registry, keys: dict[str, str]) -> dict[str, Any]:
    made, findings = class_keys(registry, key_patterns(output(keys)), PLACE)
    assert findings == []
    return {key: source.value(registry) for key, source in made.items()}


def findings_of(registry: Registry, keys: dict[str, str]) -> list[Finding]:
    _, findings = class_keys(registry, key_patterns(output(keys)), PLACE)
    assert all(finding.origin == PLACE and finding.help for finding in findings)
    return findings


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
        ("urls", ["http://10.0.0.1:8080/v1", "http://10.1.0.2:8081/v1"]),
        ("endpoints", endpoint_values(PAYMENTS)),
    ],
)
def test_a_value_is_that_of_the_chosen_endpoint_or_of_all(value: str, expected: object) -> None:
    assert values_of(REGISTRY, {"{service}::x": value})["payments::x"] == expected


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
    keys, _ = class_keys(registry, key_patterns(output({"{service}": "url"})), PLACE)
    assert list(keys) == ["ok"]


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("profile::{name}::url", "{name}"),
        ("profile::{service[a]}::url", "{service[a]}"),
        ("profile::{service", "character 10"),
        ("profile::}", "character 10"),
        ("Profile::{service}", "not the name of a class parameter"),
        ("a.{service}", "not the name of a class parameter"),
        ("::{service}", "not the name of a class parameter"),
        ("", "not the name of a class parameter"),
    ],
)
def test_a_bad_pattern_is_a_mistake_of_the_configuration(pattern: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        key_patterns(output({pattern: "url"}))
    assert f"`{pattern}`" in caught.value.message
    assert says in caught.value.message
    assert (caught.value.origin, bool(caught.value.help)) == (PLACE, True)


@pytest.mark.parametrize(("value", "help_line"), [("ulr", "did you mean `url`?"), ("x", "write one of url, urls")])
def test_an_unknown_value_is_a_mistake_of_the_configuration(value: str, help_line: str) -> None:
    with pytest.raises(UsageError) as caught:
        key_patterns(output({"a::{service}": value}))
    assert (caught.value.origin, help_line in (caught.value.help or "")) == (PLACE, True)
