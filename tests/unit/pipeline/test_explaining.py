from __future__ import annotations

from frostline.model import (
    Endpoint,
    Entry,
    FileOrigin,
    InstanceOrigin,
    Key,
    registry_of,
)
from frostline.pipeline.explaining import (
    chosen,
    closest,
    explanation_lines,
    explanation_value,
    list_rows,
    list_value,
    table_lines,
)
from frostline.registry.exclusions import Exclusion

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


def test_a_name_stands_for_all_its_versions_or_for_the_one_that_is_asked_for() -> None:
    assert chosen(REGISTRY, [], "payments", None) == [Key("payments", None), Key("payments", "v1")]
    assert chosen(REGISTRY, [], "payments", "v1") == [Key("payments", "v1")]
    assert chosen(REGISTRY, [], "payments", "unversioned") == [Key("payments", None)]
    assert chosen(REGISTRY, [], "payments", "v2") == []


def test_a_registered_name_stands_for_what_naming_made_of_it() -> None:
    assert chosen(REGISTRY, [exclusion("payments", "v1", "payments-v1")], "payments-v1", None) == [
        Key("payments", "v1")
    ]


def test_a_name_that_only_exclusions_have_is_known() -> None:
    assert chosen(REGISTRY, [exclusion("hidden", "v3")], "hidden", None) == [Key("hidden", "v3")]


def test_the_closest_are_of_services_or_of_the_versions_of_the_one_that_is_there() -> None:
    assert closest(REGISTRY, [exclusion("legder")], "ledgr", None) == ["ledger", "legder"]
    assert closest(REGISTRY, [], "payments", "v2") == ["payments v1", "payments unversioned"]
    assert closest(REGISTRY, [exclusion("LEDGER")], "Ledger", None) == ["LEDGER", "ledger"]
    assert closest(REGISTRY, [], "nothing-like-it", None) == []


def test_an_explanation_marks_the_url_to_use_and_lists_what_is_left_out() -> None:
    lines = list(
        explanation_lines([Key("payments", "v1"), Key("ledger", None)], REGISTRY, [exclusion("payments", "v1")])
    )
    assert lines == [
        "payments v1",
        "  * http://a  from mesh()",
        "    http://b  from mesh()",
        "  left out:",
        "    payments  mesh(datacenter=dc1, namespace=default, node=n1, id=i1): why not",
        "ledger unversioned",
        "  known to mesh, but nothing to call",
    ]


def test_an_explanation_of_what_is_left_out_alone_says_so() -> None:
    lines = list(explanation_lines([Key("hidden", None)], REGISTRY, [exclusion("hidden")]))
    assert lines[:3] == ["hidden unversioned", "  not in the registry", "  left out:"]
    (value,) = explanation_value([Key("hidden", None)], REGISTRY, [exclusion("hidden")])
    assert (value["url"], value["sources"], value["endpoints"]) == (None, [], [])
    assert value["left_out"][0]["origin"]["node"] == "n1"


def test_a_table_is_aligned_by_what_a_terminal_shows() -> None:
    rows = [("\u6f22\u5b57", "x"), ("a", "y"), ("b\x1b", "")]
    assert list(table_lines(("N", "V"), rows)) == ["N      V", "\u6f22\u5b57   x", "a      y", "b\\x1b"]


def test_a_very_long_name_does_not_widen_the_rows_of_others() -> None:
    long = "n" * 81
    assert list(table_lines(("N", "V"), [("a", "b"), (long, "c")])) == ["N  V", "a  b", f"{long}  c"]


def test_the_list_has_a_row_for_each_version() -> None:
    assert list_rows(REGISTRY) == [
        ("ledger", "unversioned", "0", "mesh", "-"),
        ("payments", "unversioned", "1", "mesh", "http://c"),
        ("payments", "v1", "2", "mesh", "http://a"),
    ]
    assert [(one["version"], one["endpoints"], one["declared"]) for one in list_value(REGISTRY)] == [
        (None, 0, True),
        (None, 1, False),
        ("v1", 2, False),
    ]
