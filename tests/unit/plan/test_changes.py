from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from frostline.model import Bind, Dependency, Endpoint, Entry, Key, Registry, Upstream, registry_of
from frostline.plan.changes import (
    Comparison,
    EndpointChange,
    LockAction,
    Plan,
    RegistryState,
    ServiceChange,
    plan_of,
    plan_value,
    summary,
)
from frostline.plan.text import plan_lines
from frostline.published import FileChange, ManifestEntry
from frostline.registry.assembling import entry_digest
from frostline.resources import schema_text
from frostline.text import UNKNOWN_ENDPOINTS, escape_control

SCHEMA = Draft202012Validator(json.loads(schema_text("plan")))
HEADER = "Services:"


def endpoint(port: int, **more: Any) -> Endpoint:
    given: dict[str, Any] = {"address": "10.0.0.1", "source": "mesh", "datacenter": "dc1", **more}
    return Endpoint(**{"url": f"http://10.0.0.1:{port}", "port": port} | given)


def entry(*endpoints: Endpoint, source: str = "mesh") -> Entry:
    return Entry(url=endpoints[0].url if endpoints else None, endpoints=endpoints, sources=(source,))


def dependency(job: str, key: Key) -> Dependency:
    upstream = Upstream(namespace="default", job=job, group="web", destination=key.service, bind=Bind(port=1))
    return Dependency(upstream=upstream, source="mesh", service=key.service, version=key.version)


def entries_of(registry: Registry) -> tuple[ManifestEntry, ...]:
    return tuple(
        ManifestEntry(service=service, version=version, digest=entry_digest(entry), endpoints=len(entry.endpoints))
        for (service, version), entry in registry.entries()
    )


def plan(
    old: dict[Key, Entry],
    new: dict[Key, Entry],
    *files: FileChange,
    lock: LockAction | None = None,
    known: Any = None,
    upstreams: Iterable[Dependency] = (),
) -> Plan:
    """Plan from the published `old` to `new`. known: what the committed lock gives, if it is not `old`."""
    published, wanted = registry_of(old), registry_of(new, upstreams)
    locked = published if known is None else registry_of(known)
    comparison = Comparison(
        published=entries_of(published),
        baseline=RegistryState(locked, entries_of(locked)),
        new=RegistryState(wanted, entries_of(wanted)),
    )
    return plan_of(comparison, files, lock)


def text(plan: Plan) -> list[str]:
    return list(plan_lines(plan))


def test_a_plan_without_changes_says_that_everything_is_up_to_date() -> None:
    same = {("a", None): entry(endpoint(1)), ("a", "v1"): entry()}
    keep = FileChange(path="a.py", output="a.py", action="keep")
    found = plan(same, same, keep)
    assert not found.has_changes
    assert found.files == ()
    assert text(found) == ["No changes. Everything published is up to date."]


def test_services_that_come_and_go_are_named_with_their_endpoints() -> None:
    old = {("a", "v1"): entry(endpoint(1), endpoint(2))}
    new = {("b", None): entry(endpoint(3)), ("c", "v2"): entry()}
    assert text(plan(old, new)) == [
        HEADER,
        "  - a v1  (2 -> 0 endpoints)",
        "      - http://10.0.0.1:1",
        "      - http://10.0.0.1:2",
        "  + b unversioned  (1 endpoint)",
        "      + http://10.0.0.1:3",
        "  + c v2  (0 endpoints)",
        "Plan: 2 to add, 0 to change, 1 to remove; 0 files to write, 0 to delete.",
    ]


def test_endpoints_that_come_go_and_change_are_named() -> None:
    old = {("a", None): entry(endpoint(1), endpoint(2), endpoint(3))}
    new = {("a", None): entry(endpoint(2, weight=5, tags=("x",)), endpoint(3), endpoint(4))}
    found = plan(old, new)
    assert text(found)[1:-1] == [
        "  ~ a unversioned  (3 endpoints)",
        "      + http://10.0.0.1:4",
        "      - http://10.0.0.1:1",
        "      ~ its url",
        "      ~ http://10.0.0.1:2  (tags, weight)",
    ]
    assert found.services[0].changed == (
        EndpointChange(None, ("url",)),
        EndpointChange("http://10.0.0.1:2", ("tags", "weight")),
    )


def test_another_authentication_scheme_is_a_change_and_not_a_move() -> None:
    for before, after in ((entry(endpoint(1)), entry(endpoint(2))), (entry(), entry())):
        found = plan({("a", None): before}, {("a", None): replace(after, auth="hmac")})
        assert found.services[0].changed[0] == EndpointChange(None, ("auth", "url") if after.url else ("auth",))
        assert found.services[0].effect == "change"
        SCHEMA.validate(json.loads(json.dumps(plan_value(found))))
    (line,) = [
        line for line in text(plan({("a", None): entry()}, {("a", None): replace(entry(), auth="x")})) if "its" in line
    ]
    assert line == "      ~ its auth"


def test_another_source_of_the_same_endpoints_is_a_change() -> None:
    old, new = {("a", None): entry(endpoint(1))}, {("a", None): entry(endpoint(1), source="other")}
    assert text(plan(old, new))[2] == "      ~ its sources"


def test_one_url_in_two_datacenters_is_compared_in_both() -> None:
    here, there = endpoint(1), endpoint(1, datacenter="dc2")
    new = {("a", None): entry(here, replace(there, weight=7))}
    old = {("a", None): entry(here, there)}
    assert text(plan(old, new))[2] == "      ~ http://10.0.0.1:1  (weight)"
    assert text(plan(old, {("a", None): entry(here)}))[1:3] == [
        "  ~ a unversioned  (2 -> 1 endpoints)",
        "      ~ http://10.0.0.1:1  (how many endpoints have this URL)",
    ]


def test_a_service_published_from_another_lock_is_shown_without_its_endpoints() -> None:
    old, new = {("a", None): entry(endpoint(1))}, {("a", None): entry(endpoint(2))}
    found = plan(old, new, known=new)
    assert not found.services[0].known
    assert text(found)[1:4] == [
        "  ~ a unversioned  (1 endpoint)",
        "      (its published endpoints are not known)",
        UNKNOWN_ENDPOINTS,
    ]
    many = plan(old | {("b", None): entry(endpoint(1))}, new | {("b", None): entry(endpoint(2))}, known={})
    assert text(many).count(UNKNOWN_ENDPOINTS) == 1
    gone = plan(old, {}, known={})
    assert (gone.services[0].removed, gone.services[0].known) == ((), False)


def test_the_consumers_of_a_service_that_vanishes_or_loses_all_endpoints_are_named() -> None:
    payments, other = Key("payments", "v1"), Key("billing", None)
    calls = [dependency("shop", payments), dependency("blog", payments), dependency("shop", other)]
    old = {payments: entry(endpoint(1)), other: entry(endpoint(2))}
    gone = plan(old, {other: old[other]}, upstreams=calls)
    assert gone.services[0].dependents == ("default:blog/web", "default:shop/web")
    assert text(gone)[3:5] == [
        "      ! default:blog/web depends on it",
        "      ! default:shop/web depends on it",
    ]
    declared = plan(old, {**old, payments: entry()}, upstreams=calls)
    assert declared.services[0].dependents == ("default:blog/web", "default:shop/web")


def test_the_consumers_of_a_service_that_is_new_or_still_served_are_not_named() -> None:
    key = Key("payments", "v1")
    calls = [dependency("shop", key)]
    moved = plan({key: entry(endpoint(1))}, {key: entry(endpoint(2))}, upstreams=calls)
    new = plan({}, {key: entry()}, upstreams=calls)
    assert [found.services[0].dependents for found in (moved, new)] == [(), ()]


def test_files_are_shown_with_their_action_and_refusal() -> None:
    files = [
        FileChange(path="a", output="a", action="create"),
        FileChange(path="b", output="b", action="update", refusal="edited"),
        FileChange(path="c", output="c", action="delete"),
        FileChange(path="d", output="d", action="adopt"),
    ]
    found = plan({}, {}, *files, lock="update")
    assert text(found) == [
        "Files:",
        "  + a",
        "  ~ b  (refused: edited)",
        "  - c",
        "  = d",
        "  ~ the lock",
        "Plan: 0 to add, 0 to change, 0 to remove; 2 files to write, 1 to delete.",
    ]
    assert summary(found) == {"add": 0, "change": 0, "remove": 0, "write": 2, "delete": 1}


def test_a_lock_alone_is_a_change() -> None:
    assert plan({}, {}, lock="update").has_changes


def test_a_first_lock_is_added() -> None:
    assert "  + the lock" in text(plan({}, {}, lock="create"))


def test_services_are_in_the_registrys_order() -> None:
    new = {key: entry() for key in (("b", None), ("a", "v2"), ("a", None), ("B", None))}
    order = [(change.service, change.version) for change in plan({}, new).services]
    assert order == [("B", None), ("a", None), ("a", "v2"), ("b", None)]


def effect_of(old: Entry, new: Entry) -> tuple[str, dict[str, int]]:
    (change,) = plan({("a", None): old}, {("a", None): new}).services
    assert plan_value(plan({("a", None): old}, {("a", None): new}))["services"][0]["effect"] == change.effect
    return change.effect, change.moved


def test_as_many_endpoints_with_other_addresses_and_ports_have_only_moved() -> None:
    west = {"datacenter": "dc2"}
    old = entry(endpoint(1), endpoint(2), endpoint(3, **west))
    assert effect_of(old, entry(endpoint(1), endpoint(7), endpoint(8, **west))) == ("move", {"dc1": 1, "dc2": 1})
    assert effect_of(old, entry(endpoint(5, **west), endpoint(6, **west), endpoint(7, **west))) == ("move", {"dc2": 3})


def test_fewer_endpoints_are_a_loss_even_if_all_of_them_moved() -> None:
    assert effect_of(entry(endpoint(1), endpoint(2)), entry(endpoint(3))) == ("shrink", {})
    assert effect_of(entry(endpoint(1)), entry()) == ("shrink", {})


def test_endpoints_that_move_and_change_in_another_way_have_not_only_moved() -> None:
    old = entry(endpoint(1, tags=("a",)), endpoint(2))
    secure = replace(endpoint(4), url="https://10.0.0.1:4")
    for new in (
        entry(endpoint(3, tags=("b",)), endpoint(2)),
        entry(endpoint(3, tags=("a",), meta={"k": "v"}), endpoint(2)),
        entry(endpoint(3, tags=("a",), weight=2), endpoint(2)),
        entry(endpoint(3, tags=("a",)), secure),
        entry(endpoint(3, tags=("a",)), endpoint(2, datacenter="dc2")),
        entry(endpoint(3, tags=("a",)), endpoint(2), source="other"),
        entry(endpoint(3, tags=("a",)), endpoint(2), endpoint(4)),
    ):
        assert effect_of(old, new) == ("change", {})


def test_a_change_of_the_lock_alone_does_not_change_the_registry() -> None:
    assert not plan({}, {}, lock="update").changes_registry
    assert plan({}, {("a", None): entry()}).changes_registry
    assert plan({}, {}, FileChange(path="a", output="a", action="update")).changes_registry


TEXTS = st.text(st.characters(exclude_categories=()), max_size=8)
CHANGES = st.builds(
    ServiceChange,
    service=TEXTS,
    version=st.none() | TEXTS,
    action=st.sampled_from(["add", "change", "remove"]),
    before=st.integers(0, 9),
    after=st.integers(0, 9),
    added=st.lists(TEXTS, max_size=2).map(tuple),
    removed=st.lists(TEXTS, max_size=2).map(tuple),
    changed=st.lists(st.builds(EndpointChange, TEXTS, st.just(("tags",))), max_size=2).map(tuple),
    known=st.booleans(),
    moved=st.dictionaries(TEXTS, st.integers(1, 9), max_size=2),
)
FILES = st.builds(
    FileChange,
    path=TEXTS,
    output=TEXTS,
    action=st.sampled_from(["create", "update", "delete", "adopt"]),
    refusal=st.sampled_from([None, "edited", "adopt"]),
)
PLANS = st.builds(
    Plan,
    services=st.lists(CHANGES, max_size=3).map(tuple),
    files=st.lists(FILES, max_size=3).map(tuple),
    lock=st.sampled_from([None, "create", "update"]),
)


@settings(max_examples=50, deadline=None)
@given(PLANS)
def test_every_plan_fits_its_schema_and_shows_only_printable_text(plan: Plan) -> None:
    SCHEMA.validate(json.loads(json.dumps(plan_value(plan))))
    assert all(escape_control(line) == line for line in plan_lines(plan, verbose=True))
    assert all(escape_control(line) == line for line in plan_lines(plan))
