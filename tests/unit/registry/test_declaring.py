"""What jobs declare: services of job files, and upstreams, as contributions to the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from frostline.model import Bind, Declaration, DeclaredService, Dependency, FileOrigin, InstanceOrigin, Upstream
from frostline.registry.declaring import contribution_of_declaration, dependencies_of
from frostline.settings import Keep, Naming, VersionFrom
from frostline.sources.jobspec.settings import JobspecSettings

PLACE = FileOrigin("jobs/shop.nomad.hcl", 12, 5)


def settings(**more: Any) -> JobspecSettings:
    root = Path("/project")
    return JobspecSettings(name="jobs", origin=FileOrigin("frostline.yaml", 3, 3), folder=root, root=root, **more)


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
