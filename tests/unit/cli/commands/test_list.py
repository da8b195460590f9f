from __future__ import annotations

from frostline.cli.commands import list as listing
from frostline.model import Endpoint, Entry, FileOrigin, Key, registry_of


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


def test_a_row_has_version_number_of_endpoints_sources_and_url() -> None:
    assert listing._rows(REGISTRY, {Key("payments", "v1")}) == [
        ("ledger", "unversioned", "0", "mesh", "-"),
        ("payments", "unversioned", "1", "mesh", "http://c"),
        ("payments", "v1", "2 (held)", "mesh", "http://a"),
    ]
