from __future__ import annotations

from msgspec.structs import replace

from frostline.cli.commands.explain import explanation_lines
from frostline.model import Endpoint, Entry, FileOrigin, InstanceOrigin, Key, registry_of
from frostline.pipeline.views.explaining import Explanation
from frostline.registry.exclusions import Exclusion
from frostline.registry.overrides.applying import Overridden

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


def explained(*keys: Key) -> list[str]:
    exclusions = (exclusion("payments", "v1"), exclusion("hidden"))
    return list(
        explanation_lines(Explanation(keys=keys, overridden=Overridden(registry=REGISTRY), exclusions=exclusions))
    )


def test_an_explanation_marks_the_url_to_use_and_lists_what_is_left_out() -> None:
    assert explained(Key("payments", "v1"), Key("ledger", None)) == [
        "payments v1",
        "  * http://a  from mesh()",
        "    http://b  from mesh()",
        "  left out:",
        "    payments  mesh(datacenter=dc1, namespace=default, node=n1, id=i1): why not",
        "ledger unversioned",
        "  known to mesh, but nothing to call",
    ]


def test_an_explanation_of_a_service_with_only_exclusions_says_so() -> None:
    assert explained(Key("hidden", None))[:3] == ["hidden unversioned", "  not in the registry", "  left out:"]


def test_an_explanation_says_how_callers_authenticate() -> None:
    key = Key("payments", None)
    said = Overridden(registry=registry_of({key: replace(entry("http://c"), auth="hmac-2")}))
    lines = list(explanation_lines(Explanation(keys=(key,), overridden=said, exclusions=())))
    assert lines[:2] == ["payments unversioned", "  callers authenticate by `hmac-2`"]
