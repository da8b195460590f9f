"""Selection: what is taken, what is left out and why, and what only unhealthy instances stand for."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from msgspec.structs import replace

from frostline.model import Bind, Declared, FileOrigin, Key, Registration, SegmentAnswer, Upstream
from frostline.registry.selection.selecting import (
    count_unhealthy,
    excluded_registrations,
    snapshot_of,
    unknown_statuses,
)
from frostline.settings import Keep, Naming, Select, VersionFrom
from frostline.sources.consul.settings import ConsulSettings


def registration(service: str = "shop-v1", id: str = "s1", **fields: object) -> Registration:
    values = {"service": service, "id": id, "node": "n1", "node_address": "10.0.0.1", "port": 80, **fields}
    return Registration(**values)  # type: ignore[arg-type]


def answer(*registrations: Registration) -> SegmentAnswer:
    return SegmentAnswer(source="mesh", datacenter="dc1", namespace="default", registrations=registrations)


def settings(**fields: object) -> ConsulSettings:
    return ConsulSettings(name="mesh", origin=FileOrigin("frostline.yaml"), **fields)  # type: ignore[arg-type]


def taken(*registrations: Registration, **fields: object) -> list[str]:
    return [instance.id for instance in snapshot_of(answer(*registrations), settings(**fields), "sha256:x").instances]


@pytest.mark.parametrize(
    ("select", "fields", "words"),
    [
        (Select(services=("*", "!shop-*")), {}, "`select.services` excludes its name"),
        (Select(services=("Shop-v1",)), {}, "`select.services` excludes its name"),
        (Select(), {"kind": "connect-proxy"}, "its kind is connect-proxy"),
        (Select(tags=("api", "web")), {"tags": ("api",)}, "it has no tag `web`"),
        (Select(meta={"tier": "front"}), {"meta": {"tier": "back"}}, "its meta `tier` is not `front`"),
        (Select(node_meta={"rack": "r1"}), {}, "its node's meta `rack` is not `r1`"),
        (Select(node_meta={"rack": "r1"}), {"node_meta": {"rack": "R1"}}, "its node's meta `rack` is not `r1`"),
        (Select(node_meta={"rack": ""}), {}, "its node's meta `rack` is not ``"),
        (Select(node_meta={"rack": "r1", "os": "x"}), {"node_meta": {"rack": "r1"}}, "its node's meta `os` is not `x`"),
        (
            Select(),
            {"health": "critical", "unknown_status": "odd"},
            "its health is critical (a check has the unknown status `odd`), but",
        ),
        (Select(), {"health": "warning"}, "its health is warning, but `select.health` takes only passing"),
        (Select(), {"health": "maintenance"}, "its health is maintenance"),
    ],
)
def test_an_instance_that_is_left_out_says_why(select: Select, fields: dict[str, object], words: str) -> None:
    one = registration(**fields)
    assert taken(one, select=select) == []
    ((excluded, reason),) = excluded_registrations(answer(one), select)
    assert excluded == one
    assert words in reason


def unknown(id: str, status: str = "odd", **fields: object) -> Registration:
    return registration(id=id, health="critical", unknown_status=status, **fields)


def test_an_unknown_status_is_one_warning_with_the_number_of_instances_and_the_first_of_them() -> None:
    answers = [answer(unknown("b"), unknown("a"), unknown("c", "\x1b[31m"), registration(id="d"))]
    assert unknown_statuses(answers, settings()) == [
        "source mesh: 1 instance of selected services has a check with the unknown status `\x1b[31m`, which counts as "
        "not passing: mesh(datacenter=dc1, namespace=default, node=n1, id=c)",
        "source mesh: 2 instances of selected services have a check with the unknown status `odd`, which counts as "
        "not passing: mesh(datacenter=dc1, namespace=default, node=n1, id=a) and others",
    ]


@pytest.mark.parametrize(
    "select",
    [
        Select(services=("other",)),
        Select(tags=("api",)),
        Select(meta={"tier": "front"}),
        Select(node_meta={"rack": "r1"}),
        Select(kinds=("mesh-gateway",)),
    ],
)
def test_an_unknown_status_of_what_is_not_selected_is_nobodys_trouble(select: Select) -> None:
    assert unknown_statuses([answer(unknown("a"))], settings(select=select)) == []


def test_an_unknown_status_is_taken_only_where_critical_is() -> None:
    assert taken(unknown("a"), select=Select(health=("passing", "warning"))) == []
    assert taken(unknown("a"), select=Select(health=("critical",))) == ["a"]


def test_nodes_are_selected_one_by_one() -> None:
    several = [registration(id=f"{at}", node_meta={"rack": f"r{rack}"}) for at, rack in enumerate((1, 2, 1, 3))]
    assert taken(*several, select=Select(node_meta={"rack": "r1"})) == ["0", "2"]


def test_what_nobody_uses_of_an_instance_is_not_judged() -> None:
    odd = registration(tagged_addresses={"lan": ("1.2.3.4", -5)})
    assert taken(odd) == taken(odd, address_from="lan") == ["s1"]
    (instance,) = snapshot_of(answer(odd), settings(address_from="lan"), "sha256:x").instances
    assert (instance.address, instance.port) == ("1.2.3.4", -5)


def test_what_fits_everything_is_taken() -> None:
    select = Select(services=("*", "!*", "shop-v?"), tags=("api",), meta={"a": "1"}, health=("warning", "passing"))
    one = registration(tags=("x", "api"), meta={"a": "1"}, health="warning")
    assert taken(one, select=select) == ["s1"]
    assert list(excluded_registrations(answer(one), select)) == []


@pytest.mark.parametrize(
    ("select", "fields"),
    [
        (Select(), {"kind": "connect-proxy"}),
        (Select(tags=("api",)), {"tags": ("web",)}),
        (Select(meta={"tier": "front"}), {"tags": ("api",), "meta": {"tier": "back"}}),
    ],
)
def test_each_instance_of_a_service_is_judged_by_its_own_kind_tags_and_meta(
    select: Select, fields: dict[str, object]
) -> None:
    selected = {"tags": ("api",), "meta": {"tier": "front"}}
    excluded = {**selected, **fields}
    instances = [registration(id="a", **selected), registration(id="b", **excluded), registration(id="c", **selected)]
    assert taken(*instances, select=select) == ["a", "c"]
    assert taken(*instances[1:], select=select) == ["c"]


def test_consul_itself_is_left_out_by_default() -> None:
    assert taken(registration("consul"), registration("consul-x", "c")) == ["c"]


@pytest.mark.parametrize(
    ("address_from", "fields", "address", "port"),
    [
        ("service", {}, "10.0.0.1", 80),
        ("service", {"address": "10.9.9.9"}, "10.9.9.9", 80),
        ("node", {"address": "10.9.9.9"}, "10.0.0.1", 80),
        ("wan", {"tagged_addresses": {"wan": ("1.2.3.4", 8080)}}, "1.2.3.4", 8080),
        ("wan", {"tagged_addresses": {"wan": ("1.2.3.4", 0)}}, "1.2.3.4", 80),
        ("lan_ipv6", {}, "", 80),
    ],
)
def test_the_address_is_the_one_that_is_asked_for(
    address_from: str, fields: dict[str, object], address: str, port: int
) -> None:
    (one,) = snapshot_of(answer(registration(**fields)), settings(address_from=address_from), "x").instances
    assert (one.address, one.port) == (address, port)


@pytest.mark.parametrize(
    ("fields", "keep", "node_address"),
    [
        ({}, Keep(), ""),
        ({"address": "10.0.0.1"}, Keep(), ""),
        ({"address": "10.8.0.7"}, Keep(), "10.0.0.1"),
        ({"address": "10.8.0.7"}, Keep(ids=False), "10.0.0.1"),
        ({"address": "10.8.0.7"}, Keep(nodes=False), ""),
        ({"address": "10.8.0.7", "node_address": ""}, Keep(), ""),
    ],
)
def test_the_address_of_a_node_is_frozen_where_it_is_another_one(
    fields: dict[str, object], keep: Keep, node_address: str
) -> None:
    (one,) = snapshot_of(answer(registration(**fields)), settings(keep=keep), "x").instances
    assert one.node_address == node_address


def test_the_weight_is_that_of_the_health() -> None:
    select = Select(health=("passing", "warning"))
    found = snapshot_of(
        answer(registration(weights=(10, 2)), registration(id="s2", weights=(10, 2), health="warning")),
        settings(select=select),
        "x",
    )
    assert [instance.weight for instance in found.instances] == [10, 2]


def test_only_what_keep_names_is_frozen() -> None:
    one = registration(tags=("api", "secret=1", "web"), meta={"owner": "a", "commit": "b"})
    keep = Keep(tags=("*", "!secret=*"), meta=("owner",))
    (kept,) = snapshot_of(answer(one), settings(keep=keep), "x").instances
    assert kept.tags == ("api", "web")
    assert kept.meta == {"owner": "a"}


def test_names_alone_are_frozen_whatever_their_health_with_all_kept_tags_and_meta() -> None:
    keep = Keep(tags=("*", "!secret"), meta=("owner",), endpoints=False)
    found = snapshot_of(
        answer(
            registration("shop-v1", "s1", tags=("web", "api", "secret"), meta={"owner": "a", "commit": "1"}),
            registration("shop-v1", "s2", tags=("api", "web"), meta={"owner": "a", "commit": "2"}, port=81),
            registration("shop-v1", "s3", tags=("api",), health="critical"),
            registration("consul", "c"),
        ),
        settings(keep=keep),
        "x",
    )
    assert found.instances == ()
    assert found.declared == (
        Declared(service="shop-v1", tags=("api",)),
        Declared(service="shop-v1", tags=("api", "web"), meta={"owner": "a"}),
    )


def test_the_order_of_answers_tags_and_meta_changes_nothing() -> None:
    ones = [
        registration(id="s1", tags=("b", "a", "b"), meta={"x": "1", "a": "2"}),
        registration(id="s2"),
        registration("pay-v1", id="p", health="critical"),
    ]
    other = [registration(id="s1", tags=("a", "b"), meta={"a": "2", "x": "1"}), *ones[1:]]
    snapshots = [
        snapshot_of(answer(*order), settings(), "x") for found in (ones, other) for order in permutations(found)
    ]
    assert all(repr(snapshot) == repr(snapshots[0]) for snapshot in snapshots)


def test_a_service_whose_instances_are_all_unhealthy_is_declared() -> None:
    found = snapshot_of(
        answer(
            registration("ledger", "l1", health="critical"),
            registration("ledger", "l2", health="critical"),
            registration("shop", "s1", health="critical"),
            registration("shop", "s2"),
        ),
        settings(),
        "x",
    )
    assert found.declared == (Declared(service="ledger"),)


def test_an_unhealthy_version_beside_a_healthy_one_is_declared() -> None:
    by_meta = Naming(version_from=VersionFrom(meta="version"))
    found = snapshot_of(
        answer(
            registration("shop", "s1", meta={"version": "v1", "owner": "x"}),
            registration("shop", "s2", meta={"version": "v2", "owner": "x"}, health="critical"),
        ),
        settings(naming=by_meta),
        "x",
    )
    assert found.declared == (Declared(service="shop", meta={"version": "v2"}),)
    by_tag = Naming(version_from=VersionFrom(tag="(v[0-9])"))
    found = snapshot_of(
        answer(
            registration("shop", "s1", tags=("v1", "api")),
            registration("shop", "s2", tags=("v1", "v2", "api"), health="critical"),
        ),
        settings(naming=by_tag),
        "x",
    )
    assert found.declared == (Declared(service="shop", tags=("v2",)),)


def test_an_unhealthy_instance_that_is_not_selected_declares_nothing() -> None:
    found = snapshot_of(answer(registration(health="critical")), settings(select=Select(tags=("api",))), "x")
    assert found.declared == ()


few_tags = st.lists(st.sampled_from(["api", "web", "v1", "v2"]), max_size=3).map(tuple)
few_meta = st.dictionaries(st.sampled_from(["tier", "version"]), st.sampled_from(["", "v1", "v2"]), max_size=2)
many = st.lists(
    st.builds(
        Registration,
        service=st.sampled_from(["consul", "shop", "shop-v1", "pay"]),
        id=st.sampled_from(["i1", "i2", "i3"]),
        node=st.sampled_from(["n1", "n2"]),
        node_address=st.sampled_from(["10.0.0.1", "10.0.0.2"]),
        kind=st.sampled_from(["service", "service", "connect-proxy"]),
        health=st.sampled_from(["passing", "passing", "warning", "critical"]),
        tags=few_tags,
        meta=few_meta,
        weights=st.sampled_from([(1, 1), (5, 2)]),
    ),
    max_size=12,
    unique_by=lambda one: (one.service, one.node, one.id),
)
selects = st.builds(
    Select,
    services=st.sampled_from([("*", "!consul"), ("*",), ("shop*",)]),
    tags=st.sampled_from([(), (), ("api",)]),
    meta=st.sampled_from([{}, {}, {"tier": "v1"}]),
    health=st.sampled_from([("passing",), ("warning", "passing")]),
    kinds=st.sampled_from([("service",), ("connect-proxy", "service")]),
)
keeps = st.sampled_from([Keep(), Keep(tags=("v*",), meta=("*", "!tier"))])


@limits(deadline=None, max_examples=80)
@given(many, selects, keeps, st.booleans())
def test_what_is_frozen_of_an_instance_does_not_depend_on_those_beside_it(
    found: list[Registration], select: Select, keep: Keep, is_sorted: bool
) -> None:
    def order(one: Registration) -> tuple[str, str, str]:
        return one.service, one.node, one.id

    if is_sorted:
        found = sorted(found, key=order)
    alone = [snapshot_of(answer(one), settings(select=select, keep=keep), "x") for one in sorted(found, key=order)]
    together = snapshot_of(answer(*found), settings(select=select, keep=keep), "x")
    assert together.instances == tuple(instance for one in alone for instance in one.instances)
    excluded = list(excluded_registrations(answer(*found), select))
    assert len(excluded) + len(together.instances) == len(found)
    declared = {one.service for snapshot in alone for one in snapshot.declared}
    assert {one.service for one in together.declared} == declared - {
        instance.service for instance in together.instances
    }


def test_what_sidecars_declare_is_kept_where_the_service_behind_them_is_selected() -> None:
    bind = Bind(address="127.0.0.1", port=9101)
    job = Upstream(namespace="default", job="shop", group="web", destination="db", bind=bind)
    up, ill, left, none = (
        Upstream(namespace="default", service=name, destination="db", bind=bind)
        for name in ("up", "ill", "left", "none")
    )
    read = answer(
        registration("up", tags=("api",)),
        registration("ill", tags=("api",), health="critical"),
        registration("left"),
    )
    read = replace(read, upstreams=(none, left, up, ill, up, job))
    assert snapshot_of(read, settings(select=Select(tags=("api",))), "x").upstreams == (ill, up, job)
    assert snapshot_of(read, settings(select=Select(services=("left",))), "x").upstreams == (left, job)


def test_the_unhealthy_are_counted_by_health_where_only_their_health_excludes_them() -> None:
    counts: dict[Key, Counter[str]] = {Key("shop", "v1"): Counter(critical=1)}
    seen = answer(
        registration(id="a"),
        registration(id="b", health="critical"),
        registration(id="c", health="maintenance"),
        registration(service="web", id="d", health="critical"),
        registration(service="other-v1", id="e", health="critical"),
    )
    count_unhealthy(seen, settings(select=Select(services=("shop*", "web"))), counts)
    assert counts == {Key("shop", "v1"): {"critical": 2, "maintenance": 1}, Key("web", None): {"critical": 1}}
