"""The authentication scheme of a (service, version): where it is read, who decides it, and what is no scheme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from frostline.model import (
    Bind,
    Contribution,
    Declaration,
    Declared,
    DeclaredService,
    Dependency,
    Endpoint,
    FileOrigin,
    Instance,
    Key,
    NamedAuth,
    Registry,
    Snapshot,
    Upstream,
)
from frostline.registry.assembling import assemble, contribution_of
from frostline.registry.auth import pass_on_auths
from frostline.registry.declaring import contribution_of_declaration
from frostline.registry.output_views.consumer import consumer_view
from frostline.registry.overrides.applying import apply_overrides
from frostline.settings import DeclaringSettings, Keep, Naming, OutputConsumer, Override, VersionFrom

KEY = Key("pay", "v1")
PLACE = FileOrigin("frostline.yaml", 9, 3)
READS = Naming(auth="auth")


def instance(number: int, service: str = "pay-v1", **meta: str) -> Instance:
    return Instance(service=service, node="n", id=f"i{number}", address=f"10.0.0.{number}", port=80, meta=meta)


def live(*instances: Instance, naming: Naming = READS, source: str = "mesh", **more: Any) -> Contribution:
    snapshot = Snapshot(source=source, datacenter="dc1", namespace="", settings="x", instances=instances)
    return contribution_of(source, [snapshot], naming, **more)


def local(source: str, auth: str | None, key: Key = KEY, place: FileOrigin = PLACE) -> Contribution:
    endpoint = Endpoint(url="http://x", address="x", port=80, source=source, declared_at=place)
    auths = {key: (NamedAuth(name=auth, origin=place),)} if auth else {}
    return Contribution(source=source, endpoints={key: (endpoint,)}, auths=auths)


def auth_and_rules(*contributions: Contribution, **options: Any) -> tuple[str | None, list[str]]:
    registry, findings = assemble(contributions, **options)
    return registry.services["pay"]["v1"].auth, [finding.rule for finding in findings]


@pytest.mark.parametrize(
    ("metas", "expected"),
    [
        ([{"auth": "hmac"}, {"auth": "hmac"}], ("hmac", [])),
        ([{"auth": "hmac"}, {}], ("hmac", [])),
        ([{}, {"auth": ""}], (None, [])),
        ([{"auth": "hmac"}, {"auth": "basic"}], (None, ["auth-different"])),
        ([{"auth": "a"}, {"auth": "b"}, {"auth": "c"}], (None, ["auth-different"])),
        ([{"auth": "Bearer x"}], (None, ["auth-name"])),
        ([{"auth": "Bearer x"}, {"auth": "hmac"}], ("hmac", ["auth-name"])),
        ([{"Auth": "hmac"}], (None, [])),
    ],
)
def test_the_instances_of_a_live_source_name_it(
    metas: list[Mapping[str, str]], expected: tuple[str | None, list[str]]
) -> None:
    assert auth_and_rules(live(*(instance(number, **meta) for number, meta in enumerate(metas, 1)))) == expected


def test_no_meta_is_read_where_the_source_does_not_say_which() -> None:
    assert auth_and_rules(live(instance(1, auth="hmac"), naming=Naming())) == (None, [])


def test_versions_of_tags_have_schemes_of_their_own() -> None:
    naming = Naming(auth="auth", version_from=VersionFrom(meta="version"))
    registry, findings = assemble(
        [live(instance(1, "pay", version="v1", auth="a"), instance(2, "pay", version="v2", auth="b"), naming=naming)]
    )
    assert {version: entry.auth for version, entry in registry.services["pay"].items()} == {"v1": "a", "v2": "b"}
    assert not findings


def test_names_that_are_frozen_alone_have_it() -> None:
    lines = tuple(Declared(service=name, meta={"auth": "hmac"}) for name in ("pay-v1", "other"))
    snapshot = Snapshot(source="mesh", datacenter="dc1", namespace="", settings="x", declared=lines)
    contribution = contribution_of("mesh", [snapshot], READS, names_only=True)
    assert auth_and_rules(contribution) == ("hmac", [])


def declared(service: str = "pay-v1", line: int = 1, **more: Any) -> DeclaredService:
    return DeclaredService(service=service, origin=FileOrigin("job.hcl", line), **more)


def from_files(*services: DeclaredService, **settings: Any) -> Contribution:
    read = DeclaringSettings(name="jobs", type="jobspec", origin=PLACE, naming=READS, **settings)
    return contribution_of_declaration(Declaration(services=services), read)


def test_job_files_name_it_of_what_they_serve_and_of_what_they_only_declare() -> None:
    with_address = from_files(declared(address="10.0.0.1", port=80, meta={"auth": "hmac"}))
    only_declared = from_files(declared(meta={"auth": "hmac"}))
    assert auth_and_rules(with_address) == auth_and_rules(only_declared) == ("hmac", [])
    found = from_files(declared(line=1, meta={"auth": "a"}), declared(line=2, meta={"auth": "b"}))
    assert auth_and_rules(found) == (None, ["auth-different"])
    assert not from_files(declared(meta={"auth": "a"}), services=("other",)).auths
    assert not from_files(declared(meta={"auth": "a"}), keep=Keep(meta=("owner",))).auths


def test_who_wins_the_service_decides_it() -> None:
    mesh, partner = live(instance(1, auth="hmac")), local("partners", "basic")
    assert auth_and_rules(mesh, partner, precedence=[["partners"], ["mesh"]]) == ("basic", [])
    assert auth_and_rules(mesh, partner, precedence=[["mesh"], ["partners"]]) == ("hmac", [])
    silent = local("partners", None)
    assert auth_and_rules(mesh, silent, precedence=[["partners"], ["mesh"]]) == (None, [])


def test_sources_that_unite_must_agree() -> None:
    mesh = live(instance(1, auth="hmac"))
    united = [["partners", "mesh"]]
    assert auth_and_rules(mesh, local("partners", "hmac"), precedence=united) == ("hmac", [])
    assert auth_and_rules(mesh, local("partners", None), precedence=united) == ("hmac", [])
    assert auth_and_rules(mesh, local("partners", "basic"), precedence=united) == (None, ["auth-different"])


def router(*leads_to: str) -> Contribution:
    endpoint = Endpoint(url="http://router/pay", address="router", port=80, source="edge", declared_at=PLACE)
    return Contribution(source="edge", endpoints={KEY: (endpoint,)}, leads_to={KEY: leads_to})


def passed_on(*contributions: Contribution) -> tuple[str | None, list[str]]:
    *_, edge = pass_on_auths([*contributions, router(*(one.source for one in contributions))])
    return auth_and_rules(edge)


def test_a_router_passes_on_the_scheme_of_what_stands_behind_it() -> None:
    mesh, other = live(instance(1, auth="hmac")), live(instance(2), source="live")
    assert passed_on(mesh, other) == ("hmac", [])
    assert passed_on(other) == (None, [])
    assert passed_on(mesh, live(instance(2, auth="basic"), source="live")) == (None, ["auth-different"])
    *_, edge = pass_on_auths([mesh, router("live", "gone")])
    assert auth_and_rules(edge) == (None, [])


def frozen(auth: str | None = "hmac") -> Registry:
    return assemble([live(instance(1, auth=auth or ""), instance(2))])[0]


def test_an_override_leaves_it() -> None:
    more = Override(service="pay/v1", until="2027-01-01", why="w", origin=PLACE, add=(("http://x", PLACE),))
    changed = apply_overrides(frozen(), [more]).registry
    assert (len(changed.services["pay"]["v1"].endpoints), changed.services["pay"]["v1"].auth) == (3, "hmac")


@pytest.mark.parametrize("auth", ["hmac", None])
def test_the_bind_of_a_consumer_has_that_of_the_service_it_leads_to(auth: str | None) -> None:
    bind = Bind(address="127.0.0.1", port=9001)
    upstream = Upstream(job="shop", group="web", namespace="default", destination="pay-v1", bind=bind)
    known = Dependency(upstream=upstream, source="mesh", service="pay", version="v1", url="http://127.0.0.1:9001/v1")
    unknown = Dependency(upstream=upstream, source="mesh", service="a-b", version=None, url="http://127.0.0.1:9002")
    consumer = OutputConsumer(group="shop/web")
    registry, _ = consumer_view(frozen(auth), [known, unknown], consumer, PLACE)
    assert registry.services["pay"]["v1"].url == "http://127.0.0.1:9001/v1"
    assert registry.services["pay"]["v1"].auth == auth
    assert registry.services["a_b"][None].auth is None


def test_the_findings_name_both_places_and_never_a_secret(matches_golden: Any) -> None:
    united = [["partners", "mesh"]]
    _, different = assemble([live(instance(1, auth="hmac")), local("partners", "basic")], united)
    matches_golden("auth-different", different)
    _, no_names = assemble([live(instance(1, auth="Bearer hunter2"), instance(2, auth="AKIAIOSFODNN7EXAMPLE"))])
    matches_golden("auth-name", no_names)
    assert all("hunter2" not in str(finding) and "AKIA" not in str(finding) for finding in no_names)
