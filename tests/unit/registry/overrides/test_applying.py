"""Overrides change what they name and nothing else; what is wrong with them is a finding with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from frostline.model import Endpoint, Entry, FileOrigin, Finding, Key, Registry, registry_of
from frostline.registry.endpoints import choose_url
from frostline.registry.overrides.applying import Overridden, apply_overrides
from frostline.registry.overrides.rules import findings_on, unused_findings
from frostline.settings import EndpointMatch, Override, Replacement

PLACE = FileOrigin("frostline.yaml", 30, 5)
PAYMENTS = Key("payments", "v1")
LEDGER = Key("ledger", None)


def endpoint(number: int, datacenter: str = "dc1", **fields: Any) -> Endpoint:
    values: dict[str, Any] = {"tags": ("api",), "meta": {"owner": "money"}, "weight": 5, "node": f"n{number}", **fields}
    return Endpoint(
        url=f"http://10.0.0.{number}:8080/v1",
        address=f"10.0.0.{number}",
        port=8080,
        source="mesh",
        datacenter=datacenter,
        namespace="default",
        id=f"payments-{number}",
        **values,
    )


def registry(*endpoints: Endpoint, key: Key = PAYMENTS) -> Registry:
    entry = Entry(url=choose_url(key, endpoints, ()), endpoints=endpoints, sources=("mesh",))
    other = endpoint(1)
    return registry_of({key: entry, LEDGER: Entry(url=other.url, endpoints=(other,), sources=("mesh",))})


def override(service: str = "payments/v1", *, line: int = 30, **parts: Any) -> Override:
    place = FileOrigin("frostline.yaml", line, 5)
    drop = parts.get("drop", [])
    return Override(
        service=service,
        until="2027-01-31",
        why="disk",
        origin=place,
        drop=tuple(
            EndpointMatch(origin=FileOrigin("frostline.yaml", line, 10 + at), **match)
            for at, match in enumerate([drop] if isinstance(drop, dict) else drop)
        ),
        add=tuple((url, FileOrigin("frostline.yaml", line, 40 + at)) for at, url in enumerate(parts.get("add", []))),
        replace=tuple(
            Replacement(old, new, FileOrigin("frostline.yaml", line, 70 + at))
            for at, (old, new) in enumerate(parts.get("replace", {}).items())
        ),
    )


def entry_of(overridden: Overridden, key: Key = PAYMENTS) -> Entry:
    entry = overridden.registry.get(key)
    assert entry is not None
    return entry


def url(number: int) -> str:
    return f"http://10.0.0.{number}:8080/v1"


def test_a_dropped_endpoint_is_gone_and_the_others_are_untouched() -> None:
    was = registry(endpoint(7), endpoint(9), endpoint(10, "dc2"))
    found = apply_overrides(was, [override(drop={"address": "10.0.0.9"})])
    assert entry_of(found).endpoints == (endpoint(7), endpoint(10, "dc2"))
    assert entry_of(found, LEDGER) == was.get(LEDGER)
    assert found.plain == {PAYMENTS: was.get(PAYMENTS)}


@pytest.mark.parametrize(
    ("match", "left"),
    [
        ({"port": 8080, "address": "10.0.0.7"}, [9, 10]),
        ({"port": 8081}, [7, 9, 10]),
        ({"datacenter": "dc1"}, [10]),
        ({"namespace": "default", "node": "n9"}, [7, 10]),
        ({"id": "payments-9"}, [7, 10]),
        ({"url": url(10)}, [7, 9]),
        ({"datacenter": "dc2", "address": "10.0.0.9"}, [7, 9, 10]),
        ([{"address": "10.0.0.7"}, {"address": "10.0.0.10"}], [9]),
    ],
)
def test_a_match_needs_all_of_its_values(match: Any, left: list[int]) -> None:
    found = apply_overrides(registry(endpoint(7), endpoint(9), endpoint(10, "dc2")), [override(drop=match)])
    assert [one.url for one in entry_of(found).endpoints] == [url(number) for number in left]


def test_an_address_is_known_in_any_spelling() -> None:
    six = replace(endpoint(7), address="2001:db8::1")
    found = apply_overrides(registry(six, endpoint(9)), [override(drop={"address": "2001:DB8:0::1"})])
    assert entry_of(found).endpoints == (endpoint(9),)


def test_a_replaced_endpoint_keeps_all_but_its_place() -> None:
    found = apply_overrides(
        registry(endpoint(7), endpoint(9)), [override(replace={url(9): "https://[2001:db8::8]/v1"})]
    )
    assert entry_of(found).endpoints[1] == replace(
        endpoint(9),
        url="https://[2001:db8::8]/v1",
        address="2001:db8::8",
        port=443,
        node="",
        id="",
        declared_at=FileOrigin("frostline.yaml", 30, 70),
    )


def test_replacing_in_a_circle_is_done_at_once() -> None:
    found = apply_overrides(
        registry(endpoint(7), endpoint(9, weight=1)), [override(replace={url(7): url(9), url(9): url(7)})]
    )
    assert [(one.url, one.weight) for one in entry_of(found).endpoints] == [(url(7), 1), (url(9), 5)]
    assert found.findings == ()


def test_an_added_endpoint_has_what_the_dropped_ones_have_in_common() -> None:
    was = registry(endpoint(7, "dc2", tags=("api", "old")), endpoint(9), endpoint(10, tags=("api", "new")))
    (added,) = (
        one
        for one in entry_of(apply_overrides(was, [override(drop={"datacenter": "dc1"}, add=[url(12)])])).endpoints
        if one.url == url(12)
    )
    assert (added.datacenter, added.namespace, added.tags, added.meta, added.weight, added.source) == (
        "dc1",
        "default",
        ("api",),
        {"owner": "money"},
        5,
        "mesh",
    )
    assert str(added.origin) == "frostline.yaml:30:40"


def test_an_added_endpoint_without_any_to_be_like_has_no_datacenter() -> None:
    mixed = apply_overrides(registry(endpoint(7), endpoint(9, "dc2", weight=1)), [override(add=[url(12)])])
    added = entry_of(mixed).endpoints[0]
    assert (added.url, added.datacenter, added.weight) == (url(12), "", 1)
    alone = entry_of(apply_overrides(registry(), [override(add=[url(12)])]))
    assert (alone.url, alone.endpoints[0].tags, alone.endpoints[0].weight) == (url(12), (), 1)


def test_the_url_is_chosen_anew_where_its_endpoint_goes() -> None:
    endpoints = [endpoint(number) for number in (7, 8, 9)]
    chosen = choose_url(PAYMENTS, endpoints, ())
    left = [one for one in endpoints if one.url != chosen]
    found = entry_of(apply_overrides(registry(*endpoints), [override(drop={"url": chosen})]))
    assert found.url == choose_url(PAYMENTS, left, ())
    for one in left:
        other = entry_of(apply_overrides(registry(*endpoints), [override(drop={"url": one.url})]))
        assert other.url == chosen


@given(st.permutations([7, 8, 9, 10]), st.sampled_from(["payments", "payments/*", "*/v1", "pay*"]))
def test_the_order_of_overrides_decides_nothing_where_they_agree(order: list[int], glob: str) -> None:
    was = registry(*[endpoint(number) for number in (7, 8, 9, 10)])
    parts: dict[int, dict[str, Any]] = {
        7: {"drop": {"address": "10.0.0.7"}},
        8: {"replace": {url(8): url(18)}},
        9: {"add": [url(19)]},
        10: {"drop": [{"port": 1}, {"node": "n10"}]},
    }
    found = apply_overrides(was, [override(glob, line=number, **parts[number]) for number in order])
    assert [one.url for one in entry_of(found).endpoints] == [url(9), url(18), url(19)]
    assert found.findings == ()


def texts(findings: Iterable[Finding]) -> list[str]:
    return [f"{finding.origin}: {finding.rule}: {finding.message}" for finding in findings]


CONFLICTS: list[tuple[list[Override], str]] = [
    (
        [override(line=29, replace={url(7): url(8)}), override(drop={"address": "10.0.0.7"})],
        f"frostline.yaml:30:10: override-conflict: an override drops `{url(7)}`, "
        f"but the one at frostline.yaml:29:5 replaces it by `{url(8)}`",
    ),
    (
        [override(replace={url(7): url(8)}), override(line=31, replace={url(7): url(18)})],
        f"frostline.yaml:31:70: override-conflict: an override replaces `{url(7)}` by `{url(18)}`, "
        f"but the one at frostline.yaml:30:5 replaces it by `{url(8)}`",
    ),
    (
        [override(add=[url(12)]), override(line=31, drop={"address": "10.0.0.12"})],
        f"frostline.yaml:31:10: override-conflict: an override drops `{url(12)}`, "
        "which the override at frostline.yaml:30:40 adds",
    ),
]


@pytest.mark.parametrize(("overrides", "message"), CONFLICTS)
def test_two_that_contradict_each_other_are_an_error_and_the_first_wins(
    overrides: list[Override], message: str
) -> None:
    found = apply_overrides(registry(endpoint(7), endpoint(9)), overrides)
    alone = apply_overrides(registry(endpoint(7), endpoint(9)), overrides[:1])
    assert texts(found.findings) == [message]
    assert found.findings[0].severity == "error"
    assert entry_of(found) == entry_of(alone)


def test_two_that_agree_are_none() -> None:
    both = [override(drop={"address": "10.0.0.7"}), override("*", line=31, drop={"node": "n7"}, add=[url(12), url(12)])]
    found = apply_overrides(registry(endpoint(7), endpoint(9)), [*both, override(line=32, add=[url(13)])])
    assert found.findings == ()
    assert [one.url for one in entry_of(found).endpoints] == [url(9), url(12), url(13)]


def unused(*overrides: Override) -> list[str]:
    found = apply_overrides(registry(endpoint(7), endpoint(9)), overrides)
    return texts(unused_findings(overrides, found.effects, found.registry))


def test_what_changes_nothing_is_a_warning_at_its_place() -> None:
    assert unused(override("paymets", drop={"address": "10.0.0.7"})) == [
        "frostline.yaml:30:5: override-unused: the override of `paymets` matches no service"
    ]
    assert unused(override(drop=[{"address": "10.0.0.7"}, {"address": "10.0.0.77", "port": 80}])) == [
        "frostline.yaml:30:11: override-unused: the override of `payments/v1` would drop endpoints with "
        "address `10.0.0.77`, port `80`, but there are none"
    ]
    assert unused(override(replace={url(1): url(2)}, add=[url(9)])) == [
        f"frostline.yaml:30:70: override-unused: the override of `payments/v1` would replace `{url(1)}`, "
        "but no endpoint has this URL",
        f"frostline.yaml:30:40: override-unused: the override of `payments/v1` would add `{url(9)}`, "
        "but an endpoint has this URL already",
    ]


MatchesGolden = Callable[[str, Iterable[Finding]], None]


def test_findings_as_people_read_them(matches_golden: MatchesGolden) -> None:
    was = registry(endpoint(7), endpoint(9))
    whole = [override(drop={"datacenter": "dc1"})]
    some = [override(drop={"address": "10.0.0.9"}, add=[url(12)], replace={url(7): url(8)})]
    found = apply_overrides(was, some)
    matches_golden("override", findings_on(some, found.effects, date(2027, 1, 31)))
    matches_golden(
        "override-expired",
        [one for one in findings_on(some, found.effects, date(2027, 2, 1)) if one.rule == "override-expired"],
    )
    matches_golden("override-no-endpoint", apply_overrides(was, whole).findings)
    matches_golden("override-conflict", apply_overrides(was, CONFLICTS[0][0]).findings)
    typo = [override(drop={"address": "10.0.0.99"})]
    matches_golden("override-unused", unused_findings(typo, apply_overrides(was, typo).effects, was))


def test_an_expired_one_is_applied_as_before() -> None:
    some = [override(drop={"address": "10.0.0.9"})]
    found = apply_overrides(registry(endpoint(7), endpoint(9)), some)
    days = [date(2027, 1, 31), date(2027, 2, 1)]
    assert [[one.rule for one in findings_on(some, found.effects, day)] for day in days] == [
        ["override"],
        ["override-expired", "override"],
    ]
