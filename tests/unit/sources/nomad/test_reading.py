"""The proof that what is read of Nomad is of one moment, and what is refused: answers that a real one rarely gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from nomad_replay import NomadReplay, Query, Reply, instance, job, state, stub

from frostline.errors import SourceError
from frostline.model import Bind, FileOrigin, Registration, Upstream
from frostline.settings import LiveLimits, Select
from frostline.sources.nomad import reading as nomad_reading
from frostline.sources.nomad import source as nomad
from frostline.sources.nomad.settings import NomadSettings

PLACE = FileOrigin("frostline.yaml", 3, 3)
SHOP = "/v1/job/shop"


@pytest.fixture
def replay() -> Iterator[NomadReplay]:
    """One namespace with one service, `web`, and one job, `shop`, with one upstream."""
    server = NomadReplay()
    server.fix("/v1/namespaces", state([{"Name": "default"}]))
    server.fix("/v1/services", names("web"))
    server.fix("/v1/service/web", state([instance("web")]))
    server.fix("/v1/job/j/allocations", state(None))
    server.fix("/v1/client/allocation/a1/checks", Reply(None))
    server.fix("/v1/jobs", state([stub("shop")]))
    server.fix(SHOP, state(job("shop", {"DestinationName": "stock", "LocalBindPort": 9000})))
    yield server
    server.stop()
    assert server.unknown == []


def names(*services: str, index: int = 70) -> Reply:
    return state(
        [{"Namespace": "default", "Services": [{"ServiceName": name, "Tags": []} for name in services]}], index
    )


def settings_of(replay: NomadReplay, **more: Any) -> NomadSettings:
    limits = LiveLimits(retries=0)
    return NomadSettings(**({"name": "live", "origin": PLACE, "address": replay.address, "limits": limits} | more))


def read(replay: NomadReplay, **more: Any) -> tuple[tuple[Registration, ...], tuple[Upstream, ...]]:
    (answer,) = nomad.read(settings_of(replay, **more)).answers
    return answer.registrations, answer.upstreams


def refused(replay: NomadReplay, **more: Any) -> str:
    with pytest.raises(SourceError) as caught:
        nomad.read(settings_of(replay, **more))
    error = caught.value
    assert (error.status, error.origin) == (3, PLACE)
    assert error.message.startswith("source live: GET ")
    return f"{error.message}\n{error.help}"


def upstream(destination: str, port: int = 9000, name: str = "shop", **more: Any) -> Upstream:
    bind = Bind(address="127.0.0.1", port=port)
    default = {"region": "global", "namespace": "default", "job": name, "group": "g", "bind": bind}
    return Upstream(destination=destination, **(default | more))


# --- one moment: services ---------------------------------------------------------------------------------------------


def test_what_does_not_move_is_read_once(replay: NomadReplay) -> None:
    registrations, upstreams = read(replay)
    assert [each.service for each in registrations] == ["web"]
    assert upstreams == (upstream("stock"),)
    assert sorted(replay.paths()) == sorted([*ANY, "/v1/jobs"])


def test_a_service_that_moves_once_is_read_again(replay: NomadReplay) -> None:
    replay.fix("/v1/services", names("web"), names("web", index=71))
    old, new = instance("web", Port=1, ModifyIndex=7), instance("web", Port=2, ModifyIndex=71)
    replay.fix("/v1/service/web", state([new], 71), state([new], 71))
    registrations, _ = read(replay)
    assert [each.port for each in registrations] == [2]
    replay.fix("/v1/services", names("web"))
    replay.fix("/v1/service/web", state([old], 70), state([new], 71))
    registrations, _ = read(replay)
    assert [each.port for each in registrations] == [1]


def test_a_service_that_moves_in_every_read_is_refused(replay: NomadReplay) -> None:
    left = iter(range(71, 99))

    def moving(reply: Reply, _: Query) -> Reply:
        index = next(left)
        return state([instance("web", ModifyIndex=index)], index)

    replay.bends["/v1/service/web"] = moving
    message = refused(replay)
    assert "services were registered or removed during each of 3 reads\n" in message
    assert replay.paths().count("/v1/service/web") == 3


def test_a_service_that_is_the_same_before_and_after_a_list_is_proved_though_others_move(replay: NomadReplay) -> None:
    left = iter(range(71, 99))
    replay.bends["/v1/services"] = lambda *_: names("web", index=next(left))
    replay.bends["/v1/service/web"] = lambda *_: state([instance("web")], next(left))
    registrations, _ = read(replay)
    assert len(registrations) == 1
    assert replay.paths().count("/v1/service/web") == 2


def test_an_instance_that_came_back_is_not_the_same(replay: NomadReplay) -> None:
    replay.fix("/v1/services", names("web"), names("web", index=72), names("web", index=74))
    replies = [state([instance("web", ModifyIndex=index)], index) for index in (71, 73, 74)]
    replay.fix("/v1/service/web", *replies)
    read(replay)
    assert replay.paths().count("/v1/service/web") == 3


def test_a_service_that_is_listed_meanwhile_is_read_too(replay: NomadReplay) -> None:
    replay.fix("/v1/services", names("web"), names("api", "web", index=71))
    replay.fix("/v1/service/web", state([instance("web")], 71))
    replay.fix("/v1/service/api", state([instance("api")], 71))
    registrations, _ = read(replay)
    assert [each.service for each in registrations] == ["api", "web"]
    assert replay.paths().count("/v1/service/web") == 1  # its answer is of the second list's moment already


def test_a_service_that_vanishes_meanwhile_is_left_out(replay: NomadReplay) -> None:
    replay.fix("/v1/services", names("gone", "web"), names("web", index=71))
    replay.fix("/v1/service/web", state([instance("web")], 71))
    replay.fix("/v1/service/gone", state([], 71))
    registrations, _ = read(replay)
    assert [each.service for each in registrations] == ["web"]


def test_a_listed_service_without_an_instance_is_refused(replay: NomadReplay) -> None:
    replay.fix("/v1/service/web", state([]))
    assert "no instance answers for 'web', which is listed" in refused(replay)


def test_instances_of_several_pages_are_read_and_torn_ones_read_again(replay: NomadReplay) -> None:
    def pages(second: int) -> list[Reply]:
        first = state([instance("web", ID="1")]).with_headers(NextToken="default.2")
        return [first, state([instance("web", ID="2")], second)]

    replay.fix("/v1/services", names("web"))
    replay.fix("/v1/service/web", *pages(71), *pages(71), *pages(70))
    registrations, _ = read(replay)
    assert [each.id for each in registrations] == ["1", "2"]
    assert replay.paths().count("/v1/service/web") == 6


# --- one moment: jobs -------------------------------------------------------------------------------------------------


def jobs(*stubs: dict[str, Any], index: int = 70) -> Reply:
    return state(list(stubs), index)


def test_an_index_that_moves_with_allocations_alone_moves_nothing(replay: NomadReplay) -> None:
    left = iter(range(70, 99))
    replay.bends["/v1/jobs"] = lambda *_: jobs(stub("shop"), index=next(left))
    _, upstreams = read(replay)
    assert upstreams == (upstream("stock"),)
    assert replay.paths().count(SHOP) == 1


def test_the_closing_proof_asks_for_no_list_where_the_index_stands(replay: NomadReplay) -> None:
    read(replay)
    assert [query for path, query in replay.asked if path == "/v1/jobs"] == [
        {"namespace": "default", "per_page": "1000"},
        {"namespace": "default", "prefix": "frostline-none", "per_page": "1"},
    ]


def test_a_job_that_is_submitted_again_meanwhile_is_read_again(replay: NomadReplay) -> None:
    moved = jobs(stub("shop", 71), index=71)
    replay.fix("/v1/jobs", jobs(stub("shop")), moved)
    old = state(job("shop", {"DestinationName": "old", "LocalBindPort": 9000}))
    new = state(job("shop", {"DestinationName": "new", "LocalBindPort": 9000}, index=71))
    replay.fix(SHOP, old, new)
    assert read(replay)[1] == (upstream("new"),)
    replay.fix("/v1/jobs", jobs(stub("shop")), moved)
    replay.fix(SHOP, new)  # it moved between the list and the read
    assert read(replay)[1] == (upstream("new"),)


def test_jobs_that_move_in_every_read_are_refused(replay: NomadReplay) -> None:
    left = iter(range(70, 99))

    def moving(reply: Reply, _: Query) -> Reply:
        index = next(left)
        return jobs(stub("shop", index), index=index)

    replay.bends["/v1/jobs"] = moving
    message = refused(replay)
    assert "jobs were submitted or stopped during each of 3 reads\nread it again when less is deployed" in message


def test_services_are_read_again_where_jobs_moved(replay: NomadReplay) -> None:
    replay.fix("/v1/jobs", jobs(stub("shop")), *[jobs(stub("shop"), stub("new", 71), index=71)] * 2)
    replay.fix("/v1/job/new", state(job("new", index=71)))
    replay.fix("/v1/services", names("web"), names("web", index=71))
    replay.fix("/v1/service/web", state([instance("web")]), state([instance("web", Port=81, ModifyIndex=71)], 71))
    registrations, _ = read(replay)
    assert [each.port for each in registrations] == [81]


def test_a_job_that_vanishes_is_no_part_of_the_answer(replay: NomadReplay) -> None:
    replay.fix("/v1/jobs", jobs(stub("gone"), stub("shop")), jobs(stub("shop"), index=71))
    replay.fix("/v1/job/gone", state(b"job not found")._replace(status=404))
    assert read(replay)[1] == (upstream("stock"),)


def test_a_job_that_is_listed_and_never_there_is_refused(replay: NomadReplay) -> None:
    replay.fix(SHOP, state(b"job not found")._replace(status=404))
    assert "during each of 3 reads" in refused(replay)
    assert "during each of 3 reads" in refused(replay, consistency="eventual")


def test_pages_of_several_moments_are_asked_for_as_one(replay: NomadReplay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nomad_reading, "PER_PAGE", 1)
    left = iter(range(70, 99))

    def torn(reply: Reply, query: Query) -> Reply:
        if "prefix" in query or "per_page" not in query:
            return jobs(stub("a"), stub("shop"), index=99)
        page = jobs(stub("shop" if "next_token" in query else "a"), index=next(left))
        return page if "next_token" in query else page.with_headers(NextToken="default.shop")

    replay.bends["/v1/jobs"] = torn
    replay.fix("/v1/job/a", state(job("a")))
    read(replay)
    assert ("/v1/jobs", {"namespace": "default"}) in replay.asked


# --- what jobs declare ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state_of", [{"Stop": True}, {"Status": "dead"}])
def test_a_job_that_is_dead_or_stopped_declares_nothing(replay: NomadReplay, state_of: dict[str, Any]) -> None:
    replay.fix("/v1/jobs", jobs(stub("shop", **state_of)))
    assert read(replay)[1] == ()
    assert SHOP not in replay.paths()


def test_children_count_as_their_parent(replay: NomadReplay) -> None:
    child = stub("shop/periodic-1", ParentID="shop")
    replay.fix("/v1/jobs", jobs(stub("shop"), child))
    assert read(replay)[1] == (upstream("stock"),)
    assert "/v1/job/shop/periodic-1" not in replay.paths()


def test_a_child_whose_parent_is_gone_declares_in_its_name(replay: NomadReplay) -> None:
    replay.fix("/v1/jobs", jobs(stub("shop", Stop=True), *[stub(f"shop/{n}", ParentID="shop") for n in "12"]))
    for n in "12":
        read_job = job(f"shop/{n}", {"DestinationName": "stock", "LocalBindPort": 9000}, ParentID="shop")
        replay.fix(f"/v1/job/shop/{n}", state(read_job))
    assert read(replay)[1] == (upstream("stock"),)


def test_an_upstream_has_all_that_the_job_says_of_it(replay: NomadReplay) -> None:
    query = {"DestinationName": "q", "DestinationType": "prepared_query", "LocalBindSocketPath": "/run/q.sock"}
    peer = {"DestinationName": "p", "DestinationPeer": "west", "DestinationNamespace": "ops", "Datacenter": "dc2"}
    replay.fix(SHOP, state(job("shop", query, peer | {"LocalBindAddress": "::1", "LocalBindPort": 1}, query)))
    elsewhere = {"peer": "west", "destination_namespace": "ops", "datacenter": "dc2"}
    assert read(replay)[1] == (
        upstream("p", bind=Bind(address="::1", port=1), **elsewhere),
        upstream("q", kind="prepared_query", bind=Bind(socket="/run/q.sock")),
    )


@pytest.mark.parametrize(
    "connect",
    [
        None,
        {"Native": True, "SidecarService": None},
        {"SidecarService": {"Proxy": None}},
        {"SidecarService": {"Proxy": {"Upstreams": None, "TransparentProxy": {}}}},
        {"Gateway": {"Ingress": {"Listeners": [{"Port": 80, "Services": [{"Name": "web"}]}]}}},
    ],
)
def test_a_service_without_a_sidecar_that_names_upstreams_has_none(replay: NomadReplay, connect: Any) -> None:
    services = [{"Name": "s", "Connect": connect}]
    groups = [{"Name": "g", "Services": None, "Tasks": [{"Services": services}, {"Services": None}]}, {"Name": "h"}]
    replay.fix(SHOP, state(job("shop") | {"TaskGroups": groups}))
    assert read(replay)[1] == ()


def test_a_service_of_a_task_declares_as_that_of_its_group(replay: NomadReplay) -> None:
    inner = job("shop", {"DestinationName": "x", "LocalBindPort": 1})["TaskGroups"][0]["Services"]
    replay.fix(SHOP, state(job("shop") | {"TaskGroups": [{"Name": "g", "Tasks": [{"Services": inner}]}]}))
    assert read(replay)[1] == (upstream("x", 1),)


def test_jobs_without_groups_and_lists_without_jobs_are_empty(replay: NomadReplay) -> None:
    replay.fix(SHOP, state(job("shop") | {"TaskGroups": None}))
    assert read(replay)[1] == ()
    replay.fix("/v1/jobs", state(None))
    replay.fix("/v1/services", state(None))
    assert read(replay) == ((), ())


@pytest.mark.parametrize("name", ["a/b", "a&b=c", "é", "%2e", "a?b#c"])
def test_a_job_of_an_odd_name_is_asked_for_as_it_is(replay: NomadReplay, name: str) -> None:
    replay.fix("/v1/jobs", jobs(stub(name)))
    replay.fix(f"/v1/job/{name}", state(job(name, {"DestinationName": "x", "LocalBindPort": 1})))
    assert read(replay)[1] == (upstream("x", 1, name),)


@pytest.mark.parametrize("name", ["..", ".", "", "a//b", "a/../b", "a\nb"])
def test_a_name_that_no_path_can_hold_is_refused_and_not_asked_for(replay: NomadReplay, name: str) -> None:
    replay.fix("/v1/jobs", jobs(stub(name)))
    assert f"cannot be asked for {name!r}\nset `upstreams: false`" in refused(replay)
    replay.fix("/v1/jobs", jobs())
    replay.fix("/v1/services", names(name))
    assert "leave it out of `select.services`" in refused(replay)
    assert not any(path.startswith(("/v1/job/", "/v1/service/")) for path in replay.paths())


# --- what is refused --------------------------------------------------------------------------------------------------

STATE = ["/v1/namespaces", "/v1/services", "/v1/service/web", "/v1/jobs", SHOP, "/v1/job/j/allocations"]
ANY = [*STATE, "/v1/regions", "/v1/client/allocation/a1/checks"]


def bent(replay: NomadReplay, path: str, **headers: str | None) -> None:
    """Answers there as before, with these headers changed."""
    before = replay.bends[path]
    replay.bends[path] = lambda reply, query: before(reply, query).with_headers(**headers)


@pytest.mark.parametrize("path", STATE)
@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"KnownLeader": "false"}, "Nomad has no leader"),
        ({"KnownLeader": None}, "Nomad has no leader"),
        ({"LastContact": "1"}, "the answer is 1 ms old, and the leader itself should answer"),
        ({"LastContact": None}, "the header X-Nomad-LastContact is missing"),
        ({"LastContact": "-1"}, "the header X-Nomad-LastContact is not a number: '-1'"),
        ({"Index": None}, "the header X-Nomad-Index is missing"),
        ({"Index": "0"}, "the header X-Nomad-Index is 0"),
        ({"Index": "1_0"}, "the header X-Nomad-Index is not a number: '1_0'"),
        ({"Index": "9" * 21}, "the header X-Nomad-Index is not a number: '999"),
    ],
)
def test_an_answer_that_proves_nothing_is_refused(
    replay: NomadReplay, path: str, headers: dict[str, str | None], reason: str
) -> None:
    bent(replay, path, **headers)
    assert f": {reason}" in refused(replay)


@pytest.mark.parametrize("path", ANY)
@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"7", b'"x"', b'[{"ID": 7}]', b"[null]", b"\xff", b"[" * 99999])
def test_a_body_that_nomad_does_not_answer_is_refused(replay: NomadReplay, path: str, body: bytes) -> None:
    replay.fix(path, state(body) if path in STATE else Reply(body))
    if path == "/v1/regions":
        replay.fix(path, Reply(body))
    assert "not the JSON expected from Nomad" in refused(replay)


@pytest.mark.parametrize("path", ANY)
def test_a_body_that_is_cut_is_refused(replay: NomadReplay, path: str) -> None:
    replay.fix(path, state([])._replace(length=99))
    assert "cut off: the connection closed after 2 bytes" in refused(replay)


@pytest.mark.parametrize("path", ANY)
def test_what_may_not_be_read_is_refused_with_the_rights_that_it_takes(replay: NomadReplay, path: str) -> None:
    replay.fix(path, Reply(b"Permission denied", 403))
    message = refused(replay)
    assert "403" in message
    assert "list-jobs and read-job" in message


@pytest.mark.parametrize("path", [path for path in ANY if path not in (SHOP, "/v1/client/allocation/a1/checks")])
@pytest.mark.parametrize("status", [301, 400, 404, 500])
def test_any_other_status_is_refused(replay: NomadReplay, path: str, status: int) -> None:
    replay.fix(path, Reply(b"no", status))
    assert f": {status} " in refused(replay)


@pytest.mark.parametrize("header", ["X" * 70000, "1" * 70000])
def test_a_huge_header_is_refused(replay: NomadReplay, header: str) -> None:
    bent(replay, "/v1/services", Index=header)
    assert "invalid HTTP" in refused(replay)


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/service/web"])
def test_a_list_that_repeats_itself_is_refused(replay: NomadReplay, path: str) -> None:
    item = stub("a") if path == "/v1/jobs" else instance("web", ID="a")
    other = item | {"ID": "b"}
    replay.fix(path, state([item, item]))
    assert "the list repeats an element" in refused(replay)
    replay.fix(path, state([item]).with_headers(NextToken="default.b"), state([item]))
    assert "the list repeats an element" in refused(replay)
    replay.fix(path, state([item]).with_headers(NextToken="t"), state([other]).with_headers(NextToken="t"))
    assert "the pages of the list do not end" in refused(replay)
    replay.fix(path, state([]).with_headers(NextToken="t"), state([item]))
    assert "the pages of the list do not end" in refused(replay)


@pytest.mark.parametrize(
    "answered",
    [instance("api"), instance("web", Namespace="ops"), instance("web", Port=-1), instance("web", Port=65536)],
)
def test_an_instance_that_was_not_asked_for_or_can_not_be_is_refused(
    replay: NomadReplay, answered: dict[str, Any]
) -> None:
    replay.fix("/v1/service/web", state([answered]))
    assert "/v1/service/web?" in refused(replay) or "asked for 'web' in 'default'" in refused(replay)


@pytest.mark.parametrize("answered", [job("other"), job("shop") | {"Namespace": "ops"}])
def test_a_job_that_was_not_asked_for_is_refused(replay: NomadReplay, answered: dict[str, Any]) -> None:
    replay.fix(SHOP, state(answered))
    assert "asked for 'shop' in 'default', it answered with" in refused(replay)


@pytest.mark.parametrize("path", ["/v1/services", "/v1/jobs"])
def test_a_namespace_that_a_list_of_all_hides_is_refused(replay: NomadReplay, path: str) -> None:
    replay.fix("/v1/namespaces", state([{"Name": "default"}, {"Name": "hidden"}]))
    whole = replay.bends[path]

    def hiding(reply: Reply, query: Query) -> Reply:
        return Reply(b"Permission denied", 403) if query["namespace"] == "hidden" else whole(reply, query)

    replay.bends[path] = hiding
    message = refused(replay, namespaces=("*",))
    assert "namespace=hidden" in message
    assert "leave the others out of `namespaces`" in message
    read(replay, namespaces=("*", "!hidden"))


def test_a_namespace_that_is_left_out_is_not_read(replay: NomadReplay) -> None:
    replay.fix("/v1/namespaces", state([{"Name": name} for name in ("default", "ops", "scratch")]))
    services = [{"Namespace": name, "Services": [{"ServiceName": "web"}]} for name in ("default", "scratch")]
    replay.bends["/v1/services"] = lambda _, query: state(services if query["namespace"] == "*" else [])
    stubs = [stub("shop"), stub("shop", Namespace="scratch")]
    replay.bends["/v1/jobs"] = lambda _, query: jobs(*(stubs if query["namespace"] == "*" else []))
    reading = nomad.read(settings_of(replay, namespaces=("*", "!scratch")))
    found = [(each.namespace, len(each.registrations), len(each.upstreams)) for each in reading.answers]
    assert found == [("default", 1, 1), ("ops", 0, 0)]
    assert not any(query.get("namespace") == "scratch" for _, query in replay.asked)


# --- eventual ---------------------------------------------------------------------------------------------------------


def test_eventual_reads_are_stale_ones_that_prove_nothing(replay: NomadReplay) -> None:
    left = iter(range(71, 99))
    replay.bends["/v1/service/web"] = lambda *_: state([instance("web")], next(left))
    for path in STATE:
        bent(replay, path, LastContact="1999")
    registrations, upstreams = read(replay, consistency="eventual")
    assert (len(registrations), len(upstreams)) == (1, 1)
    asked = [(path, query) for path, query in replay.asked if path in STATE]
    assert {query.get("stale") for _, query in asked} == {"true"}
    assert len({path for path, _ in asked}) == len(asked)


def test_eventual_reads_have_a_bound(replay: NomadReplay) -> None:
    bent(replay, "/v1/services", LastContact="2001")
    assert "2001 ms old, and max_stale is 2 s" in refused(replay, consistency="eventual")


def test_what_is_proved_is_asked_of_the_leader(replay: NomadReplay) -> None:
    read(replay, select=Select(services=("web",)))
    assert not any("stale" in query for _, query in replay.asked)
