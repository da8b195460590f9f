"""What outputs see of one registry: what they select, together with sources, precedence, overrides and consumers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frostline.model import Bind, Instance, Lock, Snapshot, Upstream
from frostline.pipeline.compile.assembling import contributions_of
from frostline.pipeline.compile.rendering import OutputView, RegistryViews
from frostline.settings import Config

MESH = {"type": "consul", "address": "http://127.0.0.1:9"}
OVERRIDE = {"service": "pay/v1", "until": "2027-01-31", "why": "disk"}


def segment(datacenter: str, *instances: Instance, source: str = "mesh") -> Snapshot:
    upstream = Upstream(
        region=datacenter,
        namespace="default",
        service="web",
        destination="pay-v1",
        bind=Bind(address="127.0.0.1", port=9101),
    )
    return Snapshot(
        source=source,
        datacenter=datacenter,
        namespace="default",
        settings="",
        instances=instances,
        upstreams=(upstream,) if datacenter == "dc1" else (),
    )


def instance(service: str, number: int, *tags: str, node: str = "n", port: int = 80, **meta: str) -> Instance:
    name, address = f"{service}-{number}", f"10.0.0.{number}"
    return Instance(service=service, node=node, id=name, address=address, port=port, tags=tags, meta=meta)


LOCK = Lock(
    (
        segment("dc1", instance("pay-v1", 1, "api"), instance("pay-v1", 2), instance("shop", 3, "api")),
        segment("dc2", instance("pay-v1", 4, "api")),
    )
)


def seen(configure: Callable[..., Config], lock: Lock = LOCK, **keys: Any) -> list[OutputView]:
    """Return what each output sees. outputs: the keys of each output, without type and path."""
    outputs = [{"type": "yaml", "path": f"{at}.yaml", **output} for at, output in enumerate(keys.pop("outputs"))]
    config = configure(**{"sources": {"mesh": MESH}, **keys}, outputs=outputs)
    views = RegistryViews(config, contributions_of(config, lock))
    return [views.of(output) for output in config.outputs]


def urls(view: OutputView) -> dict[str, list[str]]:
    """Return service -> its URLs."""
    return {key.service: [endpoint.url for endpoint in entry.endpoints] for key, entry in view.view.registry.entries()}


def test_each_output_has_its_own_selection(configure: Callable[..., Config]) -> None:
    select = {"tags": ["api"], "datacenters": ["dc1"]}
    whole, some, none = seen(configure, outputs=[{}, {"select": select}, {"select": {"meta": {"tier": "*"}}}])
    assert len(urls(whole)["pay"]) == 3
    assert urls(some) == {"pay": ["http://10.0.0.1:80/v1"], "shop": ["http://10.0.0.3:80"]}
    assert urls(none) == {}
    assert [finding.rule for finding in none.findings] == ["output-empty"]


def test_outputs_that_see_the_same_share_it(configure: Callable[..., Config]) -> None:
    first, second = seen(configure, outputs=[{"select": {"tags": ["api"]}}] * 2)
    assert first.view is second.view


def test_precedence_comes_before_the_selection(configure: Callable[..., Config]) -> None:
    sources = {"mesh": MESH, "edge": {"type": "static", "services": {"pay": {"v1": "http://edge/v1"}}}}
    for precedence, expected in ((["edge", "mesh"], []), (["mesh", "edge"], ["http://10.0.0.1:80/v1"])):
        outputs = [{"select": {"tags": ["api"], "datacenters": ["dc1"]}}]
        (found,) = seen(configure, sources=sources, precedence=precedence, outputs=outputs)
        assert urls(found).get("pay", []) == expected


def test_overrides_come_before_the_selection(configure: Callable[..., Config]) -> None:
    overrides = [{**OVERRIDE, "drop": {"address": "10.0.0.1"}, "add": ["http://10.0.0.9:80/v1"]}]
    (found,) = seen(configure, overrides=overrides, outputs=[{"select": {"services": ["pay"], "tags": ["api"]}}])
    # What is added has what the dropped ones have in common.
    assert urls(found) == {"pay": ["http://10.0.0.9:80/v1", "http://10.0.0.4:80/v1"]}


def test_the_binds_of_a_consumer_are_judged_by_their_services_alone(configure: Callable[..., Config]) -> None:
    consumer = {"consumer": {"service": "web"}}
    both, other = seen(
        configure,
        outputs=[
            {**consumer, "select": {"tags": ["api"], "datacenters": ["dc9"]}},
            {**consumer, "select": {"services": ["shop"]}},
        ],
    )
    assert urls(both) == {"pay": ["http://127.0.0.1:9101/v1"]}
    assert urls(other) == {"shop": ["http://10.0.0.3:80"]}


def test_an_output_has_its_own_urls(configure: Callable[..., Config]) -> None:
    health, plain = seen(
        configure,
        outputs=[{"url": "{scheme}://{address}:{port}/health", "select": {"datacenters": ["dc2"]}}, {}],
    )
    assert urls(health) == {"pay": ["http://10.0.0.4:80/health"]}
    assert urls(plain)["pay"][2] == "http://10.0.0.4:80/v1"


def test_only_endpoints_of_the_output_must_have_a_url(configure: Callable[..., Config]) -> None:
    lock = Lock((segment("dc1", instance("pay-v1", 1, path="/a"), instance("pay-v1", 2), instance("shop", 3)),))
    patterns = {"url": "http://{address}{+meta[path]}"}
    chosen = {**patterns, "select": {"meta": {"path": "*"}}}
    some, other = seen(configure, lock, outputs=[chosen, {**patterns, "name": "all"}])
    assert (urls(some), some.findings) == ({"pay": ["http://10.0.0.1/a"]}, ())
    assert urls(other) == {"pay": ["http://10.0.0.1/a"], "shop": ["http://10.0.0.3:80"]}
    (finding,) = other.findings
    assert (finding.rule, finding.severity, finding.service) == ("meta-missing", "error", "pay")
    assert finding.message == "it has no meta `path`, but its URL pattern has {+meta[path]}, in the output `all`"
    assert str(finding.origin) == "mesh(datacenter=dc1, namespace=default, node=n, id=pay-v1-2)"


def test_two_outputs_that_share_a_view_name_themselves(configure: Callable[..., Config]) -> None:
    found = seen(configure, outputs=[{"url": "http://{address}/{meta[x]}", "name": name} for name in ("a", "b")])
    assert found[0].view is found[1].view
    assert [view.findings[0].message[-15:] for view in found] == [" the output `a`", " the output `b`"]


def test_written_urls_stay_in_an_output_with_a_pattern(configure: Callable[..., Config]) -> None:
    sources = {"mesh": MESH, "partners": {"type": "static", "services": {"mail": {"v1": "https://mail.example/v1"}}}}
    overrides = [
        {
            **OVERRIDE,
            "replace": {"http://10.0.0.1:80/v1": "http://10.0.0.8:8080/v1"},
            "add": ["http://10.0.0.9:8080/v1"],
        }
    ]
    (found,) = seen(
        configure,
        sources=sources,
        overrides=overrides,
        outputs=[{"url": "https://{address}/api", "select": ["!s*", "*l", "p*"]}],
    )
    assert urls(found) == {
        "mail": ["https://mail.example/v1"],
        "pay": [
            "http://10.0.0.9:8080/v1",
            "https://10.0.0.2/api",
            "http://10.0.0.8:8080/v1",
            "https://10.0.0.4/api",
        ],
    }


def test_the_url_is_chosen_among_selected_endpoints_in_the_preferred_datacenter(
    configure: Callable[..., Config],
) -> None:
    (found,) = seen(configure, outputs=[{"url": "http://{address}", "prefer": ["dc2"]}])
    assert found.view.registry.services["pay"]["v1"].url == "http://10.0.0.4"
    assert found.view.preferring(("dc1",)).services["pay"]["v1"].url in ("http://10.0.0.1", "http://10.0.0.2")


def test_the_binds_of_a_consumer_have_the_urls_of_the_output(configure: Callable[..., Config]) -> None:
    output = {"consumer": {"service": "web"}, "select": ["pay"]}
    made, needy = seen(
        configure,
        outputs=[
            {**output, "url": "{scheme}://{address}:{port}/api{namespace}"},
            {**output, "url": "http://{address}/{tag[x]}"},
        ],
    )
    assert urls(made) == {"pay": ["http://127.0.0.1:9101/api"]}
    assert made.findings == ()
    rules = [finding.rule for finding in needy.findings]
    assert rules == ["consumer-url", "tag-missing", "tag-missing", "tag-missing"]
    assert needy.findings[0].message == "the URL pattern of the output needs values that an upstream does not have"


def test_an_output_sees_what_the_configuration_says_of_its_services(configure: Callable[..., Config]) -> None:
    """An output sees the overrides and waivers of its services, and who calls them by `consumers`."""
    waivers = [{"rule": "meta", "service": name, "until": "2027-01-31", "why": "w"} for name in ("pay", "shop", "gone")]
    views = seen(
        configure,
        outputs=[{"select": ["pay"]}, {"select": ["shop"]}],
        checks={"waivers": waivers},
        overrides=[{**OVERRIDE, "add": ["http://10.0.0.9:80/v1"]}],
        consumers={"web": ["pay/v1"]},
    )
    pay, shop = (view.view.beside() for view in views)
    assert [item.service for item in (*pay.overrides, *pay.waivers)] == ["pay/v1", "pay"]
    assert [item.service for item in (*shop.overrides, *shop.waivers)] == ["shop"]
    assert pay.configured_consumers == {("pay", "v1"): ("web",)}
