"""The source `nomad` on answers recorded from a real Nomad, with various settings."""

from __future__ import annotations

from typing import Any

import pytest
from nomad_reads import by_namespace, read, refused, settings_of
from nomad_replay import NomadReplay, Query, Reply, instance, state

from frostline.errors import UsageError
from frostline.model import Bind, FileOrigin, Registration, Upstream
from frostline.settings import Keep, LiveLimits, Naming, Select, Tls, Token, VersionFrom
from frostline.sources.base import LiveSource
from frostline.sources.nomad import reading as nomad_reading
from frostline.sources.nomad import source as nomad

NODE = "b82591c0-bb04-69a8-5eee-01745679b4d0"
FIRST = "12580dc7-956b-0c1b-a0e6-b5c7a9ff1262"


def test_the_module_is_a_live_source(replay: NomadReplay) -> None:
    source: LiveSource = nomad
    assert len(source.read(settings_of(replay)).answers) == 2


def test_a_namespace_of_a_region_is_a_segment_even_if_it_is_empty(replay: NomadReplay) -> None:
    answers = read(replay, upstreams=False).answers
    assert [(answer.source, answer.datacenter, answer.namespace) for answer in answers] == [
        ("live", "global", "default"),
        ("live", "global", "retail"),
    ]
    assert answers[1].registrations == answers[1].upstreams == ()


def test_a_native_service_comes_with_all_that_it_was_registered_with(replay: NomadReplay) -> None:
    (answer,) = read(replay, namespaces=("default",)).answers
    assert [(registration.service, registration.port) for registration in answer.registrations] == [
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


def test_a_datacenter_with_the_name_of_its_region_is_not_repeated(replay: NomadReplay) -> None:
    replay.bends["/v1/regions"] = lambda reply, _: reply._replace(value=["dc1"])
    assert {registration.datacenter for registration in read(replay).answers[0].registrations} == {""}


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
    assert {registration.service for registration in answer.registrations} == {"live-native"}
    assert [path for path in replay.paths() if "/service/" in path] == ["/v1/service/live-native"]


@pytest.mark.parametrize(
    ("left_out", "folders"),
    [("services", ("/v1/service", "/v1/client", "/v1/allocation")), ("upstreams", ("/v1/jobs", "/v1/job/shop"))],
)
def test_nothing_is_requested_that_the_settings_leave_out(
    replay: NomadReplay, left_out: str, folders: tuple[str, ...]
) -> None:
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


def test_progress_is_reported_while_answers_come_in(replay: NomadReplay) -> None:
    told: list[tuple[str, int, int]] = []
    nomad.read(settings_of(replay), progress=lambda *each: told.append(each))
    assert ("global", 3, 3) in told
    assert ("global", 5, 5) in told


def test_the_order_of_answers_does_not_matter(replay: NomadReplay) -> None:
    whole = read(replay)
    services = [f"/v1/service/{name}" for name in ("live-native", "live-db-native", "modes-nomad")]
    for path in ("/v1/namespaces", "/v1/services", "/v1/jobs", *services):
        replay.bends[path] = lambda reply, _: reply._replace(value=reply.value[::-1])
    assert read(replay) == whole


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
    assert f"no namespace `{'x*' if patterns == ('x*',) else 'retial'}`, only `default` and `retail`\n" in message


def test_a_token_that_sees_nothing_is_refused_with_the_rights_it_needs(replay: NomadReplay) -> None:
    replay.fix("/v1/namespaces", state([]))
    message = refused(replay)
    assert "and no other" in message
    assert "read-job" in message


@pytest.mark.parametrize("name", ["a&b=c", "../x", "é\n", "%2e", "x y#?", "\U0001f600"])
def test_a_namespace_with_a_hostile_name_is_requested_by_that_name(replay: NomadReplay, name: str) -> None:
    replay.fix("/v1/namespaces", state([{"Name": name}]))
    replay.fix("/v1/services", state([{"Namespace": name, "Services": [{"ServiceName": "w&b"}]}]))
    replay.fix("/v1/service/w&b", state([instance("w&b", Namespace=name)]))
    replay.fix("/v1/jobs", state([]))
    replay.fix("/v1/job/j/allocations", state([]))
    replay.fix("/v1/client/allocation/a1/checks", Reply(None))
    (answer,) = read(replay, namespaces=(name,) if "#" not in name else ("*",)).answers
    assert (answer.namespace, [registration.service for registration in answer.registrations]) == (name, ["w&b"])
    assert {query["namespace"] for _, query in replay.asked if "namespace" in query} == {name}


def test_the_agents_own_region_needs_no_right_if_it_is_the_only_one(replay: NomadReplay) -> None:
    read(replay)
    assert "/v1/agent/self" not in replay.paths()
    assert not any("region" in query for _, query in replay.asked)


def test_the_agents_own_region_of_several_is_that_of_its_configuration(replay: NomadReplay) -> None:
    replay.fix("/v1/regions", Reply(["east", "west"]))
    replay.fix("/v1/agent/self", Reply({"config": {"Region": "west", "Datacenter": "dc1"}}))
    assert {answer.datacenter for answer in read(replay).answers} == {"west"}
    assert nomad.known_segments(settings_of(replay)) == ("east", "west")


def test_without_the_right_to_read_the_agents_region_the_help_says_to_name_it(replay: NomadReplay) -> None:
    replay.fix("/v1/regions", Reply(["east", "west"]))
    replay.fix("/v1/agent/self", Reply(b"Permission denied", 403))
    assert "one of `east` and `west`\nname it in `regions`" in refused(replay)


def other_region(replay: NomadReplay, name: str, reply: Reply) -> None:
    """Make a second region known, whose lists all answer with this."""
    replay.bends["/v1/regions"] = lambda recorded, _: recorded._replace(value=["global", name])

    def bent(recorded: Reply, query: Query) -> Reply:
        return reply if query.get("region") == name else recorded

    for path in ("/v1/namespaces", "/v1/services", "/v1/jobs"):
        replay.bends[path] = bent


@pytest.mark.parametrize("regions", [("*",), ("global",), ("gl*",)])
def test_regions_are_read_by_name_and_glob(replay: NomadReplay, regions: tuple[str, ...]) -> None:
    assert {answer.datacenter for answer in read(replay, regions=regions).answers} == {"global"}
    named = [query for path, query in replay.asked if path != "/v1/regions"]
    assert {query.get("region") for query in named} == {"global"}


def test_a_region_that_is_not_there_is_refused(replay: NomadReplay) -> None:
    assert "no region `mars`, only `global`" in refused(replay, regions=("global", "mars"))


def test_only_the_requested_region_is_read(replay: NomadReplay) -> None:
    other_region(replay, "west", Reply(b"No path to region", 500))
    reading = nomad.read(settings_of(replay, regions=("*",)), datacenters=("global",))
    assert {answer.datacenter for answer in reading.answers} == {"global"}


@pytest.mark.parametrize(
    ("regions", "reads"), [((), "it reads the agent's own, `global`"), (("glo*",), "`regions` is `glo*`")]
)
def test_a_region_that_the_source_does_not_read_is_a_usage_error(
    replay: NomadReplay, regions: tuple[str, ...], reads: str
) -> None:
    message = refused(replay, UsageError, regions=regions, datacenters=("west",))
    assert message.startswith(f"the source `live` does not read the region `west`: {reads}\n")


def test_a_region_that_does_not_answer_is_refused(replay: NomadReplay) -> None:
    other_region(replay, "west", Reply(b"No path to region", 500))
    assert "500" in refused(replay, regions=("*",))


def test_a_region_that_does_not_answer_keeps_what_the_lock_has_with_partial(replay: NomadReplay) -> None:
    other_region(replay, "west", Reply(b"No path to region", 500))
    reading = read(replay, regions=("*",), partial=True)
    assert reading.unreachable == ("west",)
    assert {answer.datacenter for answer in reading.answers} == {"global"}
    (warning,) = reading.warnings
    assert "No path to region; `west` keeps what the lock has" in warning


def test_a_region_that_is_not_known_now_keeps_what_the_lock_has_with_partial(replay: NomadReplay) -> None:
    reading = read(replay, regions=("global", "west"), partial=True)
    assert reading.unreachable == ("west",)


def test_partial_needs_one_region_that_answers(replay: NomadReplay) -> None:
    replay.fix("/v1/namespaces", Reply(b"No cluster leader", 500))
    assert "no answer from `global`" in refused(replay, partial=True)


def test_partial_does_not_accept_a_refusal(replay: NomadReplay) -> None:
    replay.fix("/v1/services", Reply(b"Permission denied", 403))
    assert "403" in refused(replay, partial=True)


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
