"""The registry as one consumer sees it: its upstreams listen on its own side."""

from __future__ import annotations

from typing import Any

import pytest

from frostline.model import Bind, Dependency, Endpoint, Entry, FileOrigin, Finding, Key, Registry, Upstream, registry_of
from frostline.registry.declaring import dependencies_of
from frostline.registry.output_views.consumer import consumer_view, env_name
from frostline.settings import Naming, OutputConsumer

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


def of_sidecar(*destinations: str, **more: Any) -> tuple[Dependency, ...]:
    given = {"namespace": "default", "service": "web", "region": "dc1", **more}
    binds = (Bind(address="127.0.0.1", port=9101 + at) for at in range(len(destinations)))
    ups = [
        Upstream(destination=name, **{"bind": bind, **given}) for name, bind in zip(destinations, binds, strict=True)
    ]
    return dependencies_of("mesh", [(upstream, None) for upstream in ups], Naming())


def consumer_of(written: str | dict[str, str]) -> OutputConsumer:
    return OutputConsumer(**written) if isinstance(written, dict) else OutputConsumer(group=written)


def seen(*upstreams: Dependency, consumer: str | dict[str, str] = "shop/web") -> tuple[Registry, tuple[Finding, ...]]:
    return consumer_view(REGISTRY, upstreams, consumer_of(consumer), PLACE)


def urls(registry: Registry) -> dict[tuple[str, str | None], str | None]:
    return {key: one.url for key, one in registry.entries()}


def test_a_bind_is_the_one_endpoint_before_all_else() -> None:
    registry, findings = seen(*declared("payments-v1"))
    assert findings == ()
    assert urls(registry) == {("payments", "v1"): "http://127.0.0.1:9101/v1", ("search", None): "http://10.0.0.2"}
    (endpoint,) = registry.services["payments"]["v1"].endpoints
    assert (endpoint.address, endpoint.port, endpoint.source, endpoint.declared_at) == ("127.0.0.1", 9101, "jobs", JOB)


def test_the_address_of_a_bind_has_one_spelling() -> None:
    registry, _ = seen(*declared("payments-v1", bind=Bind(address="[0::1]", port=1)))
    (endpoint,) = registry.services["payments"]["v1"].endpoints
    assert (endpoint.address, endpoint.url) == ("::1", "http://[::1]:1/v1")


def test_a_name_is_there_as_environment_variables_write_it_too() -> None:
    registry, _ = seen(*declared("count-api-v1"))
    named, cleaned = registry.services["count-api"]["v1"], registry.services["count_api"]["v1"]
    assert (named.url, named.endpoints) == (cleaned.url, cleaned.endpoints)
    assert (named.registered, cleaned.registered) == (("count-api-v1",), ())


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
        (
            "consumer-binds",
            {"service": "web"},
            (*of_sidecar("payments-v1"), *of_sidecar("payments-v1", bind=Bind(address="127.0.0.1", port=9102))),
        ),
        ("consumer-url", "shop/web", declared("payments-v1", naming=Naming(url="http://{address}/{meta[path]}"))),
        (
            "consumer-upstreams",
            "shop/web",
            (*declared("payments-v1"), *declared("payments-v1", datacenter="dc2", bind=Bind(address="::1", port=1))),
        ),
    ],
)
def test_a_finding_of_a_consumer_reads_as_recorded(
    rule: str, consumer: str | dict[str, str], upstreams: tuple[Dependency, ...], matches_golden: Any
) -> None:
    matches_golden(rule, consumer_view(REGISTRY, upstreams, consumer_of(consumer), PLACE)[1])


WEB = {"service": "web"}


def test_a_service_of_consul_has_the_binds_of_its_sidecars() -> None:
    other = of_sidecar("search", service="jobs")
    registry, findings = seen(*of_sidecar("payments-v1"), *declared("search"), *other, consumer=WEB)
    assert findings == ()
    assert urls(registry) == {("payments", "v1"): "http://127.0.0.1:9101/v1", ("search", None): "http://10.0.0.2"}
    assert [one.upstream.consumer for one in registry.upstreams] == ["default:web"]
    (endpoint,) = registry.services["payments"]["v1"].endpoints
    assert str(endpoint.origin) == "mesh(namespace=default)"


def test_a_job_and_a_service_of_one_name_are_two_consumers() -> None:
    job, service = declared("payments-v1"), of_sidecar("search", service="shop/web")
    assert urls(seen(*job, *service)[0])["search", None] == "http://10.0.0.2"
    assert urls(seen(*job, *service, consumer={"service": "shop/web"})[0])["payments", "v1"] == "http://10.0.0.1/v1"
    _, (finding,) = seen(*job, *of_sidecar("search"), consumer={"service": "wep"})
    assert (finding.rule, finding.help) == ("consumer-unknown", "did you mean `web`?")
    _, (finding,) = seen(*job, *service, consumer={"service": "default:shop/web"})
    assert finding.rule == "consumer-unknown"


def test_sidecars_that_listen_elsewhere_are_an_error_until_one_datacenter_is_named() -> None:
    there = of_sidecar("payments-v1", region="dc2", bind=Bind(address="::1", port=9101))
    registry, (finding,) = seen(*of_sidecar("payments-v1"), *there, consumer=WEB)
    assert (finding.rule, finding.severity) == ("consumer-binds", "error")
    assert "`127.0.0.1:9101` and `[::1]:9101`" in finding.message
    assert urls(registry)["payments", "v1"] == "http://127.0.0.1:9101/v1"
    registry, findings = seen(*of_sidecar("payments-v1"), *there, consumer={**WEB, "datacenter": "dc2"})
    assert (findings, urls(registry)["payments", "v1"]) == ((), "http://[::1]:9101/v1")
    _, (finding,) = seen(*of_sidecar("search"), *of_sidecar("search", bind=Bind(socket="/s")), consumer=WEB)
    assert "`127.0.0.1:9101` and `unix:///s`" in finding.message


def test_the_same_bind_in_each_sidecar_is_one() -> None:
    registry, findings = seen(*of_sidecar("search"), *of_sidecar("search", region="dc2"), consumer=WEB)
    assert (findings, urls(registry)["search", None]) == ((), "http://127.0.0.1:9101")


def test_two_destinations_of_one_service_are_a_warning() -> None:
    far = of_sidecar("search", datacenter="dc2", bind=Bind(address="127.0.0.1", port=1))
    registry, (finding,) = seen(*far, *of_sidecar("search"), consumer=WEB)
    assert (finding.rule, urls(registry)["search", None]) == ("consumer-upstreams", "http://127.0.0.1:9101")


def test_a_service_that_is_elsewhere_is_named_with_where_it_is() -> None:
    both = (*of_sidecar("search"), *of_sidecar("search", region="dc2"))
    for more in ({"datacenter": "dc9"}, {"namespace": "ops"}):
        _, (finding,) = seen(*both, consumer={**WEB, **more})
        assert finding.rule == "consumer-unknown"
        assert "in the namespace or datacenter that it names" in finding.message
        assert finding.help == ("it is in `namespace default, datacenter dc1` and `namespace default, datacenter dc2`")


def test_a_service_in_two_namespaces_is_an_error_until_one_is_named() -> None:
    both = (*of_sidecar("payments-v1"), *of_sidecar("search", namespace="ops"))
    _, (finding,) = seen(*both, consumer=WEB)
    assert finding.rule == "consumer-ambiguous"
    assert finding.help == "write its namespace: `consumer: {service: NAME, namespace: NAMESPACE}`"
    registry, findings = seen(*both, consumer={**WEB, "namespace": "ops"})
    assert (findings, urls(registry)["search", None]) == ((), "http://127.0.0.1:9101")


def test_an_upstream_without_a_port_changes_nothing() -> None:
    registry, findings = seen(*of_sidecar("search", bind=Bind()), consumer=WEB)
    assert (findings, urls(registry)) == ((), urls(REGISTRY))


def test_what_is_no_letter_digit_or_underscore_is_an_underscore() -> None:
    assert env_name("count-api.v1_é/x") == "count_api_v1___x"


def test_both_names_of_an_upstream_have_endpoints_of_their_own() -> None:
    registry, _ = seen(*declared("count-api-v1"))
    named, cleaned = (registry.services[name]["v1"].endpoints[0] for name in ("count-api", "count_api"))
    assert named == cleaned
    assert named is not cleaned
