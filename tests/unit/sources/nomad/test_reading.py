"""The proof that a read of Nomad is the state of one moment, with answers that a real Nomad rarely gives."""

from __future__ import annotations

from typing import Any

import pytest
from nomad_reads import SHOP, jobs, names, read, read_default, refused_default, settings_of, upstream
from nomad_replay import NomadReplay, Query, Reply, instance, job, state, stub

from frostline.settings import Select
from frostline.sources.nomad import reading as nomad_reading
from frostline.sources.nomad import source as nomad


def test_what_does_not_change_is_read_once(region: NomadReplay) -> None:
    registrations, upstreams = read_default(region)
    assert [registration.service for registration in registrations] == ["web"]
    assert upstreams == (upstream("stock"),)
    services = ["/v1/services", "/v1/service/web", "/v1/job/j/allocations", "/v1/client/allocation/a1/checks"]
    jobs = ["/v1/jobs", "/v1/jobs", SHOP]
    assert sorted(region.paths()) == sorted(["/v1/regions", "/v1/namespaces", *services, *jobs])


def test_a_service_that_changes_once_is_read_again(region: NomadReplay) -> None:
    region.fix("/v1/services", names("web"), names("web", index=71))
    old, new = instance("web", Port=1, ModifyIndex=7), instance("web", Port=2, ModifyIndex=71)
    region.fix("/v1/service/web", state([new], 71), state([new], 71))
    registrations, _ = read_default(region)
    assert [registration.port for registration in registrations] == [2]
    region.fix("/v1/services", names("web"))
    region.fix("/v1/service/web", state([old], 70), state([new], 71))
    registrations, _ = read_default(region)
    assert [registration.port for registration in registrations] == [1]


def test_a_service_that_changes_in_every_read_is_refused(region: NomadReplay) -> None:
    left = iter(range(71, 99))

    def moving(reply: Reply, _: Query) -> Reply:
        index = next(left)
        return state([instance("web", ModifyIndex=index)], index)

    region.bends["/v1/service/web"] = moving
    message = refused_default(region)
    assert "services were registered or removed during each of 3 reads\n" in message
    assert region.paths().count("/v1/service/web") == 3


def test_a_service_that_is_the_same_before_and_after_a_list_is_proved_while_others_change(region: NomadReplay) -> None:
    left = iter(range(71, 99))
    region.bends["/v1/services"] = lambda *_: names("web", index=next(left))
    region.bends["/v1/service/web"] = lambda *_: state([instance("web")], next(left))
    registrations, _ = read_default(region)
    assert len(registrations) == 1
    assert region.paths().count("/v1/service/web") == 2


def test_an_instance_that_came_back_is_not_the_same(region: NomadReplay) -> None:
    region.fix("/v1/services", names("web"), names("web", index=72), names("web", index=74))
    replies = [state([instance("web", ModifyIndex=index)], index) for index in (71, 73, 74)]
    region.fix("/v1/service/web", *replies)
    read_default(region)
    assert region.paths().count("/v1/service/web") == 3


def test_a_service_that_is_listed_during_a_read_is_read_too(region: NomadReplay) -> None:
    region.fix("/v1/services", names("web"), names("api", "web", index=71))
    region.fix("/v1/service/web", state([instance("web")], 71))
    region.fix("/v1/service/api", state([instance("api")], 71))
    registrations, _ = read_default(region)
    assert [registration.service for registration in registrations] == ["api", "web"]
    assert region.paths().count("/v1/service/web") == 1  # its answer is of the second list's moment already


def test_a_service_that_vanishes_during_a_read_is_left_out(region: NomadReplay) -> None:
    region.fix("/v1/services", names("gone", "web"), names("web", index=71))
    region.fix("/v1/service/web", state([instance("web")], 71))
    region.fix("/v1/service/gone", state([], 71))
    registrations, _ = read_default(region)
    assert [registration.service for registration in registrations] == ["web"]


def test_a_listed_service_without_an_instance_is_refused(region: NomadReplay) -> None:
    region.fix("/v1/service/web", state([]))
    assert "no instance answers for `web`, which is listed" in refused_default(region)


def test_several_pages_of_instances_are_read_and_read_again_if_they_changed_meanwhile(region: NomadReplay) -> None:
    def pages(second: int) -> list[Reply]:
        first = state([instance("web", ID="1")]).with_headers(NextToken="default.2")
        return [first, state([instance("web", ID="2")], second)]

    region.fix("/v1/services", names("web"))
    region.fix("/v1/service/web", *pages(71), *pages(71), *pages(70))
    registrations, _ = read_default(region)
    assert [registration.id for registration in registrations] == ["1", "2"]
    assert region.paths().count("/v1/service/web") == 6


def test_an_index_that_changes_only_with_allocations_causes_no_second_read(region: NomadReplay) -> None:
    left = iter(range(70, 99))
    region.bends["/v1/jobs"] = lambda *_: jobs(stub("shop"), index=next(left))
    _, upstreams = read_default(region)
    assert upstreams == (upstream("stock"),)
    assert region.paths().count(SHOP) == 1


def test_the_final_proof_needs_no_list_if_the_index_is_unchanged(region: NomadReplay) -> None:
    read_default(region)
    assert [query for path, query in region.asked if path == "/v1/jobs"] == [
        {"namespace": "default", "per_page": "1000"},
        {"namespace": "default", "prefix": "frostline-none", "per_page": "1"},
    ]


def test_a_job_that_is_submitted_again_meanwhile_is_read_again(region: NomadReplay) -> None:
    moved = jobs(stub("shop", 71), index=71)
    region.fix("/v1/jobs", jobs(stub("shop")), moved)
    old = state(job("shop", {"DestinationName": "old", "LocalBindPort": 9000}))
    new = state(job("shop", {"DestinationName": "new", "LocalBindPort": 9000}, index=71))
    region.fix(SHOP, old, new)
    assert read_default(region)[1] == (upstream("new"),)
    region.fix("/v1/jobs", jobs(stub("shop")), moved)
    region.fix(SHOP, new)  # it moved between the list and the read
    assert read_default(region)[1] == (upstream("new"),)


def test_jobs_that_change_in_every_read_are_refused(region: NomadReplay) -> None:
    left = iter(range(70, 99))

    def moving(reply: Reply, _: Query) -> Reply:
        index = next(left)
        return jobs(stub("shop", index), index=index)

    region.bends["/v1/jobs"] = moving
    message = refused_default(region)
    assert "jobs were submitted or stopped during each of 3 reads\nrun it again when less is deployed" in message


def test_services_are_read_again_if_jobs_changed(region: NomadReplay) -> None:
    region.fix("/v1/jobs", jobs(stub("shop")), *[jobs(stub("shop"), stub("new", 71), index=71)] * 2)
    region.fix("/v1/job/new", state(job("new", index=71)))
    region.fix("/v1/services", names("web"), names("web", index=71))
    region.fix("/v1/service/web", state([instance("web")]), state([instance("web", Port=81, ModifyIndex=71)], 71))
    registrations, _ = read_default(region)
    assert [registration.port for registration in registrations] == [81]


def test_a_job_that_vanishes_is_not_part_of_the_answer(region: NomadReplay) -> None:
    region.fix("/v1/jobs", jobs(stub("gone"), stub("shop")), jobs(stub("shop"), index=71))
    region.fix("/v1/job/gone", state(b"job not found")._replace(status=404))
    assert read_default(region)[1] == (upstream("stock"),)


def test_a_job_that_is_listed_but_never_found_is_refused(region: NomadReplay) -> None:
    region.fix(SHOP, state(b"job not found")._replace(status=404))
    assert "during each of 3 reads" in refused_default(region)
    assert "during each of 3 reads" in refused_default(region, consistency="eventual")


def test_pages_with_different_indexes_are_requested_again_as_one_list(
    region: NomadReplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nomad_reading, "PER_PAGE", 1)
    left = iter(range(70, 99))

    def torn(reply: Reply, query: Query) -> Reply:
        if "prefix" in query or "per_page" not in query:
            return jobs(stub("a"), stub("shop"), index=99)
        page = jobs(stub("shop" if "next_token" in query else "a"), index=next(left))
        return page if "next_token" in query else page.with_headers(NextToken="default.shop")

    region.bends["/v1/jobs"] = torn
    region.fix("/v1/job/a", state(job("a")))
    read_default(region)
    assert ("/v1/jobs", {"namespace": "default"}) in region.asked


@pytest.mark.parametrize("state_of", [{"Stop": True}, {"Status": "dead"}])
def test_a_job_that_is_dead_or_stopped_declares_nothing(region: NomadReplay, state_of: dict[str, Any]) -> None:
    region.fix("/v1/jobs", jobs(stub("shop", **state_of)))
    assert read_default(region)[1] == ()
    assert SHOP not in region.paths()


def test_children_count_as_their_parent(region: NomadReplay) -> None:
    child = stub("shop/periodic-1", ParentID="shop")
    region.fix("/v1/jobs", jobs(stub("shop"), child))
    assert read_default(region)[1] == (upstream("stock"),)
    assert "/v1/job/shop/periodic-1" not in region.paths()


def test_a_child_whose_parent_is_gone_counts_as_the_parent(region: NomadReplay) -> None:
    region.fix("/v1/jobs", jobs(stub("shop", Stop=True), *[stub(f"shop/{n}", ParentID="shop") for n in "12"]))
    for n in "12":
        read_job = job(f"shop/{n}", {"DestinationName": "stock", "LocalBindPort": 9000}, ParentID="shop")
        region.fix(f"/v1/job/shop/{n}", state(read_job))
    assert read_default(region)[1] == (upstream("stock"),)


FILLED = [
    ("${NOMAD_JOB_NAME}-db", "shop-db"),
    ("${NOMAD_GROUP_NAME}.${NOMAD_JOB_ID}", "g.shop"),
    ("${NOMAD_META_tier}-${NOMAD_META_TIER}", "gold-gold"),
    ("${NOMAD_META_team}", "group's"),
    ("p${NOMAD_PORT_http}", "p8080"),
    ("p${NOMAD_PORT_any}", "p${NOMAD_PORT_any}"),
    ("${attr.kernel.name}-${1}", "${attr.kernel.name}-${1}"),
]


@pytest.mark.parametrize(("written", "filled"), FILLED)
def test_placeholders_that_the_submitted_job_determines_are_filled(
    region: NomadReplay, written: str, filled: str
) -> None:
    submitted = job("shop", {"DestinationName": written, "Datacenter": written, "LocalBindPort": 9000}, Name="shop")
    submitted |= {"Meta": {"tier": "gold", "team": "job's"}}
    ports = {"ReservedPorts": [{"Label": "http", "Value": 8080}], "DynamicPorts": [{"Label": "any", "To": -1}]}
    submitted["TaskGroups"][0] |= {"Meta": {"team": "group's"}, "Networks": [ports]}
    region.fix(SHOP, state(submitted))
    assert read_default(region)[1] == (upstream(filled, datacenter=filled),)


@pytest.mark.parametrize("more", [{"Periodic": {"Spec": "@daily"}}, {"ParameterizedJob": {"MetaRequired": ["tier"]}}])
def test_placeholders_that_differ_in_each_run_of_a_job_stay(region: NomadReplay, more: dict[str, Any]) -> None:
    written = "${NOMAD_JOB_NAME}-${NOMAD_JOB_PARENT_ID}-${NOMAD_META_tier}"
    submitted = job("shop", {"DestinationName": written, "LocalBindPort": 9000}, Meta={"tier": "gold"}, **more)
    region.fix(SHOP, state(submitted))
    tier = "gold" if "Periodic" in more else "${NOMAD_META_tier}"
    assert read_default(region)[1] == (upstream("${NOMAD_JOB_NAME}-shop-" + tier),)


def test_jobs_without_groups_and_lists_without_jobs_are_empty(region: NomadReplay) -> None:
    region.fix(SHOP, state(job("shop") | {"TaskGroups": None}))
    assert read_default(region)[1] == ()
    region.fix("/v1/jobs", state(None))
    region.fix("/v1/services", state(None))
    assert read_default(region) == ((), ())


@pytest.mark.parametrize("name", ["a/b", "a&b=c", "é", "%2e", "a?b#c"])
def test_a_job_with_an_odd_name_is_requested_by_that_name(region: NomadReplay, name: str) -> None:
    region.fix("/v1/jobs", jobs(stub(name)))
    region.fix(f"/v1/job/{name}", state(job(name, {"DestinationName": "x", "LocalBindPort": 1})))
    assert read_default(region)[1] == (upstream("x", 1, name),)


@pytest.mark.parametrize("name", ["..", ".", "", "a//b", "a/../b", "a\nb"])
def test_a_name_that_no_path_can_hold_is_refused_and_not_asked_for(region: NomadReplay, name: str) -> None:
    region.fix("/v1/jobs", jobs(stub(name)))
    assert f"cannot be asked for the job `{name}`\nset `upstreams: false`" in refused_default(region)
    assert not any(path.startswith("/v1/job/") for path in region.paths())


@pytest.mark.parametrize("name", ["shop/periodic-1795956589", "/", "a/b/c", "..", ".", "a\nb"])
def test_a_service_that_nomad_cannot_be_asked_for_is_a_warning_and_others_are_read(
    region: NomadReplay, name: str
) -> None:
    region.fix("/v1/services", names("web", name))
    reading = read(region, namespaces=("default",))
    assert [found.service for found in reading.answers[0].registrations] == ["web"]
    (warning,) = reading.warnings
    assert warning.startswith(f"source live: the service `{name}` in the namespace `default` is listed, but ")
    assert "leave it out of `select.services`" in warning
    assert [path for path in region.paths() if path.startswith("/v1/service/")] == ["/v1/service/web"]
    unselected = read(region, namespaces=("default",), select=Select(services=("web",)))
    assert unselected.warnings == ()


@pytest.mark.parametrize(
    "answered",
    [instance("api"), instance("web", Namespace="ops"), instance("web", Port="80"), instance("web", Port=2**63)],
)
def test_an_instance_that_was_not_requested_or_is_invalid_is_refused(
    region: NomadReplay, answered: dict[str, Any]
) -> None:
    region.fix("/v1/service/web", state([answered]))
    said = refused_default(region)
    assert "/v1/service/web?" in said or "asked for `web` in the namespace `default`" in said


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_out_of_range_is_read_as_registered(region: NomadReplay, port: int) -> None:
    region.fix("/v1/service/web", state([instance("web", Port=port)]))
    assert port in {found.port for found in read_default(region)[0]}


@pytest.mark.parametrize("answered", [job("other"), job("shop") | {"Namespace": "ops"}])
def test_a_job_that_was_not_asked_for_is_refused(region: NomadReplay, answered: dict[str, Any]) -> None:
    region.fix(SHOP, state(answered))
    assert "asked for `shop` in the namespace `default`, it answered with" in refused_default(region)


@pytest.mark.parametrize("path", ["/v1/services", "/v1/jobs"])
def test_a_namespace_that_a_list_of_all_hides_is_refused(region: NomadReplay, path: str) -> None:
    region.fix("/v1/namespaces", state([{"Name": "default"}, {"Name": "hidden"}]))
    whole = region.bends[path]

    def hiding(reply: Reply, query: Query) -> Reply:
        return Reply(b"Permission denied", 403) if query["namespace"] == "hidden" else whole(reply, query)

    region.bends[path] = hiding
    message = refused_default(region, namespaces=("*",))
    assert "namespace=hidden" in message
    assert "leave the others out of `namespaces`" in message
    read_default(region, namespaces=("*", "!hidden"))


def test_a_namespace_that_is_left_out_is_not_read(region: NomadReplay) -> None:
    region.fix("/v1/namespaces", state([{"Name": name} for name in ("default", "ops", "scratch")]))
    services = [{"Namespace": name, "Services": [{"ServiceName": "web"}]} for name in ("default", "scratch")]
    region.bends["/v1/services"] = lambda _, query: state(services if query["namespace"] == "*" else [])
    stubs = [stub("shop"), stub("shop", Namespace="scratch")]
    region.bends["/v1/jobs"] = lambda _, query: jobs(*(stubs if query["namespace"] == "*" else []))
    reading = nomad.read(settings_of(region, namespaces=("*", "!scratch")))
    found = [(answer.namespace, len(answer.registrations), len(answer.upstreams)) for answer in reading.answers]
    assert found == [("default", 1, 1), ("ops", 0, 0)]
    assert not any(query.get("namespace") == "scratch" for _, query in region.asked)
