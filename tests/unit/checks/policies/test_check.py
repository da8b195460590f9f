from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from frostline.checks.base import Context
from frostline.checks.policies.check import findings, parse_policies
from frostline.checks.policies.judge import MOST_FOR_KEY
from frostline.errors import ErrorGroup, UsageError
from frostline.model import Endpoint, FileOrigin, Finding, InstanceOrigin, Registry
from frostline.settings import CheckSettings

PLACE = FileOrigin("frostline.yaml", 60, 7)

MakeEndpoint = Callable[..., Endpoint]
MakeRegistry = Callable[..., Registry]
MakePolicies = Callable[..., CheckSettings]


@pytest.fixture
def judged(context: Context, policies: MakePolicies) -> Callable[..., list[Finding]]:
    """`judged(registry, **policies)`: what they find."""
    return lambda registry, **values: list(findings(registry, policies(**values), context))


@pytest.fixture
def judged_address(
    judged: Callable[..., list[Finding]], registry: MakeRegistry, endpoint: MakeEndpoint
) -> Callable[..., bool]:
    """`judged_address(address, **policy)`: whether the policy lets an endpoint at that address be."""
    return lambda address, **policy: not judged(registry(a={None: [endpoint(address=address)]}), addresses=policy)


def keys(found: list[Finding]) -> list[tuple[str | None, str | None]]:
    return [(finding.service, finding.version) for finding in found]


def test_too_few_instances_are_a_finding_at_the_policys_place(judged: Any, registry: Any, endpoint: Any) -> None:
    seen = registry(payments={"v1": [endpoint()], "v2": [endpoint(), endpoint(port=1)]}, ledger={None: []})
    found = judged(seen, min_instances={"default": 1, "payments/*": 2})
    assert keys(found) == [("ledger", None), ("payments", "v1")]
    assert [finding.value for finding in found] == ["0", "1"]
    assert {finding.origin for finding in found} == {PLACE}


@pytest.mark.parametrize(
    ("limits", "least"),
    [
        (3, 3),
        ({"default": 3}, 3),
        ({"*": 9, "payments/v1": 2}, 2),
        ({"payments/v1": 2, "*": 9}, 9),
        ({"payments": 4, "payments/v*": 5}, 5),
        ({"payments/v*": 5, "payments": 4}, 4),
        ({"other/*": 7}, 0),
        ({"default": 3, "payments/v1": 0}, 0),
    ],
)
def test_the_last_minimum_that_fits_wins(
    limits: int | dict[str, int], least: int, judged: Any, registry: Any, endpoint: Any
) -> None:
    for number in range(10):
        seen = registry(payments={"v1": [endpoint(port=port + 1) for port in range(number)]})
        assert bool(judged(seen, min_instances=limits)) == (number < least)


def test_a_service_without_a_version_fits_globs_of_its_versions(judged: Any, registry: Any) -> None:
    assert keys(judged(registry(payments={None: []}), min_instances={"payments/*": 1})) == [("payments", None)]


@pytest.mark.parametrize("wanted", ["payments/v1", "payments", "pay*", "*/v1", "plain", "plain/unversioned"])
def test_a_required_service_with_an_endpoint_is_no_finding(
    wanted: str, judged: Any, registry: Any, endpoint: Any
) -> None:
    assert not judged(registry(payments={"v1": [endpoint()], "v2": []}, plain={None: [endpoint()]}), required=[wanted])


@pytest.mark.parametrize(
    ("wanted", "key"),
    [
        ("payments/v2", ("payments", "v2")),
        ("payments/v3", ("payments", "v3")),
        ("nobody", ("nobody", None)),
        ("ledger", ("ledger", None)),
        ("ledger/*", (None, None)),
    ],
)
def test_a_required_service_that_is_missing_or_has_no_endpoint_is_a_finding(
    wanted: str, key: tuple[str | None, str | None], judged: Any, registry: Any, endpoint: Any
) -> None:
    found = judged(registry(payments={"v1": [endpoint()], "v2": []}, ledger={None: []}), required=[wanted])
    assert keys(found) == [key]
    assert found[0].value == wanted


def test_a_denied_address_is_a_finding_at_the_instance(judged: Any, registry: Any, endpoint: Any) -> None:
    found = judged(
        registry(a={"v1": [endpoint(), endpoint(address="169.254.1.1", id="x")]}),
        addresses={"deny": ["169.254.0.0/16"]},
    )
    assert [(finding.value, finding.origin) for finding in found] == [
        ("169.254.1.1", InstanceOrigin("mesh", "dc1", "", "n1", "x"))
    ]


@pytest.mark.parametrize(
    ("address", "allow", "passes"),
    [
        ("10.1.2.3", ["10.0.0.0/8"], True),
        ("11.1.2.3", ["10.0.0.0/8"], False),
        ("::ffff:10.1.2.3", ["10.0.0.0/8"], True),
        ("fd00::1", ["fd00::/8"], True),
        ("fe80::1%eth0", ["fe80::/10"], True),
        ("fd00::1", ["10.0.0.0/8"], False),
        ("10.0.0.1", ["10.0.0.1"], True),
        ("API.Example.", ["*.example", "api.example"], True),
        ("api.example", ["*.EXAMPLE"], True),
        ("api.example.evil", ["*.example"], False),
        ("10.1.2.3", ["*"], False),
        ("api.example", ["10.0.0.0/8"], False),
        ("", ["*"], False),
    ],
)
def test_only_allowed_addresses_pass(address: str, allow: list[str], passes: bool, judged_address: Any) -> None:
    assert judged_address(address, allow=allow) == passes


@pytest.mark.parametrize("address", ["127.1", "2130706433", "0x7f.1", "010.0.0.1", "127.0.0.1.", "::ffff:127.0.0.1"])
def test_no_other_way_to_write_a_denied_address_passes(address: str, judged_address: Any) -> None:
    assert not judged_address(address, deny=["127.0.0.0/8", "8.0.0.0/8"])
    assert not judged_address(address, allow=["*"], deny=["127.0.0.0/8"])


@pytest.mark.parametrize(
    ("policy", "passing"),
    [
        ({"allow": ["1024-65535"]}, {1024, 8080, 65535}),
        ({"allow": ["443", 80]}, {80, 443}),
        ({"deny": ["0-1023"]}, {1024, 8080, 65535}),
        ({"allow": ["1-65535"], "deny": ["8080"]}, {80, 443, 1023, 1024, 65535}),
        ({"allow": []}, set()),
    ],
)
def test_only_allowed_ports_pass(
    policy: dict[str, Any], passing: set[int], judged: Any, registry: Any, endpoint: Any
) -> None:
    ports = [0, 80, 443, 1023, 1024, 8080, 65535]
    found = judged(registry(a={"v1": [endpoint(port=port) for port in ports]}), ports=policy)
    assert {int(finding.value) for finding in found} == set(ports) - passing


def test_missing_meta_and_tags_are_findings_at_the_instance(judged: Any, registry: Any, endpoint: Any) -> None:
    seen = registry(a={"v1": [endpoint(meta={"owner": "x"}, tags=("web",)), endpoint(meta={"o": ""}, tags=("api",))]})
    found = judged(seen, meta={"required": ["owner", "o"]}, tags={"required": ["api"]})
    assert [(finding.rule, finding.value) for finding in found] == [("meta", "o"), ("meta", "owner"), ("tags", "api")]
    assert all(isinstance(finding.origin, InstanceOrigin) for finding in found)


def test_static_and_router_endpoints_are_not_judged_as_instances(judged: Any, registry: Any, endpoint: Any) -> None:
    seen = registry(a={"v1": [endpoint(address="api.example", port=443, datacenter="", declared_at=PLACE)]})
    of_instances = {
        "min_instances": 2,
        "addresses": {"allow": ["10.0.0.0/8"]},
        "ports": {"allow": ["1024-65535"]},
        "meta": {"required": ["owner"]},
        "tags": {"required": ["api"]},
    }
    for name, policy in of_instances.items():
        assert not judged(seen, **{name: policy}), name


def test_a_group_of_a_static_url_and_an_instance_is_counted(judged: Any, registry: Any, endpoint: Any) -> None:
    seen = registry(a={"v1": [endpoint(), endpoint(address="api.example", datacenter="", declared_at=PLACE)]})
    assert [finding.value for finding in judged(seen, min_instances=3)] == ["2"]


@pytest.mark.parametrize(("name", "passes"), [("count-api", True), ("Count", False), ("a\n", False), ("xa", True)])
def test_names_fit_the_pattern_as_a_whole(name: str, passes: bool, judged: Any, registry: Any, endpoint: Any) -> None:
    seen = registry(**{name: {None: [endpoint()]}})
    for pattern in ("^[a-z][a-z0-9-]*$", "[a-z][a-z0-9-]*"):
        assert (judged(seen, names=pattern) == []) == passes


def test_a_severity_of_warning_is_kept(judged: Any, registry: Any) -> None:
    found = judged(registry(a={"v1": []}), severity="warning", min_instances={"default": 1}, required=["b"])
    assert [finding.severity for finding in found] == ["warning", "warning"]


def test_many_endpoints_that_break_one_policy_are_counted(judged: Any, registry: Any, endpoint: Any) -> None:
    seen = registry(a={"v1": [endpoint(port=port) for port in range(1, MOST_FOR_KEY + 4)]})
    found = judged(seen, ports={"deny": ["0-1000"]})
    assert len(found) == MOST_FOR_KEY + 1
    assert found[-1].message == "3 more endpoints of it violate `ports`"


@pytest.mark.parametrize(
    ("name", "value", "word", "advice"),
    [
        ("addresses", {"allow": ["10.0.0.1/8"]}, "10.0.0.1/8", "10.0.0.0/8"),
        ("addresses", {"deny": ["10.0.0.0/33"]}, "10.0.0.0/33", "such as"),
        ("addresses", {"deny": ["10.*"]}, "10.*", "10.0.0.0/8"),
        ("addresses", {"deny": ["fd00:*"]}, "fd00:*", "10.0.0.0/8"),
        ("addresses", {"deny": ["300.1.1.1"]}, "300.1.1.1", "10.0.0.0/8"),
        ("addresses", {"allow": ["!api.example"]}, "!api.example", "deny"),
        ("addresses", {"allow": [""]}, "glob", "deny"),
        ("ports", {"allow": ["http"]}, "http", "443"),
        ("ports", {"allow": ["1-70000"]}, "1-70000", "65535"),
        ("ports", {"deny": ["20-10"]}, "20-10", "10-20"),
        ("ports", {"deny": ["٤٤٣"]}, "٤٤٣", "443"),
        ("names", "[a-", "[a-", "syntax"),
        ("required", ["!payments"], "!payments", "payments/v1"),
        ("require", [], "no such policy", "`required`"),
        ("nosuch", "resolve", "no such policy", "min_instances"),
    ],
)
def test_a_malformed_policy_is_a_usage_error_at_its_place(
    name: str, value: Any, word: str, advice: str, policies: Any
) -> None:
    with pytest.raises(UsageError) as raised:
        parse_policies(policies(**{name: value}))
    assert raised.value.origin == PLACE
    assert name in raised.value.message
    assert word in raised.value.message
    assert advice in (raised.value.help or "")


def test_all_malformed_policies_are_reported_together(policies: Any) -> None:
    with pytest.raises(ErrorGroup) as raised:
        parse_policies(policies(names="[", ports={"allow": ["x"]}, required=["a"]))
    assert len(raised.value.errors) == 2
