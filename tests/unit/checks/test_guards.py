from __future__ import annotations

import shlex
from typing import Any

import pytest

from frostline.checks.guards import Published, emptied_segments, empty_sources, guard_findings
from frostline.model import InstanceOrigin, Key
from frostline.settings import Allow, Guards

Publication = dict[Key, Published]


def publication(number: int, endpoints: int = 1, digest: str = "a") -> Publication:
    return {Key(f"s{place:03}", "v1"): Published(digest, endpoints) for place in range(number)}


def rules(
    old: Publication | None,
    new: Publication,
    guards: Guards | None = None,
    allow: Allow | None = None,
    consumers: dict[Key, tuple[str, ...]] | None = None,
) -> list[str]:
    found = guard_findings(old, new, guards or Guards(), allow or Allow(), consumers or {})
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
    assert rules(publication(3), publication(3, digest="b")) == []


def test_a_service_left_without_endpoint_counts_as_gone() -> None:
    old = publication(10)
    assert rules(old, old | publication(4, endpoints=0, digest="b")) == ["guard-delete"]


def test_a_service_that_was_only_declared_does_not_count_as_gone() -> None:
    old = publication(10, endpoints=0) | {Key("x", None): Published("a", 1)}
    assert rules(old, {Key("x", None): Published("a", 1)}) == []


def test_more_than_the_share_changed_is_refused_until_allowed() -> None:
    old = publication(10)
    assert rules(old, old | publication(6, digest="b")) == []
    assert rules(old, old | publication(7, digest="b")) == ["guard-update"]
    assert rules(old, old | publication(7, digest="b"), allow=Allow(updates=True)) == []


def test_a_service_that_is_gone_does_not_count_as_changed() -> None:
    old = publication(10)
    new = old | publication(7, endpoints=0, digest="b")
    assert rules(old, new) == ["guard-delete"]
    assert rules(old, new, allow=Allow(deletes="*")) == []


def test_new_services_are_no_change_of_old_ones() -> None:
    assert rules(publication(4), publication(400)) == []


@pytest.mark.parametrize(
    ("before", "after", "refused"), [(10, 4, False), (10, 3, True), (2, 1, False), (2, 0, True), (1, 0, False)]
)
def test_a_service_that_loses_most_endpoints_is_refused(before: int, after: int, refused: bool) -> None:
    old = publication(10) | {Key("big", "v1"): Published("a", before)}
    new = old | {Key("big", "v1"): Published("b", after)}
    assert rules(old, new) == ["guard-instances"] * refused


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


def test_allow_empty_lets_everything_go_at_once() -> None:
    assert rules(publication(10, endpoints=5), {}, allow=Allow(empty=True)) == []


def test_a_registry_of_declared_services_is_not_empty() -> None:
    assert rules(None, publication(1, endpoints=0)) == []


def test_a_first_publication_knows_no_other_guard() -> None:
    assert rules(None, publication(1)) == []


def test_allowed_deletes_do_not_count() -> None:
    old = publication(20, endpoints=2)
    new = without(old, 8)
    assert rules(old, new) == ["guard-delete", "guard-instances"]
    assert rules(old, new, allow=Allow(deletes="*")) == []
    assert rules(old, new, allow=Allow(deletes="s00[0-7]/*")) == []
    assert rules(old, new, allow=Allow(deletes="s00[0-3]")) == ["guard-instances"]
    assert rules(old, new, allow=Allow(updates=True, empty=True)) == ["guard-delete", "guard-instances"]


@pytest.mark.parametrize("new", [{}, {Key("a", "v1"): Published("b", 0)}])
def test_a_service_that_somebody_needs_never_vanishes_unless_allowed(new: Publication) -> None:
    old: Publication = {Key("a", "v1"): Published("a", 1), Key("b", None): Published("a", 1)}
    new = new | {Key("b", None): Published("a", 1)}
    consumers = {Key("a", "v1"): ("shop/web",)}
    assert rules(old, new, consumers=consumers) == ["guard-upstream"]
    assert rules(old, new, consumers=consumers, allow=Allow(empty=True)) == ["guard-upstream"]
    assert rules(old, new, consumers=consumers, allow=Allow(deletes="a/v1")) == []


def test_the_flag_in_a_help_line_is_safe_to_paste_whatever_the_service_is_called() -> None:
    key: Key = Key("a'; touch x; '", "v1")
    (found,) = guard_findings(
        {key: Published("a", 1), Key("b", None): Published("a", 1)},
        {Key("b", None): Published("a", 1)},
        Guards(),
        Allow(),
        {key: ("web",)},
    )
    command = (found.help or "").split("`")[1]
    assert shlex.split(command) == ["--allow", f"deletes={key[0]}/v1"]


def test_a_finding_names_counts_threshold_the_first_ten_services_and_the_flag() -> None:
    old = publication(20)
    (found,) = guard_findings(old, without(old, 12), Guards(delete=0.125), Allow(), {})
    assert "12 of 20" in found.message
    assert "12.5%" in found.message
    assert found.message.count("`s0") == 10
    assert "and 2 more" in found.message
    assert "`--allow deletes`" in (found.help or "")


def test_a_segment_that_had_something_and_now_has_nothing_is_refused() -> None:
    old = {("mesh", "dc1", ""): 3, ("mesh", "dc2", ""): 0, ("mesh", "dc3", "ops"): 1, ("mesh", "dc4", ""): 1}
    new = {("mesh", "dc1", ""): 0, ("mesh", "dc2", ""): 0, ("mesh", "dc4", ""): 1}
    found = emptied_segments(old, new, Guards(), Allow())
    assert [finding.origin for finding in found] == [
        InstanceOrigin("mesh", "dc1", ""),
        InstanceOrigin("mesh", "dc3", "ops"),
    ]
    assert emptied_segments(old, new, Guards(), Allow(empty=True)) == ()
    assert emptied_segments(old, new, Guards(empty="allow"), Allow()) == ()


def test_a_source_that_answers_nothing_anywhere_is_refused() -> None:
    new: dict[Any, int] = {("mesh", "dc1", ""): 0, ("mesh", "dc2", ""): 0, ("live", "a", ""): 0, ("live", "b", ""): 1}
    assert [finding.value for finding in empty_sources(new, Guards(), Allow())] == ["mesh"]
    assert empty_sources(new, Guards(), Allow(empty=True)) == ()
    assert empty_sources(new, Guards(empty="allow"), Allow()) == ()
