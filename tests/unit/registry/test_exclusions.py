"""What the registry does not have, and why: excluded by selection, or overridden by another source."""

from __future__ import annotations

from frostline.model import (
    Bind,
    Contribution,
    Endpoint,
    FileOrigin,
    Instance,
    InstanceOrigin,
    Key,
    Registration,
    SegmentAnswer,
    Snapshot,
    Upstream,
)
from frostline.registry.assembling import assemble, contribution_of
from frostline.registry.exclusions import excluded_instances, instances_without_url, preceded_endpoints
from frostline.settings import Keep, Naming, Select, VersionFrom
from frostline.sources.consul.settings import ConsulSettings

PLACE = FileOrigin("frostline.yaml", 3, 5)


def endpoint(url: str, source: str = "mesh", place: FileOrigin | None = None) -> Endpoint:
    return Endpoint(url=url, address="a", port=1, source=source, declared_at=place)


def test_an_excluded_instance_stands_under_the_key_it_would_have() -> None:
    registrations = tuple(
        Registration(service="payments-v1", id=f"i{n}", node="n1", health=health)  # type: ignore[arg-type]
        for n, health in enumerate(["passing", "critical"])
    )
    answer = SegmentAnswer(source="mesh", datacenter="dc1", namespace="default", registrations=registrations)
    (found,) = excluded_instances([answer], {"mesh": ConsulSettings(name="mesh", origin=PLACE)})
    assert found.key == Key("payments", "v1")
    assert found.name == "payments-v1"
    assert found.origin == InstanceOrigin("mesh", "dc1", "default", "n1", "i1")
    assert "critical" in found.reason


def test_an_excluded_instance_of_several_versions_stands_under_each() -> None:
    registration = Registration(service="api", id="i", node="n", tags=("v1", "v2"), health="critical")
    answer = SegmentAnswer(source="mesh", datacenter="dc1", namespace="", registrations=(registration,))
    naming = Naming(version_from=VersionFrom(tag="(v.)"))
    settings = ConsulSettings(name="mesh", origin=PLACE, naming=naming, select=Select())
    assert [exclusion.key for exclusion in excluded_instances([answer], {"mesh": settings})] == [
        Key("api", "v1"),
        Key("api", "v2"),
    ]


def test_where_names_alone_are_frozen_every_instance_says_so() -> None:
    registrations = tuple(Registration(service=name, id="i", node="n") for name in ("payments", "consul"))
    answer = SegmentAnswer(source="mesh", datacenter="dc1", namespace="default", registrations=registrations)
    settings = ConsulSettings(name="mesh", origin=PLACE, keep=Keep(endpoints=False))
    assert [exclusion.reason for exclusion in excluded_instances([answer], {"mesh": settings})] == [
        "`endpoints: false` under `keep` freezes only its name",
        "`select.services` excludes its name",
    ]


def test_preceded_endpoints_name_the_source_that_precedes() -> None:
    key = Key("billing", None)
    contributions = [
        Contribution(source="mesh", endpoints={key: (endpoint("http://mesh"),)}),
        Contribution(source="partners", endpoints={key: (endpoint("http://p", "partners", PLACE),)}),
    ]
    registry, _ = assemble(contributions, [["partners"], ["mesh"]])
    (found,) = preceded_endpoints(contributions, registry)
    assert (found.key, found.name, found.reason) == (key, "http://mesh", "source `partners` precedes `mesh`")


def test_preceded_endpoints_of_the_same_source_name_the_datacenter_that_precedes() -> None:
    key = Key("billing", None)
    here, there = (
        Endpoint(url=f"http://{name}", address="a", port=1, source="mesh", datacenter=name)
        for name in ("dc1", "peer:west")
    )
    contribution = Contribution(source="mesh", endpoints={key: (here,)}, preceded={key: (there,)})
    registry, _ = assemble([contribution])
    (found,) = preceded_endpoints([contribution], registry)
    assert (found.key, found.name, found.reason) == (key, "http://peer:west", "`dc1` precedes `peer:west`")
    assert found.origin == InstanceOrigin("mesh", "peer:west")


def test_sources_of_one_group_override_nobody() -> None:
    key = Key("billing", None)
    contributions = [Contribution(source=name, endpoints={key: (endpoint(f"http://{name}", name),)}) for name in "ab"]
    registry, _ = assemble(contributions, [["a", "b"]])
    assert list(preceded_endpoints(contributions, registry)) == []


def test_an_instance_of_which_no_endpoint_can_be_made_is_left_out_and_says_why() -> None:
    instances = tuple(
        Instance(service="shop-v1", node="n1", id=f"i{number}", address=address, port=port)
        for number, (address, port) in enumerate(
            [("10.0.0.1", 80), ("http://x", 80), ("10.0.0.1", -1), ("0.0.0.0", 80)]
        )
    )
    bind = Bind(address="no address", port=1)
    upstream = Upstream(region="dc1", namespace="default", job="j", group="g", destination="shop-v1", bind=bind)
    snapshot = Snapshot(
        source="mesh",
        datacenter="dc1",
        namespace="default",
        settings="x",
        instances=instances,
        upstreams=(upstream,),
    )
    contribution = contribution_of("mesh", [snapshot], Naming())
    assert [finding.rule for finding in contribution.findings if finding.severity == "error"] == [
        "address-invalid",
        "port-invalid",
        "address-invalid",
    ]
    assert [(left.key, left.name, left.origin, left.reason) for left in instances_without_url([contribution])] == [
        (
            Key("shop", "v1"),
            "shop/v1",
            InstanceOrigin("mesh", "dc1", "default", "n1", "i1"),
            "its address `http://x` is a URL",
        ),
        (
            Key("shop", "v1"),
            "shop/v1",
            InstanceOrigin("mesh", "dc1", "default", "n1", "i2"),
            "its port is -1; ports are 0 (none) to 65535",
        ),
    ]
