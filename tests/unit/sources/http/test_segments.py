from __future__ import annotations

from collections.abc import Sequence

import pytest

from frostline.errors import SourceError, UsageError
from frostline.model import FileOrigin, SegmentAnswer
from frostline.settings import LiveLimits
from frostline.sources.consul.settings import ConsulSettings
from frostline.sources.http.address import Address
from frostline.sources.http.segments import (
    ChosenSegments,
    SegmentKind,
    check_configured,
    choose_own_segment,
    choose_segments,
    read_segments,
)
from frostline.sources.http.session import Api, Session
from frostline.sources.http.transport import StatusError, Transport, UnreachableError

PLACE = FileOrigin("frostline.yaml", 3, 3)
KIND = SegmentKind(noun="datacenter", path="/v1/list", join_help="join it")
SETTINGS = ConsulSettings(name="mesh", origin=PLACE)
PARTIAL = ConsulSettings(name="mesh", origin=PLACE, partial=True)
KNOWN = ["west", "east", "east-2"]
UNREACHABLE = UnreachableError("source mesh: refused", origin=PLACE)


def status(code: int) -> StatusError:
    return StatusError(f"source mesh: {code}", code=code, text="", origin=PLACE, help="x")


def choose(patterns: Sequence[str], only: Sequence[str] = (), *, partial: bool = False) -> ChosenSegments:
    transport = Transport(
        "mesh", PLACE, Address(scheme="http", host="127.0.0.1", port=9), LiveLimits(), token_header="X-Consul-Token"
    )
    with Session(transport, Api(product="Consul", address_variable="A")) as session:
        return choose_segments(session, KIND, patterns, only, KNOWN, partial=partial)


@pytest.mark.parametrize(
    ("patterns", "only", "names"),
    [
        (("*",), (), ("east", "east-2", "west")),
        (("*", "!west"), (), ("east", "east-2")),
        (("west", "east"), (), ("east", "west")),
        (("*",), ("west",), ("west",)),
        (("east*",), ("west", "east"), ("east",)),
    ],
)
def test_what_the_patterns_match_is_chosen(
    patterns: tuple[str, ...], only: tuple[str, ...], names: tuple[str, ...]
) -> None:
    assert choose(patterns, only) == ChosenSegments(names)


@pytest.mark.parametrize(("patterns", "missing"), [(("west", "north"), "north"), (("n*",), "n*")])
def test_a_segment_unknown_to_the_server_is_refused(patterns: tuple[str, ...], missing: str) -> None:
    with pytest.raises(SourceError) as caught:
        choose(patterns)
    assert caught.value.message == (
        f"source mesh: GET /v1/list at http://127.0.0.1:9: Consul knows no datacenter `{missing}`, "
        "only `east`, `east-2` and `west`"
    )
    assert caught.value.help == "correct `datacenters`, or join it"


def test_with_partial_a_named_segment_may_be_unknown_but_a_glob_must_match() -> None:
    assert choose(("west", "north"), partial=True) == ChosenSegments(("west",), ("north",))
    with pytest.raises(SourceError, match="no datacenter `n\\*`"):
        choose(("n*",), partial=True)


def test_only_configured_segments_may_be_asked_for() -> None:
    assert choose_own_segment(SETTINGS, KIND, "west", ["west"]) == ChosenSegments(("west",))
    with pytest.raises(UsageError, match="does not read the datacenter `east`: it reads the agent's own, `west`"):
        choose_own_segment(SETTINGS, KIND, "west", ["east"])
    check_configured(SETTINGS, KIND, ["e*"], ["east"])
    with pytest.raises(UsageError, match=r"does not read the datacenter `west`: `datacenters` is `e\*`"):
        check_configured(SETTINGS, KIND, ["e*"], ["west"])


def reading(**failures: SourceError):  # type: ignore[no-untyped-def]
    def read_segment(name: str) -> tuple[list[SegmentAnswer], list[str]]:
        if name in failures:
            raise failures[name]
        return [SegmentAnswer(source="mesh", datacenter=name, namespace="", registrations=())], [f"{name} is odd"]

    return read_segment


@pytest.mark.parametrize("error", [UNREACHABLE, status(500), status(503)])
def test_with_partial_an_unreachable_segment_becomes_a_warning(error: SourceError) -> None:
    result = read_segments(PARTIAL, KIND, ChosenSegments(("a", "b"), ("c",)), reading(a=error))
    assert [answer.datacenter for answer in result.answers] == ["b"]
    assert result.unreachable == ("a", "c")
    assert result.warnings == (
        "source mesh: the server does not know the datacenter `c` now; `c` keeps what the lock has (`partial`)",
        f"{error.message}; `a` keeps what the lock has (`partial`)",
        "b is odd",
    )


@pytest.mark.parametrize("error", [status(403), status(404), SourceError("source mesh: not JSON")])
def test_a_refusal_or_malformed_answer_is_an_error_even_with_partial(error: SourceError) -> None:
    with pytest.raises(SourceError) as caught:
        read_segments(PARTIAL, KIND, ChosenSegments(("a", "b")), reading(a=error))
    assert caught.value is error


def test_without_partial_an_unreachable_segment_is_an_error() -> None:
    error = UnreachableError("source mesh: refused", origin=PLACE, help="start it")
    with pytest.raises(UnreachableError) as caught:
        read_segments(SETTINGS, KIND, ChosenSegments(("a", "b")), reading(b=error))
    way_on = "compile, freeze and plan keep what the lock has of `b` with `--allow partial`"
    assert caught.value.help == f"start it; {way_on}"


@pytest.mark.parametrize(("names", "error"), [(("a",), status(500)), (("a", "b"), status(403))])
def test_partial_is_not_suggested_if_nothing_else_answers_or_the_server_refuses(
    names: tuple[str, ...], error: SourceError
) -> None:
    with pytest.raises(SourceError) as caught:
        read_segments(SETTINGS, KIND, ChosenSegments(names), reading(a=error))
    assert caught.value.help == "x"


def test_partial_needs_one_segment_that_answers() -> None:
    with pytest.raises(SourceError, match="source mesh: no answer from `a` and `b`; the last reason: "):
        read_segments(PARTIAL, KIND, ChosenSegments(("b",), ("a",)), reading(b=UNREACHABLE))
