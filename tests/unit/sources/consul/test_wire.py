from __future__ import annotations

from typing import Any

import pytest
from consul_replay import Replay, Reply, entry, read, refused
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from frostline.model import Registration
from frostline.sources.consul.wire import DescribedNode, Node, RegistrationMaker, Service, ServiceWithChecks, Weights


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"Port": 2**63}, f"has an invalid port, {2**63}"),
        ({"Port": -(2**63) - 1}, f"has an invalid port, -{2**63 + 1}"),
        ({"TaggedAddresses": {"wan": {"Address": "x", "Port": 2**64}}}, f"has an invalid port, {2**64}"),
        ({"Weights": {"Passing": -1, "Warning": 1}}, "has a weight that is not between 0 and 65535"),
        ({"Weights": {"Passing": 1, "Warning": -1}}, "has a weight that is not between 0 and 65535"),
        ({"Weights": {"Passing": 65536, "Warning": 1}}, "has a weight that is not between 0 and 65535"),
        ({"Weights": {"Passing": 2**70, "Warning": 1}}, "has a weight that is not between 0 and 65535"),
    ],
)
def test_a_value_that_consul_never_holds_is_refused_with_its_instance(
    replay: Replay, fields: dict[str, Any], said: str
):
    replay.routes["/v1/health/service/web"] = Reply([entry(**fields)])
    message = refused(replay)
    assert "service `web`, id `web`, on node `n1`" in message
    assert said in message


@pytest.mark.parametrize(
    "fields",
    [
        {"Port": "80"},
        {"Port": 80.5},
        {"Port": None},
        {"Tags": {"a": "b"}},
        {"Tags": "api"},
        {"Tags": [1]},
        {"Tags": [None]},
        {"Meta": {"a": 1}},
        {"Meta": {"a": None}},
        {"Meta": ["a"]},
        {"Address": 7},
        {"Address": None},
        {"ID": None},
        {"TaggedAddresses": {"lan": "10.0.0.1"}},
        {"TaggedAddresses": {"lan": None}},
        {"Weights": {"Passing": "1"}},
        {"Checks": {"a": 1}},
        {"Checks": [None]},
        {"Checks": [{"CheckID": "c"}]},
        {"Checks": [{"CheckID": "c", "Status": None}]},
        {"Checks": [{"CheckID": "c", "Status": 1}]},
    ],
    ids=str,
)
def test_a_value_of_a_type_that_consul_refuses_to_register_is_a_broken_answer(replay: Replay, fields: dict[str, Any]):
    replay.routes["/v1/health/service/web"] = Reply([entry(**fields)])
    assert "/v1/health/service/web" in refused(replay)


def test_every_list_and_map_may_be_null(replay: Replay):
    nulls = dict.fromkeys(["Tags", "Meta", "TaggedAddresses", "Weights", "Checks"])
    replay.routes["/v1/health/service/web"] = Reply([entry(**nulls)])
    (found,) = read(replay).answers[0].registrations
    assert (found.tags, found.meta, found.tagged_addresses, found.weights, found.health) == (
        (),
        {},
        {},
        (1, 1),
        "passing",
    )


@pytest.mark.parametrize("port", [-1, 65536, 2**40, 2**63 - 1, -(2**63)])
def test_a_port_out_of_range_is_read_as_registered(replay: Replay, port: int):
    tagged = {"lan": {"Address": "1.2.3.4", "Port": port}}
    replay.routes["/v1/health/service/web"] = Reply([entry(Port=port, TaggedAddresses=tagged)])
    (found,) = read(replay).answers[0].registrations
    assert (found.port, found.tagged_addresses) == (port, {"lan": ("1.2.3.4", port)})


@pytest.mark.parametrize(
    ("checks", "health", "unknown"),
    [
        ([("c", "odd")], "critical", "odd"),
        ([("c", "")], "critical", ""),
        ([("c", "Passing")], "critical", "Passing"),
        ([("c", "passing ")], "critical", "passing "),
        ([("c", "any")], "critical", "any"),
        ([("c", "maintenance")], "critical", "maintenance"),
        ([("c", "z"), ("d", "a"), ("e", "passing")], "critical", "a"),
        ([("_node_maintenance", "critical"), ("c", "odd")], "maintenance", "odd"),
        ([("c", "warning")], "warning", ""),
        ([("c", "critical")], "critical", ""),
    ],
)
def test_a_status_that_consul_does_not_define_counts_as_critical(
    replay: Replay, checks: list[tuple[str, str]], health: str, unknown: str
):
    replay.routes["/v1/health/service/web"] = Reply(
        [entry(Checks=[{"CheckID": check, "Status": status} for check, status in checks])]
    )
    (found,) = read(replay).answers[0].registrations
    assert (found.health, found.unknown_status) == (health, unknown)


@pytest.mark.parametrize(
    ("meta", "kept"),
    [({"rack": "r1", "os": "x"}, {"rack": "r1"}), ({"os": "x"}, {}), (None, {}), ({}, {}), ({"Rack": "r1"}, {})],
)
def test_only_the_metadata_of_the_node_that_selection_asks_for_is_kept(
    meta: dict[str, str] | None, kept: dict[str, str]
):
    found = ServiceWithChecks(DescribedNode(name="n1", address="10.0.0.1", meta=meta), Service(id="i", name="shop"))
    assert RegistrationMaker(["rack"]).make(found).node_meta == kept
    assert RegistrationMaker().make(found).node_meta == {}


def test_missing_weights_are_one_and_unknown_fields_are_ignored(replay: Replay):
    replay.routes["/v1/health/service/web"] = Reply([entry(Weights=None, Novelty={"a": [1]})])
    (found,) = read(replay).answers[0].registrations
    assert found.weights == (1, 1)


few_services = st.builds(
    Service,
    id=st.just("i"),
    name=st.sampled_from(["shop", "pay"]),
    address=st.sampled_from(["", "10.0.0.1", "10.0.0.2"]),
    port=st.just(80),
    tags=st.none() | st.lists(st.sampled_from(["a", "b"]), max_size=2),
    meta=st.none() | st.dictionaries(st.sampled_from(["y", "x"]), st.sampled_from(["1", "2"]), max_size=2),
    weights=st.none() | st.builds(Weights, st.integers(0, 2), st.integers(0, 2)),
)


@limits(max_examples=80, deadline=None)
@given(st.lists(few_services, max_size=6))
def test_a_registration_does_not_depend_on_those_that_were_read_before(services: list[Service]):
    registrations = RegistrationMaker()
    for service in services:
        made = registrations.make(ServiceWithChecks(Node(name="n1", address="10.0.0.1"), service))
        weights = service.weights or Weights()
        assert (made.service, made.address, made.tags) == (service.name, service.address, tuple(service.tags or ()))
        assert list(made.meta.items()) == sorted((service.meta or {}).items())
        assert made.weights == (weights.passing, weights.warning)
        assert made.tagged_addresses == {}


def test_registrations_of_a_service_share_what_is_equal():
    registrations = RegistrationMaker()

    def make(node: str) -> Registration:
        service = Service(id="i", name="shop", address="10.0.0.1", tags=["a"], meta={"x": str(1)})
        return registrations.make(ServiceWithChecks(Node(name=node, address="10.0.0.1"), service))

    first, second = make("n1"), make("n2")
    assert first.tags is second.tags
    assert first.meta is second.meta
