from __future__ import annotations

from msgspec.structs import replace

from frostline.cli.commands import list as listing
from frostline.model import Endpoint, Entry, FileOrigin, Key, registry_of
from frostline.registry.overrides.applying import Overridden, apply_overrides
from frostline.settings import EndpointMatch, Override


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
    assert listing._table(Overridden(registry=REGISTRY), {Key("payments", "v1")})[1] == [
        ("ledger", "unversioned", "0", "mesh", "-"),
        ("payments", "unversioned", "1", "mesh", "http://c"),
        ("payments", "v1", "2 (held)", "mesh", "http://a"),
    ]


def test_a_column_says_which_services_an_override_changes_and_why() -> None:
    place = FileOrigin("frostline.yaml", 3)
    match = EndpointMatch(origin=place, url="http://b")
    override = Override(service="payments/v1", until="2027-01-31", why="disk", origin=place, drop=(match,))
    header, rows = listing._table(apply_overrides(REGISTRY, [override]), ())
    assert header[-1] == "OVERRIDE"
    assert [row[-1] for row in rows] == ["-", "-", "until 2027-01-31: disk"]


def test_a_column_says_how_callers_authenticate_if_a_service_has_a_scheme() -> None:
    said = {key: replace(entry, auth="hmac-2") if key.version else entry for key, entry in REGISTRY.entries()}
    header, rows = listing._table(Overridden(registry=registry_of(said)), ())
    assert header[-1] == "AUTH"
    assert [row[-1] for row in rows] == ["-", "-", "hmac-2"]
