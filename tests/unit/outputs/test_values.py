"""The registry as plain values, and the digest of its content."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from frostline.endpoint_runs import runs_of
from frostline.model import Bind, DeclaredProperties, Dependency, Endpoint, Entry, Key, Registry, Upstream, registry_of
from frostline.outputs.values import (
    OPTIONAL_FIELDS,
    Endpoints,
    content_digest,
    endpoint_values,
    entry_value,
    service_value,
    upstream_value,
)

FULL = Endpoint(
    url="http://10.0.0.1:8080/v1",
    address="10.0.0.1",
    port=8080,
    source="mesh",
    datacenter="dc1",
    namespace="ops",
    node="web-1",
    id="payments-1",
    tags=("b", "a"),
    meta={"z": "1", "a": "2"},
    weight=10,
)
BARE = Endpoint(url="https://x.example", address="x.example", port=443, source="static")


def entry(*endpoints: Endpoint, sources: tuple[str, ...] = ("mesh",)) -> Entry:
    return Entry(url=endpoints[0].url if endpoints else None, endpoints=endpoints, sources=sources)


def dependency(bind: Bind | None = None, destination: str = "payments-v1", **fields: Any) -> Dependency:
    upstream = Upstream(
        namespace="default",
        destination=destination,
        bind=bind or Bind(address="127.0.0.1", port=9102),
        **({"job": "shop", "group": "web"} | fields),
    )
    return Dependency(upstream=upstream, source="live", service="payments", version="v1")


def test_an_endpoint_has_its_keys_in_order_and_its_meta_sorted() -> None:
    (value,) = endpoint_values(entry(FULL))
    assert json.dumps(value) == (
        '{"url": "http://10.0.0.1:8080/v1", "address": "10.0.0.1", "port": 8080, "datacenter": "dc1", '
        '"tags": ["b", "a"], "meta": {"a": "2", "z": "1"}, "weight": 10}'
    )


def test_an_endpoint_of_a_local_source_has_no_datacenter() -> None:
    assert endpoint_values(entry(BARE))[0]["datacenter"] is None


def test_optional_fields_follow_in_their_own_order_where_they_are_named() -> None:
    values = endpoint_values(entry(FULL, BARE), ("namespace", "id"))
    assert [list(value)[7:] for value in values] == [["id", "namespace"]] * 2
    assert [(value["id"], value["namespace"]) for value in values] == [("payments-1", "ops"), ("", "")]


def test_endpoints_that_differ_keep_their_own_tags_meta_datacenter_and_weight() -> None:
    values = endpoint_values(entry(FULL, FULL, BARE, FULL))
    assert [value["weight"] for value in values] == [10, 10, 1, 10]
    assert values[0] == values[1] == values[3] != values[2]
    assert (values[2]["tags"], values[2]["meta"]) == ([], {})


def test_an_entry_names_its_sources_in_a_list() -> None:
    assert entry_value(entry(FULL))["sources"] == ["mesh"]
    assert entry_value(entry(FULL, sources=("live", "mesh")))["sources"] == ["live", "mesh"]


def test_an_entry_has_its_auth_where_that_is_known() -> None:
    assert "auth" not in entry_value(entry(FULL))
    assert entry_value(replace(entry(FULL), auth="hmac"))["auth"] == "hmac"
    assert entry_value(replace(entry(), auth="hmac")) == entry_value(entry()) | {"auth": "hmac"}


def test_a_declared_entry_has_what_job_files_say_of_it() -> None:
    said = DeclaredProperties(tags=("a",), meta={"k": "v"}, port=80)
    expected = {"url": None, "endpoints": [], "declared": True, "tags": ["a"], "meta": {"k": "v"}, "port": 80}
    assert entry_value(replace(entry(), properties=said)) == expected
    assert entry_value(replace(entry(), properties=DeclaredProperties()))["port"] is None


def test_a_declared_entry_has_no_url_no_endpoint_and_no_source() -> None:
    assert entry_value(entry()) == entry_value(entry(), direct=True) == {"url": None, "endpoints": [], "declared": True}


def test_endpoints_stay_as_they_are_for_a_writer_of_its_own() -> None:
    found = entry(FULL)
    assert entry_value(found, ("id",), direct=True)["endpoints"] == Endpoints(runs_of(found), ("id",))


def test_a_service_is_its_versions_by_label() -> None:
    value = service_value({None: entry(BARE), "v1": entry()}, ("id",))
    assert value == {"unversioned": entry_value(entry(BARE), ("id",)), "v1": entry_value(entry())}
    assert list(value) == ["unversioned", "v1"]


def test_an_upstream_leaves_out_what_is_not_set() -> None:
    assert upstream_value(dependency()) == {
        "consumer": {"namespace": "default", "job": "shop", "group": "web"},
        "destination": "payments-v1",
        "bind": {"address": "127.0.0.1", "port": 9102},
        "env": ["NOMAD_UPSTREAM_ADDR_payments-v1", "NOMAD_UPSTREAM_ADDR_payments_v1"],
    }


def test_an_upstream_has_all_that_is_set() -> None:
    value = upstream_value(
        dependency(
            region="eu",
            kind="prepared_query",
            destination_namespace="ops",
            datacenter="dc2",
            peer="west",
            destination="ledger",
        )
    )
    assert value["consumer"]["region"] == "eu"
    assert (value["kind"], value["namespace"], value["datacenter"], value["peer"]) == (
        "prepared_query",
        "ops",
        "dc2",
        "west",
    )
    assert value["env"] == ["NOMAD_UPSTREAM_ADDR_ledger"]


def test_an_upstream_of_a_sidecar_names_its_service() -> None:
    value = upstream_value(dependency(job="", group="", service="web", region="dc1", destination_port="http"))
    assert value == {
        "consumer": {"datacenter": "dc1", "namespace": "default", "service": "web"},
        "destination": "payments-v1",
        "port": "http",
        "bind": {"address": "127.0.0.1", "port": 9102},
        "env": [],
    }


def test_an_upstream_on_a_socket_is_in_no_variable() -> None:
    value = upstream_value(dependency(Bind(socket="/alloc/payments.sock")))
    assert (value["bind"], value["env"]) == ({"socket": "/alloc/payments.sock"}, [])


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(['"', "\\", "'", "\x7f", "é"])
endpoints = st.builds(
    Endpoint,
    url=texts,
    address=texts,
    port=st.integers(0, 65535),
    source=texts,
    datacenter=texts,
    node=texts,
    tags=st.lists(texts, max_size=2).map(tuple),
    meta=st.dictionaries(texts, texts, max_size=2),
    weight=st.integers(0, 2),
)
registries = st.dictionaries(
    st.builds(Key, texts, st.none() | texts.filter(lambda name: name != "unversioned")),
    st.lists(endpoints, max_size=3),
    max_size=4,
).map(lambda found: registry_of({key: entry(*points) for key, points in found.items()}, [dependency()]))


@settings(max_examples=50, deadline=None)
@given(registries, st.sampled_from([(), ("node",), OPTIONAL_FIELDS]))
def test_the_digest_is_that_of_the_values_as_json_lines(registry: Registry, fields: tuple[str, ...]) -> None:
    lines: list[Any] = [[*key, entry_value(found, fields)] for key, found in registry.entries()]
    lines += [upstream_value(upstream) for upstream in registry.upstreams]
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    assert content_digest(registry, fields) == f"sha256:{sha256(text.encode()).hexdigest()}"


@pytest.mark.parametrize("fields", [(), ("node",)])
def test_a_field_that_is_not_written_does_not_count_in_the_digest(fields: tuple[str, ...]) -> None:
    digests = {
        content_digest(
            registry_of({Key("a", None): entry(Endpoint(url="u", address="a", port=1, source="s", node=node))}), fields
        )
        for node in ("n1", "n2")
    }
    assert len(digests) == 1 + len(fields)
