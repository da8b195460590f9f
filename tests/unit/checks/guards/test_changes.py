from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
import yaml

from frostline.checks.guards.changes import Published, guard_findings, kind_of_change
from frostline.checks.guards.segments import emptied_segments, empty_sources
from frostline.model import Endpoint, Entry, FileOrigin, Finding, InstanceOrigin, Key
from frostline.settings import Allow, Guards, Waiver

Publication = dict[Key, Published]
TODAY = date(2026, 1, 1)


def publication(number: int, endpoints: int = 1, digest: str = "a") -> Publication:
    return {Key(f"s{place:03}", "v1"): Published(digest, endpoints, properties="p") for place in range(number)}


def rules(
    old: Publication | None,
    new: Publication,
    guards: Guards | None = None,
    allow: Allow | None = None,
    consumers: dict[Key, tuple[str, ...]] | None = None,
) -> list[str]:
    found = guard_findings(old, new, guards or Guards(), allow or Allow(), consumers or {}, today=TODAY)
    return [finding.rule for finding in found]


def without(old: Publication, number: int) -> Publication:
    return dict(list(old.items())[number:])


def test_nothing_changed_is_no_finding() -> None:
    assert rules(publication(10), publication(10)) == []


@pytest.mark.parametrize(("gone", "refused"), [(3, False), (6, False), (7, True)])
def test_more_than_the_share_gone_is_refused_and_exactly_the_share_is_not(gone: int, refused: bool) -> None:
    old = publication(20)
    assert rules(old, without(old, gone)) == ["guard-delete"] * refused


@pytest.mark.parametrize(("share", "total", "part"), [(0.1, 30, 3), (0.3, 10, 3), (0.07, 100, 7), (0.29, 100, 29)])
def test_shares_are_compared_exactly(share: float, total: int, part: int) -> None:
    old, guards = publication(total), Guards(delete=share, floor=0)
    assert rules(old, without(old, part), guards) == []
    assert rules(old, without(old, part + 1), guards) == ["guard-delete"]


def test_floor_or_fewer_changes_always_pass() -> None:
    old = publication(4)
    assert rules(old, without(old, 3)) == []
    assert rules(old, without(old, 3), Guards(floor=2)) == ["guard-delete"]
    assert rules(publication(4, 2), publication(4, 1, digest="b"), Guards(floor=4)) == []


def test_a_registered_service_without_endpoint_does_not_count_as_gone() -> None:
    old = publication(10, endpoints=2)
    assert rules(old, old | publication(4, endpoints=0, digest="b")) == ["guard-instances"] * 4
    assert rules(old, without(old, 4)) == ["guard-delete"]


def test_a_service_that_is_not_registered_any_more_is_judged_by_the_share_of_deletes_alone() -> None:
    old = publication(30, endpoints=6)
    assert rules(old, without(old, 1)) == []
    assert rules(old, without(old, 1), Guards(floor=0, delete=0)) == ["guard-delete"]


def test_a_service_that_was_only_declared_does_not_count_as_gone() -> None:
    old = publication(10, endpoints=0) | {Key("x", None): Published("a", 1)}
    assert rules(old, {Key("x", None): Published("a", 1)}) == []


def test_more_than_the_share_with_fewer_endpoints_is_refused_until_allowed() -> None:
    old = publication(10, 2)
    assert rules(old, old | publication(6, 1, digest="b")) == []
    assert rules(old, old | publication(7, 1, digest="b")) == ["guard-update"]
    assert rules(old, old | publication(7, 1, digest="b"), allow=Allow(updates=("*",))) == []
    assert rules(old, old | publication(7, 1, digest="b"), allow=Allow(updates=("s000", "s001/v1"))) == []
    assert rules(old, old | publication(7, 1, digest="b"), allow=Allow(updates=("t*",))) == ["guard-update"]


def test_all_services_may_move_unless_a_share_says_otherwise() -> None:
    old = publication(30, 6)
    night = old | publication(20, 6, digest="b")
    assert rules(old, night) == []
    assert rules(old, night, Guards(move=0.6)) == ["guard-move"]
    assert rules(old, night, Guards(move=0.6), Allow(moves=("*",))) == []
    assert rules(old, night, Guards(move=0.6), Allow(moves=("s000", "s001"))) == []
    assert rules(old, night, Guards(move=0.6), Allow(updates=("*",), deletes=("*",))) == ["guard-move"]


def endpoint(port: int, **more: Any) -> Endpoint:
    fields = {"url": f"http://10.0.0.1:{port}", "address": "10.0.0.1", "source": "mesh", "tags": ("api",)}
    return Endpoint(port=port, **(fields | more))  # type: ignore[arg-type]


def published(digest: str, *endpoints: Endpoint, source: str = "mesh", auth: str | None = None) -> Published:
    return Published(digest, len(endpoints), Entry(url=None, endpoints=endpoints, sources=(source,), auth=auth))


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        (published("a", endpoint(1), endpoint(2)), "equal"),
        (published("b", endpoint(3), endpoint(4)), "move"),
        (published("b", endpoint(3), endpoint(4, datacenter="dc2", node="n7")), "move"),
        (published("b", endpoint(1)), "update"),
        (published("b", endpoint(1), endpoint(2), endpoint(3)), "grow"),
        (published("b", endpoint(1), endpoint(2), endpoint(3, tags=("web",))), "update"),
        (published("b", endpoint(1), endpoint(2, tags=("web",))), "update"),
        (published("b", endpoint(1), endpoint(2, meta={"owner": "x"})), "update"),
        (published("b", endpoint(1), endpoint(2, weight=5)), "update"),
        (published("b", endpoint(1), endpoint(2, url="https://10.0.0.1:2")), "update"),
        (published("b", endpoint(1), endpoint(2), source="west"), "update"),
        (published("b", endpoint(1), endpoint(2), auth="hmac"), "update"),
        (published("b", endpoint(3), endpoint(4), auth="hmac"), "update"),
        (published("b", endpoint(1), endpoint(2, tags=("web",)), endpoint(3, tags=("web",))), "update"),
        (published("b", endpoint(3), endpoint(4), endpoint(5)), "move"),
        (Published("b", 2), "update"),
        (Published("b", 2, properties="like"), "move"),
        (Published("b", 2, properties="unlike"), "update"),
        (Published("b", 1), "update"),
        (Published("b", 3), "grow"),
    ],
)
def test_a_change_is_a_move_only_where_nothing_but_the_places_of_the_endpoints_changes(
    after: Published, kind: str
) -> None:
    before = Published("a", 2, published("a", endpoint(1), endpoint(2)).entry, properties="like")
    assert kind_of_change(before, after) == kind


def test_endpoints_are_not_taken_for_moved_where_nothing_is_known_of_their_properties() -> None:
    assert kind_of_change(Published("a", 2), Published("b", 2)) == "update"


def test_an_endpoint_that_another_kind_replaces_is_an_update_though_there_are_more() -> None:
    before = published("a", endpoint(1, tags=("primary",)), endpoint(2, tags=("replica",)))
    after = published("b", *(endpoint(port, tags=("replica",)) for port in (3, 4, 5)))
    assert kind_of_change(before, after) == "update"


def test_a_declared_service_that_gets_endpoints_is_no_update() -> None:
    before = Published("a", 0, Entry(url=None, endpoints=(), sources=("mesh",)))
    assert kind_of_change(before, published("b", endpoint(1))) == "grow"


def test_new_services_are_no_change_of_old_ones() -> None:
    assert rules(publication(4), publication(400)) == []


@pytest.mark.parametrize(
    ("before", "after", "refused"), [(10, 4, False), (10, 3, True), (2, 1, False), (2, 0, True), (1, 0, False)]
)
def test_a_registered_service_that_loses_most_endpoints_is_refused(before: int, after: int, refused: bool) -> None:
    old = publication(10) | {Key("big", "v1"): Published("a", before)}
    new = old | {Key("big", "v1"): Published("b", after)}
    assert rules(old, new) == ["guard-instances"] * refused


@pytest.mark.parametrize(
    ("after", "unhealthy", "reason"),
    [
        (0, {"critical": 6}, "0 passing, 6 critical; it had 6 endpoints"),
        (1, {"critical": 2, "maintenance": 1}, "1 passing, 2 critical, 1 maintenance, 2 not registered; it had"),
        (2, {}, "2 passing, 4 not registered; it had"),
        (0, None, "0 endpoints (the reason is unknown offline: the lock holds only passing instances); it had"),
    ],
)
def test_a_refusal_says_whether_instances_fail_or_are_not_registered(
    after: int, unhealthy: dict[str, int] | None, reason: str
) -> None:
    key = Key("svc25", None)
    known = None if unhealthy is None else {key: unhealthy}
    old = publication(10) | {key: Published("a", 6)}
    new = old | {key: Published("b", after)}
    (found,) = guard_findings(old, new, Guards(), Allow(), {}, today=TODAY, unhealthy=known)
    assert (found.service, found.version) == ("svc25", None)
    assert found.message.startswith(reason)


def test_names_without_endpoints_count_as_deleted_where_a_source_freezes_no_more() -> None:
    old = publication(10, endpoints=0)
    new = without(old, 4)
    assert rules(old, new) == []
    (found,) = guard_findings(old, new, Guards(), Allow(), {}, today=TODAY, names_only=True)
    assert found.rule == "guard-delete"
    assert found.message.startswith("4 of 10 services are not registered any more")


def test_a_loss_of_all_endpoints_is_not_told_as_missing_registrations_where_names_alone_are_frozen() -> None:
    old, new = publication(1, endpoints=6), publication(1, endpoints=0, digest="b")
    (found,) = guard_findings(old, new, Guards(), Allow(), {}, today=TODAY, unhealthy={}, names_only=True)
    assert found.message.startswith("0 endpoints (a source has `endpoints: false` under `keep`); it had 6 endpoints")


def printed_consent(found: Iterable[Finding]) -> tuple[list[str], list[str]]:
    """What the help lines print to be pasted: the arguments of `--allow`, and the entries of `guards.accept`."""
    spans = [span for finding in found for span in re.findall("`([^`]*)`", str(finding.help))]
    options = [shlex.split(span)[1] for span in spans if span.startswith("--allow ")]
    return options, [span for span in spans if span.startswith("- ")]


def test_a_refusal_prints_the_option_and_the_entry_that_consent_to_it() -> None:
    key = Key("svc25", None)
    old = publication(10) | {key: Published("a", 6)}
    new = old | {key: Published("b", 0)}
    options, entries = printed_consent(guard_findings(old, new, Guards(), Allow(), {}, today=TODAY))
    assert options == ["deletes=svc25"]
    assert yaml.safe_load("\n".join(entries)) == [
        {"rule": "guard-instances", "service": "svc25", "until": date(2026, 1, 15), "why": "say why"}
    ]
    assert rules(old, new, allow=Allow(deletes=("svc25",))) == []
    assert rules(old, new, Guards(accept=(accept("guard-instances", "svc25"),))) == []


def test_what_several_refusals_print_makes_one_list_that_accepts_exactly_them() -> None:
    failing = {Key("svc25", None): Published("a", 6), Key("svc26", "v1"): Published("a", 6)}
    old = publication(10) | failing
    new = without(publication(10), 4) | {key: Published("b", 0) for key in failing}
    found = guard_findings(old, new, Guards(), Allow(), {}, today=TODAY)
    assert [finding.rule for finding in found] == ["guard-delete", "guard-instances", "guard-instances"]
    options, entries = printed_consent(found)
    items = yaml.safe_load("\n".join(entries))
    assert rules(old, new, Guards(accept=tuple(accept(item["rule"], item["service"]) for item in items))) == []
    globs = tuple(word.removeprefix("deletes=") for option in options for word in option.split(","))
    assert rules(old, new, allow=Allow(deletes=globs)) == []
    more = without(publication(10), 8) | {key: Published("b", 0) for key in failing}
    assert rules(old, more, allow=Allow(deletes=globs)) == ["guard-delete"]


def test_consent_to_few_deleted_services_lets_no_other_one_fail() -> None:
    failing = Key("svc25", None)
    old = publication(10) | {failing: Published("a", 6)}
    new = without(publication(10), 4) | {failing: Published("b", 0)}
    (deleted, _) = guard_findings(old, new, Guards(), Allow(), {}, today=TODAY)
    (option,), _ = printed_consent([deleted])
    assert option == "deletes=s000/v1,deletes=s001/v1,deletes=s002/v1,deletes=s003/v1"
    globs = tuple(word.removeprefix("deletes=") for word in option.split(","))
    assert rules(old, new, allow=Allow(deletes=globs)) == ["guard-instances"]


def test_consent_to_many_services_says_that_it_is_for_all() -> None:
    (found,) = guard_findings(publication(20), without(publication(20), 7), Guards(), Allow(), {}, today=TODAY)
    assert "rerun with `--allow deletes`, for all services, or" in str(found.help)
    assert 'service: "*"' in str(found.help)


def accept(rule: str, service: str = "*", until: str = "2026-01-15") -> Waiver:
    return Waiver(rule=rule, service=service, until=until, why="retired", origin=FileOrigin("frostline.yaml", 9))


def test_an_accepted_change_passes_through_its_last_day_and_then_is_refused_with_a_warning() -> None:
    old, entry = publication(20, 2), accept("guard-delete", "s00*")
    new = without(old, 8)
    guards = Guards(accept=(entry,))
    assert rules(old, new, guards) == []
    for today, expected in (
        (date(2026, 1, 15), []),
        (date(2026, 1, 16), ["guard-delete", "guard-accept-expired"]),
    ):
        found = guard_findings(old, new, guards, Allow(), {}, today=today)
        assert [finding.rule for finding in found] == expected
    assert {finding.severity for finding in found if finding.rule == "guard-accept-expired"} == {"warning"}
    assert str(found[-1].origin) == "frostline.yaml:9:1"


def test_an_entry_accepts_its_own_rule_alone() -> None:
    old = publication(20, 2)
    assert rules(old, without(old, 8), Guards(accept=(accept("guard-instances"),))) == ["guard-delete"]
    shrunk = old | publication(1, 0, digest="b")
    assert rules(old, shrunk, Guards(accept=(accept("guard-delete"),))) == ["guard-instances"]


def test_an_entry_that_fits_no_service_is_warned_of_on_the_first_run_too() -> None:
    guards = Guards(accept=(accept("guard-delete", "typo"), accept("guard-delete", "s000/v1")))
    assert rules(publication(2), publication(2), guards) == ["guard-accept-unused"]
    assert rules(None, publication(2), guards) == ["guard-accept-unused"]


def test_endpoints_that_move_to_another_version_are_not_lost() -> None:
    old: Publication = {Key("big", "v1"): Published("a", 10)}
    assert rules(old, {Key("big", "v1"): Published("b", 1), Key("big", "v2"): Published("c", 9)}) == []


@pytest.mark.parametrize("old", [None, {}, publication(10)])
@pytest.mark.parametrize("guards", [Guards(), Guards(empty="allow")])
def test_an_empty_registry_is_refused_on_the_first_run_too(old: Publication | None, guards: Guards) -> None:
    found = rules(old, {}, guards)
    if guards.empty == "refuse":
        assert found == ["guard-empty"]
    else:
        assert found == (["guard-delete"] if old else [])


def test_an_empty_registry_is_not_allowed_by_the_scope_of_one_segment() -> None:
    assert rules(publication(10), {}, allow=Allow(empty=("mesh/dc1",))) == ["guard-empty"]


def test_allow_empty_lets_everything_go_at_once() -> None:
    assert rules(publication(10, endpoints=5), {}, allow=Allow(empty=("*",))) == []


def test_a_registry_of_declared_services_is_not_empty() -> None:
    assert rules(None, publication(1, endpoints=0)) == []


def test_a_first_publication_knows_no_other_guard() -> None:
    assert rules(None, publication(1)) == []


def test_allowed_deletes_do_not_count() -> None:
    old = publication(20, endpoints=2)
    new = without(old, 8)
    assert rules(old, new) == ["guard-delete"]
    assert rules(old, new, allow=Allow(deletes=("*",))) == []
    assert rules(old, new, allow=Allow(deletes=("s00[0-7]/*",))) == []
    assert rules(old, new, allow=Allow(deletes=("s00[0-1]",))) == []
    assert rules(old, new, allow=Allow(deletes=("s000",))) == ["guard-delete"]
    assert rules(old, new, allow=Allow(updates=("*",), empty=("*",))) == ["guard-delete"]
    shrunk = old | publication(3, 0, digest="b")
    assert rules(old, shrunk, allow=Allow(deletes=("s00[0-1]",))) == ["guard-instances"]
    assert rules(old, shrunk, allow=Allow(deletes=("s00[0-2]",))) == []


@pytest.mark.parametrize("new", [{}, {Key("a", "v1"): Published("b", 0)}])
def test_a_service_that_somebody_needs_never_vanishes_unless_allowed(new: Publication) -> None:
    old: Publication = {Key("a", "v1"): Published("a", 1), Key("b", None): Published("a", 1)}
    new = new | {Key("b", None): Published("a", 1)}
    consumers = {Key("a", "v1"): ("shop/web",)}
    assert rules(old, new, consumers=consumers) == ["guard-upstream"]
    assert rules(old, new, consumers=consumers, allow=Allow(empty=("*",))) == ["guard-upstream"]
    assert rules(old, new, consumers=consumers, allow=Allow(deletes=("a/v1",))) == []


def test_the_flag_in_a_help_line_is_safe_to_paste_whatever_the_service_is_called() -> None:
    key: Key = Key("a'; touch x; '", "v1")
    (found,) = guard_findings(
        {key: Published("a", 1), Key("b", None): Published("a", 1)},
        {Key("b", None): Published("a", 1)},
        Guards(),
        Allow(),
        {key: ("web",)},
        today=TODAY,
    )
    command = (found.help or "").split("`")[1]
    assert shlex.split(command) == ["--allow", f"deletes={key[0]}/v1"]


def test_a_finding_names_counts_threshold_the_first_ten_services_and_the_flag() -> None:
    old = publication(20)
    (found,) = guard_findings(old, without(old, 12), Guards(delete=0.125), Allow(), {}, today=TODAY)
    assert "12 of 20" in found.message
    assert "12.5%" in found.message
    assert found.message.count("`s0") == 10
    assert "and 2 more" in found.message
    assert "`--allow deletes`" in (found.help or "")


def test_a_segment_that_had_something_and_now_has_nothing_is_refused() -> None:
    old = {("mesh", "dc1", ""): 3, ("mesh", "dc2", ""): 0, ("mesh", "dc3", "ops"): 1, ("mesh", "dc4", ""): 1}
    new = {("mesh", "dc1", ""): 0, ("mesh", "dc2", ""): 0, ("mesh", "dc4", ""): 1}
    found = emptied_segments(old, new, Guards(), Allow())
    first, second = found
    assert (first.origin, second.origin) == (InstanceOrigin("mesh", "dc3", "ops"), InstanceOrigin("mesh", "dc1", ""))
    assert str(first.help).endswith("; all 2 together: `--allow empty=mesh/dc1,empty=mesh/dc3`")
    assert str(second.help).endswith("rerun with `--allow empty=mesh/dc1`")
    assert emptied_segments(old, new, Guards(), Allow(empty=("*",))) == ()
    assert emptied_segments(old, new, Guards(), Allow(empty=("mesh",))) == ()
    (left,) = emptied_segments(old, new, Guards(), Allow(empty=("mesh/dc1",)))
    assert str(left.origin) == "mesh(datacenter=dc3, namespace=ops)"
    assert "`--allow empty=mesh/dc3`" in str(left.help)
    assert emptied_segments(old, new, Guards(empty="allow"), Allow()) == ()


def test_a_source_that_answers_nothing_anywhere_is_refused() -> None:
    new: dict[Any, int] = {("mesh", "dc1", ""): 0, ("mesh", "dc2", ""): 0, ("live", "a", ""): 0, ("live", "b", ""): 1}
    assert [finding.value for finding in empty_sources(new, Guards(), Allow())] == ["mesh"]
    assert empty_sources(new, Guards(), Allow(empty=("*",))) == ()
    assert empty_sources(new, Guards(), Allow(empty=("mesh",))) == ()
    assert empty_sources(new, Guards(), Allow(empty=("mesh/dc1", "mesh/dc2"))) == ()
    assert len(empty_sources(new, Guards(), Allow(empty=("mesh/dc1",)))) == 1
    assert empty_sources(new, Guards(empty="allow"), Allow()) == ()


def test_each_of_two_services_that_are_written_alike_is_refused() -> None:
    consumers = {Key("pay", "v1"): ("shop/web",), Key("pay/v1", None): ("shop/cron",)}
    old = dict.fromkeys(consumers, Published("a", 1, properties="p"))
    assert rules(old, publication(1), consumers=consumers) == ["guard-upstream"] * 2
