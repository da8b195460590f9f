"""What jobs declare: services of job files, and upstreams, as contributions to the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from frostline.model import (
    Bind,
    Declaration,
    DeclaredProperties,
    DeclaredService,
    Dependency,
    Entry,
    FileOrigin,
    Finding,
    InstanceOrigin,
    Upstream,
)
from frostline.registry.assembling import assemble, entry_digest, properties_digest
from frostline.registry.declaring import contribution_of_declaration, dependencies_of, unite_properties
from frostline.settings import Keep, Naming, VersionFrom
from frostline.sources.jobspec.settings import JobspecSettings

PLACE = FileOrigin("jobs/shop.nomad.hcl", 12, 5)


def settings(**more: Any) -> JobspecSettings:
    root = Path("/project")
    return JobspecSettings(name="jobs", origin=FileOrigin("frostline.yaml", 3, 3), folder=root, root=root, **more)


def settings_of(name: str) -> JobspecSettings:
    return replace(settings(), name=name)


def upstream(destination: str, **more: Any) -> Upstream:
    more.setdefault("bind", Bind(address="127.0.0.1", port=9101))
    return Upstream(namespace="default", job="shop", group="web", destination=destination, **more)


def declared(*services: DeclaredService) -> Declaration:
    return Declaration(services=services)


def test_a_service_with_address_and_port_is_an_endpoint_any_other_is_declared() -> None:
    literal = DeclaredService(service="db-v2", origin=PLACE, address="10.0.0.1", port=5432, namespace="ops", weight=3)
    found = contribution_of_declaration(declared(literal, DeclaredService(service="web", origin=PLACE)), settings())
    (endpoint,) = found.endpoints["db", "v2"]
    assert endpoint.url == "http://10.0.0.1:5432/v2"
    assert (endpoint.datacenter, endpoint.namespace, endpoint.weight) == ("", "ops", 3)
    assert endpoint.origin == PLACE
    assert found.endpoints["web", None] == ()
    assert found.places == {("db", "v2"): PLACE, ("web", None): PLACE}


@pytest.mark.parametrize(
    ("address", "port", "rules"),
    [
        ("http://10.0.0.7", 80, ["address-invalid"]),
        ("10.0.0.7:8080", 80, ["address-invalid"]),
        (" 10.0.0.7", 80, ["address-invalid"]),
        ("256.1.1.1", 80, ["address-invalid"]),
        ("10.0.0.7", 65536, ["port-invalid"]),
        ("10.0.0.7", -1, ["port-invalid"]),
        ("0.0.0.0", 80, ["address-unusable"]),
        ("10.0.0.7", 80, []),
        ("http://10.0.0.7", 0, []),
    ],
)
def test_what_is_no_address_or_port_is_a_finding_with_its_place(address: str, port: int, rules: list[str]) -> None:
    found = contribution_of_declaration(
        declared(DeclaredService(service="db", origin=PLACE, address=address, port=port)), settings()
    )
    assert [(finding.rule, finding.origin) for finding in found.findings] == [(rule, PLACE) for rule in rules]
    has_endpoint = port and not any(rule != "address-unusable" for rule in rules)
    assert len(found.endpoints["db", None]) == bool(has_endpoint)


def test_an_address_of_a_job_file_is_written_in_its_one_spelling() -> None:
    service = DeclaredService(service="db", origin=PLACE, address="[FD00:0::7]", port=80)
    (endpoint,) = contribution_of_declaration(declared(service), settings()).endpoints["db", None]
    assert (endpoint.address, endpoint.url) == ("fd00::7", "http://[fd00::7]:80")


@pytest.mark.parametrize(
    ("address", "rules"),
    [
        ("127.0.0.1", []),
        ("", []),
        ("0.0.0.0", []),
        ("::", []),
        ("http://127.0.0.1", ["address-invalid"]),
        ("127.0.0.1:80", ["address-invalid"]),
    ],
)
def test_the_bind_of_an_upstream_is_judged_and_may_be_every_address(address: str, rules: list[str]) -> None:
    bind = (upstream("db", bind=Bind(address=address, port=9101)), PLACE)
    found = contribution_of_declaration(Declaration(upstreams=(bind,)), settings())
    assert [(finding.rule, finding.origin) for finding in found.findings] == [(rule, PLACE) for rule in rules]
    assert all("`default:shop/web` has an upstream for it whose bind" in finding.message for finding in found.findings)


def test_the_first_place_is_that_of_a_service_declared_twice() -> None:
    later = FileOrigin(PLACE.path, 99, 1)
    found = contribution_of_declaration(
        declared(DeclaredService(service="web", origin=PLACE), DeclaredService(service="web", origin=later)), settings()
    )
    assert found.places == {("web", None): PLACE}


def test_services_are_selected_by_name_and_tags_and_meta_kept_by_glob() -> None:
    service = DeclaredService(
        service="db", origin=PLACE, address="a", port=1, tags=("x", "secret-y"), meta={"owner": "o", "token": "t"}
    )
    kept = Keep(tags=("*", "!secret-*"), meta=("owner",))
    chosen = settings(services=("*", "!web"), keep=kept)
    found = contribution_of_declaration(declared(service, DeclaredService(service="web", origin=PLACE)), chosen)
    assert list(found.endpoints) == [("db", None)]
    (endpoint,) = found.endpoints["db", None]
    assert endpoint.tags == ("x",)
    assert endpoint.meta == {"owner": "o"}


def test_a_version_comes_from_meta_where_the_settings_say_so() -> None:
    naming = Naming(version_from=VersionFrom(meta="version"))
    service = DeclaredService(service="db-v1", origin=PLACE, meta={"version": "v7"})
    found = contribution_of_declaration(declared(service), settings(naming=naming))
    assert list(found.endpoints) == [("db-v1", "v7")]


def test_a_url_that_cannot_be_made_is_a_finding_with_the_place() -> None:
    naming = Naming(unversioned_url="http://{meta[host]}/")
    service = DeclaredService(service="db", origin=PLACE, address="a", port=1)
    (finding,) = contribution_of_declaration(declared(service), settings(naming=naming)).findings
    assert (finding.rule, finding.origin) == ("meta-missing", PLACE)


def test_an_upstream_is_named_and_its_bind_has_the_url_of_the_source() -> None:
    (found,) = dependencies_of("jobs", [(upstream("count-api-v1"), PLACE)], Naming())
    assert found.key == ("count-api", "v1")
    assert found.url == "http://127.0.0.1:9101/v1"
    assert found.origin == PLACE


def test_an_upstream_of_a_live_source_has_its_origin_there() -> None:
    (found,) = dependencies_of("live", [(upstream("stock", region="global"), None)], Naming())
    assert found.origin == InstanceOrigin("live", "global", "default", id="shop/web")


def test_an_upstream_has_no_url_where_it_is_a_socket_or_the_pattern_asks_for_more() -> None:
    socket = upstream("stock", bind=Bind(socket="/alloc/stock.sock"))
    naming = Naming(unversioned_url="http://{meta[host]}/")
    assert [one.url for one in dependencies_of("jobs", [(socket, PLACE)], Naming())] == [None]
    assert [one.url for one in dependencies_of("jobs", [(upstream("stock"), PLACE)], naming)] == [None]


def test_peers_and_prepared_queries_are_elsewhere() -> None:
    ups = [upstream("a"), upstream("b", peer="west"), upstream("c", kind="prepared_query")]
    found: tuple[Dependency, ...] = dependencies_of("jobs", [(upstream, PLACE) for upstream in ups], Naming())
    assert [one.is_elsewhere for one in found] == [False, True, True]


def test_a_declared_service_has_the_tags_and_meta_that_are_kept_and_the_port() -> None:
    service = DeclaredService(
        service="db", origin=PLACE, port=5432, tags=("b", "secret", "a"), meta={"k": "v", "t": "x"}
    )
    kept = settings(keep=Keep(tags=("*", "!secret"), meta=("k",)))
    found = contribution_of_declaration(declared(service), kept)
    assert found.endpoints["db", None] == ()
    assert found.properties["db", None] == DeclaredProperties(tags=("a", "b"), meta={"k": "v"}, port=5432)


def test_files_that_declare_one_service_unite_its_tags_and_what_they_agree_on() -> None:
    first = DeclaredProperties(tags=("a",), meta={"same": "1", "other": "1", "mine": "1"}, port=80)
    second = DeclaredProperties(tags=("b", "a"), meta={"same": "1", "other": "2"}, port=81)
    assert unite_properties([]) is None
    assert unite_properties([first, DeclaredProperties()]) == DeclaredProperties(
        tags=("a",), meta={"mine": "1", "other": "1", "same": "1"}, port=80
    )
    united = DeclaredProperties(tags=("a", "b"), meta={"mine": "1", "same": "1"}, port=0)
    assert unite_properties([first, second]) == unite_properties([second, first]) == united


def fallback(name: str, **more: Any) -> DeclaredService:
    address = f"{name}.consul"
    return DeclaredService(service=name, origin=PLACE, address=address, port=80, fallback=True, **more)


def test_the_address_of_the_source_is_for_keys_without_an_endpoint_of_their_own() -> None:
    own = DeclaredService(service="db", origin=PLACE, address="10.0.0.1", port=80)
    found = contribution_of_declaration(declared(fallback("db"), own, fallback("web")), settings())
    assert [endpoint.address for endpoint in found.endpoints["db", None]] == ["10.0.0.1"]
    assert [endpoint.address for endpoint in found.endpoints["web", None]] == ["web.consul"]
    assert found.fallback == {("web", None)}


def test_the_address_of_the_source_gives_way_to_every_other_source() -> None:
    jobs = contribution_of_declaration(declared(fallback("db"), fallback("web")), settings())
    live = contribution_of_declaration(
        declared(DeclaredService(service="db", origin=PLACE, address="10.0.0.1", port=80)),
        settings_of("mesh"),
    )
    registry, findings = assemble([jobs, live], precedence=[["jobs"], ["mesh"]])
    assert findings == ()
    assert [entry.sources for _, entry in registry.entries()] == [("mesh",), ("jobs",)]


def test_what_job_files_say_is_in_entries_without_endpoints_and_in_their_digests() -> None:
    def entry(**more: Any) -> Entry:
        service = DeclaredService(service="db", origin=PLACE, **more)
        registry, _ = assemble([contribution_of_declaration(declared(service), settings())])
        return registry.services["db"][None]

    assert entry(address="a", port=80, tags=("x",)).properties is None
    assert entry(port=80).properties == DeclaredProperties(port=80)
    assert len({entry_digest(entry()), entry_digest(entry(port=80)), entry_digest(entry(tags=("x",)))}) == 3
    # A port is known or not, as addresses are: only tags and meta are properties that guards count.
    assert properties_digest(entry()) == properties_digest(entry(port=80)) != properties_digest(entry(tags=("x",)))


def test_a_finding_about_a_registered_name_is_one_about_its_service_and_version() -> None:
    findings = (
        Finding(rule="job-tag", message="m", service="db-v1"),
        Finding(rule="job-name", message="m"),
    )
    found = contribution_of_declaration(Declaration(findings=findings), settings()).findings
    assert [(finding.service, finding.version) for finding in found] == [("db", "v1"), (None, None)]
