from __future__ import annotations

from msgspec.structs import replace

from frostline.model import Endpoint, Entry, FileOrigin, InstanceOrigin, Key, registry_of
from frostline.pipeline.views.explaining import Explanation, closest, explanation_value, keys_named
from frostline.pipeline.views.listing import list_value
from frostline.registry.exclusions import Exclusion
from frostline.registry.overrides.applying import Overridden

PLACE = FileOrigin("frostline.yaml", 3, 5)
ORIGIN = InstanceOrigin("mesh", "dc1", "default", "n1", "i1")


def endpoint(url: str, source: str = "mesh", place: FileOrigin | None = None) -> Endpoint:
    return Endpoint(url=url, address="a", port=1, source=source, declared_at=place)


def entry(*urls: str, source: str = "mesh") -> Entry:
    endpoints = tuple(endpoint(url) for url in urls)
    return Entry(url=urls[0] if urls else None, endpoints=endpoints, sources=(source,))


REGISTRY = registry_of(
    {
        Key("payments", "v1"): entry("http://a", "http://b"),
        Key("payments", None): entry("http://c"),
        Key("ledger", None): entry(),
    }
)


def exclusion(service: str, version: str | None = None, name: str = "") -> Exclusion:
    return Exclusion(key=Key(service, version), name=name or service, origin=ORIGIN, reason="why not")


def test_a_name_means_all_its_versions_or_the_given_one() -> None:
    assert keys_named(REGISTRY, [], "payments", None) == [Key("payments", None), Key("payments", "v1")]
    assert keys_named(REGISTRY, [], "payments", "v1") == [Key("payments", "v1")]
    assert keys_named(REGISTRY, [], "payments", "unversioned") == [Key("payments", None)]
    assert keys_named(REGISTRY, [], "payments", "v2") == []


def test_a_registered_name_means_the_service_that_naming_makes_of_it() -> None:
    assert keys_named(REGISTRY, [exclusion("payments", "v1", "payments-v1")], "payments-v1", None) == [
        Key("payments", "v1")
    ]


def test_a_name_that_only_exclusions_have_is_known() -> None:
    assert keys_named(REGISTRY, [exclusion("hidden", "v3")], "hidden", None) == [Key("hidden", "v3")]


def test_the_closest_names_are_services_or_versions_of_the_known_service() -> None:
    assert closest(REGISTRY, [exclusion("legder")], "ledgr", None) == ["ledger", "legder"]
    assert closest(REGISTRY, [], "payments", "v2") == ["payments v1", "payments unversioned"]
    assert closest(REGISTRY, [exclusion("LEDGER")], "Ledger", None) == ["LEDGER", "ledger"]
    assert closest(REGISTRY, [], "nothing-like-it", None) == []


def test_an_explanation_of_what_is_left_out_alone_has_no_endpoints() -> None:
    key = Key("hidden", None)
    found = Explanation(
        keys=(key,), overridden=Overridden(registry=REGISTRY), exclusions=(exclusion("hidden"), exclusion("other"))
    )
    (value,) = explanation_value(found)
    assert (value["url"], value["sources"], value["endpoints"]) == (None, [], [])
    assert [left_out["name"] for left_out in value["left_out"]] == ["hidden"]
    assert value["left_out"][0]["origin"]["node"] == "n1"


def test_the_list_has_an_item_for_each_version() -> None:
    values = list_value(Overridden(registry=REGISTRY), {Key("payments", "v1")})
    assert [(value["version"], value["endpoints"], value["declared"], value["held"]) for value in values] == [
        (None, 0, True, False),
        (None, 1, False, False),
        ("v1", 2, False, True),
    ]


def test_list_and_explanation_have_the_authentication_scheme_or_null() -> None:
    said = {key: replace(entry, auth="hmac-2") if key.version else entry for key, entry in REGISTRY.entries()}
    overridden = Overridden(registry=registry_of(said))
    assert [value["auth"] for value in list_value(overridden, ())] == [None, None, "hmac-2"]
    found = Explanation(keys=(*said, Key("hidden", None)), overridden=overridden, exclusions=())
    assert {(value["service"], value["version"]): value["auth"] for value in explanation_value(found)} == {
        ("ledger", None): None,
        ("payments", None): None,
        ("payments", "v1"): "hmac-2",
        ("hidden", None): None,
    }
