from __future__ import annotations

from typing import Any

import pytest
from nomad_reads import healths, read, refused
from nomad_replay import NomadReplay, Query, Reply, instance, state

NODE = "b82591c0-bb04-69a8-5eee-01745679b4d0"
BROKEN = "e19a04e0-559b-1f53-77bb-e6abc43757e0"
FIRST, SECOND = "12580dc7-956b-0c1b-a0e6-b5c7a9ff1262", "46eae05d-7bbb-054a-608f-7c490f5b6e3b"


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


def test_a_check_state_that_nomad_does_not_define_counts_as_critical(replay: NomadReplay) -> None:
    checks(replay, FIRST, Reply({"a": check("success"), "b": check("fine"), "c": check("fine again")}))
    unknown = {found.unknown_status: found.health for answer in read(replay).answers for found in answer.registrations}
    assert unknown["fine"] == "critical"
    assert set(unknown) == {"", "fine"}


@pytest.mark.parametrize("status", [404, 500, 503])
def test_services_of_a_client_that_does_not_report_its_checks_are_critical(replay: NomadReplay, status: int) -> None:
    for allocation in (FIRST, SECOND, BROKEN, "67bdaeac-ce37-6a06-6c59-30a34217dd81"):
        checks(replay, allocation, Reply(b"No path to node", status))
    reading = read(replay)
    assert set(healths(reading).values()) == {"critical"}
    assert reading.warnings == (
        f"source live: the client `{NODE}` does not report its checks ({status}); "
        "these services count as critical there: `live-db-native`, `live-native` and `modes-nomad`",
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
        return recorded._replace(value=[stub | (canary if stub["ID"] == FIRST else {}) for stub in recorded.value])

    replay.bends["/v1/job/live/allocations"] = bent


def test_canaries_are_left_out(replay: NomadReplay) -> None:
    with_canary(replay)
    assert sorted(healths(read(replay))) == sorted([SECOND, BROKEN, "67bdaeac-ce37-6a06-6c59-30a34217dd81"])
    assert f"/v1/client/allocation/{FIRST}/checks" not in replay.paths()


def test_canaries_are_taken_if_configured(replay: NomadReplay) -> None:
    with_canary(replay)
    assert FIRST in healths(read(replay, canaries=True))
    assert "/v1/job/live/allocations" not in replay.paths()
