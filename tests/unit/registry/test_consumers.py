"""The registry as one consumer sees it: its upstreams listen on its own side."""

from __future__ import annotations

from typing import Any

import pytest

from frostline.model import Bind, Dependency, Endpoint, Entry, FileOrigin, Finding, Key, Registry, Upstream, registry_of
from frostline.registry.consumers import consumer_view, env_name
from frostline.registry.declaring import dependencies_of
from frostline.settings import Naming

PLACE = FileOrigin("frostline.yaml", 9, 3)
JOB = FileOrigin("jobs/shop.nomad.hcl", 12, 5)


def entry(url: str) -> Entry:
    endpoint = Endpoint(url=url, address="10.0.0.1", port=80, source="mesh", datacenter="dc1")
    return Entry(url=url, endpoints=(endpoint,), sources=("mesh",))


REGISTRY = registry_of(
    {Key("payments", "v1"): entry("http://10.0.0.1/v1"), Key("search", None): entry("http://10.0.0.2")}
)


def declared(*destinations: str, naming: Naming = Naming(), **more: Any) -> tuple[Dependency, ...]:  # noqa: B008
    given = {"namespace": "default", "job": "shop", "group": "web", **more}
    binds = (Bind(address="127.0.0.1", port=9101 + at) for at in range(len(destinations)))
    ups = [
        Upstream(destination=name, **{"bind": bind, **given}) for name, bind in zip(destinations, binds, strict=True)
    ]
    return dependencies_of("jobs", [(upstream, JOB) for upstream in ups], naming)


def seen(*upstreams: Dependency, consumer: str = "shop/web") -> tuple[Registry, tuple[Finding, ...]]:
    return consumer_view(REGISTRY, upstreams, consumer, PLACE)


def urls(registry: Registry) -> dict[tuple[str, str | None], str | None]:
    return {key: one.url for key, one in registry.entries()}


def test_a_bind_is_the_one_endpoint_before_all_else() -> None:
    registry, findings = seen(*declared("payments-v1"))
    assert findings == ()
    assert urls(registry) == {("payments", "v1"): "http://127.0.0.1:9101/v1", ("search", None): "http://10.0.0.2"}
    (endpoint,) = registry.services["payments"]["v1"].endpoints
    assert (endpoint.address, endpoint.port, endpoint.source, endpoint.declared_at) == ("127.0.0.1", 9101, "jobs", JOB)


def test_a_name_is_there_as_environment_variables_write_it_too() -> None:
    registry, _ = seen(*declared("count-api-v1"))
    assert registry.services["count-api"]["v1"] == registry.services["count_api"]["v1"]


def test_the_cleaned_name_never_hides_an_upstream_of_that_name() -> None:
    registry, _ = seen(*declared("a-b", "a_b"))
    assert urls(registry)["a-b", None] == "http://127.0.0.1:9101"
    assert urls(registry)["a_b", None] == "http://127.0.0.1:9102"


def test_only_the_consumers_own_upstreams_count_and_are_shown() -> None:
    own, others = declared("payments-v1"), declared("search", group="jobs")
    registry, _ = seen(*own, *others)
    assert registry.upstreams == own
    assert urls(registry)["search", None] == "http://10.0.0.2"


def test_a_socket_changes_nothing() -> None:
    registry, findings = seen(*declared("payments-v1", bind=Bind(socket="/s")))
    assert findings == ()
    assert urls(registry) == urls(REGISTRY)


def test_an_unknown_consumer_is_an_error_with_the_closest() -> None:
    _, (finding,) = seen(*declared("payments-v1"), consumer="shop/wep")
    assert (finding.rule, finding.severity, finding.origin) == ("consumer-unknown", "error", PLACE)
    assert finding.help == "did you mean `shop/web`?"


def test_a_consumer_in_two_namespaces_is_an_error_until_one_is_named() -> None:
    both = (*declared("payments-v1"), *declared("search", namespace="retail"))
    _, (finding,) = seen(*both)
    assert finding.rule == "consumer-ambiguous"
    assert "`default:shop/web` and `retail:shop/web`" in finding.message
    registry, findings = seen(*both, consumer="retail:shop/web")
    assert findings == ()
    assert urls(registry)["search", None] == "http://127.0.0.1:9101"


def test_of_two_upstreams_of_one_service_that_of_the_own_datacenter_is_used_with_a_warning() -> None:
    far = declared("payments-v1", datacenter="dc2", bind=Bind(address="127.0.0.1", port=1))
    near = declared("payments-v1", bind=Bind(address="127.0.0.1", port=2))
    registry, (finding,) = seen(*far, *near)
    assert urls(registry)["payments", "v1"] == "http://127.0.0.1:2/v1"
    assert (finding.rule, finding.severity) == ("consumer-upstreams", "warning")


def test_a_pattern_that_asks_for_more_than_a_bind_has_is_an_error() -> None:
    _, (finding,) = seen(*declared("search", naming=Naming(unversioned_url="http://{meta[host]}")))
    assert (finding.rule, finding.origin) == ("consumer-url", JOB)


@pytest.mark.parametrize(
    ("rule", "consumer", "upstreams"),
    [
        ("consumer-unknown", "shop/wbe", declared("payments-v1")),
        ("consumer-ambiguous", "shop/web", (*declared("payments-v1"), *declared("payments-v1", namespace="ops"))),
        ("consumer-url", "shop/web", declared("payments-v1", naming=Naming(url="http://{address}/{meta[path]}"))),
        (
            "consumer-upstreams",
            "shop/web",
            (*declared("payments-v1"), *declared("payments-v1", datacenter="dc2", bind=Bind(address="::1", port=1))),
        ),
    ],
)
def test_a_finding_of_a_consumer_reads_as_recorded(
    rule: str, consumer: str, upstreams: tuple[Dependency, ...], matches_golden: Any
) -> None:
    matches_golden(rule, consumer_view(REGISTRY, upstreams, consumer, PLACE)[1])


def test_what_is_no_letter_digit_or_underscore_is_an_underscore() -> None:
    assert env_name("count-api.v1_é/x") == "count_api_v1___x"
