"""What outputs see of one registry: what they select, together with sources, precedence, overrides and consumers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frostline.model import Bind, Instance, Lock, Snapshot, Upstream
from frostline.pipeline.assemble import contributions_of
from frostline.pipeline.rendering import OutputView, RegistryViews
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
    """What each output sees. `outputs`: the keys of each, without type and path."""
    outputs = [{"type": "yaml", "path": f"{at}.yaml", **output} for at, output in enumerate(keys.pop("outputs"))]
    config = configure(**{"sources": {"mesh": MESH}, **keys}, outputs=outputs)
    views = RegistryViews(config, contributions_of(config, lock))
    return [views.of(output) for output in config.outputs]


def urls(view: OutputView) -> dict[str, list[str]]:
    """Service -> its URLs."""
    return {key.service: [one.url for one in entry.endpoints] for key, entry in view.view.registry.entries()}


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
