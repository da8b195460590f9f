from __future__ import annotations

import pytest
from nomad_reads import SHOP, read_default, refused_default
from nomad_replay import NomadReplay, Reply, instance, state, stub

from frostline.settings import Select

STATE = ["/v1/namespaces", "/v1/services", "/v1/service/web", "/v1/jobs", SHOP, "/v1/job/j/allocations"]
ANY = [*STATE, "/v1/regions", "/v1/client/allocation/a1/checks"]


def bent(region: NomadReplay, path: str, **headers: str | None) -> None:
    """Change these headers of the answers there."""
    before = region.bends[path]
    region.bends[path] = lambda reply, query: before(reply, query).with_headers(**headers)


@pytest.mark.parametrize("path", STATE)
@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"KnownLeader": "false"}, "Nomad has no leader"),
        ({"KnownLeader": None}, "the header X-Nomad-KnownLeader is missing"),
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
    region: NomadReplay, path: str, headers: dict[str, str | None], reason: str
) -> None:
    bent(region, path, **headers)
    assert f": {reason}" in refused_default(region)


@pytest.mark.parametrize("path", ANY)
@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"7", b'"x"', b'[{"ID": 7}]', b"[null]", b"\xff", b"[" * 99999])
def test_a_body_that_nomad_does_not_answer_is_refused(region: NomadReplay, path: str, body: bytes) -> None:
    region.fix(path, state(body) if path in STATE else Reply(body))
    if path == "/v1/regions":
        region.fix(path, Reply(body))
    assert "not the JSON expected from Nomad" in refused_default(region)


@pytest.mark.parametrize("path", ANY)
def test_a_body_that_is_cut_is_refused(region: NomadReplay, path: str) -> None:
    region.fix(path, state([])._replace(length=99))
    assert "cut off: the connection closed after 2 bytes" in refused_default(region)


@pytest.mark.parametrize("path", ANY)
def test_what_the_token_may_not_read_is_refused_with_the_rights_it_needs(region: NomadReplay, path: str) -> None:
    region.fix(path, Reply(b"Permission denied", 403))
    message = refused_default(region)
    assert "403" in message
    assert "list-jobs and read-job" in message


@pytest.mark.parametrize("path", [path for path in ANY if path not in (SHOP, "/v1/client/allocation/a1/checks")])
@pytest.mark.parametrize("status", [301, 400, 404, 500])
def test_any_other_status_is_refused(region: NomadReplay, path: str, status: int) -> None:
    region.fix(path, Reply(b"no", status))
    assert f": {status} " in refused_default(region)


@pytest.mark.parametrize("header", ["X" * 70000, "1" * 70000])
def test_a_huge_header_is_refused(region: NomadReplay, header: str) -> None:
    bent(region, "/v1/services", Index=header)
    assert "invalid HTTP" in refused_default(region)


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/service/web"])
def test_a_list_that_repeats_itself_is_refused(region: NomadReplay, path: str) -> None:
    item = stub("a") if path == "/v1/jobs" else instance("web", ID="a")
    other = item | {"ID": "b"}
    region.fix(path, state([item, item]))
    assert "the list repeats an element" in refused_default(region)
    region.fix(path, state([item]).with_headers(NextToken="default.b"), state([item]))
    assert "the list repeats an element" in refused_default(region)
    region.fix(path, state([item]).with_headers(NextToken="t"), state([other]).with_headers(NextToken="t"))
    assert "the pages of the list do not end" in refused_default(region)
    region.fix(path, state([]).with_headers(NextToken="t"), state([item]))
    assert "the pages of the list do not end" in refused_default(region)


def test_eventual_reads_are_stale_ones_that_prove_nothing(region: NomadReplay) -> None:
    left = iter(range(71, 99))
    region.bends["/v1/service/web"] = lambda *_: state([instance("web")], next(left))
    for path in STATE:
        bent(region, path, LastContact="1999")
    registrations, upstreams = read_default(region, consistency="eventual")
    assert (len(registrations), len(upstreams)) == (1, 1)
    asked = [(path, query) for path, query in region.asked if path in STATE]
    assert {query.get("stale") for _, query in asked} == {"true"}
    assert len({path for path, _ in asked}) == len(asked)


def test_eventual_reads_have_a_bound(region: NomadReplay) -> None:
    bent(region, "/v1/services", LastContact="2001")
    assert "2001 ms old, and max_stale is 2 s" in refused_default(region, consistency="eventual")


def test_what_is_proved_is_asked_of_the_leader(region: NomadReplay) -> None:
    read_default(region, select=Select(services=("web",)))
    assert not any("stale" in query for _, query in region.asked)
