from __future__ import annotations

from typing import Any

import pytest
from consul_replay import Replay, Reply, entry, read, refused
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from frostline.model import Registration
from frostline.sources.consul.wire import Node, RegistrationMaker, Service, ServiceWithChecks, Weights


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"Port": -1}, "has the port -1"),
        ({"Port": 65536}, "has the port 65536"),
        ({"TaggedAddresses": {"wan": {"Address": "x", "Port": 70000}}}, "has the port 70000"),
        ({"Weights": {"Passing": -1, "Warning": 1}}, "has a negative weight"),
        ({"Checks": [{"CheckID": "c", "Status": "odd"}]}, "check 'c' has the unknown status 'odd'"),
        ({"Checks": [{"CheckID": "c", "Status": ""}]}, "check 'c' has the unknown status ''"),
    ],
)
def test_an_impossible_value_is_refused_with_its_instance(replay: Replay, fields: dict[str, Any], said: str):
    replay.routes["/v1/health/service/web"] = Reply([entry(**fields)])
    message = refused(replay)
    assert "service 'web', id 'web', on node 'n1'" in message
    assert said in message


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


@limits(max_examples=200, deadline=None)
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
