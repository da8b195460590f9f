"""The source `nomad` on answers recorded of a real one, and what it makes of its settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from nomad_replay import NomadReplay, Query, Reply, instance, state

from frostline.errors import SourceError, UsageError
from frostline.model import Bind, FileOrigin, Registration, SegmentAnswer, Upstream
from frostline.settings import Keep, LiveLimits, Naming, Select, Tls, Token, VersionFrom
from frostline.sources.base import LiveSource, ReadResult
from frostline.sources.http.address import Address, nomad_address
from frostline.sources.nomad import reading as nomad_reading
from frostline.sources.nomad import source as nomad
from frostline.sources.nomad.settings import NomadSettings

PLACE = FileOrigin("frostline.yaml", 3, 3)
NODE = "b82591c0-bb04-69a8-5eee-01745679b4d0"
BROKEN = "e19a04e0-559b-1f53-77bb-e6abc43757e0"
FIRST, SECOND = "12580dc7-956b-0c1b-a0e6-b5c7a9ff1262", "46eae05d-7bbb-054a-608f-7c490f5b6e3b"


@pytest.fixture
def replay() -> Iterator[NomadReplay]:
    server = NomadReplay()
    yield server
    server.stop()
    assert server.unknown == []


def settings_of(replay: NomadReplay, **more: Any) -> NomadSettings:
    default = {"name": "live", "origin": PLACE, "address": replay.address, "limits": LiveLimits(retries=0)}
    return NomadSettings(**(default | {"namespaces": ("*",)} | more))


def read(replay: NomadReplay, **more: Any) -> ReadResult:
    return nomad.read(settings_of(replay, **more))


def by_namespace(reading: ReadResult) -> dict[str, SegmentAnswer]:
    return {answer.namespace: answer for answer in reading.answers}


def healths(reading: ReadResult) -> dict[str, str]:
    """Allocation -> health."""
    return {each.id[12:48]: each.health for answer in reading.answers for each in answer.registrations}


def refused(replay: NomadReplay, kind: type[Exception] = SourceError, **more: Any) -> str:
    only = more.pop("datacenters", ())
    with pytest.raises(kind) as caught:
        nomad.read(settings_of(replay, **more), datacenters=only)
    error: Any = caught.value
    assert error.origin == PLACE
    assert error.help
    return f"{error.message}\n{error.help}"


def test_the_module_is_a_live_source(replay: NomadReplay) -> None:
    source: LiveSource = nomad
    assert len(source.read(settings_of(replay)).answers) == 2


# --- what is read -----------------------------------------------------------------------------------------------------


def test_a_namespace_of_a_region_is_a_segment_even_where_it_is_empty(replay: NomadReplay) -> None:
    answers = read(replay, upstreams=False).answers
    assert [(each.source, each.datacenter, each.namespace) for each in answers] == [
        ("live", "global", "default"),
        ("live", "global", "retail"),
    ]
    assert answers[1].registrations == answers[1].upstreams == ()


def test_a_native_service_comes_with_all_that_it_was_registered_with(replay: NomadReplay) -> None:
    (answer,) = read(replay, namespaces=("default",)).answers
    assert [(each.service, each.port) for each in answer.registrations] == [
        ("live-db-native", 25432),
        ("live-native", 30730),
        ("live-native", 23799),
        ("modes-nomad", 7001),
    ]
    assert answer.registrations[1] == Registration(
        service="live-native",
        id=f"_nomad-task-{FIRST}-group-native-live-native-http",
        node=NODE,
        address="127.0.0.1",
        port=30730,
        tags=("v1", "api", "alloc=1"),
        datacenter="dc1",
    )


def test_a_datacenter_that_is_called_as_its_region_is_not_said_twice(replay: NomadReplay) -> None:
    replay.bends["/v1/regions"] = lambda reply, _: reply._replace(value=["dc1"])
    assert {each.datacenter for each in read(replay).answers[0].registrations} == {""}


def test_what_jobs_declare_is_read_with_where_it_listens(replay: NomadReplay) -> None:
    def upstream(destination: str, address: str, port: int, datacenter: str = "") -> Upstream:
        return Upstream(
            region="global",
            namespace="retail",
            job="shop",
            group="web",
            destination=destination,
            datacenter=datacenter,
            bind=Bind(address=address, port=port),
        )

    answers = by_namespace(read(replay))
    assert answers["default"].upstreams == ()
    assert answers["retail"].upstreams == (
        upstream("basket-v2", "127.0.0.1", 9101),
        upstream("payments-v1", "127.0.0.1", 9102),
        upstream("stock", "127.0.0.2", 9003, "dc2"),
    )


def test_only_selected_services_are_asked_for(replay: NomadReplay) -> None:
    (answer,) = read(replay, namespaces=("default",), select=Select(services=("live-*", "!*db*"))).answers
    assert {each.service for each in answer.registrations} == {"live-native"}
    assert [path for path in replay.paths() if "/service/" in path] == ["/v1/service/live-native"]


@pytest.mark.parametrize(
    ("left_out", "folders"),
    [("services", ("/v1/service", "/v1/client", "/v1/allocation")), ("upstreams", ("/v1/jobs", "/v1/job/shop"))],
)
def test_nothing_is_asked_of_what_is_not_wanted(replay: NomadReplay, left_out: str, folders: tuple[str, ...]) -> None:
    read(replay, **{left_out: False})
    assert [path for path in replay.paths() if path.startswith(folders)] == []


def test_without_services_upstreams_are_read(replay: NomadReplay) -> None:
    answers = by_namespace(read(replay, services=False))
    assert (answers["default"].registrations, len(answers["retail"].upstreams)) == ((), 3)


def test_pages_give_the_same_as_one_list(replay: NomadReplay, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(replay)
    monkeypatch.setattr(nomad_reading, "PER_PAGE", 2)
    assert read(replay) == whole
    assert ("/v1/jobs", {"namespace": "*", "per_page": "2", "next_token": "retail.shop"}) in replay.asked


def test_progress_is_told_while_answers_come_in(replay: NomadReplay) -> None:
    told: list[tuple[str, int, int]] = []
    nomad.read(settings_of(replay), progress=lambda *each: told.append(each))
    assert ("global", 3, 3) in told
    assert ("global", 5, 5) in told


def test_the_order_of_answers_is_no_information(replay: NomadReplay) -> None:
    whole = read(replay)
    services = [f"/v1/service/{name}" for name in ("live-native", "live-db-native", "modes-nomad")]
    for path in ("/v1/namespaces", "/v1/services", "/v1/jobs", *services):
        replay.bends[path] = lambda reply, _: reply._replace(value=reply.value[::-1])
    assert read(replay) == whole


# --- namespaces and regions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (("default",), ["default"]),
        (("retail", "default"), ["default", "retail"]),
        (("*", "!default"), ["retail"]),
        (("re*",), ["retail"]),
    ],
)
def test_the_namespaces_that_are_configured_are_read(
    replay: NomadReplay, patterns: tuple[str, ...], names: list[str]
) -> None:
    assert list(by_namespace(read(replay, namespaces=patterns))) == names


@pytest.mark.parametrize("patterns", [("retial",), ("retail", "retial"), ("x*",)])
def test_a_namespace_that_is_not_there_is_refused(replay: NomadReplay, patterns: tuple[str, ...]) -> None:
    message = refused(replay, namespaces=patterns)
    assert f"no namespace {'x*' if patterns == ('x*',) else 'retial'}, only default, retail\n" in message


def test_a_token_that_sees_nothing_is_told_what_it_needs(replay: NomadReplay) -> None:
    replay.fix("/v1/namespaces", state([]))
    message = refused(replay)
    assert "and no other" in message
    assert "read-job" in message


@pytest.mark.parametrize("name", ["a&b=c", "../x", "é\n", "%2e", "x y#?", "\U0001f600"])
def test_a_namespace_of_a_hostile_name_is_asked_for_as_it_is(replay: NomadReplay, name: str) -> None:
    replay.fix("/v1/namespaces", state([{"Name": name}]))
    replay.fix("/v1/services", state([{"Namespace": name, "Services": [{"ServiceName": "w&b"}]}]))
    replay.fix("/v1/service/w&b", state([instance("w&b", Namespace=name)]))
    replay.fix("/v1/jobs", state([]))
    replay.fix("/v1/job/j/allocations", state([]))
    replay.fix("/v1/client/allocation/a1/checks", Reply(None))
    (answer,) = read(replay, namespaces=(name,) if "#" not in name else ("*",)).answers
    assert (answer.namespace, [each.service for each in answer.registrations]) == (name, ["w&b"])
    assert {query["namespace"] for _, query in replay.asked if "namespace" in query} == {name}


def test_the_agents_own_region_needs_no_right_where_there_is_one(replay: NomadReplay) -> None:
    read(replay)
    assert "/v1/agent/self" not in replay.paths()
    assert not any("region" in query for _, query in replay.asked)


def test_the_agents_own_region_of_several_is_that_of_its_configuration(replay: NomadReplay) -> None:
    replay.fix("/v1/regions", Reply(["east", "west"]))
    replay.fix("/v1/agent/self", Reply({"config": {"Region": "west", "Datacenter": "dc1"}}))
    assert {each.datacenter for each in read(replay).answers} == {"west"}


def test_a_token_that_may_not_ask_for_the_agents_region_is_told_to_name_it(replay: NomadReplay) -> None:
    replay.fix("/v1/regions", Reply(["east", "west"]))
    replay.fix("/v1/agent/self", Reply(b"Permission denied", 403))
    assert "one of east, west\nname it in `regions`" in refused(replay)


def other_region(replay: NomadReplay, name: str, reply: Reply) -> None:
    """Makes a second region known, of which each list answers this."""
    replay.bends["/v1/regions"] = lambda recorded, _: recorded._replace(value=["global", name])

    def bent(recorded: Reply, query: Query) -> Reply:
        return reply if query.get("region") == name else recorded

    for path in ("/v1/namespaces", "/v1/services", "/v1/jobs"):
        replay.bends[path] = bent


@pytest.mark.parametrize("regions", [("*",), ("global",), ("gl*",)])
def test_regions_are_read_by_name_and_glob(replay: NomadReplay, regions: tuple[str, ...]) -> None:
    assert {each.datacenter for each in read(replay, regions=regions).answers} == {"global"}
    named = [query for path, query in replay.asked if path != "/v1/regions"]
    assert {query.get("region") for query in named} == {"global"}


def test_a_region_that_is_not_there_is_refused(replay: NomadReplay) -> None:
    assert "no region mars, only global" in refused(replay, regions=("global", "mars"))


def test_one_region_is_read_where_it_is_asked_for(replay: NomadReplay) -> None:
    other_region(replay, "west", Reply(b"No path to region", 500))
    reading = nomad.read(settings_of(replay, regions=("*",)), datacenters=("global",))
    assert {each.datacenter for each in reading.answers} == {"global"}


@pytest.mark.parametrize(
    ("regions", "reads"), [((), "it reads the agent's own, global"), (("glo*",), "`regions` is glo*")]
)
def test_a_region_that_the_source_does_not_read_is_a_usage_error(
    replay: NomadReplay, regions: tuple[str, ...], reads: str
) -> None:
    message = refused(replay, UsageError, regions=regions, datacenters=("west",))
    assert message.startswith(f"source live does not read the region west: {reads}\n")


def test_a_region_that_does_not_answer_is_refused(replay: NomadReplay) -> None:
    other_region(replay, "west", Reply(b"No path to region", 500))
    assert "500" in refused(replay, regions=("*",))


def test_a_region_that_does_not_answer_keeps_what_the_lock_has_with_partial(replay: NomadReplay) -> None:
    other_region(replay, "west", Reply(b"No path to region", 500))
    reading = read(replay, regions=("*",), partial=True)
    assert reading.unreachable == ("west",)
    assert {each.datacenter for each in reading.answers} == {"global"}
    (warning,) = reading.warnings
    assert "No path to region; west keeps what the lock has" in warning


def test_a_region_that_is_not_known_now_keeps_what_the_lock_has_with_partial(replay: NomadReplay) -> None:
    reading = read(replay, regions=("global", "west"), partial=True)
    assert reading.unreachable == ("west",)


def test_partial_needs_one_region_that_answers(replay: NomadReplay) -> None:
    replay.fix("/v1/namespaces", Reply(b"No cluster leader", 500))
    assert "no answer from global" in refused(replay, partial=True)


def test_partial_takes_no_refusal(replay: NomadReplay) -> None:
    replay.fix("/v1/services", Reply(b"Permission denied", 403))
    assert "403" in refused(replay, partial=True)


# --- checks and canaries ----------------------------------------------------------------------------------------------


def checks(replay: NomadReplay, allocation: str, *replies: Reply) -> None:
    replay.fix(f"/v1/client/allocation/{allocation}/checks", *replies)


def check(status: str, service: str = "live-native", **more: str) -> dict[str, str]:
    return {"Service": service, "Status": status, "Check": "c", "Group": "live.native[0]", **more}


def test_a_service_is_as_healthy_as_its_checks(replay: NomadReplay) -> None:
    found = healths(read(replay))
    assert (found[BROKEN], found[FIRST]) == ("critical", "passing")


@pytest.mark.parametrize(
    ("states", "health"),
    [
        ({}, "passing"),
        ({"a": check("success")}, "passing"),
        ({"a": check("success"), "b": check("pending")}, "critical"),
        ({"a": check("failure"), "b": check("success")}, "critical"),
        ({"a": check("failure", "another")}, "passing"),
        ({"a": check("failure", Task="sleep")}, "passing"),  # of a task's service with the same name
    ],
)
def test_the_worst_of_its_own_checks_counts(replay: NomadReplay, states: Any, health: str) -> None:
    checks(replay, FIRST, Reply(states))
    assert healths(read(replay))[FIRST] == health


def test_a_check_of_a_task_counts_for_its_service(replay: NomadReplay) -> None:
    tasks = instance("live-native", AllocID=FIRST, ID=f"_nomad-task-{FIRST}-sleep-live-native-http")
    replay.fix("/v1/service/live-native", state([tasks]))
    replay.fix("/v1/job/j/allocations", state([]))
    checks(replay, FIRST, Reply({"a": check("failure", Task="sleep")}))
    assert healths(read(replay))[FIRST] == "critical"
    checks(replay, FIRST, Reply({"a": check("failure")}))
    assert healths(read(replay))[FIRST] == "passing"


def test_a_check_state_that_nomad_does_not_have_is_refused(replay: NomadReplay) -> None:
    checks(replay, FIRST, Reply({"a": check("fine")}))
    assert "check 'c' has the unknown status 'fine'" in refused(replay)


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_client_that_does_not_tell_its_checks_makes_its_services_critical(replay: NomadReplay, status: int) -> None:
    for allocation in (FIRST, SECOND, BROKEN, "67bdaeac-ce37-6a06-6c59-30a34217dd81"):
        checks(replay, allocation, Reply(b"No path to node", status))
    reading = read(replay)
    assert set(healths(reading).values()) == {"critical"}
    assert reading.warnings == (
        f"source live: the client {NODE} does not report its checks ({status}): "
        "these services count as critical there: live-db-native, live-native, modes-nomad",
    )


def test_a_client_that_fails_is_not_asked_for_each_of_its_allocations(replay: NomadReplay) -> None:
    for allocation in (FIRST, SECOND, BROKEN, "67bdaeac-ce37-6a06-6c59-30a34217dd81"):
        checks(replay, allocation, Reply(b"rpc error", 500))
    read(replay)
    assert len([path for path in replay.paths() if path.endswith("/checks")]) == 1


def test_a_nomad_without_checks_has_services_that_pass(replay: NomadReplay) -> None:
    checks(replay, BROKEN, Reply(b"resource not found", 404))
    reading = read(replay)
    assert (healths(reading)[BROKEN], reading.warnings) == ("passing", ())


def test_checks_that_may_not_be_read_are_refused(replay: NomadReplay) -> None:
    checks(replay, BROKEN, Reply(b"Permission denied", 403))
    assert "read-job" in refused(replay)


def with_canary(replay: NomadReplay) -> None:
    def bent(recorded: Reply, _: Query) -> Reply:
        canary = {"DeploymentStatus": {"Canary": True, "Healthy": None}}
        return recorded._replace(value=[each | (canary if each["ID"] == FIRST else {}) for each in recorded.value])

    replay.bends["/v1/job/live/allocations"] = bent


def test_canaries_are_left_out(replay: NomadReplay) -> None:
    with_canary(replay)
    assert sorted(healths(read(replay))) == sorted([SECOND, BROKEN, "67bdaeac-ce37-6a06-6c59-30a34217dd81"])
    assert f"/v1/client/allocation/{FIRST}/checks" not in replay.paths()


def test_canaries_are_taken_where_they_are_wanted(replay: NomadReplay) -> None:
    with_canary(replay)
    assert FIRST in healths(read(replay, canaries=True))
    assert "/v1/job/live/allocations" not in replay.paths()


# --- settings ---------------------------------------------------------------------------------------------------------


def test_the_address_is_the_configured_one_else_of_the_environment_else_the_default() -> None:
    environment = {"NOMAD_ADDR": "https://nomad.example:4646"}
    assert nomad_address("http://h:1", environment, PLACE) == Address(scheme="http", host="h", port=1)
    assert nomad_address(None, environment, PLACE) == Address(scheme="https", host="nomad.example", port=4646)
    assert nomad_address(None, {"NOMAD_ADDR": ""}, PLACE) == Address(scheme="http", host="127.0.0.1", port=4646)
    with pytest.raises(UsageError, match=r"^\$NOMAD_ADDR: "):
        nomad_address(None, {"NOMAD_ADDR": "ftp://h"}, PLACE)


def test_the_address_of_the_environment_is_asked(replay: NomadReplay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOMAD_ADDR", replay.address)
    assert read(replay, address=None).answers


def test_the_token_is_sent_with_each_request_and_nothing_of_the_environment(
    replay: NomadReplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOMAD_TOKEN", "not-asked-for")
    read(replay)
    assert replay.tokens == set()
    monkeypatch.setenv("MY_TOKEN", "secret-1")
    read(replay, token=Token(env="MY_TOKEN"))
    assert replay.tokens == {"secret-1"}


def test_a_token_that_the_server_echoes_is_not_shown(replay: NomadReplay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "secret-1")
    replay.fix("/v1/services", Reply(b"bad token secret-1", 403))
    message = refused(replay, token=Token(env="MY_TOKEN"))
    assert "bad token ***" in message
    assert "secret-1" not in message


def test_tls_without_https_is_a_usage_error(replay: NomadReplay) -> None:
    assert "the address does not use TLS" in refused(replay, UsageError, tls=Tls(verify=False))


def test_the_shape_holds_what_shapes_the_answer(replay: NomadReplay) -> None:
    base = settings_of(replay)
    changed: dict[str, Any] = {
        "address": "http://other",
        "regions": ("*",),
        "namespaces": ("default",),
        "services": False,
        "upstreams": False,
        "canaries": True,
        "select": Select(services=("a",)),
        "keep": Keep(tags=()),
        "address_from": "node",
        "naming": Naming(version_from=VersionFrom(meta="version")),
    }
    for key, value in changed.items():
        assert nomad.shape(settings_of(replay, **{key: value})) != nomad.shape(base), key
    same: dict[str, Any] = {
        "token": Token(env="X"),
        "tls": Tls(verify=False),
        "limits": LiveLimits(),
        "partial": True,
        "naming": Naming(patterns=("{service}",)),
        "origin": FileOrigin("other.yaml"),
    }
    for key, value in same.items():
        assert nomad.shape(settings_of(replay, **{key: value})) == nomad.shape(base), key
